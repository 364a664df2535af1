"""TIFFs made byte by byte, of pages with whatever tags a test wants."""

import struct
from collections.abc import Mapping, Sequence

import numpy as np

KINDS = {1: "B", 2: "B", 3: "H", 4: "I", 7: "B", 8: "h", 9: "i", 10: "i", 11: "f", 12: "d"}
Values = tuple[int, Sequence[float]]  # the type of a tag, and its values (two a rational)


def tiff(*pages: tuple[np.ndarray, Mapping[int, Values]], order: str = "<") -> bytes:
    """A TIFF of pages, each samples [height, width, channels] of 8 or 16 bits, and tags beside those that they need.

    A tag 330 of a page may have the numbers of later pages, which are then inside it and not in the chain.
    """
    data = (b"II*\0" if order == "<" else b"MM\0*") + bytes(4)
    strips = []
    for samples, _ in pages:
        strips.append(len(data))
        data += samples.astype(samples.dtype.newbyteorder(order)).tobytes() + bytes(samples.nbytes % 2)
    inside = {int(number) for _, tags in pages for number in tags.get(330, (4, ()))[1]}
    places: dict[int, int] = {}
    links = [4]
    for number in reversed(range(len(pages))):  # so that the places of those inside are known
        samples, more = pages[number]
        places[number], linked, part = len(data), 0, b""
        tags = _layout(samples, strips[number]) | dict(more)
        if 330 in more:
            tags[330] = (4, [places[int(inner)] for inner in more[330][1]])
        part, linked = _directory(tags, len(data), order)
        data += part
        links.append(linked)
    chain = [number for number in range(len(pages)) if number not in inside]
    patched = bytearray(data)
    at = 4
    for number in chain:
        struct.pack_into(order + "I", patched, at, places[number])
        at = links[len(pages) - number]
    return bytes(patched)


def _layout(samples: np.ndarray, strip: int) -> dict[int, Values]:
    height, width, channels = samples.shape
    tags: dict[int, Values] = {
        256: (3, [width]), 257: (3, [height]), 258: (3, [8 * samples.itemsize] * channels), 259: (3, [1]),
        262: (3, [2 if channels > 2 else 1]), 273: (4, [strip]), 277: (3, [channels]), 278: (3, [height]),
        279: (4, [samples.nbytes]),
    }  # fmt: skip
    return tags | ({338: (3, [2])} if channels in (2, 4) else {})


def _directory(tags: Mapping[int, Values], start: int, order: str) -> tuple[bytes, int]:
    """A directory that stands at `start`, and where it says where the next one is."""
    after = start + 2 + 12 * len(tags)
    entries, extra = b"", b""
    for tag, (kind, values) in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(values)}{KINDS[kind]}", *values)
        if len(packed) > 4:
            place = after + 4 + len(extra)
            packed, extra = struct.pack(order + "I", place), extra + packed + bytes(len(packed) % 2)
        entries += struct.pack(order + "HHI", tag, kind, len(values) // (2 if kind in (5, 10) else 1)) + packed.ljust(
            4, b"\0"
        )
    return struct.pack(order + "H", len(tags)) + entries + bytes(4) + extra, after
