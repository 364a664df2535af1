"""Pmfs that change with every symbol are coded exactly as given, under the same checksum and the same echo."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from codec.entropy import Decoder, Encoder, tables_from_pmfs
from codec.entropy.coder import Coder
from codec.errors import CodecError, FormatError

TABLES = tables_from_pmfs([[0.5, 0.4, 0.1]], [0])
proved = hypothesis_settings(derandomize=True, deadline=None, max_examples=60)


def random_pmfs(count: int, size: int, precision: int, seed: int) -> np.ndarray:
    """From flat to one entry holding all but the floor."""
    rng = np.random.default_rng(seed)
    weights = (0.1 + rng.random((count, size))) ** rng.integers(0, 200, (count, 1))
    room = (1 << precision) - size
    cumulative = np.floor(np.cumsum(weights, 1) / weights.sum(1, keepdims=True) * room).astype(np.int64)
    cumulative[:, -1] = room
    return np.diff(cumulative, axis=1, prepend=0) + 1


def both_ways(symbols: np.ndarray, pmfs: np.ndarray, precision: int) -> bytes:
    encoder = Encoder()
    encoder.code_pmfs(symbols, pmfs, precision)
    data = encoder.finish()
    decoder = Decoder(data)
    assert np.array_equal(decoder.code_pmfs(None, pmfs, precision), symbols)
    decoder.finish()
    assert decoder.checksum == encoder.checksum == zlib.crc32(symbols.astype("<i4").tobytes())
    return data


@proved
@given(st.integers(0, 40), st.integers(2, 256), st.sampled_from([9, 12, 16, 20]), st.integers(0, 2**32 - 1))
def test_every_symbol_comes_back(count: int, size: int, precision: int, seed: int) -> None:
    symbols = np.random.default_rng(seed).integers(0, size, count)
    both_ways(symbols, random_pmfs(count, size, precision, seed), precision)


@pytest.mark.parametrize(("size", "precision"), [(2, 8), (5, 16), (16, 20), (256, 20)])
def test_a_pmf_costs_the_same_bytes_as_a_table_that_holds_it(size: int, precision: int) -> None:
    pmfs = random_pmfs(12, size, precision, seed=size)
    symbols = np.tile(np.arange(size - 1), 3)  # all but the last entry, a table's escape
    for pmf in pmfs:
        table = tables_from_pmfs([pmf], [0], precision)
        assert np.array_equal(table.table(0), pmf)
        encoder = Encoder()
        encoder.code(symbols, np.zeros(len(symbols), np.uint8), table)
        assert both_ways(symbols, np.tile(pmf, (len(symbols), 1)), precision) == encoder.finish()


def test_real_bytes_are_the_ideal_length() -> None:
    pmfs = random_pmfs(20_000, 16, 20, seed=1)
    rng = np.random.default_rng(2)
    symbols = (rng.integers(0, 1 << 20, (20_000, 1)) >= np.cumsum(pmfs, 1)).sum(1)
    ideal = -np.log2(pmfs[np.arange(20_000), symbols] / (1 << 20)).sum() / 8
    assert ideal <= len(both_ways(symbols, pmfs, 20)) <= ideal + 4


def test_calls_with_tables_and_with_pmfs_mix() -> None:
    pmfs = random_pmfs(30, 16, 20, seed=3)
    first, second = np.arange(30) % 2, np.arange(30) % 16

    def run(coder: Coder, encoding: bool) -> list[np.ndarray]:
        index = np.zeros(30, np.uint8)
        out = [coder.code(first if encoding else None, index, TABLES)]
        out.append(coder.code_pmfs(second if encoding else None, pmfs, 20))
        return [*out, coder.code(first if encoding else None, index, TABLES)]

    encoder = Encoder()
    run(encoder, True)
    decoder = Decoder(encoder.finish())
    assert all(np.array_equal(a, b) for a, b in zip(run(decoder, False), (first, second, first), strict=True))
    decoder.finish()
    assert decoder.checksum == encoder.checksum


def test_flipping_any_bit_is_detected() -> None:
    pmfs = random_pmfs(40, 16, 20, seed=4)
    symbols = np.arange(40) % 16
    encoder = Encoder()
    encoder.code_pmfs(symbols, pmfs, 20)
    data = encoder.finish()
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        decoder = Decoder(bytes(damaged))
        try:
            decoder.code_pmfs(None, pmfs, 20)
            decoder.finish()
        except FormatError:
            continue
        assert decoder.checksum != encoder.checksum


@pytest.mark.parametrize(
    ("pmfs", "precision"),
    [
        ([[255, 0]], 8),
        ([[128, 127]], 8),
        ([[1 << 20, 1 << 20]], 21),
        ([[64, 64]], 7),
        ([[256]], 8),
        ([128, 128], 8),
        ([[128.0, 128.0]], 8),
    ],
)
def test_a_bad_pmf_is_refused(pmfs: list, precision: int) -> None:
    for coder, symbols in ((Encoder(), np.array([0])), (Decoder(b""), None)):
        with pytest.raises(CodecError):
            coder.code_pmfs(symbols, np.array(pmfs), precision)


@pytest.mark.parametrize("symbols", [[2], [-1], [0, 0], [[0]], [0.0]])
def test_a_symbol_outside_its_pmf_is_refused(symbols: list) -> None:
    with pytest.raises(CodecError):
        Encoder().code_pmfs(np.array(symbols), np.array([[128, 128]]), 8)


def test_each_direction_says_what_it_takes() -> None:
    pmfs = np.array([[128, 128]])
    with pytest.raises(CodecError, match="needs symbols"):
        Encoder().code_pmfs(None, pmfs, 8)
    with pytest.raises(CodecError, match="takes no symbols"):
        Decoder(b"").code_pmfs(np.array([0]), pmfs, 8)
