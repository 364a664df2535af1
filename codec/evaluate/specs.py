"""Codec specs for evaluation: `jpeg:q=10`, `s2lic:q=10..90:20`, `webp:q=20,50`, `opus:kbps=6,12`, `png`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from codec.errors import CodecError

# Keys of settings: what their values are called, their range, an example, whether they may be left out.
KEYS = {
    "q": ("qualities", 0, 100, "q=10..90:20", False),
    "e": ("efforts", 1, 9, "e=1,9", True),
    "kbps": ("rates in kbit/s", 4, 512, "kbps=6,12,24", False),
    "bpp": ("rates in bits per pixel", 0.01, 48, "bpp=0.1,0.25,0.5", True),
    "crf": ("rate factors", 0, 63, "crf=18..36:6", False),
}
_WHOLE = ("e",)
ARCHIVE = "archive-"  # before a codec of ours: all videos one after the other in one archive

_EFFORT = re.compile(r"-e\d$")


@dataclass(frozen=True)
class Spec:
    """One codec at one setting; its text is what rows carry. `key` is one of KEYS, or "" for none."""

    codec: str
    key: str = ""
    value: float = 0

    @property
    def archived(self) -> bool:
        """Whether the videos are sessions of one archive."""
        return self.codec.startswith(ARCHIVE)

    def __str__(self) -> str:
        return f"{self.codec}:{self.key}={self.value:g}" if self.key else self.codec


def parse(text: str, known: Mapping[str, str]) -> list[Spec]:
    """All specs that a text stands for; CodecError says what is wrong with it.

    `known`: the codecs, each with the key that its settings have, "" if it has none.

    >>> [str(s) for s in parse("s2lic:q=10..90:40", {"s2lic": "q"})]
    ['s2lic:q=10', 's2lic:q=50', 's2lic:q=90']
    >>> [str(s) for s in parse("circuit", {"circuit": "e"})]
    ['circuit']
    """
    name, colon, rest = text.partition(":")
    if name not in known:
        plain = [other for other in known if not _EFFORT.search(other) and not other.startswith(ARCHIVE)]
        more = "" if len(plain) == len(known) else " (ours also with -e1 to -e9 behind the name)"
        if any(other.startswith(ARCHIVE) for other in known):
            more = f"{more[:-1]}, those of videos with {ARCHIVE} before it)"
        raise CodecError(f"{text}: no codec {name!r}; choose one of {', '.join(plain)}{more}")
    key = known[name]
    if not key:
        if colon:
            raise CodecError(f"{text}: {name} has no settings")
        return [Spec(name)]
    what, low, high, example, optional = KEYS[key]
    if not colon and optional:
        return [Spec(name)]
    given, _, values = rest.partition("=")
    if given != key or not values:
        raise CodecError(f"{text}: give the {what}, as in {name}:{example}")
    try:
        numbers = [q for part in values.split(",") for q in _expand(part)]
    except CodecError:
        raise
    except ValueError:
        raise CodecError(f"{text}: the {what} must be numbers, as in {name}:{example}") from None
    if any(not low <= v <= high for v in numbers):
        raise CodecError(f"{text}: {what} lie between {low} and {high}")
    if key in _WHOLE and any(v != int(v) for v in numbers):
        raise CodecError(f"{text}: {what} are whole numbers")
    return [Spec(name, key, v) for v in numbers]


def _expand(part: str) -> list[float]:
    first, dots, rest = part.partition("..")
    if not dots:
        return [float(first)]
    last, _, step = rest.partition(":")
    start, stop, by = float(first), float(last), float(step or 1)
    if not 0 < by < float("inf") or not abs(stop - start) < float("inf"):
        raise ValueError(part)
    if stop < start:
        raise CodecError(f"{part}: a range goes up; give the lower end first")
    return [start + i * by for i in range(int((stop - start) / by + 1e-9) + 1)]
