"""Arguments of wrong types are errors of ours, one line each, before anything is read."""

from typing import Any

import numpy as np
import pytest

import codec

GREY = np.zeros((8, 8), np.uint8)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"quality": "50"}, "quality must be a number"),
        ({"quality": True}, "quality must be a number"),
        ({"effort": "3"}, "effort must be a whole number"),
        ({"effort": 1.5}, "effort must be a whole number"),
        ({"weights": 5}, "weights must be a path or a name"),
        ({"weights": b"x"}, "weights must be a path or a name"),
        ({"device": 0}, "device must be text"),
        ({"max_pixels": "5"}, "max_pixels must be a whole number"),
        ({"notes": 5}, "notes must be a list"),
        ({"progress": 5}, "progress must be a function"),
        ({"codec": "nirvana"}, "nirvana codes no images; choose one of s2lic, circuit"),
        ({"codec": "s2lic", "lossless": True}, "s2lic codes no images without loss"),
    ],
)
def test_wrong_arguments(given: dict[str, Any], said: str) -> None:
    with pytest.raises(codec.CodecError, match=said):
        codec.encode(GREY, **given)


def test_numbers_of_numpy_are_numbers() -> None:
    data = codec.encode(GREY, lossless=True, effort=np.int64(1))
    decoded = codec.decode(data, max_pixels=np.int64(64))
    assert repr(decoded) == "<codec.Decoded 8 x 8, 1 channels of 8 bits, 1 frames>"
    with pytest.raises(codec.CodecError, match="max_pixels must be"):
        codec.decode(data, max_pixels="x")  # type: ignore[arg-type]
