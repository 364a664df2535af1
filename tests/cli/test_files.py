"""Names, refusals and atomic writes, without a codec."""

import errno
import os
import shutil
import signal
import sys
from pathlib import Path

import click
import pytest
from helpers.commands import names, refused
from PIL import Image

from codec.cli.batch import Result, run_batch
from codec.cli.decode import default_name as decoded_name
from codec.cli.encode import default_name as encoded_name
from codec.cli.files import Input, Job, Names, check, plan, stdin_as_dash
from codec.cli.made import is_ncf
from codec.cli.main import main
from codec.cli.messages import explain, run_each, shown
from codec.cli.options import BatchOptions
from codec.cli.streams import atomic_write, read_stdin
from codec.errors import CodecError, MediaError
from codec.output import alone, whole_file, whole_folder


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("a.jpg", "a.ncf"),
        ("d.e/a", "d.e/a.ncf"),
        ("a.b.JPG", "a.b.ncf"),
        ("a.ncf", "a.ncf.ncf"),
        (".jpg", ".jpg.ncf"),
    ],
)
def test_encoded_names(source: str, target: str) -> None:
    assert encoded_name(source) == target


@pytest.mark.parametrize(
    ("source", "target"), [("a.ncf", "a.png"), ("d/a.b.NCF", "d/a.b.png"), ("a.png", "a.png.png"), ("a", "a.png")]
)
def test_decoded_names(source: str, target: str) -> None:
    assert decoded_name(source) == target


def jobs(sources: list[str], output: str | None) -> list[Job]:
    return plan([Input(source) for source in sources], output, encoded_name)


def test_outputs(tmp_path: Path) -> None:
    folder = str(tmp_path)
    assert jobs(["d/a.jpg"], None) == [Job("d/a.jpg", "d/a.ncf")]
    assert jobs(["a.jpg"], "x") == [Job("a.jpg", "x")]
    assert jobs(["d/a.jpg", "b.png"], folder) == [
        Job("d/a.jpg", f"{folder}/a.ncf"),
        Job("b.png", f"{folder}/b.ncf"),
    ]
    for output in ("-", "/dev/stdout"):
        assert jobs(["a.jpg"], output) == [Job("a.jpg", "-")]
    assert jobs(["-"], None) == [Job("-", "-")]
    assert jobs(["-"], "x") == [Job("-", "x")]
    assert stdin_as_dash(["a.jpg", "/dev/stdin"]) == ["a.jpg", "-"]


def test_what_was_found_in_a_folder_is_mirrored(tmp_path: Path) -> None:
    output = str(tmp_path / "new")
    assert plan([Input("p/a/b.jpg", "a/b.jpg")], output, encoded_name) == [Job("p/a/b.jpg", f"{output}/a/b.ncf", True)]
    assert plan([Input("p/a/b.jpg", "a/b.jpg")], None, encoded_name) == [Job("p/a/b.jpg", "p/a/b.ncf")]
    (tmp_path / "file").touch()
    for target in ("-", str(tmp_path / "file")):
        with pytest.raises(click.UsageError, match="a folder can't become the one file"):
            plan([Input("p/a/b.jpg", "a/b.jpg")], target, encoded_name)


@pytest.mark.parametrize(
    ("sources", "output", "message"),
    [
        (["a.jpg", "b.jpg"], "x.ncf", "2 inputs can't become one output"),
        (["a.jpg", "b.jpg"], "-", "2 inputs can't become one output"),
        (["-"], ".", "standard input has no name"),
        (["a.jpg", "a.png"], None, "'a.jpg' and 'a.png' would both become 'a.ncf'"),
        (["a.jpg", "./a.jpg"], None, "'a.jpg' and './a.jpg' would both become"),
        (["d/a.jpg", "e/a.jpg"], ".", "'d/a.jpg' and 'e/a.jpg' would both become"),
    ],
)
def test_batches_that_make_no_sense_are_refused(sources: list[str], output: str | None, message: str) -> None:
    with pytest.raises(click.UsageError, match=message):
        jobs(sources, output)


