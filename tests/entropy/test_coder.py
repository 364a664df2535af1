"""The entropy backend: every symbol comes back, at the price its table says, and damage is an error."""

from __future__ import annotations

import math
import subprocess
import sys
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from codec.entropy import Coder, Decoder, Encoder, Tables, coder, gaussian_tables, tables_from_pmfs
from codec.errors import CodecError, FormatError

LOW, HIGH = -(2**31), 2**31 - 1
proved = settings(derandomize=True, deadline=None, max_examples=150)

GAUSSIANS = gaussian_tables([0.05, 0.4, 1.0, 7.0, 90.0])
PEAKED = tables_from_pmfs([[1.0, 1e-6, 1e-7, 0.0], [0.1, 0.9], [1] * 300], [-1, 0, 100], precision=20)
SHORT = Tables(np.array([255, 1, 1, 255, 128, 128]), np.array([2, 2, 2]), np.array([LOW, 0, HIGH]), 8)


def encode(calls: list[tuple[Any, Any, Tables]]) -> tuple[bytes, int]:
    encoder = Encoder()
    for symbols, index, tables in calls:
        encoder.code(np.asarray(symbols), np.asarray(index), tables)
    return encoder.finish(), encoder.checksum


def decode(data: bytes, calls: list[tuple[Any, Any, Tables]]) -> tuple[list[np.ndarray], int]:
    decoder = Decoder(data)
    symbols = [decoder.code(None, np.asarray(index), tables) for _, index, tables in calls]
    decoder.finish()
    return symbols, decoder.checksum


def assert_round_trip(calls: list[tuple[Any, Any, Tables]]) -> bytes:
    data, checksum = encode(calls)
    decoded, decoded_checksum = decode(data, calls)
    for (symbols, _, _), got in zip(calls, decoded, strict=True):
        assert got.dtype == np.int32
        assert got.shape == np.shape(symbols)
        assert np.array_equal(got, symbols)
    assert checksum == decoded_checksum
    return data


@st.composite
def coding_call(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, Tables]:
    tables = draw(st.sampled_from([GAUSSIANS, PEAKED, SHORT]))
    shape = draw(npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=12))
    values = st.one_of(st.integers(-3, 3), st.integers(-400, 400), st.integers(LOW, HIGH))
    symbols = draw(npst.arrays(np.int32, shape, elements=values))
    index_type = draw(st.sampled_from([np.uint8, np.int16, np.int64]))
    index = draw(npst.arrays(index_type, shape, elements=st.integers(0, len(tables) - 1)))
    return symbols, index, tables


def likely(tables: Tables, count: int, seed: int) -> tuple[np.ndarray, np.ndarray, Tables]:
    """Symbols drawn from the tables themselves, without escapes."""
    rng = np.random.default_rng(seed)
    index = rng.integers(0, len(tables), count)
    symbols = np.empty(count, np.int32)
    for number in range(len(tables)):
        chosen = index == number
        pmf = tables.table(number)[:-1]
        drawn = rng.choice(len(pmf), np.count_nonzero(chosen), p=pmf / pmf.sum())
        symbols[chosen] = drawn + tables.offsets[number]
    return symbols, index, tables


def ideal_bits(symbols: np.ndarray, index: np.ndarray, tables: Tables) -> float:
    bits = 0.0
    for symbol, number in zip(symbols.tolist(), index.tolist(), strict=True):
        bits += tables.precision - math.log2(tables.table(number)[symbol - tables.offsets[number]])
    return bits


@proved
@given(st.lists(coding_call(), max_size=4))
def test_any_symbols_round_trip(calls: list[tuple[np.ndarray, np.ndarray, Tables]]) -> None:
    assert_round_trip(calls)


@pytest.mark.parametrize("tables", [GAUSSIANS, PEAKED, SHORT])
def test_symbols_at_every_edge_round_trip(tables: Tables) -> None:
    first = tables.offsets.astype(np.int64)
    final = first + tables.sizes - 2
    edges = np.concatenate([first - 1, first, final, final + 1, [LOW, LOW + 1, -1, 0, 1, HIGH - 1, HIGH]])
    symbols = np.clip(edges, LOW, HIGH)
    for number in range(len(tables)):
        assert_round_trip([(symbols, np.full(len(symbols), number), tables)])
        for symbol in symbols:
            assert_round_trip([(symbol, number, tables)])


