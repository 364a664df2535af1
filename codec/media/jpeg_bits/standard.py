"""The tables that ITU-T T.81's Annex K gives, which most encoders write and some files leave out."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

ZIGZAG = np.array(
    [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14,
        21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60,
        61, 54, 47, 55, 62, 63,
    ]
)  # fmt: skip


class Code(NamedTuple):
    """A Huffman code as DHT has it: how many codes there are of 1 to 16 bits, and their symbols in order."""

    counts: bytes
    symbols: bytes


_BRIGHT_AC = (
    "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a343536373839"
    "3a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7"
    "a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"
)
_COLOUR_AC = (
    "0001020311040521310612415107617113223281081442 91a1b1c109233352f0156272d10a162434e125f11718191a262728292a35363738"
    "393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5"
    "a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
).replace(" ", "")
# By class (0 DC, 1 AC) and number (0 brightness, 1 colour).
CODES = {
    (0, 0): Code(bytes.fromhex("00010501010101010100000000000000"), bytes(range(12))),
    (1, 0): Code(bytes.fromhex("0002010303020403050504040000017d"), bytes.fromhex(_BRIGHT_AC)),
    (0, 1): Code(bytes.fromhex("00030101010101010101010000000000"), bytes(range(12))),
    (1, 1): Code(bytes.fromhex("00020102040403040705040400010277"), bytes.fromhex(_COLOUR_AC)),
}

_BRIGHT = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
    87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
]  # fmt: skip
_COLOUR = [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99,
    99, 99, 99, *[99] * 32,
]  # fmt: skip
_STEPS = np.array([_BRIGHT, _COLOUR])[:, ZIGZAG]


def tables(quality: int) -> np.ndarray:
    """libjpeg's quantisation tables of a quality of 1 to 100, uint8 [2, 64]: brightness, colour; in zigzag order."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((_STEPS * scale + 50) // 100, 1, 255).astype(np.uint8)


def nearest_quality(table: np.ndarray) -> int:
    """The quality whose table of brightness has most in common with this one, [64]."""
    return 1 + int(np.argmax([(tables(quality)[0] == table).sum() for quality in range(1, 101)]))


@lru_cache(maxsize=4)
def header(quality: int) -> bytes:
    """What libjpeg writes before a picture of this quality, without the size."""
    quantisation = [bytes([0xFF, 0xDB, 0, 67, i]) + table.tobytes() for i, table in enumerate(tables(quality))]
    huffman = [
        bytes([0xFF, 0xC4, 0, 19 + len(code.symbols), 16 * kind + number]) + code.counts + code.symbols
        for number in range(2)
        for kind in range(2)
        for code in [CODES[kind, number]]
    ]
    return b"".join(
        [
            bytes.fromhex("ffd8ffe000104a46494600010100000100010000"),
            *quantisation,
            bytes.fromhex("ffc00011080000000003012200021101031101"),
            *huffman,
            bytes.fromhex("ffda000c03010002110311003f00"),
        ]
    )
