"""What is told of work within a picture: it moves often, never back, and ends at all."""

import numpy as np
import pytest

import codec
from codec.codecs.circuit.work import Work


def told_of(frame: np.ndarray, effort: int) -> tuple[bytes, list[float]]:
    told: list[float] = []
    data = codec.encode(frame, lossless=True, effort=effort, progress=lambda done, total: told.append(done / total))
    return data, told


@pytest.mark.parametrize("effort", [1, 2])
def test_progress_moves_within_a_single_tile(effort: int) -> None:
    y, x = np.mgrid[:120, :160]
    noise = np.random.default_rng(0).integers(0, 9, (120, 160, 3))
    frame = (x + y // 2)[..., None].astype(np.uint8) // 2 + noise.astype(np.uint8)
    data, told = told_of(frame, effort)
    assert told == sorted(told) and told[-1] == 1 and told.count(1) == 1
    assert len(told) > 8 and max(np.diff([0, *told])) < 0.25
    back: list[float] = []
    next(codec.decode(data, progress=lambda done, total: back.append(done / total)).frames())
    assert back == sorted(back) and back[-1] == 1 and len(back) > 3


def test_phases_that_are_shorter_or_longer_than_thought_end_where_they_were_to() -> None:
    told: list[tuple[int, int]] = []
    work = Work([100, 200, 300, 400], lambda done, total: told.append((done, total)))
    with work.phase() as tell:
        tell(10)  # of 100: the rest wasn't needed
    with work.phase() as tell:
        for _ in range(5):
            tell(90)
    assert told == [(10, 1000), (100, 1000), (190, 1000), (280, 1000), (300, 1000)]
    with work.last() as progress:  # the third wasn't needed
        progress(1, 2)
        progress(2, 2)
    assert told[5:] == [(800, 1000), (1000, 1000)]
