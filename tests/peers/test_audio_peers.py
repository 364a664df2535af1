"""Audio peers make real files; what they delay is put back; FLAC is the null experiment."""

from dataclasses import replace

import numpy as np
import pytest

from codec.errors import CodecError
from codec.media.audio import Audio
from codec.peers.audio import AUDIO, align

LOSSY = ("mp3", "opus", "aac")


def chirp(rate: int = 16000, channels: int = 1, seconds: float = 1.0) -> Audio:
    """A rising tone with some noise, of 16-bit samples; each further channel is its negative at half the level."""
    time = np.arange(round(rate * seconds)) / rate
    sound = 0.4 * np.sin(2 * np.pi * (200 * time + 900 * time**2)) * np.hanning(len(time))
    sound += np.random.default_rng(0).normal(0, 0.01, len(time))
    samples = np.stack([sound * (-0.5) ** c for c in range(channels)])
    return Audio((np.rint(samples * 2**15) / 2**15).astype(np.float32), rate)


def noise_ratio(audio: Audio, original: Audio) -> float:
    """Signal to noise, in dB."""
    return float(10 * np.log10(np.sum(original.samples**2) / np.sum((audio.samples - original.samples) ** 2)))


@pytest.mark.parametrize(("rate", "channels"), [(16000, 1), (44100, 2)])
@pytest.mark.parametrize("name", LOSSY)
def test_a_decoded_copy_lies_on_the_original(name: str, rate: int, channels: int) -> None:
    original, peer = chirp(rate, channels), AUDIO[name]
    decoded, delay = align(peer.decode(peer.encode(original, 64), rate, channels), original)
    assert decoded.rate == rate
    assert decoded.samples.shape == original.samples.shape
    assert noise_ratio(decoded, original) > 15
    # FFmpeg undoes the delay that Opus and MP3 files tell; ADTS has no place for it.
    assert delay == 1024 if name == "aac" else abs(delay) <= 3


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("bits", [16, 24])
def test_flac_is_perfect(bits: int, channels: int) -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (channels, 9000))
    original = Audio((values / 2.0 ** (bits - 1)).astype(np.float32), 22050)
    decoded, delay = align(AUDIO["flac"].decode(AUDIO["flac"].encode(original), 22050, channels), original)
    assert delay == 0
    assert np.array_equal(decoded.samples, original.samples)


def test_flac_refuses_samples_that_it_would_round() -> None:
    with pytest.raises(CodecError, match="24 bits"):
        AUDIO["flac"].encode(Audio(np.full((1, 900), 1 / 3, np.float32), 8000))


@pytest.mark.parametrize("name", LOSSY)
def test_more_bits_give_a_larger_file_and_a_closer_copy(name: str) -> None:
    original, peer = chirp(), AUDIO[name]
    files = [peer.encode(original, rate) for rate in (16, 48)]
    ratios = [noise_ratio(align(peer.decode(data, 16000, 1), original)[0], original) for data in files]
    assert len(files[0]) < len(files[1])
    assert ratios[0] < ratios[1]


@pytest.mark.parametrize("name", AUDIO)
def test_the_payload_is_the_file_without_its_container(name: str) -> None:
    peer = AUDIO[name]
    data = peer.encode(chirp(), 24)
    assert 0.8 * len(data) < peer.payload(data) < len(data)


def test_adts_packets_are_counted_without_their_headers() -> None:
    data = AUDIO["aac"].encode(chirp(), 32)
    headers = -(-(16000 + 1024) // 1024)
    assert len(data) - AUDIO["aac"].payload(data) == 7 * headers


@pytest.mark.parametrize("name", AUDIO)
def test_the_same_sound_gives_the_same_bytes(name: str) -> None:
    assert AUDIO[name].encode(chirp(), 24) == AUDIO[name].encode(chirp(), 24)


@pytest.mark.parametrize("delay", [-900, -1, 0, 1, 1024])
def test_align_finds_a_delay_and_puts_it_right(delay: int) -> None:
    original = Audio(np.random.default_rng(2).normal(0, 0.1, (2, 60000)).astype(np.float32), 16000)
    padded = np.pad(original.samples, ((0, 0), (1100, 1100)))
    late = Audio(padded[:, 1100 - delay : -200], 16000)
    aligned, found = align(late, original)
    assert found == delay
    inner = slice(1000, -1000)
    assert np.array_equal(aligned.samples[:, inner], original.samples[:, inner])
    assert aligned.samples.shape == original.samples.shape


def test_align_works_where_channels_cancel() -> None:
    left = chirp().samples
    original = Audio(np.concatenate((left, -left)), 16000)
    assert align(Audio(np.pad(original.samples, ((0, 0), (77, 0))), 16000), original)[1] == 77


def test_align_leaves_equal_sounds_and_silence_alone() -> None:
    silence = Audio(np.zeros((1, 5000), np.float32), 8000)
    tone = Audio(np.sin(np.arange(5000) / 7).astype(np.float32)[None], 8000)
    for decoded, original in ((silence, silence), (tone, silence), (silence, tone), (tone, tone)):
        aligned, delay = align(decoded, original)
        assert delay == 0
        assert np.array_equal(aligned.samples, decoded.samples)


def test_a_copy_cut_short_is_filled_up() -> None:
    original = chirp()
    aligned, delay = align(Audio(original.samples[:, :-500], 16000), original)
    assert delay == 0
    assert aligned.samples.shape == original.samples.shape
    assert not aligned.samples[:, -500:].any()


def test_an_encoder_that_is_not_there_is_named() -> None:
    with pytest.raises(CodecError, match="libnothing"):
        replace(AUDIO["mp3"], encoder="libnothing").require()


@pytest.mark.parametrize(
    ("name", "audio", "rate"),
    [("opus", chirp(), 512), ("mp3", Audio(np.zeros((3, 900), np.float32), 8000), 32)],
)
def test_what_an_encoder_refuses_is_told_in_one_line(name: str, audio: Audio, rate: int) -> None:
    with pytest.raises(CodecError, match=AUDIO[name].encoder) as caught:
        AUDIO[name].encode(audio, rate)
    assert "\n" not in str(caught.value)
