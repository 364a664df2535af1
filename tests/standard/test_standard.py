"""Standard streams: what encoders give decodes to the pictures that they had, and leaves the process as it was."""

import io
import multiprocessing
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from helpers.video_clips import BT601, moving

from codec.container import LIMITS, Header, Stream
from codec.container.fields import varint
from codec.errors import CodecError, FormatError, MediaError
from codec.media.video import Layout, Planes, turn_of
from codec.peers.video import VIDEO
from codec.standard import priority
from codec.standard.decode import checksum, decode
from codec.standard.encoders import ENCODERS, Encoder, Settings, encode, without_notes
from codec.standard.export import export
from codec.standard.packets import Packet, pack, unpack


def settings(encoder: Encoder, height: int = 64, width: int = 96, layout: Layout | None = None) -> Settings:
    wide, high = encoder.size(width, height)
    return Settings(wide, high, layout or Layout(), BT601, Fraction(25), Fraction(1, 25))


def packets_of(encoder: Encoder, frames: list[Planes], threads: int = 1, factor: float = 30.0) -> list[Packet]:
    height, width = frames[0][0].shape
    return list(encode(encoder, settings(encoder, height, width), enumerate(frames), 1, factor, threads))


def header_of(encoder: Encoder, height: int = 64, width: int = 96, factor: float = 30.0) -> Header:
    made = settings(encoder, height, width)
    extradata = encoder.open(made, 1, factor, 1).extradata or b""
    stream = Stream(encoder.standard, made.width, made.height, "420", Fraction(1, 25), extradata=extradata)
    return Header(3, 0, width, height, frames=0, rate=Fraction(25), color=BT601, stream=stream)


@pytest.mark.parametrize("name", ENCODERS)
def test_bytes_do_not_depend_on_threads(name: str) -> None:
    frames = moving(64, 96, 20)
    assert packets_of(ENCODERS[name], frames, 1) == packets_of(ENCODERS[name], frames, 3)


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("size", [(64, 96), (33, 47), (1, 1), (2, 200), (17, 16)])
def test_pictures_of_any_size_come_in_order_and_near_the_source(name: str, size: tuple[int, int]) -> None:
    encoder, frames = ENCODERS[name], moving(*size, 9)
    header = header_of(encoder, *size, factor=15.0)  # x264's parameter sets depend on it
    found = list(decode(header, packets_of(encoder, frames, factor=15.0)))
    assert [pts for pts, _ in found] == list(range(9))
    for (_, planes), wanted in zip(found, frames, strict=True):
        y = planes[0][: size[0], : size[1]].astype(float)
        assert np.abs(y - wanted[0]).mean() < 6


@pytest.mark.parametrize("name", ENCODERS)
def test_finer_factors_and_efforts_are_other_streams(name: str) -> None:
    frames = moving(64, 96, 6)
    made = [packets_of(ENCODERS[name], frames, factor=f) for f in (30.0, 30.25, 40.0)]
    assert made[0] != made[1]
    assert sum(len(p.data) for p in made[0]) > sum(len(p.data) for p in made[2])
    encoder = ENCODERS[name]
    assert [encoder.quality(encoder.factor(q)) for q in (0, 100)] == [0, 100]
    assert encoder.steps == 4 * abs(encoder.factors[0] - encoder.factors[1])


def test_x264s_note_of_itself_goes_and_nothing_else() -> None:
    assert not any(b"x264" in p.data for p in packets_of(ENCODERS["x264"], moving(64, 96, 3)))
    units = [b"\0\0\0\1\x67sps", b"\0\0\1\x06note", b"\0\0\1\x65picture", b"\0\0\0\1\x41more"]
    assert without_notes(b"".join(units)) == units[0] + units[2] + units[3]


def close_early(header: Header, packets: list[Packet]) -> None:
    os.environ["OMP_NUM_THREADS"] = "4"  # in a process of its own
    for number in range(150):
        pictures = decode(header, packets)
        for _ in range(number % 10):
            next(pictures)
        pictures.close()


@pytest.mark.parametrize("name", ENCODERS)
def test_a_decoder_is_closed_at_any_time(name: str) -> None:
    """While its threads work on packets: they once waited for the interpreter, which waited for them."""
    encoder, rng = ENCODERS[name], np.random.default_rng(0)
    noise = [
        (rng.integers(0, 256, (192, 256), np.uint8), *(np.full((96, 128), 128, np.uint8) for _ in range(2)))
        for _ in range(20)
    ]
    header, packets = header_of(encoder, 192, 256), packets_of(encoder, noise)
    process = multiprocessing.get_context("spawn").Process(target=close_early, args=(header, packets))
    process.start()
    process.join(120)
    process.kill()
    assert process.exitcode == 0


def test_what_is_no_stream_is_refused() -> None:
    encoder = ENCODERS["x264"]
    header, packets = header_of(encoder), packets_of(encoder, moving(64, 96, 5))
    assert header.stream is not None
    with pytest.raises(FormatError, match="its stream holds 96 x 64 yuv420p pictures, not 98 x 64"):
        list(decode(replace(header, stream=header.stream._replace(width=98)), packets))
    with pytest.raises(FormatError, match="yuv420p pictures, not 96 x 64 yuv420p10le"):
        list(decode(replace(header, depth=10), packets))
    with pytest.raises(FormatError):
        list(decode(header, [Packet(p.pts, p.key, os.urandom(len(p.data))) for p in packets]))
    with pytest.raises(FormatError):
        list(decode(replace(header, stream=header.stream._replace(standard="av1")), packets))


