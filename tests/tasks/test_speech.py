"""The speech task counts words of what its recognisers hear; its labels are read from transcripts.csv."""

from pathlib import Path

import numpy as np
import pytest

from codec.errors import CodecError
from codec.media.audio import Audio, mono, resample
from codec.peers.audio import AUDIO, align
from codec.requirements import missing
from codec.tasks.recognisers import POCKETSPHINX_NEED, RATE, Pocketsphinx
from codec.tasks.speech import Speech


class Scripted:
    """A recogniser that reads off what the samples' level says: it hears line number round(mean)."""

    label, licence = "scripted", "none"

    def __init__(self, *lines: str) -> None:
        self.lines = lines

    def load(self) -> None:
        pass

    def transcribe(self, samples: np.ndarray) -> str:
        return self.lines[round(float(samples.mean()))]


def sound(line: int) -> Audio:
    return Audio(np.full((1, 160), line, np.float32), 16000)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Speech:
    hears = Scripted("he was not an old man", "he is not an old man at all", "no " * 30, "")
    monkeypatch.setattr("codec.tasks.speech.installed", lambda: {"": hears, ".second": hears})
    return Speech()


def test_errors_are_counted_against_the_label_and_the_original(scripted: Speech) -> None:
    label = "He was not an ill man."
    reference = scripted.reference(sound(0), label)
    fields = scripted.score(sound(1), label, reference)
    for end in ("", ".second"):
        assert (fields[f"err{end}"], fields[f"words{end}"]) == (4, 6)
        assert (fields[f"err_self{end}"], fields[f"words_self{end}"]) == (3, 6)
        assert fields[f"capped{end}"] == 0


def test_the_original_itself_has_no_errors_against_itself(scripted: Speech) -> None:
    fields = scripted.score(sound(0), None, scripted.reference(sound(0), None))
    assert (fields["err_self"], fields["words_self"]) == (0, 6)


def test_without_a_label_only_the_original_counts(scripted: Speech) -> None:
    fields = scripted.score(sound(1), None, scripted.reference(sound(0), None))
    assert {name.partition(".")[0] for name in fields} == {"err_self", "words_self", "capped"}


@pytest.mark.parametrize(("original", "most"), [(0, 12), (3, 10)])
def test_a_recogniser_that_loops_is_capped(scripted: Speech, original: int, most: int) -> None:
    fields = scripted.score(sound(2), None, scripted.reference(sound(original), None))
    assert fields["capped"] == 1
    assert fields["err_self"] == most


def test_every_key_has_its_fields(scripted: Speech) -> None:
    fields = scripted.score(sound(1), "text", scripted.reference(sound(0), "text"))
    assert {field for key in scripted.keys for field in key.fields} == set(fields)
    assert scripted.primary in {key.name for key in scripted.keys}


def test_labels_are_read_by_file_name(tmp_path: Path) -> None:
    assert Speech().labels(tmp_path) == {}
    text = 'file,seconds,transcript\na.wav,1,"Hello, you"\nb.wav,2,\n'
    (tmp_path / "transcripts.csv").write_text(text, encoding="utf-8-sig")
    assert Speech().labels(tmp_path) == {"a.wav": "Hello, you", "b.wav": ""}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"name,text\na,b\n", "no columns"),
        (b"file,transcript\na.wav\n", "line 2"),
        (b"file,transcript\n\xff,b\n", "UTF-8"),
    ],
)
def test_damaged_labels_are_told_in_one_line(data: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "transcripts.csv").write_bytes(data)
    with pytest.raises(CodecError, match=words) as caught:
        Speech().labels(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def loaded() -> Speech:
    task = Speech()
    lines = missing("speech", task.needs)
    if lines:
        pytest.skip("; ".join(lines))
    task.load({})
    return task


def babble() -> Audio:
    """A second of vowels and hisses in turn, in which recognisers hear something: 16-bit samples, stereo."""
    rate = 22050
    time = np.arange(rate) / rate
    turn = np.sin(2 * np.pi * 3 * time)
    vowels = sum(np.sin(2 * np.pi * k * 130 * time) / k for k in range(1, 25)) * 0.1 * (turn > 0)
    hisses = np.random.default_rng(0).normal(0, 0.05, rate) * (turn < -0.5)
    both = np.stack([vowels + hisses, vowels])
    return Audio((np.rint(both * 2**15) / 2**15).astype(np.float32), rate)


def test_flac_scores_perfectly(loaded: Speech) -> None:
    original = babble()
    reference = loaded.reference(original, None)
    decoded, _ = align(AUDIO["flac"].decode(AUDIO["flac"].encode(original), 22050, 2), original)
    fields = loaded.score(decoded, None, reference)
    assert {value for name, value in fields.items() if name.startswith("err_self")} == {0}


def test_what_pocketsphinx_hears_does_not_depend_on_what_came_before() -> None:
    pytest.importorskip("pocketsphinx", reason=POCKETSPHINX_NEED.install)
    recogniser = Pocketsphinx()
    recogniser.load()
    samples = resample(mono(babble()), RATE).samples[0]
    first = recogniser.transcribe(samples)
    assert first
    for other in (samples, np.zeros(8000, np.float32)):
        recogniser.transcribe(other)
        assert recogniser.transcribe(samples) == first


def test_the_model_is_named_with_its_checksum(loaded: Speech) -> None:
    assert loaded.identity()["model"].startswith("whisper-tiny.en@1a5afae0")
