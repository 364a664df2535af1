"""Files that claim what they don't have, or are no encoder's: refused by `decode` and `info` alike, before any work."""

import io
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from crafted import KEY, STEADY, as_video, file_of, hybrid, joined, picture, sessions, sine, sound_file, still
from helpers.commands import call, refused
from helpers.pictures import picture as drawn

import codec
from codec import container, video, weights
from codec.codecs import of
from codec.codecs.nirvana import PRESETS as NAMES
from codec.codecs.nirvana import head
from codec.codecs.nirvana.sine.presets import PRESETS
from codec.container import Header, Unit
from codec.errors import CodecError, FormatError, LimitError
from codec.media.video.mux import Sound

S2LIC = bytes.fromhex(next(w.fingerprint for w in weights.available() if w.name == "s2lic-xs"))
CIRCUIT = bytes.fromhex(next(w.fingerprint for w in weights.available() if w.name == "circuit-s"))
WIDE = 65535, 4096


def told(data: bytes) -> CodecError | None:
    """What `codec info` says is wrong, as it finds it."""
    try:
        header, units = container.read(data)
        found = list(units)
        of(header).check(header, found)
        of(header).describe(header, found)
    except CodecError as error:
        return error
    return None


def decoding(data: bytes, partial: bool = False) -> CodecError | None:
    """What decoding says is wrong."""
    try:
        list(codec.decode(data, device="cpu", partial=partial).frames())
    except CodecError as error:
        return error
    return None


def changed(data: bytes, change: Callable[[Header, list[Unit]], tuple[Header, list[Unit]]]) -> bytes:
    header, units = container.read(data)
    return file_of(*change(header, list(units)))


def unit_of(frames: int) -> Unit:
    return Unit(0, 0, 0, STEADY + KEY, frames)


@pytest.mark.parametrize("frames", [2_592_000, 1025, 54, 5, 0])
@pytest.mark.parametrize("header", [sine(), hybrid(16, 16), as_video(picture(1, 16, 16, S2LIC, b"\0\x32"))])
def test_frames_that_no_unit_has(header: Header, frames: int) -> None:
    if frames == 5 and header.stream is not None:
        pytest.skip("a group over a stream may have so many")
    if frames == 0 and header.codec == 1:
        pytest.skip("a tile has no frames of its own")
    data = file_of(header, [unit_of(frames)])
    assert isinstance(told(data), (FormatError, LimitError)) and decoding(data) is not None


def test_the_sizes_of_groups_are_those_of_the_presets() -> None:
    assert tuple(PRESETS[name].shape.group for name in NAMES) == head.GROUPS


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("number", [1, 2])
def test_few_bytes_get_no_memory_for_many_pixels(number: int, channels: int) -> None:
    fingerprint, private = ((S2LIC, b"\0\x32"), (CIRCUIT, b""))[number - 1]
    header = picture(number, *WIDE, fingerprint, private, channels)
    assert decoding(joined(header, []), partial=True) is not None
    for count in (1, 256):  # so many empty units are known to be none by the lossless codec
        data = file_of(header, [Unit(i, 0, 0, b"") for i in range(count)])
        assert isinstance(decoding(data, partial=True), LimitError if count == 1 or number == 1 else FormatError)
    whole = as_video(header) if number == 1 and channels == 3 else sine(*WIDE)
    assert isinstance(decoding(file_of(whole, [unit_of(1)])), LimitError)


def test_a_large_frame_of_the_papers_network_is_refused_and_a_small_one_shown() -> None:
    assert "limit" in str(decoding(still(4096, 4096, 1)))
    assert decoding(still(64, 48, 2, frames=4)) is None and told(still(64, 48, 2, frames=4)) is None


def test_a_chain_of_many_units_is_told_of_at_once() -> None:
    units = [unit_of(1)._replace(index=i, payload=STEADY + (KEY if i == 0 else b"\0")) for i in range(3000)]
    for data in (file_of(sine(), units), sessions(sine(), units)):
        assert told(data) is None
        assert isinstance(decoding(data), CodecError) and decoding(data, partial=True) is None


