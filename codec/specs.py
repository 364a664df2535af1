"""Codec specs for evaluation: `jpeg:q=10`, `s2lic:q=10..90:20`, `webp:q=20,50,80`, `circuit:e=1,9`, `png`."""

from collections.abc import Mapping
from dataclasses import dataclass

from codec.errors import CodecError

KEYS = {"q": ("qualities", 0, 100), "e": ("efforts", 1, 9)}


@dataclass(frozen=True)
class Spec:
    """One codec at one setting; its text is what rows carry. `key`: "q" a quality, "e" an effort, "" none."""

    codec: str
    key: str = ""
    value: float = 0

    def __str__(self) -> str:
        return f"{self.codec}:{self.key}={self.value:g}" if self.key else self.codec


def parse(text: str, known: Mapping[str, str]) -> list[Spec]:
    """All specs that a text stands for; CodecError says what is wrong with it.

    `known`: the codecs, and the keys each may have; a codec with "q" must have it, one without is lossless.

    >>> [str(s) for s in parse("s2lic:q=10..90:40", {"s2lic": "q"})]
    ['s2lic:q=10', 's2lic:q=50', 's2lic:q=90']
    >>> [str(s) for s in parse("circuit", {"circuit": "e"})]
    ['circuit']
    """
    name, colon, rest = text.partition(":")
    if name not in known:
        raise CodecError(f"{text}: no codec {name!r}; choose one of {', '.join(known)}")
    keys = known[name]
    if not colon and "q" not in keys:
        return [Spec(name)]
    key, _, values = rest.partition("=")
    if key not in KEYS or key not in keys or not values:
        if "q" in keys:
            raise CodecError(f"{text}: give the qualities, as in {name}:q=10..90:20 or {name}:q=30,50,70")
        raise CodecError(f"{text}: give the efforts, as in {name}:e=1,9" if keys else f"{text}: {name} has no settings")
    what, low, high = KEYS[key]
    try:
        numbers = [q for part in values.split(",") for q in _expand(part)]
    except ValueError:
        raise CodecError(f"{text}: the {what} must be numbers, as in {name}:{key}={low},{high}") from None
    if any(not low <= v <= high for v in numbers):
        raise CodecError(f"{text}: {what} lie between {low} and {high}")
    if key == "e" and any(v != int(v) for v in numbers):
        raise CodecError(f"{text}: efforts are whole numbers")
    return [Spec(name, key, v) for v in numbers]


def _expand(part: str) -> list[float]:
    first, dots, rest = part.partition("..")
    if not dots:
        return [float(first)]
    last, _, step = rest.partition(":")
    start, stop, by = float(first), float(last), float(step or 1)
    if not 0 < by < float("inf") or not abs(stop - start) < float("inf"):
        raise ValueError(part)
    return [start + i * by for i in range(int((stop - start) / by + 1e-9) + 1)]
