"""Rows about videos: which are known, how they end, what they say of themselves."""

import io
import shutil
from pathlib import Path

import av
from click.testing import CliRunner

import codec
from case_rows import Row, same
from codec.cli.main import cli
from codec.container import unpack_tags
from codec.media.video import read_video


def run(*arguments: object, stdin: bytes | None = None) -> str:
    """The command's output; raises unless it ends well."""
    done = CliRunner().invoke(cli, [str(a) for a in arguments], input=stdin, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stderr


def known(path: Path, work: Path) -> None:
    data = codec.encode(path, effort=1)
    same(codec.encode(path.read_bytes(), effort=1), data)
    folder = work / "in"
    folder.mkdir()
    shutil.copy(path, folder)
    run("encode", "-e", 1, "-r", folder, "-o", work / "out")
    shutil.copy(path, work / "unnamed")
    run("encode", "-e", 1, work / "unnamed")
    run("encode", "-e", 1, "-", "-o", work / "piped.ncf", stdin=path.read_bytes())
    for file in (work / "out" / path.with_suffix(".ncf").name, work / "unnamed.ncf", work / "piped.ncf"):
        same(file.read_bytes(), data)
    run("evaluate", path, work / "unnamed", "--codec", "base-svt-av1:q=20")


def ends(path: Path, work: Path) -> None:
    same(seconds(path), 4.0)
    for options in (("-e", 1), ("-e", 1, "--base", "x264"), ("--keep-stream",)):
        run("encode", *options, path, "-f", "-o", work / "a.ncf")
        for suffix in (".mp4", ".mkv"):
            for command in ("decode", "export"):
                run(command, work / "a.ncf", "-f", "-o", work / f"a{suffix}")
                same(seconds(work / f"a{suffix}"), 4.0)


def seconds(path: Path) -> float:
    with av.open(str(path)) as found:
        return found.duration / 10**6


def transparent(path: Path, work: Path) -> None:
    same(run("encode", "-e", 1, path, "-o", work / "a.ncf").count("its transparency is left out"), 1)


def tagged(path: Path, work: Path) -> None:
    kept = unpack_tags(codec.info(codec.encode(path, effort=1)).metadata["tags"])
    with av.open(str(path)) as found:
        same(kept, {name: found.metadata[name] for name in ("creation_time", "title", "location")})
    run("encode", "-e", 1, path, "-o", work / "a.ncf")
    for suffix in (".mp4", ".mkv"):
        run("decode", work / "a.ncf", "-o", work / f"a{suffix}")
        with av.open(str(work / f"a{suffix}")) as found:
            assert kept.items() <= {name.lower(): text for name, text in found.metadata.items()}.items()


def default_sound(path: Path, work: Path) -> None:
    opened = read_video(path)
    assert any("1 more of sound" in note for note in opened.notes)
    with av.open(str(path)) as found:
        wanted = [bytes(p) for p in found.demux(found.streams.audio[1]) if p.size]
    with av.open(io.BytesIO(opened.info.metadata["audio"])) as found:
        same([bytes(p) for p in found.demux() if p.size], wanted)


ROWS = [
    Row(
        ("dv_ntsc_411.dv", "bare_av1.obu", "theora_with_skeleton.ogv", "vp8_in_ogg.ogv", "bare_mpeg4.m4v"),
        "known as a video by encode, batch, library and evaluate, whatever its name",
        known,
    ),
    Row(("slideshow_last_picture_held_3s.mp4", "slideshow_last_picture_held_3s.mkv"), "4.0 s in, 4.0 s out", ends),
    Row(("vp9_alpha.webm", "vp8_alpha.webm"), "a line: its transparency is left out", transparent),
    Row(("phone_tags.mp4",), "title, time and place are kept", tagged),
    Row(("two_audio_second_default.mkv",), "the default sound is kept, a line says that there was more", default_sound),
]
