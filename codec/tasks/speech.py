"""Speech: how many words does a recogniser get wrong in a decoded copy, against the text and against the original?

The second is the finer one: what the model mishears in the original too is no fault of the codec.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from codec.errors import CodecError
from codec.media.audio import Audio, mono, resample
from codec.requirements import require
from codec.tasks.base import Key
from codec.tasks.recognisers import RATE, WHISPER_NEEDS, installed
from codec.tasks.words import REVISION, edits, normalise

TRANSCRIPTS = "transcripts.csv"
_COLUMNS = ("file", "transcript")
# Where a recogniser loops, it says a word for ever: what comes after twice the words that were said isn't counted.
_LONGEST, _LONGEST_SHORT = 2, 10


class Speech:
    """Word errors of Whisper tiny.en; where it is installed, pocketsphinx's too, in fields that end in its name.

    Items are Audio of any rate and channels (mixed and resampled for the model, once); labels are the texts of
    transcripts.csv, columns `file` and `transcript`. Fields, to be summed over items: `err` edits of `words` words of
    the label; `err_self` edits of `words_self` words of the model's own transcript of the original; and `capped`,
    1 where what the model said was so long that its end was left out.
    """

    name = "speech"
    media = "audio"
    needs = WHISPER_NEEDS
    primary = "wer_self"

    def __init__(self) -> None:
        self._recognisers = installed()

    @property
    def keys(self) -> tuple[Key, ...]:
        return tuple(
            key
            for end in self._recognisers
            for key in (
                Key(f"wer_self{end}", (f"err_self{end}", f"words_self{end}"), "ratio", False),
                Key(f"wer{end}", (f"err{end}", f"words{end}"), "ratio", False, labelled=True),
                Key(f"capped{end}", (f"capped{end}",), "mean", False),
            )
        )

    def load(self, weights: Mapping[str, Path]) -> None:
        require(self.name, self.needs)
        for recogniser in self._recognisers.values():
            recogniser.load()

    def labels(self, folder: Path) -> dict[str, str]:
        path = folder / TRANSCRIPTS
        try:
            with path.open(newline="", encoding="utf-8-sig") as fp:
                reader = csv.DictReader(fp)
                if not set(_COLUMNS).issubset(reader.fieldnames or ()):
                    raise CodecError(f"{path}: no columns {' and '.join(_COLUMNS)}; name them in the first line")
                found = {}
                for row in reader:
                    file, transcript = (row[c] for c in _COLUMNS)
                    if not file or transcript is None:
                        raise CodecError(f"{path}, line {reader.line_num}: file or transcript is missing; fill it in")
                    found[file] = transcript
                return found
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError, csv.Error) as e:
            raise CodecError(f"{path}: can't be read as CSV in UTF-8 ({e}); write it again") from None

    def reference(self, original: Audio, label: str | None) -> dict[str, list[str]]:
        """The words that each model hears in the original."""
        samples = resample(mono(original), RATE).samples[0]
        return {end: normalise(r.transcribe(samples)) for end, r in self._recognisers.items()}

    def score(self, decoded: Audio, label: str | None, reference: Mapping[str, list[str]]) -> dict[str, float]:
        said = None if label is None else normalise(label)
        fields: dict[str, float] = {}
        for end, heard in self.reference(decoded, label).items():
            capped = False
            for kind, words in (("", said), ("_self", reference[end])):
                if words is not None:
                    most = max(_LONGEST * len(words), _LONGEST_SHORT)
                    capped |= len(heard) > most
                    fields |= {f"err{kind}{end}": edits(words, heard[:most]), f"words{kind}{end}": len(words)}
            fields[f"capped{end}"] = int(capped)
        return fields

    def identity(self) -> dict[str, str]:
        models = self._recognisers.values()
        return {
            "model": " ".join(m.label for m in models),
            "licence": ", ".join(m.licence for m in models),
            "preprocessing": f"words-{REVISION} mono {RATE} Hz",
        }