def test_a_picture_that_is_larger_than_said_takes_no_memory() -> None:
    encoder = ENCODERS["svt-av1"]
    packets = packets_of(encoder, moving(720, 1280, 1))
    with pytest.raises(FormatError):
        list(decode(header_of(encoder), packets))


def test_what_an_encoder_refuses_is_said() -> None:
    with pytest.raises(CodecError, match=re.escape("libsvtav1 refuses this video (Invalid argument)")):
        ENCODERS["svt-av1"].open(settings(ENCODERS["svt-av1"], layout=Layout(8, "444")), 3, 30.0, 1)


def test_checksums_tell_samples_and_depth_apart() -> None:
    frames = moving(16, 16, 2)
    deep = [tuple(p.astype(np.uint16) for p in planes) for planes in frames]
    changed = [(frames[0][0] ^ 1, *frames[0][1:]), frames[1]]
    sums = {checksum(f) for f in (frames, deep, changed, frames[:1], frames[::-1])}  # type: ignore[arg-type]
    assert len(sums) == 5
    assert checksum([tuple(np.asfortranarray(p) for p in planes) for planes in frames]) == checksum(frames)  # type: ignore[misc]


@pytest.mark.parametrize("format", ["mp4", "matroska"])
@pytest.mark.parametrize("turn", range(8))
def test_an_export_says_how_pictures_are_turned_and_shaped(turn: int, format: str) -> None:
    header, packets = header_of(ENCODERS["x264"]), packets_of(ENCODERS["x264"], moving(64, 96, 2))
    assert header.stream is not None
    header = replace(header, stream=header.stream._replace(turn=turn, aspect=Fraction(4, 3)))
    buffer = io.BytesIO()
    assert export(header, lambda: packets, buffer, "mp4" if format == "mp4" else "mkv") == 2
    buffer.seek(0)
    with av.open(buffer) as found:
        turned = turn_of(next(found.decode(video=0)))
        assert turned is not None
        assert turned.transpose + 2 * turned.mirror_x + 4 * turned.mirror_y == turn
        if format == "mp4":  # PyAV can't tell FFmpeg's writer of Matroska; the stream itself says it, too
            assert found.streams.video[0].sample_aspect_ratio == Fraction(4, 3)


def test_errors_of_packets_stay_what_they_are() -> None:
    def packets() -> Iterator[Packet]:
        raise MediaError("its packets have no times")
        yield

    header, told = header_of(ENCODERS["x264"]), re.escape("its packets have no times")
    with pytest.raises(MediaError, match=f"^{told}$"):
        list(decode(header, packets()))
    with pytest.raises(MediaError, match=f"^{told}$"):
        export(header, packets, io.BytesIO(), "mp4")


def test_a_stream_without_packets_is_damaged() -> None:
    with pytest.raises(FormatError, match="its stream has no packets"):
        export(header_of(ENCODERS["x264"]), lambda: iter(()), io.BytesIO(), "mp4")


def test_packets_of_a_unit_have_a_limit() -> None:
    count = LIMITS.packets + 1
    few = pack([Packet(n, n == 0, b"x") for n in range(3)])
    many = varint(count) + few[1:4] + b"".join([varint(2)] * count) + b"x" * count
    with pytest.raises(FormatError, match="does not hold packets"):
        unpack(many)
    with pytest.raises(MediaError, match="are too many"):
        pack([Packet(n, False, b"x") for n in range(count)])


def policies() -> set[tuple[int, int]]:
    return set(priority._policies().values())


@pytest.mark.parametrize("peer", [False, True])
def test_encoding_changes_no_threads_priority(peer: bool) -> None:
    """SVT-AV1 does as root: what is started afterwards would starve the machine."""
    before, seen = policies(), list[set[tuple[int, int]]]()

    def watched(frames: list[Planes]) -> Iterator[Planes]:
        for planes in frames:
            yield planes
            seen.append(policies())

    frames = moving(64, 96, 4)
    if peer:
        VIDEO["svt-av1"].encode(watched(frames), BT601, Fraction(25), 40)
    else:
        encoder = ENCODERS["svt-av1"]
        list(encode(encoder, settings(encoder), enumerate(watched(frames)), 1, 40.0, 2))
    assert policies() == before and all(found == before for found in seen[1:])


def test_a_priority_that_a_thread_has_stays() -> None:
    held, go = threading.Event(), threading.Event()

    def idle() -> None:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        held.set()
        go.wait()

    thread = threading.Thread(target=idle)
    thread.start()
    held.wait()
    encoder = ENCODERS["svt-av1"]
    list(encode(encoder, settings(encoder), enumerate(moving(64, 96, 2)), 1, 40.0, 1))
    assert thread.native_id is not None and os.sched_getscheduler(thread.native_id) == os.SCHED_BATCH
    go.set()
    thread.join()