def test_every_distance_beyond_a_table_round_trips() -> None:
    tables = tables_from_pmfs([[0.5, 0.5]], [0])
    powers = np.array([1 << k for k in range(31)])
    symbols = np.concatenate([powers - 1, powers, powers + 1, -powers, 1 - powers, -powers - 1])
    assert_round_trip([(symbols, np.zeros(len(symbols), int), tables)])


def test_many_symbols_round_trip_across_blocks() -> None:
    symbols, index, tables = likely(GAUSSIANS, coder._BLOCK + 1001, seed=1)
    symbols[::1000] = 12345
    assert_round_trip([(symbols, index, tables), (symbols[:5], index[:5], tables)])


def test_more_tables_than_a_byte_counts_round_trip() -> None:
    tables = gaussian_tables(np.linspace(0.1, 4, 300))
    assert_round_trip([likely(tables, 5000, seed=2)])


def test_arrays_that_are_not_contiguous_round_trip() -> None:
    symbols, index, tables = likely(GAUSSIANS, 600, seed=3)
    assert_round_trip([(symbols.reshape(20, 30).T, index.reshape(20, 30).T, tables)])
    assert_round_trip([(symbols[::-2], index[::-2], tables)])


def test_any_integer_type_and_byte_order_round_trips() -> None:
    for kind in ("u1", ">i2", ">i4", "<i8", "<u8"):
        symbols, index = np.array([0, 1, 2, 120], kind), np.array([4, 0, 3, 1], kind)
        assert (
            assert_round_trip([(symbols, index, GAUSSIANS)]) == encode([([0, 1, 2, 120], [4, 0, 3, 1], GAUSSIANS)])[0]
        )


def test_coding_leaves_the_callers_arrays_alone() -> None:
    symbols, index = np.array([9, -9, 500], np.int32), np.zeros(3, np.uint8)
    symbols.setflags(write=False)
    index.setflags(write=False)
    assert_round_trip([(symbols, index, GAUSSIANS)])


def test_short_streams_round_trip_with_carries() -> None:
    """Thousands of short messages reach the range coder's rare carry states."""
    rng = np.random.default_rng(4)
    for _ in range(3000):
        count = int(rng.integers(1, 40))
        assert_round_trip([(rng.integers(-2, 3, count), rng.integers(0, 3, count), PEAKED)])


def test_a_carry_in_the_last_word_round_trips() -> None:
    """The final interval starts in the last 2^32 of a word pair and ends beyond: found by aiming at it."""
    rng = np.random.default_rng(10)
    carries = 0
    for _ in range(100):
        aim = rng.bytes(4) + b"\xff" * 8 + rng.bytes(8)
        symbols = Decoder(aim).code(None, np.full(40, 4), GAUSSIANS)
        for count in range(1, 20):
            encoder = Encoder()
            encoder.code(symbols[:count], np.full(count, 4), GAUSSIANS)
            position, (lower, _) = encoder._coder.pos()
            carries += int(encoder._coder.get_compressed()[position]) < lower >> 32
            assert_round_trip([(symbols[:count], np.full(count, 4), GAUSSIANS)])
    assert carries > 0


def test_nothing_costs_nothing() -> None:
    assert assert_round_trip([]) == b""
    assert assert_round_trip([(np.empty((3, 0), np.int32), np.empty((3, 0), int), GAUSSIANS)]) == b""


@pytest.mark.parametrize("precision", [8, 16, 20])
def test_coder_uses_exactly_the_integer_pmf(precision: int) -> None:
    rng = np.random.default_rng(precision)
    cuts = np.sort(rng.choice(np.arange(1, 1 << precision), 200, replace=False))
    pmf = np.diff(cuts, prepend=0, append=1 << precision)
    tables = Tables(pmf, np.array([201]), np.array([0]), precision)
    unit = ((1 << 64) - 1 >> 24) << (24 - precision)
    for entry in range(200):
        encoder = Encoder()
        encoder.code(np.array([entry]), np.array([0]), tables)
        position, (lower, width) = encoder._coder.pos()
        before = int(pmf[:entry].sum()) * unit
        shift = 32 * position
        assert (lower, width) == ((before << shift) % (1 << 64), int(pmf[entry]) * unit << shift)


