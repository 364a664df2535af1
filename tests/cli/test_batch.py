"""Folders and batches: what is found, what is refused, what is told, and what stays after an interrupt."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.alike import alike
from helpers.commands import Run, call
from PIL import Image


@pytest.fixture
def photos(here: Path, picture: Image.Image) -> Path:
    """photos/a.png and photos/deep/er/b.PPM, and a text."""
    save(picture, "photos/a.png", "photos/deep/er/b.PPM")
    (here / "photos" / "notes.txt").touch()
    return here / "photos"


def save(picture: Image.Image, *names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        picture.crop((0, 0, 24, 16)).save(name)


def files(folder: Path | str = ".") -> list[str]:
    """Names of all files below a folder."""
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())


def test_a_folder_is_mirrored_there_and_back(photos: Path) -> None:
    result = call("encode", "-r", "photos", "-o", "out")
    assert files("out") == ["a.ncf", "deep/er/b.ncf"]
    assert result.stderr.splitlines()[-1].startswith("2 encoded; ")
    call("decode", "-r", "out/", "-o", "back")
    assert files("back") == ["a.png", "deep/er/b.png"]
    assert Image.open("back/deep/er/b.png").size == (24, 16)


def test_without_an_output_files_are_beside_their_inputs(photos: Path) -> None:
    call("encode", "-r", ".")
    assert files("photos") == ["a.ncf", "a.png", "deep/er/b.PPM", "deep/er/b.ncf", "notes.txt"]


def test_several_folders_keep_their_names(photos: Path, picture: Image.Image) -> None:
    save(picture, "more/a.png", "single.bmp")
    call("encode", "-r", "photos", "more/", "single.bmp", "-o", "out")
    assert files("out") == ["more/a.ncf", "photos/a.ncf", "photos/deep/er/b.ncf", "single.ncf"]


def test_the_output_folder_is_no_input(photos: Path) -> None:
    call("encode", "-r", "photos")
    for again in ([], ["--skip-existing"]):
        result = call("decode", "-r", "photos", "-o", "photos/out", *again)
        call("encode", "-r", "photos", "-o", "photos/out", *again)
        assert "2 decoded" in result.stderr or "2 skipped" in result.stderr
        assert files("photos/out") == ["a.ncf", "a.png", "deep/er/b.ncf", "deep/er/b.png"]


def test_a_folder_that_nothing_came_into_is_not_left(photos: Path) -> None:
    Path("bad/deep").mkdir(parents=True)
    Path("bad/deep/a.png").write_text("no picture")
    call("encode", "-r", "bad", "-o", "out/new", code=1)
    assert not Path("out/new").exists()
    Path("out").mkdir(exist_ok=True)
    call("encode", "-r", "bad", "-o", "out", code=1)
    assert Path("out").is_dir()  # which was there
    call("encode", "-r", "bad", "photos", "-o", "some", code=1)
    assert sorted(os.listdir("some")) == ["photos"]


def test_what_was_decoded_beside_its_source_is_not_encoded(photos: Path, picture: Image.Image) -> None:
    save(picture, "photos/c.jpg")
    call("encode", "-r", "photos")
    for name in ("c.ncf", "a.ncf"):
        call("decode", f"photos/{name}")
        call("decode", "--thumbnail", "9", f"photos/{name}")
    assert {"c.png", "a.decoded.png", "a.thumb.png", "c.thumb.png"} <= set(files("photos"))
    result = call("encode", "-r", "photos", "-o", "out")
    assert files("out") == ["a.ncf", "c.ncf", "deep/er/b.ncf"]
    assert "4 files that codec decoded from the .ncf beside: left out" in result.stderr
    assert "3 skipped" in call("encode", "-r", "photos", "--skip-existing").stderr
    call("encode", "photos/c.png", "-o", "named.ncf")


def test_a_collision_in_folders_stops_before_any_work(photos: Path, picture: Image.Image) -> None:
    save(picture, "photos/deep/er/b.jpg")
    before = files()
    message = call("encode", "-r", "photos", "-o", "out", code=2).stderr
    assert "'photos/deep/er/b.PPM'" in message
    assert "'photos/deep/er/b.jpg'" in message
    assert files() == before
    assert not Path("out").exists()


def test_a_folder_needs_recursive_and_something_in_it(photos: Path, picture: Image.Image) -> None:
    save(picture, "x.png")
    Path("empty").mkdir()
    result = call("encode", "photos", "x.png", code=1)
    assert result.stderr.splitlines()[0] == "codec: photos: is a folder; add -r for the files in it"
    assert Path("x.ncf").exists()
    (line,) = call("encode", "-r", "empty", code=1).stderr.splitlines()
    assert line.startswith("codec: empty: no file in this folder has the suffix of ")


def test_a_symlink_loop_is_an_error_of_its_path_only(photos: Path) -> None:
    os.symlink("..", "photos/deep/loop")
    os.symlink("self.png", "photos/self.png")
    result = call("encode", "-r", "photos", "-o", "out", "--json", code=1)
    rows = {row["file"]: row.get("error") for row in map(json.loads, result.stdout.splitlines())}
    assert list(rows) == ["photos/self.png", "photos/deep/loop", "photos/a.png", "photos/deep/er/b.PPM"]
    assert rows["photos/deep/loop"].startswith("is a loop")
    assert rows["photos/self.png"].startswith("too many levels of symbolic links")
    assert files("out") == ["a.ncf", "deep/er/b.ncf"]


def test_a_folder_with_two_names_is_done_once(photos: Path) -> None:
    os.symlink("deep", "photos/alias")
    result = call("encode", "-r", "photos", "-o", "out")
    assert "codec: photos/alias: is the same folder as photos/deep, which is done once\n" in result.stderr
    assert files("out") == ["a.ncf", "deep/er/b.ncf"]


def test_linked_folders_from_elsewhere_are_followed(photos: Path, picture: Image.Image) -> None:
    save(picture, "elsewhere/c.png")
    os.symlink("../elsewhere", "photos/linked")
    call("encode", "-r", "photos", "-o", "out")
    assert files("out") == ["a.ncf", "deep/er/b.ncf", "linked/c.ncf"]


def test_names_that_are_not_text(photos: Path) -> None:
    os.rename(b"photos/a.png", b"photos/\xff\n.png")
    result = call("encode", "-r", "photos", "-o", "out", "--json")
    assert [json.loads(line)["file"] for line in result.stdout.splitlines()][1] == "photos/\udcff\n.png"
    assert sorted(os.listdir(b"out")) == [b"deep", b"\xff\n.ncf"]
    call("decode", "-r", "out")
    assert b"\xff\n.png" in os.listdir(b"out")


def test_existing_outputs_are_skipped_unopened(photos: Path) -> None:
    Path("photos/a.ncf").write_text("not opened")
    result = call("encode", "-r", "photos", "--skip-existing", "--json")
    first, second = map(json.loads, result.stdout.splitlines())
    assert first == {"file": "photos/a.png", "output": "photos/a.ncf", "skipped": True}
    assert second["bytes"] == Path("photos/deep/er/b.ncf").stat().st_size
    assert result.stderr.startswith("1 encoded, 1 skipped; ")
    assert Path("photos/a.ncf").read_text() == "not opened"
    assert "exists already" in call("encode", "-r", "photos", code=1).stderr
    assert "choose one" in call("encode", "-r", "photos", "--skip-existing", "-f", code=2).stderr


def test_a_failing_file_is_told_and_counted_and_stops_only_when_asked(photos: Path) -> None:
    Path("photos/a.png").write_text("no image")
    result = call("encode", "-r", "photos", "--json", "--quiet", code=1)
    failed, good = map(json.loads, result.stdout.splitlines())
    assert failed["file"] == "photos/a.png"
    assert failed["error"].startswith("is not an image")
    assert good["file"] == "photos/deep/er/b.PPM"
    line, summary = result.stderr.splitlines()
    assert line == f"codec: photos/a.png: {failed['error']}"
    assert summary.startswith("1 encoded, 1 failed; ")
    result = call("encode", "-r", "photos", "-f", "--fail-fast", code=1)
    assert result.stderr.splitlines()[1:] == ["0 encoded, 1 failed, 1 not done"]


def test_quiet_batches_print_nothing(photos: Path) -> None:
    assert call("encode", "-r", "photos", "--quiet").output == ""


def test_pixel_limit_and_strip_reach_the_codec(here: Path, picture: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    picture.crop((0, 0, 24, 16)).save("a.png", exif=exif)
    assert "more than the 383 allowed" in call("encode", "a.png", "--max-pixels", "383", code=1).stderr
    call("encode", "a.png")
    assert "too large" in call("decode", "a.ncf", "-o", "b.png", "--max-pixels", "383", code=1).stderr
    assert json.loads(call("info", "--json", "a.ncf").stdout)["metadata"]["exif"] > 0
    call("encode", "-f", "--strip", "a.png", "--max-pixels", "384")
    assert json.loads(call("info", "--json", "a.ncf").stdout)["metadata"] == {}


def test_workers_do_what_one_process_does(photos: Path, run: Run) -> None:
    call("encode", "-r", "photos", "-o", "one")
    Path("photos/bad.png").write_text("no image")
    done = run("encode", "-r", "photos", "-o", "two", "-j", 2, "--json")
    assert done.returncode == 1
    rows = {row["file"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert sorted(rows) == ["photos/a.png", "photos/bad.png", "photos/deep/er/b.PPM"]
    assert rows["photos/bad.png"]["error"].startswith("is not an image")
    assert done.stderr.decode().splitlines()[-1].startswith("2 encoded, 1 failed; ")
    assert files("one") == files("two")
    assert all(alike(Path("one", f).read_bytes(), Path("two", f).read_bytes()) for f in files("one"))


def spawn(*arguments: object) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "codec.cli.main", *map(str, arguments)]
    reset = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    return subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True, preexec_fn=reset)


def wait_for(condition: Callable[[], object], what: str) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.02)


def group_is_gone(group: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, 0)
        return False
    return True


@pytest.mark.parametrize(
    ("number", "to_all", "jobs"),
    [(signal.SIGINT, True, 1), (signal.SIGINT, True, 2), (signal.SIGHUP, True, 2), (signal.SIGKILL, False, 2)],
)
def test_a_stopped_batch_leaves_no_process_and_no_half_file(
    here: Path, picture: Image.Image, number: signal.Signals, to_all: bool, jobs: int
) -> None:
    save(picture, *(f"p/{i}.png" for i in range(400)))
    process = spawn("encode", "-r", "p", "-o", "out", "-j", jobs, "--quiet")
    wait_for(lambda: any(name.endswith(".ncf") for name in files("out")), "a first output")
    (os.killpg if to_all else os.kill)(process.pid, number)
    assert process.wait(30) == (-number if number == signal.SIGKILL else 128 + number)
    wait_for(lambda: group_is_gone(process.pid), "the end of the workers")
    assert process.stderr
    assert process.stderr.read().strip() == b""
    process.stderr.close()
    made = files("out")
    assert len(made) < 400
    assert [name for name in made if not name.endswith(".ncf")] == []
    call("info", *(f"out/{name}" for name in made))


def test_shells_complete_commands_options_and_files(run: Run) -> None:
    def complete(words: str, index: int) -> str:
        asked = {"_CODEC_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(index)}
        return run(**asked).stdout.decode()

    assert complete("codec enc", 1) == "plain,encode\n"
    assert complete("codec encode --skip", 2) == "plain,--skip-existing\n"
    assert complete("codec decode pho", 2) == "file,pho\n"
