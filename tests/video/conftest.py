"""A video of three scenes, each a chain of several groups."""

from collections.abc import Iterator

import pytest
from helpers.coded_videos import decoded, encoded, scenes

from codec.codecs.nirvana import head
from codec.media.video import Picture


@pytest.fixture(scope="module", autouse=True)
def small_groups() -> Iterator[None]:
    """Or a chain would have to be long to have several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(head, "GROUP", 8)
        patch.setenv("OMP_NUM_THREADS", "2")  # a decoder with threads holds pictures back: what is damaged shows later
        yield


@pytest.fixture(scope="session")
def clip() -> bytes:
    """Three scenes in six units."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(head, "GROUP", 8)
        return encoded(scenes())


@pytest.fixture(scope="session")
def shown(clip: bytes) -> list[Picture]:
    """What it decodes to."""
    return decoded(clip)
