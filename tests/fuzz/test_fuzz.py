"""Damaged and hostile files: a few hundred cases of what `run.py` does at length."""

from collections import Counter
from collections.abc import Iterator

import pytest
from bases import GOLDEN, Base, archives, containers, files, golden, pictures, videos
from mutations import case, split
from verdict import READ, SAME, run


@pytest.fixture(scope="module")
def bases() -> Iterator[list[Base]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODEC_WEIGHTS", str(GOLDEN))
        yield [*pictures(), *files(), *golden(), *videos(), *containers(), *archives()]


def test_every_base_is_whole(bases: list[Base]) -> None:
    assert [run(b.data, b).what for b in bases] == [READ if b.picture is None else SAME for b in bases]


def test_no_damage_leads_to_anything_but_a_named_error_or_a_picture(bases: list[Base]) -> None:
    outcomes = {}
    for number in range(400):
        drawn = case(1, number, bases)
        outcomes[number, drawn.base.name, drawn.kinds] = run(drawn.data, drawn.base)
    assert {name: o.what for name, o in outcomes.items() if o.failed} == {}
    counts = Counter(o.what for o in outcomes.values())
    assert counts["FormatError"] > 200 and counts["DesyncError"] > 3 and counts[SAME] > 3


def test_nor_does_damage_to_archives(bases: list[Base]) -> None:
    one = [base for base in bases if base.archive]
    drawn = [case(2, number, one) for number in range(60)]
    outcomes = {(n, c.kinds): run(c.data, c.base) for n, c in enumerate(drawn)}
    assert {name: o.what for name, o in outcomes.items() if o.failed} == {}
    assert Counter(o.what for o in outcomes.values())["FormatError"] > 20


def test_cases_are_the_same_each_time(bases: list[Base]) -> None:
    assert [case(5, n, bases).data for n in range(50)] == [case(5, n, bases).data for n in range(50)]
    assert all(split(b.data)[0][0] == (b"A" if b.archive else b"H") for b in bases)
