"""Audio files in: any of the usual formats becomes float samples and a rate, through FFmpeg's libraries (PyAV).

Nothing is mixed, scaled or dithered: 16- and 24-bit samples are exact as float32, and `fits` tells how many bits they
need. Another rate is had by one polyphase filter of ours, whose output is the same on every machine.
"""

from __future__ import annotations

import io
import math
import os
from typing import IO, TYPE_CHECKING, NamedTuple

import numpy as np

from codec import urls
from codec.errors import CodecError, LimitError, MediaError

if TYPE_CHECKING:
    import av

MAX_SAMPLES = 2**28  # over all channels: 1 GiB as float32, 46 minutes of stereo at 48 kHz
AUDIO_SUFFIXES = frozenset({
    ".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".au", ".mka", ".webm",
})  # fmt: skip

# Only these are tried: FFmpeg also knows playlists, which would make it open other files than the one given.
_DEMUXERS = "wav,flac,mp3,ogg,aac,mov,mp4,m4a,aiff,au,matroska,webm"
_FULL_SCALE = {"u8": 2**7, "s16": 2**15, "s32": 2**31, "flt": 1, "dbl": 1}
_ZEROS, _BETA = 64, 9.0  # the filter's length in zero crossings a side, and its Kaiser window: 90 dB


class Audio(NamedTuple):
    """Sound: `samples` float32 [channels, n], full scale -1 to 1 (decoded ones may overshoot); `rate` in Hz."""

    samples: np.ndarray
    rate: int

    @property
    def seconds(self) -> float:
        """Its duration."""
        return self.samples.shape[1] / self.rate


def read_audio(source: str | os.PathLike[str] | bytes, *, max_samples: int = MAX_SAMPLES) -> Audio:
    """Read an audio file, or the bytes of one.

    Raises MediaError for what is no audio file, is damaged or holds no samples; LimitError for more than
    `max_samples` over all channels; OSError if the file can't be read.
    """
    if isinstance(source, bytes):
        return _read(io.BytesIO(source), max_samples)
    try:
        with urls.opened(source) as fp:
            return _read(fp, max_samples)
    except CodecError as error:
        raise type(error)(f"{os.fspath(source)}: {error}") from error.__cause__


def mono(audio: Audio) -> Audio:
    """The mean of the channels, as one."""
    return audio if len(audio.samples) == 1 else Audio(audio.samples.mean(0, keepdims=True), audio.rate)


def fits(audio: Audio, bits: int) -> bool:
    """Whether all samples are whole numbers of `bits` bits, so that a lossless codec of so many keeps them."""
    scaled = audio.samples.astype(np.float64) * 2 ** (bits - 1)
    return bool(np.all((scaled == np.rint(scaled)) & (scaled >= -(2 ** (bits - 1))) & (scaled < 2 ** (bits - 1))))


def resample(audio: Audio, rate: int) -> Audio:
    """The same sound at another rate in Hz: ceil(n * rate / old rate) samples, the first at the same time.

    A windowed sinc that passes what lies below 0.9 times the lower of the two Nyquist frequencies.
    """
    if rate == audio.rate:
        return audio
    shared = math.gcd(rate, audio.rate)
    up, down = rate // shared, audio.rate // shared
    widest = max(up, down)
    reach = _ZEROS * widest  # of the filter, to each side, in steps of 1 / (up * old rate)
    # The cutoff lies so far below Nyquist that the window's transition ends there.
    cutoff = 0.5 * (1 - 2.9 / _ZEROS) / widest
    times = np.arange(-reach, reach + 1)
    kernel = 2 * up * cutoff * np.sinc(2 * cutoff * times) * np.kaiser(2 * reach + 1, _BETA)
    count = -(-audio.samples.shape[1] * up // down)
    margin = reach // up + 2
    source = np.pad(audio.samples.astype(np.float64), ((0, 0), (margin, margin + down)))
    out = np.zeros((len(source), count))
    for phase in range(min(up, count)):
        # Outputs phase, phase + up, ... lie `down` samples of the source apart and share their taps. Sums of slices,
        # not a product of matrices: those round differently from one machine to the next.
        at = phase * down
        first = -(-(at - reach) // up)  # the earliest sample under the filter
        taps = kernel[first * up - at + reach :: up]
        target = out[:, phase::up]
        for i, tap in enumerate(taps, margin + first):
            target += tap * source[:, i : i + (target.shape[1] - 1) * down + 1 : down]
    return Audio(out.astype(np.float32), rate)


def _read(fp: IO[bytes], max_samples: int) -> Audio:
    import av

    rate, size = 0, 0
    blocks: list[np.ndarray] = []
    try:
        with av.open(fp, options={"format_whitelist": _DEMUXERS, "protocol_whitelist": ""}) as container:
            if not container.streams.audio:
                raise MediaError("has no sound in it; give an audio file")
            for frame in container.decode(audio=0):
                blocks.append(_samples(frame))
                if rate not in (0, frame.sample_rate) or len(blocks[0]) != len(blocks[-1]):
                    raise MediaError("changes its sample rate or channels on the way; convert it to WAV first")
                rate, size = frame.sample_rate, size + blocks[-1].size
                if size > max_samples:
                    raise LimitError(f"has more than {max_samples} samples; cut it into shorter files")
    except av.error.FFmpegError as error:
        raise MediaError("is no audio file, is damaged or of a rare kind; convert it to WAV first") from error
    if not size:
        raise MediaError("holds no samples; give a file that has some")
    samples = np.concatenate(blocks, axis=1)
    if not np.isfinite(samples).all():
        raise MediaError("has samples that are no numbers; get a whole copy of it")
    return Audio(samples, rate)


def _samples(frame: av.AudioFrame) -> np.ndarray:
    """float32 [channels, n] of a frame in any sample format."""
    kind = frame.format.name.removesuffix("p")
    if kind not in _FULL_SCALE:
        raise MediaError(f"has samples of a rare kind ({kind}); convert it to WAV first")
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    if kind == "u8":
        values = values.astype(np.int16) - 128
    scale = _FULL_SCALE[kind]
    return values.astype(np.float32) if scale == 1 else (values / float(scale)).astype(np.float32)
