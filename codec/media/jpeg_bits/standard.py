"""The tables that ITU-T T.81's Annex K gives, which most encoders write and some files leave out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

ZIGZAG = np.array(
    [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
        28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61,
        54, 47, 55, 62, 63,
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
