"""Integers as bytes: minimal LEB128 varints, and a cursor that reads a payload field by field."""

import struct

from codec.errors import FormatError

VARINT_BYTES = 10  # the most that a 64-bit value takes


def varint(value: int) -> bytes:
    """The shortest LEB128 encoding of an integer in 0..2^64-1."""
    if not 0 <= value < 2**64:
        raise FormatError(f"{value} does not fit an unsigned 64-bit field")
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Cursor:
    """Reads fields off the front of a payload; running off its end is a FormatError that names `what`."""

    def __init__(self, data: bytes, what: str) -> None:
        self.data = data
        self.what = what
        self.position = 0

    def take(self, count: int) -> bytes:
        end = self.position + count
        if end > len(self.data):
            raise FormatError(f"damaged: {self.what} ends in the middle of a field; get a whole copy of the file")
        start, self.position = self.position, end
        return self.data[start:end]

    def rest(self) -> bytes:
        return self.take(len(self.data) - self.position)

    def byte(self) -> int:
        return self.take(1)[0]

    def u32(self) -> int:
        return int(struct.unpack("<I", self.take(4))[0])

    def varint(self) -> int:
        data, at = self.data, self.position
        if at < len(data) and data[at] < 0x80:  # nearly all of them, and a file may have a million
            self.position = at + 1
            return data[at]
        value = 0
        for shift in range(0, 7 * VARINT_BYTES, 7):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if (byte == 0 and shift) or value >= 2**64:
                    break
                return value
        raise FormatError(
            f"damaged: {self.what} has a number that is not in its shortest form; get a whole copy of the file"
        )