def test_standard_input_is_read_once() -> None:
    with pytest.raises(click.UsageError, match="given twice"):
        stdin_as_dash(["-", "/dev/stdin"])


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "a.ncf"
    with atomic_write(str(target)) as fp:
        fp.write(b"half")
        (part,) = tmp_path.iterdir()
        assert part.name.startswith(".a.ncf.part-")
        fp.write(b" and half")
    assert [path.name for path in tmp_path.iterdir()] == ["a.ncf"]
    assert target.read_bytes() == b"half and half"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, MemoryError])
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type) -> None:
    target = tmp_path / "a.ncf"
    target.write_bytes(b"old")
    with pytest.raises(error), atomic_write(str(target)) as fp:
        fp.write(b"new")
        raise error
    assert [path.name for path in tmp_path.iterdir()] == ["a.ncf"]
    assert target.read_bytes() == b"old"


def test_permissions_follow_the_umask_and_then_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.ncf"
    before = os.umask(0o027)
    try:
        with atomic_write(str(target)):
            pass
    finally:
        os.umask(before)
    assert target.stat().st_mode & 0o777 == 0o640
    target.chmod(0o604)
    with atomic_write(str(target)):
        pass
    assert target.stat().st_mode & 0o777 == 0o604


def test_a_symlink_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    os.symlink("d/a.ncf", tmp_path / "link.ncf")
    with atomic_write(str(tmp_path / "link.ncf")) as fp:
        fp.write(b"new")
    assert (tmp_path / "d" / "a.ncf").read_bytes() == b"new"
    assert (tmp_path / "link.ncf").is_symlink()


