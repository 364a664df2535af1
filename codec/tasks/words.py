"""Transcripts as lists of spoken words, and how many edits lie between two of them.

Recognisers write numbers, titles, hyphens and capitals as they please; none of that is an error of hearing. English
only. British against American spelling does count; it counts alike for a codec and its original.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

REVISION = 1  # of the normalisation: rows of different ones don't compare

_UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ("", "thousand", "million", "billion", "trillion")
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
_ABBREVIATIONS = {"mr": "mister", "mrs": "missus", "dr": "doctor"}
_YEAR = re.compile(r"1[1-9]\d\d|20[1-9]\d")
_NUMBER = re.compile(r"(\d+)(?:\.(\d+))?(st|nd|rd|th|s)?(?![a-z0-9])|(\d)")


def normalise(text: str) -> list[str]:
    """Words in lower-case ASCII letters, with inner apostrophes; numbers as they are said (1455 as a year).

    >>> normalise("Mr. Hale's 42-line Bible, the 2nd of 1,500!")
    ['mister', "hale's", 'forty', 'two', 'line', 'bible', 'the', 'second', 'of', 'one', 'thousand', 'five', 'hundred']
    """
    text = unicodedata.normalize("NFKD", text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    text = text.encode("ascii", "ignore").decode().lower().replace("%", " percent ").replace("&", " and ")
    text = re.sub(r"(?<!\d)\d{1,3}(?:,\d{3})+(?!\d)", lambda m: " ".join(_cardinal(m[0].replace(",", ""))), text)
    text = _NUMBER.sub(lambda m: f" {' '.join(_spoken(*m.groups()))} ", text)
    return [_ABBREVIATIONS.get(word, word) for word in re.findall(r"[a-z]+(?:'[a-z]+)*", text)]


def edits(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """The fewest words to insert, drop and replace. Two words written as one ("block books") are no edit: spaces
    can't be heard.

    >>> edits("carved on wood blocks".split(), "craved on woodblocks too".split())
    2
    """
    before: list[int] = []
    last = list(range(len(hypothesis) + 1))
    for i, word in enumerate(reference, 1):
        row = [i]
        for j, other in enumerate(hypothesis, 1):
            best = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (word != other))
            if j > 1 and word == hypothesis[j - 2] + other:
                best = min(best, last[j - 2])
            if i > 1 and other == reference[i - 2] + word:
                best = min(best, before[j - 1])
            row.append(best)
        before, last = last, row
    return last[-1]


def _spoken(whole: str, decimals: str | None, ending: str | None, digit: str | None) -> list[str]:
    if digit:  # of something that is no number, as in "b2b"
        return [_UNITS[int(digit)]]
    if decimals:
        return [*_cardinal(whole), "point", *(_UNITS[int(d)] for d in decimals)]
    *head, last = _year(whole) if _YEAR.fullmatch(whole) else _cardinal(whole)
    stem = last.removesuffix("y") + "ie" if last.endswith("y") else last
    if ending:
        last = stem + "s" if ending == "s" else _ORDINALS.get(last, stem + "th")
    return [*head, last]


def _year(digits: str) -> list[str]:
    century, year = _below_1000(int(digits[:2])), int(digits[2:])
    return [*century, *(["oh"] if 0 < year < 10 else []), *(_below_1000(year) if year else ["hundred"])]


def _cardinal(digits: str) -> list[str]:
    digits = digits.lstrip("0") or "0"
    groups = -(-len(digits) // 3)
    if groups > len(_SCALES):
        return [_UNITS[int(d)] for d in digits]  # too long for a name
    words: list[str] = []
    for scale in reversed(range(groups)):
        part = int(digits[max(len(digits) - 3 * scale - 3, 0) : len(digits) - 3 * scale])
        words += [*_below_1000(part), _SCALES[scale]] if part else []
    return [word for word in words if word] or ["zero"]


def _below_1000(number: int) -> list[str]:
    """A number from 1 to 999."""
    hundreds, rest = divmod(number, 100)
    words = [_UNITS[hundreds], "hundred"] if hundreds else []
    if rest >= 20:
        words.append(_TENS[rest // 10 - 2])
        rest %= 10
    return [*words, _UNITS[rest]] if rest else words
