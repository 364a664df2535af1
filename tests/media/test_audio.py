"""Audio files become samples and a rate, and another rate without harm to what both can hold."""

import io
import wave
from pathlib import Path

import numpy as np
import pytest

from codec.errors import CodecError, LimitError, MediaError
from codec.media.audio import Audio, fits, mono, read_audio, resample


def wav(values: np.ndarray, rate: int = 8000) -> bytes:
    """The bytes of a WAV file of integers [channels, n], uint8 or int16."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as fp:
        fp.setnchannels(len(values))
        fp.setsampwidth(values.dtype.itemsize)
        fp.setframerate(rate)
        fp.writeframes(values.T.tobytes())
    return buffer.getvalue()


def tone(hertz: float, rate: int, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate).astype(np.float32)[None]


def test_16_bit_samples_are_exact_and_channels_stay_apart() -> None:
    values = np.random.default_rng(0).integers(-(2**15), 2**15, (2, 3000)).astype(np.int16)
    audio = read_audio(wav(values, 11025))
    assert audio.rate == 11025
    assert audio.samples.dtype == np.float32
    assert np.array_equal(audio.samples * 2.0**15, values)
    assert audio.seconds == 3000 / 11025


def test_8_bit_samples_are_centred() -> None:
    audio = read_audio(wav(np.array([[0, 64, 128, 192, 255]], np.uint8)))
    assert audio.samples.tolist() == [[-1, -0.5, 0, 0.5, 127 / 128]]


@pytest.mark.parametrize(
    "data", [b"", b"no sound at all, only text", b"\x89PNG\r\n\x1a\n" + bytes(50), wav(np.zeros((1, 0), np.int16))]
)
def test_what_is_no_sound_gives_one_line_with_the_name(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    path.write_bytes(data)
    with pytest.raises(MediaError) as caught:
        read_audio(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_playlist_does_not_open_other_files(tmp_path: Path) -> None:
    (tmp_path / "secret.wav").write_bytes(wav(np.ones((1, 8000), np.int16)))
    path = tmp_path / "list.wav"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsecret.wav\n#EXT-X-ENDLIST\n")
    with pytest.raises(MediaError):
        read_audio(path)


def test_too_many_samples_are_refused() -> None:
    data = wav(np.zeros((2, 500), np.int16))
    assert read_audio(data, max_samples=1000).samples.shape == (2, 500)
    with pytest.raises(LimitError, match="cut it"):
        read_audio(data, max_samples=999)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        read_audio(tmp_path / "none.wav")


@pytest.mark.parametrize(
    ("old", "new"), [(48000, 16000), (44100, 16000), (8000, 16000), (16000, 48000), (22050, 48000)]
)
def test_resampling_keeps_a_tone_in_time_and_level(old: int, new: int) -> None:
    hertz = 0.43 * min(old, new)  # 0.86 of the lower Nyquist frequency
    out = resample(Audio(tone(hertz, old), old), new)
    want = tone(hertz, new)
    assert out.rate == new
    assert out.samples.shape == (1, -(-round(old * 0.5) * new // old))
    inner = slice(new // 8, 3 * new // 8)
    assert np.abs(out.samples[0, inner] - want[0, inner]).max() < 1e-3


def test_resampling_removes_what_the_lower_rate_cannot_hold() -> None:
    out = resample(Audio(tone(9000, 48000), 48000), 16000).samples[0]
    assert np.abs(out[2000:-2000]).max() < 1e-4


def test_resampling_treats_channels_alone_and_short_sounds() -> None:
    left, right = tone(300, 44100), tone(700, 44100)
    both = resample(Audio(np.concatenate((left, right)), 44100), 48000).samples
    assert np.array_equal(both[:1], resample(Audio(left, 44100), 48000).samples)
    assert np.array_equal(both[1:], resample(Audio(right, 44100), 48000).samples)
    assert resample(Audio(left[:, :1], 44100), 48000).samples.shape == (1, 2)


def test_the_same_rate_changes_nothing() -> None:
    audio = Audio(tone(300, 8000), 8000)
    assert resample(audio, 8000) is audio


def test_mono_is_the_mean_of_the_channels() -> None:
    audio = mono(Audio(np.array([[1, 0], [0, 0.5]], np.float32), 8000))
    assert audio.samples.tolist() == [[0.5, 0.25]]


def test_fits_tells_the_bits_that_samples_need() -> None:
    audio = Audio(np.array([[0.5, -1, 2.0**-15]], np.float32), 8000)
    assert fits(audio, 16)
    assert not fits(audio, 15)
    assert not fits(Audio(np.ones((1, 1), np.float32), 8000), 16)


def test_errors_are_codec_errors() -> None:
    with pytest.raises(CodecError):
        read_audio(b"RIFF")