def test_a_link_under_the_name_of_an_unfinished_output_leads_nowhere(tmp_path: Path) -> None:
    """In a folder that others write to, somebody else may have made it."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "file").write_bytes(b"theirs")
    for write, name, link in ((whole_folder, "a", "theirs"), (whole_file, "b", "theirs/file")):
        with write(tmp_path / name):
            (part,) = tmp_path.glob(f".{name}.part-*")
        part.symlink_to(link)
        with pytest.raises(CodecError, match="is a symlink, which codec never makes"), write(tmp_path / name):
            pass
    assert (tmp_path / "theirs" / "file").read_bytes() == b"theirs"


def test_a_folder_is_refused_at_once_where_there_is_something_else(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("file", "link"):
        with pytest.raises(CodecError, match=f"{name} is no folder"), whole_folder(tmp_path / name):
            pytest.fail("work was begun")


def test_a_pipe_is_nothing_of_codecs_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.ncf")
    assert not is_ncf(str(tmp_path / "a.ncf"))


def test_an_output_that_is_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("a")
    with pytest.raises(OSError) as raised:
        check(Job("b", str(tmp_path / "a")), {})
    assert raised.value.errno == errno.ELOOP


def test_the_longest_names_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / ("ä" * 125 + ".ncf")
    with atomic_write(str(target)):
        pass
    assert target.exists()


def test_a_file_system_without_locks_gets_whole_outputs_and_nothing_else(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("codec.locking.fcntl.flock", refuse)
    with alone(Path("rows")), whole_file("a") as one, whole_folder(Path("f")) as folder:
        (folder / "1").touch()
        with whole_file("a") as other, whole_folder(Path("g")):  # another process, say
            other.write(b"theirs")
        with whole_folder(Path("f")) as second:
            (second / "2").touch()
        shutil.rmtree("f")
        one.write(b"ours")
    assert names() == ["a", "f", "g"] and names("f") == ["1"] and Path("a").read_bytes() == b"ours"


@pytest.mark.parametrize("refusal", [errno.EPERM, errno.EINVAL, errno.ENOTSUP])
def test_a_share_without_modes_and_syncs_gets_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(refusal, os.strerror(refusal))

    for name in ("chmod", "fsync", "link"):
        monkeypatch.setattr(os, name, refuse)
    for content in (b"first", b"second"):
        with atomic_write(str(tmp_path / "a.ncf"), replace=content == b"second") as fp:
            fp.write(content)
        assert (tmp_path / "a.ncf").read_bytes() == content
    appeared = pytest.raises(CodecError, match="has appeared meanwhile")
    with appeared, atomic_write(str(tmp_path / "a.ncf"), False):
        pass
    assert (tmp_path / "a.ncf").read_bytes() == b"second" and len(list(tmp_path.iterdir())) == 1


def test_what_a_shell_makes_of_a_pipe_is_as_standard_input() -> None:
    assert jobs(["/dev/fd/63"], None) == [Job("/dev/fd/63", "-")]
    assert jobs(["/dev/fd/63"], "x") == [Job("/dev/fd/63", "x")]
    with pytest.raises(click.UsageError, match="/dev/fd/63 has no name to use in a directory"):
        jobs(["/dev/fd/63"], ".")


def test_an_error_names_the_file_as_the_user_gave_it(tmp_path: Path) -> None:
    target = str(tmp_path / "none" / "a.ncf")
    with pytest.raises(FileNotFoundError) as caught, atomic_write(target):
        pass
    assert explain(caught.value) == f"{target}: no such file or directory; check the name"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MediaError("is damaged; get another"), "a.png: is damaged; get another"),
        (MediaError("a.png: is\ndamaged"), "a.png: is damaged"),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "a.png: no space left on device; free some space, or write elsewhere with -o",
        ),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "d"), "d: is a folder; name the files in it, or add -r"),
        (MemoryError(), "a.png: not enough memory; use a smaller image, or --device cpu if it was a GPU's"),
        (
            ImportError("libtorch_cpu.so: failed to map segment from shared object"),
            "a.png: not enough memory to load the libraries; raise the limit (ulimit -v) to 4 GB or more",
        ),
    ],
)
def test_errors_are_one_line(error: Exception, line: str) -> None:
    assert explain(error, "a.png") == line


def test_names_can_not_command_a_terminal() -> None:
    assert shown("ä\x1b[2J\n\udcff.png") == "ä\\x1b[2J\\n\\udcff.png"


def test_a_batch_goes_on_after_errors_of_the_input_and_stops_at_bugs(capsys: pytest.CaptureFixture[str]) -> None:
    seen = []

    def work(source: str) -> None:
        seen.append(source)
        if source != "good":
            raise {"bad": MediaError("is bad"), "big": MemoryError(), "bug": RuntimeError("bug")}[source]

    with pytest.raises(click.exceptions.Exit) as caught:
        run_each(["bad", "big", "good"], work)
    assert caught.value.exit_code == 1
    assert seen == ["bad", "big", "good"]
    bad, big = capsys.readouterr().err.splitlines()
    assert bad == "codec: bad: is bad"
    assert big.startswith("codec: big: not enough memory")
    with pytest.raises(RuntimeError, match="bug"):
        run_each(["bug"], work)


def test_wrong_names_are_told_as_what_they_are(here: Path, picture: Image.Image) -> None:
    picture.save("a.png")
    os.symlink("nothing.png", "dead.png")
    assert "'a.png' is given twice; leave one out" in refused("encode", "a.png", "a.png", code=2)
    assert "-o is empty" in refused("encode", "a.png", "-o", "", code=2)
    assert refused("encode", "") == "codec: the name of an input is empty; give a file or folder"
    assert refused("encode", "dead.png").startswith("codec: dead.png: the symlink leads to nothing; remove it")
    assert "no s2lic weights" not in refused("encode", "a.png", "--weights", "a.png")


def test_the_command_alone_shows_its_help_on_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([])
    shown = capsys.readouterr()
    assert left.value.code == 2 and "\\n" not in shown.err and "Commands:\n" in shown.err


def test_standard_input_may_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(CodecError, match="standard input is closed"):
        read_stdin(lambda head: None)


def dies(job: Job, _: object) -> Result:
    """For a process: it is killed while it writes."""
    with atomic_write(job.target) as fp:
        fp.write(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def test_a_worker_that_is_killed_leaves_nothing(here: Path) -> None:
    for name in ("a", "b"):
        Path(name).touch()
    names_ = Names(lambda source: source + ".out", lambda *_: False)
    with pytest.raises(click.exceptions.Exit):
        run_batch(("dying", "dead"), ["a", "b"], BatchOptions(jobs=2), work=dies, names=names_, suffixes=())
    assert names() == ["a", "b"]