@pytest.mark.parametrize("start", ["1e300000000", "1e-300000000", "9" * 5000, "nan", "1_0/3", "-1", "1/0", "1/3/4"])
def test_a_start_of_the_sound_that_is_no_plain_fraction(start: str) -> None:
    with pytest.raises(FormatError, match="--no-audio"):
        Sound(sound_file(start), "mkv")
    Sound(sound_file("1/3"), "mkv")


@pytest.mark.parametrize("options", [{"quality": 40}, {"lossless": True, "effort": 1}])
def test_one_encoding_of_a_picture(options: dict[str, object]) -> None:
    data = codec.encode(drawn(20, 24, 4), device="cpu", **options)  # type: ignore[arg-type]
    assert told(data) is None and decoding(data) is None
    last = len(list(container.read(data)[1])) - 1

    def with_phase(header: Header, units: list[Unit]) -> tuple[Header, list[Unit]]:
        return header, [*units[:last], units[last]._replace(phase=1)]

    for name, wrong in {
        "phase": changed(data, with_phase),
        "units": changed(data, lambda header, units: (header, [*units, units[0]._replace(index=last + 1)])),
        "frames": changed(data, lambda header, units: (replace(header, frames=2), units)),
        "no frames": changed(data, lambda header, units: (replace(header, frames=0), units)),
        "a rate": changed(data, lambda header, units: (replace(header, rate=Fraction(25)), units)),
        "revision": changed(data, lambda header, units: (replace(header, revision=1), units)),
        "an end": data + data[data.rindex(b"Z") :],
    }.items():
        assert isinstance(told(wrong), CodecError) and isinstance(decoding(wrong), CodecError), name


def test_bytes_after_a_webp_image() -> None:
    drawing = np.random.default_rng(0).choice(np.array([0, 255], np.uint8), (40, 40, 1))
    from codec.codecs.circuit import method_webp

    coded = method_webp.encode(drawing)
    assert np.array_equal(method_webp.decode(coded.data, coded.variant, drawing.shape), drawing)
    for more in (b"\0", b"\xff", b"more"):
        with pytest.raises(FormatError):
            method_webp.decode(coded.data + more, coded.variant, drawing.shape)


@pytest.mark.parametrize("command", [("info", "-"), ("decode", "-", "-o", "a.png"), ("encode", "-", "-o", "a.ncf")])
def test_an_endless_stream_is_refused_by_its_first_bytes(command: tuple[str, ...], tmp_path: Path) -> None:
    start = (sys.executable, "-c", "from codec.cli.main import main; main()", *command)
    with Path("/dev/zero").open("rb") as zeros:
        done = subprocess.run(start, stdin=zeros, capture_output=True, cwd=tmp_path, timeout=60)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and not list(tmp_path.iterdir())


def test_what_is_read_once_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    from codec.cli import streams

    monkeypatch.setattr(streams, "_MOST", 10_000)
    data = still(16, 16, 1)
    assert "read" not in call("info", "-", stdin=data).stdout
    assert "goes on beyond" in call("info", "-", stdin=data + bytes(20_000), code=1).stderr


def test_garbage_in_place_of_sound_is_left_out_where_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.ncf").write_bytes(changed_metadata(still(64, 48, 1), b"no sound"))
    for target in ("a.mp4", "a.mkv"):
        assert "--no-audio" in refused("decode", "a.ncf", "-o", target)
        assert "audio is left out" in call("decode", "a.ncf", "-o", target, "--partial", code=1).stderr
        call("decode", "a.ncf", "-f", "-o", target, "--no-audio")


def test_the_message_for_a_damaged_video_is_of_the_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    broken = bytearray(still(64, 48, 1))
    broken[8] ^= 1
    Path("a.ncf").write_bytes(broken)
    for more in ((), ("--partial",)):
        assert "checksum of section 'H'" in refused("decode", "a.ncf", "-o", "a.mkv", *more)


def changed_metadata(data: bytes, sound: bytes) -> bytes:
    header, units = container.read(data)
    buffer = io.BytesIO()
    container.write(buffer, replace(header, metadata={"audio": sound}), units)
    assert list(video.open_file(io.BytesIO(buffer.getvalue()), device="cpu").pictures())
    return buffer.getvalue()
