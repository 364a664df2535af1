"""Transcripts are compared by what is said, not by how it is written."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.tasks.words import edits, normalise

SENTENCES = st.lists(st.sampled_from(["a", "b", "ab", "ba", "c"]), max_size=6)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Mr. Hale, and MRS. Hale!", "mister hale and missus hale"),
        ("Dr. Who's friends' 'quoted' word", "doctor who's friends quoted word"),
        ("cold-hearted — or rather: cold hearted", "cold hearted or rather cold hearted"),
        ("Café, naïve; don’t", "cafe naive don't"),
        ("the 15th, 1st, 2nd, 3rd, 20th, 112th", "the fifteenth first second third twentieth one hundred twelfth"),
        ("0 7 12 13 40 99", "zero seven twelve thirteen forty ninety nine"),
        ("300 and 305 and 1,455", "three hundred and three hundred five and one thousand four hundred fifty five"),
        ("12000 12,000 3,040,608", "twelve thousand " * 2 + "three million forty thousand six hundred eight"),
        ("1455, 1905, 1900 and 2015", "fourteen fifty five nineteen oh five nineteen hundred and twenty fifteen"),
        ("1000 2000 2009", "one thousand two thousand two thousand nine"),
        ("the 1960s", "the nineteen sixties"),
        ("3.14 %", "three point one four percent"),
        ("R&B b2b", "r and b b two b"),
        ("007", "seven"),
        ("", ""),
        ("… ? 你好", ""),
    ],
)  # fmt: skip
def test_writing_becomes_speech(written: str, said: str) -> None:
    assert normalise(written) == said.split()


@settings(deadline=None, max_examples=50)
@given(st.text())
def test_words_are_plain_and_stay_as_they_are(text: str) -> None:
    words = normalise(text)
    assert all(set(word) <= set("abcdefghijklmnopqrstuvwxyz'") for word in words)
    assert normalise(" ".join(words)) == words


def test_a_number_of_any_length_is_spoken() -> None:
    assert normalise("9" * 5000) == ["nine"] * 5000
    assert normalise("1" + "0" * 12) == ["one", "trillion"]


@pytest.mark.parametrize(
    ("said", "heard", "count"),
    [
        ("a b c", "a b c", 0),
        ("a b c", "", 3),
        ("", "a b", 2),
        ("a b c", "a x c", 1),
        ("a b c", "a c", 1),
        ("a b c", "a b x c", 1),
        ("the wood cutters came", "the woodcutters came", 0),
        ("the woodcutters came", "the wood cutters came", 0),
        ("wood cutters", "woodcutter", 2),
        ("in to the block books", "into the blockbook", 2),
    ],
)
def test_edits_are_counted(said: str, heard: str, count: int) -> None:
    assert edits(said.split(), heard.split()) == count


def plain_distance(a: list[str], b: list[str]) -> int:
    """By recursion, without compounds."""
    if not a or not b:
        return len(a) + len(b)
    return min(
        plain_distance(a[1:], b) + 1, plain_distance(a, b[1:]) + 1, plain_distance(a[1:], b[1:]) + (a[0] != b[0])
    )


@settings(deadline=None, max_examples=50)
@given(SENTENCES, SENTENCES)
def test_edits_are_a_distance(a: list[str], b: list[str]) -> None:
    assert edits(a, a) == 0
    assert edits(a, b) == edits(b, a) <= plain_distance(a, b)
    if "".join(a) != "".join(b):
        assert edits(a, b) > 0


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from("abc"), max_size=5), st.lists(st.sampled_from("abc"), max_size=5))
def test_without_compounds_it_is_levenshtein(a: list[str], b: list[str]) -> None:
    assert edits(a, b) == plain_distance(a, b)  # no two letters make a third
