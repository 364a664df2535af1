"""MP3, Opus, AAC and FLAC through PyAV, for evaluation only: real files in memory, counted in bytes like ours.

A sound keeps its own rate where the encoder takes it. What a codec's delay does to a decoded copy is undone by
`align`, so that samples can be compared; FLAC is the null experiment, which must score perfectly.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import numpy as np

from codec.errors import CodecError
from codec.media.audio import Audio, fits, read_audio, resample
from codec.peers.ffmpeg import BITEXACT, encoder, pyav

if TYPE_CHECKING:
    from collections.abc import Iterator

    import av

MAX_DELAY = 0.2  # seconds: encoders delay by a few hundredths
_LAYOUTS = ("mono", "stereo")
_FRAME = 2**16  # samples handed over at once


@dataclass(frozen=True)
class AudioCodec:
    """An audio encoder of FFmpeg's libraries in its usual container.

    `suffix`: of its files; `samples`: the format that it takes, "" where that depends on the sound (lossless);
    `packet_header`: bytes of each packet that are the container's.
    """

    encoder: str
    container: str
    suffix: str
    samples: str
    options: tuple[tuple[str, str], ...] = ()
    container_options: tuple[tuple[str, str], ...] = ()
    packet_header: int = 0

    @property
    def key(self) -> str:
        """The key of its specs (codec/evaluate/specs.py)."""
        return "kbps" if self.samples else ""

    @property
    def description(self) -> str:
        """The encoder's settings, for rows."""
        values = " ".join(f"{key}={value}" for key, value in self.options)
        return f"{pyav()} {self.encoder} {self.container} {values}".rstrip()

    def require(self) -> None:
        """CodecError if the installed PyAV was built without the encoder."""
        encoder(self.encoder)

    def encode(self, audio: Audio, value: float = 0) -> bytes:
        """The bytes of a file of about `value` kbit/s: what the encoder makes of it is only known from their number.

        CodecError for more than two channels, for rates of bits that the encoder refuses, and (FLAC) for samples that
        24 bits can't hold.
        """
        import av

        if len(audio.samples) > len(_LAYOUTS):
            raise CodecError(f"as a peer {self.encoder} takes mono and stereo only; leave it out for this file")
        audio = resample(audio, self._rate(audio.rate))
        kind, samples = self._as_stored(audio)
        layout = _LAYOUTS[len(samples) - 1]
        buffer = io.BytesIO()  # seekable: what MP3 says of its delay is written last, at the front
        try:
            with av.open(buffer, "w", format=self.container, options=dict(self.container_options)) as container:
                stream = cast("av.AudioStream", container.add_stream(self.encoder, audio.rate, dict(self.options)))
                stream.codec_context.layout, stream.codec_context.format = layout, kind
                if value:
                    stream.bit_rate = round(1000 * value)
                for frame in _frames(samples, kind, layout, audio.rate):
                    container.mux(stream.encode(frame))
                container.mux(stream.encode(None))
        except (av.error.FFmpegError, OverflowError) as error:
            what = f"{value:g} kbit/s, {audio.rate} Hz, {layout}" if value else f"{audio.rate} Hz, {layout}"
            raise CodecError(f"{self.encoder} refuses {what}; choose another setting") from error
        return buffer.getvalue()

    def decode(self, data: bytes, rate: int, channels: int) -> Audio:
        """The bytes of a file -> its sound at `rate` Hz, not aligned yet; CodecError if its channels aren't so many."""
        audio = resample(read_audio(data), rate)
        if len(audio.samples) != channels:
            raise CodecError(f"{self.encoder} gave {len(audio.samples)} channels instead of {channels}")
        return audio

    def payload(self, data: bytes) -> int:
        """Bytes of the codec's own packets in a file, without the container."""
        import av

        with av.open(io.BytesIO(data), format=_DEMUXERS.get(self.container, self.container)) as container:
            sizes = [packet.size for packet in container.demux(audio=0) if packet.size]
        return sum(sizes) - self.packet_header * len(sizes)

    def _rate(self, rate: int) -> int:
        """The nearest rate that loses nothing, among those that the encoder takes; else its highest."""
        rates = encoder(self.encoder).audio_rates or [rate]
        return min((r for r in rates if r >= rate), default=max(rates))

    def _as_stored(self, audio: Audio) -> tuple[str, np.ndarray]:
        if self.samples:
            return self.samples, audio.samples
        for bits, kind, dtype in ((16, "s16", np.int16), (24, "s32", np.int32)):
            if fits(audio, bits):
                full_scale = 2.0 ** (np.iinfo(dtype).bits - 1)
                return kind, (audio.samples * full_scale).astype(dtype)
        raise CodecError(f"{self.encoder} can't keep samples of more than 24 bits; leave it out for this file")


def align(decoded: Audio, original: Audio) -> tuple[Audio, int]:
    """The decoded copy without its delay and as long as the original; and that delay, in samples.

    The delay, at most 0.2 s either way, is where the cross-correlation of both, summed over channels, is greatest.
    """
    delay = _delay(decoded.samples, original.samples, int(MAX_DELAY * original.rate))
    length = original.samples.shape[1]
    samples = np.pad(decoded.samples[:, max(delay, 0) :], ((0, 0), (max(-delay, 0), length)))
    return Audio(samples[:, :length], decoded.rate), delay


def _delay(decoded: np.ndarray, original: np.ndarray, limit: int) -> int:
    block = max(2**15, 1 << (2 * limit).bit_length())
    late = np.pad(decoded, ((0, 0), (limit, limit + block)))
    size = block + 2 * limit
    spectrum = np.zeros(size // 2 + 1, np.complex128)
    for start in range(0, original.shape[1], block):
        a, b = original[:, start : start + block], late[:, start : start + size]
        spectrum += (np.conj(np.fft.rfft(a, size)) * np.fft.rfft(b, size)).sum(0)
    products = np.fft.irfft(spectrum, size)[: 2 * limit + 1]
    if products.max() <= products[limit] * (1 + 1e-9):  # silence, or nothing that is better than no delay
        return 0
    return int(products.argmax()) - limit


def _frames(samples: np.ndarray, kind: str, layout: str, rate: int) -> Iterator[av.AudioFrame]:
    import av

    for start in range(0, samples.shape[1], _FRAME):
        block = samples[:, start : start + _FRAME]
        if not kind.endswith("p"):  # channels take turns
            block = block.T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format=kind, layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        yield frame


_DEMUXERS = {"adts": "aac"}

_OPUS = (("application", "audio"), ("vbr", "on"), ("frame_duration", "20"))

AUDIO = {
    "mp3": AudioCodec("libmp3lame", "mp3", ".mp3", "fltp", container_options=(BITEXACT, ("id3v2_version", "0"))),
    "opus": AudioCodec("libopus", "ogg", ".opus", "flt", _OPUS, (BITEXACT,)),
    "aac": AudioCodec("aac", "adts", ".aac", "fltp", (("aac_coder", "twoloop"),), (BITEXACT,), packet_header=7),
    "flac": AudioCodec("flac", "flac", ".flac", "", container_options=(BITEXACT, ("metadata_header_padding", "0"))),
}
