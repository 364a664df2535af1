"""The alpha plane's coder: exact, in both directions, and small where masks are simple."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.entropy import Decoder, Encoder
from codec.entropy.planes import code_alpha
from codec.errors import FormatError


def coded(alpha: np.ndarray, depth: int = 8) -> bytes:
    encoder = Encoder()
    code_alpha(encoder, alpha, alpha.shape, depth)
    data = encoder.finish()
    decoder = Decoder(data)
    decoded = code_alpha(decoder, None, alpha.shape, depth)
    decoder.finish()
    assert (decoded == alpha).all() and decoder.checksum == encoder.checksum
    return data


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(8, 16), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_any_plane_comes_back_exactly(height: int, width: int, depth: int, kind: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    peak = (1 << depth) - 1
    plane = rng.integers(0, peak + 1, (height, width))
    if kind == 1:
        plane = (plane > peak // 2) * peak
    elif kind == 2:
        plane = np.full((height, width), plane[0, 0])
    elif kind == 3:
        plane = plane[:1] * np.ones((height, 1), int)
    coded(plane, depth)


@pytest.mark.parametrize("value", [0, 7, 255])
def test_a_constant_plane_takes_a_few_bytes(value: int) -> None:
    assert len(coded(np.full((400, 600), value))) < 40


def test_a_mask_takes_less_than_a_twentieth_of_a_bit_a_pixel() -> None:
    y, x = np.mgrid[:300, :400]
    disk = (np.hypot(y - 150, x - 200) < 120) * 255
    assert len(coded(disk)) < disk.size / 8 / 20


def test_bytes_that_no_encoder_writes_are_refused() -> None:
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(50):
        decoder = Decoder(rng.bytes(60))
        try:
            code_alpha(decoder, None, (9, 13), 10)
            decoder.finish()
        except FormatError:
            refused += 1
    assert refused == 50
