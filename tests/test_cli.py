"""The commands end to end, with the weights that are installed."""

import contextlib
import dataclasses
import io
import json
import os
import pty
import signal
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from alike import alike
from click.testing import CliRunner, Result
from conftest import Run
from PIL import Image

import codec
from codec import container
from codec.cli.main import COMMANDS, cli


@pytest.fixture(scope="session")
def encoded(picture: Image.Image) -> bytes:
    return codec.encode(picture, quality=40)


@pytest.fixture
def ncf(tmp_path: Path, encoded: bytes) -> Path:
    """An .ncf file, alone in a directory."""
    path = tmp_path / "photo.ncf"
    path.write_bytes(encoded)
    return path


def call(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(cli, [str(a) for a in arguments], input=stdin, catch_exceptions=False)


def succeed(*arguments: object, stdin: bytes | None = None) -> Result:
    result = call(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return result


def fail(*arguments: object, code: int = 1) -> str:
    """Run a command that has to fail with one line on stderr and nothing on stdout; the line."""
    result = call(*arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    if code == 1:
        (line,) = result.stderr.splitlines()
        assert line.startswith("codec: ")
    return result.stderr


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def image(source: Any) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(source) if isinstance(source, bytes) else source))


def test_encode_and_decode_write_beside_the_input(photo: Path, picture: Image.Image) -> None:
    result = succeed("encode", photo)
    assert result.stdout == ""
    assert f"{photo} -> {photo.with_suffix('.ncf')}  " in result.stderr
    photo.rename(photo.with_name("original.png"))
    result = succeed("decode", photo.with_suffix(".ncf"))
    assert result.stdout == ""
    assert f" -> {photo}  96 x 64  " in result.stderr
    error = image(photo).astype(float) - np.asarray(picture)
    assert np.sqrt(np.mean(error**2)) < 25
    assert names(photo.parent) == ["original.png", "photo.ncf", "photo.png"]


def test_the_command_gives_what_the_library_gives(photo: Path, picture: Image.Image, ncf: Path, encoded: bytes) -> None:
    succeed("encode", photo, "-q", "40", "-o", photo.parent / "b.ncf")
    assert alike((photo.parent / "b.ncf").read_bytes(), encoded)
    succeed("decode", ncf, "-o", photo.parent / "b.png")
    shown = np.asarray(codec.decode(encoded).image()).astype(int)
    assert np.abs(image(photo.parent / "b.png") - shown).max() <= 1


def test_quality_raises_the_rate(photo: Path) -> None:
    sizes = []
    for quality in ("0", "12.5", "50", "100"):
        succeed("encode", photo, "-f", "--quality", quality)
        sizes.append(photo.with_suffix(".ncf").stat().st_size)
        assert codec.info(photo.with_suffix(".ncf")).private == round(float(quality) * 256).to_bytes(2, "little")
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("suffix", ["jpg", "webp", "tif", "bmp", "ppm"])
def test_the_suffix_of_the_output_says_its_format(ncf: Path, suffix: str) -> None:
    succeed("decode", ncf, "-o", ncf.with_suffix(f".{suffix}"))
    formats = {"jpg": "JPEG", "webp": "WEBP", "tif": "TIFF", "bmp": "BMP", "ppm": "PPM"}
    assert Image.open(ncf.with_suffix(f".{suffix}")).format == formats[suffix]


def test_an_unknown_suffix_is_refused_before_decoding(ncf: Path) -> None:
    assert "no image format has the suffix '.xyz'; use one of" in fail("decode", ncf, "-o", ncf.with_suffix(".xyz"))


def test_several_files_go_into_a_directory_that_is_made(photo: Path, picture: Image.Image) -> None:
    picture.save(photo.with_name("other.bmp"))
    succeed("encode", photo, photo.with_name("other.bmp"), "-o", f"{photo.parent}/out/")
    assert names(photo.parent / "out") == ["other.ncf", "photo.ncf"]


def test_pipes_carry_the_same_bytes(run: Run, photo: Path, encoded: bytes) -> None:
    done = run("encode", "-q", 40, "-", stdin=photo.read_bytes())
    assert (done.returncode, done.stdout) == (0, encoded)
    done = run("decode", "-", "--quiet", stdin=encoded)
    assert (done.returncode, done.stderr) == (0, b"")
    assert np.array_equal(image(done.stdout), np.asarray(codec.decode(encoded).image()))
    assert names(photo.parent) == ["photo.png"]


def test_json_is_one_object_a_file(photo: Path, picture: Image.Image) -> None:
    picture.save(photo.with_name("other.bmp"))
    result = succeed("encode", "--json", "-q", "30", "--device", "cpu", photo, photo.with_name("other.bmp"))
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["file"] for row in rows] == [str(photo), str(photo.with_name("other.bmp"))]
    output = Path(rows[0]["output"])
    assert rows[0].pop("encode_s") > 0
    assert rows[0] == {
        "file": str(photo),
        "output": str(output),
        "codec": "s2lic",
        "quality": 30.0,
        "tune": "psnr",
        "effort": 1,
        "device": "cpu",
        "bytes": output.stat().st_size,
        "pixels": 96 * 64,
        "bpp": 8 * output.stat().st_size / (96 * 64),
    }
    result = succeed("decode", "--json", output, "-o", photo.with_name("back.png"))
    row = json.loads(result.stdout)
    assert row.pop("decode_s") > 0
    assert (row["file"], row["width"], row["height"]) == (str(output), 96, 64)
    assert row["bytes"] == photo.with_name("back.png").stat().st_size


