"""The unit before all others of a picture that a network was tuned to: which network, and its differences."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from codec.codecs.circuit.differences import Differences, code_differences, shapes, tuned
from codec.codecs.circuit.network import Network
from codec.entropy import Decoder, Encoder
from codec.errors import FormatError


def encode(number: int, network: Network, differences: Differences) -> bytes:
    """The payload for differences to the network of this number."""
    encoder = Encoder()
    code_differences(encoder, differences, shapes(network))
    return bytes([number]) + encoder.finish()


def decode(payload: bytes, networks: Sequence[Network]) -> Network:
    """The tuned network; FormatError if the payload is damaged."""
    if not payload or payload[0] >= len(networks):
        raise FormatError("tunes no network of these weights; get a whole copy of the file")
    network, decoder = networks[payload[0]], Decoder(payload[1:])
    differences = code_differences(decoder, None, shapes(network))
    decoder.finish()
    return tuned(network, differences)


def checksum(network: Network) -> int:
    """CRC-32 of a network's integers, in the order of their names, as 4 bytes each, the low one first."""
    value = 0
    for _, tensor in sorted(network.tensors.items()):
        value = zlib.crc32(np.ascontiguousarray(tensor, "<i4").data, value)
    return value