@pytest.mark.parametrize("tables", [GAUSSIANS, PEAKED])
@pytest.mark.parametrize("count", [1, 10, 1000, 30000])
def test_size_is_close_to_the_ideal_code_length(tables: Tables, count: int) -> None:
    symbols, index, tables = likely(tables, count, seed=count)
    data = assert_round_trip([(symbols, index, tables)])
    assert 8 * len(data) <= ideal_bits(symbols, index, tables) * 1.0005 + 16


def test_an_escape_costs_its_entry_and_an_elias_gamma_code() -> None:
    tables = Tables(np.array([128, 128]), np.array([2]), np.array([0]), 8)
    end = likely(GAUSSIANS, 100, seed=9)  # zeros at the end of a stream would cost nothing
    for distance in (1, 2, 100, 5000):
        for side in (-1, 1):
            escapes = np.full(1000, side * distance), np.zeros(1000, int), tables
            bits = 1 + 1 + 2 * math.floor(math.log2(distance)) + 1
            assert abs(8 * len(encode([escapes, end])[0]) - ideal_bits(*end) - 1000 * bits) < 20


def test_a_stream_of_zeros_costs_nothing() -> None:
    """All first entries are the fraction 0, of which no byte is kept."""
    tables = tables_from_pmfs([[0.9, 0.05, 0.05]], [0])
    assert assert_round_trip([(np.zeros(10000, int), np.zeros(10000, int), tables)]) == b""


def test_golden_bytes() -> None:
    """Changing these bytes breaks every file written so far."""
    pmf = np.array([88, 10309, 44741, 10309, 88, 1, 16384, 32768, 16384])
    tables = Tables(pmf, np.array([6, 3]), np.array([-2, 5]), 16)
    symbols = np.array([[0, 1, -1, 0], [5, 6, 7, 1000], [HIGH, LOW, 2, -2]])
    index = np.array([[0, 0, 0, 0], [1, 1, 1, 0], [1, 0, 1, 0]])
    calls: list[tuple[Any, Any, Tables]] = [(symbols, index, tables), (np.array(6), np.array(1), tables)]
    assert assert_round_trip(calls).hex() == "bf543ba2fa71025d447c3fe7a5ff4500607fffffffffff9f"


def test_checksum_runs_over_symbols_in_the_order_of_calls() -> None:
    first, second = np.array([[1, -2], [3, 70000]]), np.array([-5])
    encoder = Encoder()
    assert encoder.checksum == 0
    encoder.code(first, np.array([[3, 0], [1, 2]]), GAUSSIANS)
    assert encoder.checksum == zlib.crc32(first.astype("<i4").tobytes())
    encoder.code(second, np.array([1]), GAUSSIANS)
    assert encoder.checksum == zlib.crc32(np.concatenate([first.ravel(), second]).astype("<i4").tobytes())


def test_both_coders_hand_a_pass_the_same_symbols() -> None:
    def two_steps(passing: Coder, symbols: np.ndarray | None) -> np.ndarray:
        first = passing.code(None if symbols is None else symbols[:50], np.full(50, 2), GAUSSIANS)
        index = np.clip(np.abs(first), 0, len(GAUSSIANS) - 1)  # the second step depends on the first
        second = passing.code(None if symbols is None else symbols[50:], index, GAUSSIANS)
        return np.concatenate([first, second])

    symbols = np.random.default_rng(5).integers(-4, 5, 100)
    encoder = Encoder()
    assert np.array_equal(two_steps(encoder, symbols), symbols)
    decoder = Decoder(encoder.finish())
    assert np.array_equal(two_steps(decoder, None), symbols)
    decoder.finish()


# Damage


def outcome(data: bytes, calls: list[tuple[Any, Any, Tables]]) -> list[np.ndarray] | None:
    """What damaged bytes decode to; None if they are refused. Anything but a CodecError escapes."""
    try:
        return decode(data, calls)[0]
    except CodecError:
        return None


def differs(decoded: list[np.ndarray] | None, calls: list[tuple[Any, Any, Tables]]) -> bool:
    return decoded is None or any(not np.array_equal(got, call[0]) for got, call in zip(decoded, calls, strict=True))


