"""Codec specs for evaluation: `jpeg:q=10`, `s2lic:q=10..90:20`, `webp:q=20,50,80`."""

from dataclasses import dataclass

from codec.errors import CodecError


@dataclass(frozen=True)
class Spec:
    """One codec at one quality; its text is what rows carry."""

    codec: str
    quality: float

    def __str__(self) -> str:
        return f"{self.codec}:q={self.quality:g}"


def parse(text: str, known: list[str]) -> list[Spec]:
    """All specs that a text stands for; CodecError says what is wrong with it.

    >>> [str(s) for s in parse("s2lic:q=10..90:40", ["s2lic"])]
    ['s2lic:q=10', 's2lic:q=50', 's2lic:q=90']
    >>> [str(s) for s in parse("jpeg:q=5,7.5", ["jpeg"])]
    ['jpeg:q=5', 'jpeg:q=7.5']
    """
    name, _, rest = text.partition(":")
    if name not in known:
        raise CodecError(f"{text}: no codec {name!r}; choose one of {', '.join(known)}")
    key, _, values = rest.partition("=")
    if key != "q" or not values:
        raise CodecError(f"{text}: give the qualities, as in {name}:q=10..90:20 or {name}:q=30,50,70")
    try:
        qualities = [q for part in values.split(",") for q in _expand(part)]
    except ValueError:
        raise CodecError(f"{text}: the qualities must be numbers, as in {name}:q=10..90:20") from None
    if any(not 0 <= q <= 100 for q in qualities):
        raise CodecError(f"{text}: qualities lie between 0 and 100")
    return [Spec(name, q) for q in qualities]


def _expand(part: str) -> list[float]:
    first, dots, rest = part.partition("..")
    if not dots:
        return [float(first)]
    last, _, step = rest.partition(":")
    start, stop, by = float(first), float(last), float(step or 1)
    if not 0 < by < float("inf") or not abs(stop - start) < float("inf"):
        raise ValueError(part)
    return [start + i * by for i in range(int((stop - start) / by + 1e-9) + 1)]
