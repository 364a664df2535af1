"""What is interrupted goes on, with the bytes of a run without interruption."""

import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from helpers.coded_videos import offsets
from helpers.commands import QUICK, call, interrupted, names, refused
from helpers.video_clips import moving, video_file

from codec.cli.unfinished import resumable
from codec.errors import CodecError

LONG = [(y // 4 + np.uint8(160 * (n // 14 % 2)), u, v) for n, (y, u, v) in enumerate(moving(64, 64, 70))]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_encoding_goes_on_where_it_was(here: Path, number: int) -> None:
    Path("long.mkv").write_bytes(video_file(LONG))
    done = interrupted(number, ".long.ncf.unfinished*", "encode", "-j", "1", "long.mkv", *QUICK)
    assert done.returncode == (-9 if number == signal.SIGKILL else 130)
    if number == signal.SIGINT:
        told = b"codec: long.ncf: stopped; the same command with --resume goes on from there"
        assert [found for found in done.stderr.splitlines() if found] == [told]
    (part,) = Path().glob(".long.ncf.unfinished*")
    there = part.read_bytes()
    for other in (("-q", 80), ("--no-audio",), ("--codec", "s2lic"), ("--target-bpp", 1)):
        effort = () if "s2lic" in other else QUICK
        line = refused("encode", "long.mkv", "--resume", *effort, *other)
        assert "made with other options; give the same ones, or leave out --resume" in line
        assert part.read_bytes() == there
    source = Path("long.mkv").read_bytes()
    Path("long.mkv").write_bytes(source[:-1] + bytes([source[-1] ^ 1]))  # another video of this size
    assert "is of another video or was made with other options" in refused("encode", "long.mkv", "--resume", *QUICK)
    Path("long.mkv").write_bytes(source)
    call("encode", "long.mkv", "--resume", *QUICK)
    resumed = Path("long.ncf").read_bytes()
    assert names() == ["long.mkv", "long.ncf"]
    assert there[: offsets(resumed)[1]] == resumed[: offsets(resumed)[1]]
    call("encode", "-f", "long.mkv", *QUICK)
    assert Path("long.ncf").read_bytes() == resumed


def test_without_resume_an_encoding_begins_anew(clip: str, ncf: bytes) -> None:
    call("encode", clip, "-q", 90, *QUICK, "-o", "other.ncf")
    from codec.cli.unfinished import unfinished

    left = unfinished("clip.ncf", "12345678")
    left.write_bytes(Path("other.ncf").read_bytes()[:400])
    call("encode", clip, *QUICK)
    assert Path("clip.ncf").read_bytes() == ncf
    assert names() == ["clip.mkv", "clip.ncf", "other.ncf"]


def test_a_first_run_may_say_resume(clip: str, ncf: bytes) -> None:
    call("encode", clip, *QUICK, "--resume")
    assert Path("clip.ncf").read_bytes() == ncf


def test_long_names_have_room_to_be_unfinished(clip: str, ncf: bytes) -> None:
    name = "ä" * 120 + ".ncf"
    call("encode", clip, *QUICK, "-o", name)
    assert Path(name).read_bytes() == ncf


@pytest.mark.skipif(os.name != "posix", reason="this system has no locks of files")
def test_one_process_at_a_time_writes_a_video(here: Path) -> None:
    with resumable("a.ncf", "options", False) as first:
        first.write(b"first")
        for resume in (False, True):
            busy = pytest.raises(CodecError, match=re.escape("another process is writing a.ncf; wait for it, or name"))
            with busy, resumable("a.ncf", "options", resume):
                pass
        with pytest.raises(CodecError, match="another process"), resumable("a.ncf", "other options", False):
            pass
        assert len(names()) == 1
        first.write(b", whole")
    assert Path("a.ncf").read_bytes() == b"first, whole" and names() == ["a.ncf"]
    with resumable("a.ncf", "options", False) as second:
        second.write(b"second")
    assert Path("a.ncf").read_bytes() == b"second"
