"""The library does its work whatever numpy and torch are set to around it, and leaves that as it was."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import pytest
import torch
from helpers.pictures import picture

import codec
from codec.torch import _begun, finish


@contextmanager
def default_type() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def default_device() -> Iterator[None]:
    with torch.device("meta"):
        yield
        assert torch.empty(1).is_meta


@contextmanager
def errors_raised() -> Iterator[None]:
    with np.errstate(all="raise"):
        yield
        assert set(np.geterr().values()) == {"raise"}


@contextmanager
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield
        assert torch.is_inference_mode_enabled()


SETTINGS: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "no gradients": torch.no_grad,
    "inference": inference,
    "float64": default_type,
    "another device": default_device,
    "numpy's errors": errors_raised,
    "casts": lambda: torch.autocast("cpu", torch.bfloat16),
}
WAYS: list[dict[str, object]] = [{"effort": 2}, {"lossless": True}]


def made() -> list[bytes | bool]:
    """Files, whether they decode, and a batch that is finished."""
    source = picture(12, 17, 3)
    files = [codec.encode(source, device="cpu", **way) for way in WAYS]  # type: ignore[arg-type]
    frames = [next(codec.decode(data, device="cpu").frames()) for data in files]
    (begun,) = (_begun(data) for data in files[:1])
    assert begun is not None
    finished = finish([begun], "cpu")[0].numpy().tobytes()
    return [*files, finished, all(frame.shape == source.shape for frame in frames), np.array_equal(frames[1], source)]


@pytest.fixture(scope="module")
def plain() -> list[bytes | bool]:
    return made()


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_around_change_nothing(name: str, plain: list[bytes | bool]) -> None:
    with SETTINGS[name]():
        assert made() == plain


def test_a_network_loaded_in_inference_mode_can_search_later(monkeypatch: pytest.MonkeyPatch) -> None:
    from codec.codecs.s2lic import image

    data = codec.encode(picture(12, 17, 3), device="cpu")
    image._loaded.cache_clear()
    with torch.inference_mode():
        list(codec.decode(data, device="cpu").frames())
    assert codec.encode(picture(12, 17, 3), device="cpu", effort=2)