def test_json_and_bytes_do_not_mix_on_stdout(photo: Path, ncf: Path) -> None:
    for arguments in (["encode", photo, "-o", "-"], ["encode", "-"], ["decode", ncf, "-o", "-"]):
        assert "can't both go to standard output" in fail(*arguments, "--json", code=2)


def test_quiet_prints_nothing(photo: Path) -> None:
    assert succeed("encode", "--quiet", photo).output == ""


def test_a_larger_output_is_said_with_both_sizes(tmp_path: Path) -> None:
    (tmp_path / "dot.ppm").write_bytes(b"P6 1 1 255\n\1\2\3")
    result = succeed("encode", tmp_path / "dot.ppm")
    size = (tmp_path / "dot.ncf").stat().st_size
    assert f"dot.ppm: the output is larger than the input: {size} bytes, 14 before\n" in result.stderr


def test_existing_files_are_kept_without_force(photo: Path, ncf: Path, encoded: bytes) -> None:
    assert "photo.ncf exists already; use -f to overwrite it" in fail("encode", photo)
    assert ncf.read_bytes() == encoded
    succeed("encode", "--force", "-q", "90", photo)
    assert ncf.read_bytes() != encoded


def test_the_input_is_never_the_output(photo: Path) -> None:
    content = photo.read_bytes()
    os.symlink(photo, photo.with_name("symlink.ncf"))
    os.link(photo, photo.with_name("hardlink.ncf"))
    for name in ("photo.png", "symlink.ncf", "hardlink.ncf"):
        assert "is the input" in fail("encode", "-f", photo, "-o", photo.with_name(name))
    assert photo.read_bytes() == content


def test_inputs_with_one_output_stop_the_batch_before_any_work(photo: Path, picture: Image.Image) -> None:
    picture.save(photo.with_name("first.bmp"))
    picture.save(photo.with_suffix(".jpg"))
    message = fail("encode", photo.with_name("first.bmp"), photo, photo.with_suffix(".jpg"), code=2)
    assert str(photo) in message
    assert str(photo.with_suffix(".jpg")) in message
    assert names(photo.parent) == ["first.bmp", "photo.jpg", "photo.png"]


def test_a_bad_file_does_not_stop_the_others(photo: Path, picture: Image.Image) -> None:
    photo.with_name("bad.png").write_text("no image")
    picture.save(photo.with_name("good.bmp"))
    result = call("encode", photo.with_name("bad.png"), photo.with_name("none.png"), photo.with_name("good.bmp"))
    assert result.exit_code == 1
    bad, none, good, summary = result.stderr.splitlines()
    assert bad.startswith(f"codec: {photo.with_name('bad.png')}: is not an image that can be read; ")
    assert none == f"codec: {photo.with_name('none.png')}: no such file or directory; check the name"
    assert " -> " in good
    assert summary.startswith("1 encoded, 2 failed; ")
    assert names(photo.parent) == ["bad.png", "good.bmp", "good.ncf", "photo.png"]


