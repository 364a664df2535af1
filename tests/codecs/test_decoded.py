"""A Decoded is asked again: after its frames broke off, and by several threads at once."""

import threading

import numpy as np
import pytest
from helpers.containers import damaged
from helpers.pictures import picture

import codec


@pytest.mark.parametrize("lossless", [False, True])
def test_what_broke_off_is_decoded_when_it_is_asked_for_again(lossless: bool) -> None:
    file = codec.encode(picture(20, 30, 4), lossless=lossless)
    lost = RuntimeError("the window is closed")
    told: list[int] = []

    def once(done: int, _: int) -> None:
        told.append(done)
        if len(told) == 1:
            raise lost

    for partial in (False, True):
        told.clear()
        decoded = codec.decode(damaged(file, 1) if partial else file, partial=partial, progress=once)
        with pytest.raises(RuntimeError) as raised:
            decoded.image()
        assert raised.value is lost
        assert decoded.image().size == (30, 20)
        assert len(decoded.damage or []) == partial


def test_threads_that_ask_at_once_get_the_same_frame() -> None:
    decoded = codec.decode(codec.encode(picture(40, 30, 3), lossless=True))
    together, found = threading.Barrier(4), list[np.ndarray]()

    def ask() -> None:
        together.wait()
        found.append(next(decoded.frames()))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(frame) for frame in found}) == 1 and len(found) == 4