@proved
@given(st.binary(max_size=64), st.lists(coding_call(), max_size=3))
def test_random_bytes_decode_or_are_refused(data: bytes, calls: list[tuple[np.ndarray, np.ndarray, Tables]]) -> None:
    outcome(data, calls)


@pytest.mark.parametrize("byte", [0x00, 0x01, 0x7F, 0x80, 0xFF])
def test_runs_of_one_byte_decode_or_are_refused(byte: int) -> None:
    for tables in (GAUSSIANS, PEAKED, SHORT):
        for number in range(len(tables)):
            outcome(bytes([byte]) * 1000, [(None, np.full(3000, number), tables)])


@proved
@given(st.data())
def test_any_change_of_the_bytes_is_refused_or_changes_the_symbols(data: st.DataObject) -> None:
    calls = [data.draw(coding_call())]
    good, _ = encode(calls)
    bad = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        where = data.draw(st.integers(0, len(bad)))
        bad[where : where + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    if bytes(bad) != good:
        assert differs(outcome(bytes(bad), calls), calls)


def test_every_flipped_bit_and_every_truncation_is_refused_or_changes_the_symbols() -> None:
    calls = [likely(GAUSSIANS, 200, seed=6)]
    good, _ = encode(calls)
    for bit in range(8 * len(good)):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        assert differs(outcome(bytes(bad), calls), calls)
    for size in range(len(good)):
        assert differs(outcome(good[:size], calls), calls)


@pytest.mark.parametrize("extra", [b"\0", b"\0\0\0\0", b"\x01", b"rest of the file"])
def test_bytes_left_over_are_refused(extra: bytes) -> None:
    calls = [likely(GAUSSIANS, 200, seed=7)]
    good, _ = encode(calls)
    with pytest.raises(FormatError, match="damaged"):
        decode(good + extra, calls)
    with pytest.raises(FormatError, match="damaged"):
        decode(extra, [])


def test_symbols_left_over_are_refused() -> None:
    symbols, index, tables = likely(GAUSSIANS, 200, seed=8)
    good, _ = encode([(symbols, index, tables)])
    with pytest.raises(FormatError, match="damaged"):
        decode(good, [(symbols[:-20], index[:-20], tables)])


def test_an_escape_beyond_int32_is_refused() -> None:
    """The same bits read with a table at the other end of int32 lead outside it."""
    at_zero = Tables(np.array([128, 128]), np.array([2]), np.array([0]), 8)
    at_top = Tables(np.array([128, 128]), np.array([2]), np.array([HIGH]), 8)
    data, _ = encode([([5], [0], at_zero)])
    with pytest.raises(FormatError, match="int32"):
        decode(data, [(None, [0], at_top)])


# Bad input


@pytest.mark.parametrize(
    ("symbols", "index", "message"),
    [
        ([1, 2], [0], "shape"),
        ([1.0], [0], "integers"),
        ([math.nan], [0], "integers"),
        ([2**31], [0], "int32"),
        ([-(2**31) - 1], [0], "int32"),
        ([True], [0], "integers"),
        ([1], [0.0], "integers"),
        ([1], [-1], "0..4"),
        ([1], [5], "0..4"),
        ([1], [256], "0..4"),
        ([1], [2**40], "0..4"),
        ([1], np.array([-1], ">i2"), "0..4"),
    ],
)
def test_bad_symbols_and_indices_are_refused_in_one_line(symbols: Any, index: Any, message: str) -> None:
    with pytest.raises(CodecError, match=message) as error:
        Encoder().code(np.array(symbols), np.array(index), GAUSSIANS)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("index", [[-1], [5], [0.5]])
def test_a_decoder_refuses_bad_indices(index: list[Any]) -> None:
    with pytest.raises(CodecError, match="indices"):
        Decoder(b"123456789").code(None, np.array(index), GAUSSIANS)


def test_a_coder_refuses_the_other_direction() -> None:
    with pytest.raises(CodecError, match="None"):
        Encoder().code(None, np.array([0]), GAUSSIANS)
    with pytest.raises(CodecError, match="None"):
        Decoder(b"").code(np.array([0]), np.array([0]), GAUSSIANS)


def test_importing_it_loads_neither_torch_nor_compressai() -> None:
    script = "import sys, codec.entropy; sys.exit(any(m in sys.modules for m in ('torch', 'compressai')))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