@pytest.mark.parametrize("case", ["text", "empty", "truncated"])
def test_bad_images_leave_one_line_and_no_file(photo: Path, case: str) -> None:
    content = {"text": b"Dear diary,\n", "empty": b"", "truncated": photo.read_bytes()[:3000]}[case]
    photo.write_bytes(content)
    message = {"text": "is not an image", "empty": "the file is empty", "truncated": "is damaged"}[case]
    assert fail("encode", photo).startswith(f"codec: {photo}: {message}")
    assert names(photo.parent) == ["photo.png"]


def with_header(data: bytes, **changes: Any) -> bytes:
    header, units = container.read(io.BytesIO(data))
    buffer = io.BytesIO()
    limits = container.Limits(side=2**32, pixels=2**64)
    container.write(buffer, dataclasses.replace(header, **changes), list(units), limits)
    return buffer.getvalue()


@pytest.mark.parametrize("case", ["text", "empty", "truncated", "flipped", "huge", "weights", "an image"])
def test_bad_ncf_files_leave_one_line_and_no_file(photo: Path, ncf: Path, encoded: bytes, case: str) -> None:
    flipped = bytearray(encoded)
    flipped[len(encoded) // 2] ^= 4
    content, message = {
        "text": (b"Dear diary,\n", "not an .ncf file"),
        "empty": (b"", "not an .ncf file"),
        "truncated": (encoded[:-30], "truncated"),
        "flipped": (bytes(flipped), "damaged"),
        "huge": (with_header(encoded, width=2**16, height=2**15), "65536 x 32768 is too large"),
        "weights": (with_header(encoded, fingerprint=b"12345678"), "weights 3132333435363738 are not installed"),
        "an image": (photo.read_bytes(), "not an .ncf file"),
    }[case]
    photo.unlink()
    ncf.write_bytes(content)
    line = fail("decode", ncf)
    assert line.startswith(f"codec: {ncf}: ")
    assert message in line
    assert names(ncf.parent) == ["photo.ncf"]


def test_encoding_an_ncf_file_is_refused(ncf: Path) -> None:
    assert f"{ncf}: is an .ncf file already; decode it" in fail("encode", ncf)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_directory_is_one_line(photo: Path) -> None:
    photo.parent.chmod(0o500)
    assert "photo.ncf: permission denied; " in fail("encode", photo)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_is_one_line(photo: Path) -> None:
    assert "codec: /dev/full: no space left on device; free some space" in fail("encode", photo, "-o", "/dev/full")


def test_a_missing_directory_is_one_line(photo: Path) -> None:
    assert "is in a directory that doesn't exist; make it first" in fail(
        "encode", photo, "-o", photo.parent / "none" / "a.ncf"
    )


def on_terminal(*arguments: object, stdout: bool, cwd: Path) -> tuple[int, str]:
    """Exit code and what a terminal shows, with stderr, and stdout if asked, on it."""
    primary, secondary = pty.openpty()
    command = [sys.executable, "-m", "codec.cli.main", *map(str, arguments)]
    stdin = subprocess.DEVNULL
    process = subprocess.Popen(
        command, stdin=stdin, stdout=secondary if stdout else subprocess.PIPE, stderr=secondary, cwd=cwd
    )
    code = process.wait(120)
    os.close(secondary)
    shown = os.read(primary, 2**16).decode()
    os.close(primary)
    if process.stdout:
        assert process.stdout.read() == b""
        process.stdout.close()
    return code, shown


def test_bytes_are_not_written_to_a_terminal(photo: Path) -> None:
    code, shown = on_terminal("encode", photo, "-o", "-", stdout=True, cwd=photo.parent)
    assert code == 1
    assert "won't write binary data to a terminal; redirect it" in shown


def test_progress_is_on_the_terminal_only(photo: Path) -> None:
    code, shown = on_terminal("encode", photo, stdout=False, cwd=photo.parent)
    assert code == 0
    assert f"{photo.name} ..." in shown
    assert "encoding" not in succeed("encode", "-f", photo).stderr


def test_effort_makes_a_better_file_of_a_photo(photo: Path) -> None:
    with Image.open(str(files("codec.assets") / "kodim23.png")) as whole:
        whole.crop((200, 200, 328, 328)).save(photo)
    row = json.loads(succeed("encode", "--json", "-e", "3", "-q", "50", photo).stdout)
    assert row["effort"] == 3 and row["bytes"] < len(codec.encode(photo, quality=50))
    succeed("decode", row["output"], "-o", photo.with_name("back.png"))
    assert "10 is not in the range 1<=x<=9" in fail("encode", "-e", "10", photo, code=2)
    assert "--verify goes with --lossless" in fail("encode", "-f", "--verify", photo)


def test_a_long_search_tells_what_is_left_and_can_be_interrupted(tmp_path: Path) -> None:
    Image.effect_noise((256, 256), 60).save(tmp_path / "noise.png")
    primary, secondary = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "codec.cli.main", "encode", "-e", "9", "noise.png"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=secondary,
        cwd=tmp_path,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(secondary)
    shown = b""
    while b" left" not in shown:
        shown += os.read(primary, 2**16)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    with contextlib.suppress(OSError):  # a terminal that nobody has open any more, once all is read
        shown = os.read(primary, 2**16)
    assert b"Traceback" not in shown
    os.close(primary)
    assert names(tmp_path) == ["noise.png"]


def test_an_interrupt_exits_with_130_and_a_kill_leaves_nothing(tmp_path: Path) -> None:
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        process = subprocess.Popen(
            [sys.executable, "-m", "codec.cli.main", "encode", "-", "-o", "out.ncf"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            # Shells start what they run in the background with SIGINT ignored, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        assert process.stdin and process.stderr
        process.stdin.write(bytes(2**24))  # returns when the command has read most of it
        process.send_signal(number)
        assert process.wait(60) == code
        assert b"Traceback" not in process.stderr.read()
        process.stderr.close()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        assert names(tmp_path) == []


def test_a_closed_pipe_is_silent(ncf: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "codec.cli.main", "decode", str(ncf), "-o", "-", "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ncf.parent,
    )
    assert process.stdout and process.stderr
    process.stdout.close()
    assert process.wait(60) == 1
    assert process.stderr.read() == b""
    process.stderr.close()


@pytest.mark.parametrize(
    "arguments", [["-q", "101"], ["-q", "-1"], ["-q", "nan"], ["--device", "tpu"], ["--device", "cuda:x"], ["--wrong"]]
)
def test_wrong_usage_exits_with_2(photo: Path, arguments: list[str]) -> None:
    assert "Usage: " in fail("encode", photo, *arguments, code=2)


def test_info_shows_what_is_in_a_file(ncf: Path, encoded: bytes) -> None:
    values = json.loads(succeed("info", "--json", ncf).stdout)
    assert values == {
        "file": str(ncf),
        "codec": "s2lic",
        "revision": codec.info(ncf).revision,
        "width": 96,
        "height": 64,
        "channels": 3,
        "depth": 8,
        "frames": 1,
        "quality": 40.0,
        "tune": "psnr",
        "metadata": {},
        "units": 1,
        "weights": codec.info(ncf).fingerprint.hex(),
        "installed": True,
        "bytes": len(encoded),
        "bpp": 8 * len(encoded) / (96 * 64),
    }
    table = succeed("info", ncf).stdout
    for text in (str(ncf), "s2lic", "96 x 64", "quality   40", "(installed)", f"{len(encoded):,} ("):
        assert text in table


def test_info_reads_pipes_and_finds_damage(run: Run, ncf: Path, encoded: bytes) -> None:
    assert b"96 x 64" in run("info", "-", stdin=encoded).stdout
    ncf.write_bytes(encoded[:-1])
    assert "truncated" in fail("info", ncf)


def test_models_lists_weights_of_the_environment_too(run: Run, tmp_path: Path) -> None:
    listed = [json.loads(line) for line in run("models", "--json").stdout.splitlines()]
    assert listed
    assert set(listed[0]) == {"name", "codec", "fingerprint", "parameters", "bytes", "path", "description"}
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "mine.safetensors").write_bytes(Path(listed[0]["path"]).read_bytes())
    table = run("models", CODEC_WEIGHTS=str(folder)).stdout.decode()
    assert f"mine  {listed[0]['fingerprint']}  " in table


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_examples_first(command: str) -> None:
    text = succeed(command, "--help").stdout
    assert f"codec {command} " in text[: text.index("Options:")]


def test_version() -> None:
    assert succeed("-V").stdout == succeed("--version").stdout == f"codec, version {codec.__version__}\n"
