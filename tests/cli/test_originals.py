"""No command replaces what it didn't make, in whatever order they come; one process at a time writes an output."""

import io
import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.commands import call, names, refused
from helpers.pictures import picture as pixels
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import codec
from codec import api
from codec.cli.main import cli
from codec.cli.streams import atomic_write
from codec.errors import CodecError
from codec.output import clear, whole_file, whole_folder

_NAMES = (
    "a.png",
    "a.PNG",
    "a.jpg",
    "a",
    "a.ncf",
    "a.decoded.png",
    "a.decoded-2.png",
    "a.ncf.png",
    "b/a.png",
    "b/a.ncf",
)
_LINKS = ("soft.png", "hard.png", "b/hard.ncf")
_OUTPUTS = ([], ["-o", "."], ["-o", "b"], ["-o", "out/"])


@pytest.fixture(scope="module")
def instant() -> "pytest.MonkeyPatch":
    """A library that encodes everything to one file, at once."""
    frame = pixels(4, 5, 3)
    data = codec.encode(frame, lossless=True, effort=1)
    decoded = codec.decode(data)
    list(decoded.frames())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "encode", lambda *_, **__: data)
        patch.setattr(api, "decode", lambda *_, **__: decoded)
        yield patch


def _png(number: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((3, 3), number, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


_STEPS = st.tuples(
    st.sampled_from(["encode", "decode", "touch"]), st.integers(0, 99), st.sampled_from(_OUTPUTS),
    st.sampled_from([[], ["-f"], ["-f"], ["--skip-existing"], ["-r", "-f"]]),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(_NAMES), min_size=1, max_size=5, unique=True), st.booleans(), st.lists(_STEPS, max_size=8)
)
def test_no_byte_of_a_source_changes(instant: object, names: list[str], links: bool, steps: list) -> None:
    back = os.getcwd()
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            os.mkdir("b")
            sources = {name: _png(number) for number, name in enumerate(names)}
            for name, data in sources.items():
                Path(name).write_bytes(data)
            if links:
                os.symlink(names[0], _LINKS[0])
                for name in _LINKS[1:]:
                    os.link(names[0], name)
                sources |= dict.fromkeys(_LINKS, sources[names[0]])
            for what, number, output, options in steps:
                if what == "touch":
                    files = sorted(path for path in Path().rglob("*") if path.is_file())
                    os.utime(files[number % len(files)], (1e9 + number,) * 2)
                    continue
                inputs = [n for n in sources if what == "encode" or n.endswith(".ncf")]
                inputs = inputs if what == "encode" else [*map(str, sorted(Path().rglob("*.ncf"))), "none.ncf"]
                given_ = "." if "-r" in options else inputs[number % len(inputs)]
                done = CliRunner().invoke(cli, [what, given_, *output, *options])
                assert done.exit_code in (0, 1, 2) and not isinstance(done.exception, AssertionError)
                assert {name: Path(name).read_bytes() for name in sources} == sources, (what, given_, output, options)
            assert os.path.islink(_LINKS[0]) == links
        finally:
            os.chdir(back)


def test_a_taken_name_gets_another_and_force_replaces_only_what_codec_made(here: Path, instant: object) -> None:
    Path("scan.png").write_bytes(_png(1))
    call("encode", "scan.png")
    for number, options in enumerate(([], ["-f"], ["-f"], ["-f"])):
        # Twice a copy is newer than its file, and then older: then the file may have been made of it.
        if number:
            os.utime("scan.ncf", (1e9 if number < 3 else 3e9,) * 2)
        name = "scan.decoded.png" if number < 3 else "scan.decoded-2.png"
        assert f"scan.ncf -> {name}  5 x 4" in (told := call("decode", "scan.ncf", *options).stderr)
        assert "; scan.png is there already" in told
    assert Path("scan.png").read_bytes() == _png(1)
    os.utime("scan.ncf", (1e9, 1e9))
    line = refused("decode", "scan.ncf")
    assert "scan.decoded.png exists already; name another with -o, or overwrite it with -f" in line
    assert "1 skipped" in call("decode", "scan.ncf", "none.ncf", "--skip-existing", code=1).stderr
    call("decode", "scan.ncf", "-o", "scan.png", "-f")
    assert Path("scan.png").read_bytes() != _png(1)


def test_names_are_apart_from_those_of_others_in_the_batch(here: Path, instant: object) -> None:
    for name in ("a.png", "a.decoded-2.png"):
        Path(name).write_bytes(_png(1))
    for name in ("a.ncf", "a.decoded.ncf"):
        Path(name).write_bytes(api.encode(None))
    call("decode", "a.ncf", "a.decoded.ncf")
    assert names() == ["a.decoded-2.png", "a.decoded-3.png", "a.decoded.ncf", "a.decoded.png", "a.ncf", "a.png"]


def test_refusals_come_before_work(here: Path, instant: object) -> None:
    for name in ("a.png", "b.png"):
        Path(name).write_bytes(_png(1))
    Path("b.ncf").write_bytes(api.encode(None))
    result = call("encode", "a.png", "b.png", "--fail-fast", code=1)
    assert "b.ncf exists already" in result.stderr and "1 failed, 1 not done" in result.stderr
    assert names() == ["a.png", "b.ncf", "b.png"]


def test_what_appears_meanwhile_stays(here: Path) -> None:
    with (
        pytest.raises(CodecError, match=r"a has appeared meanwhile, and stays as it is"),
        atomic_write("a", False) as fp,
    ):
        fp.write(b"ours")
        Path("a").write_bytes(b"theirs")
    assert Path("a").read_bytes() == b"theirs" and names() == ["a"]


@pytest.mark.skipif(os.name != "posix", reason="this system has no locks of files")
def test_a_second_writer_is_refused_at_once_and_what_a_kill_left_is_taken_over(here: Path) -> None:
    def refuse(write: object, path: object) -> None:
        with pytest.raises(CodecError, match=re.escape(f"another process is writing {path}; wait")), write(path):  # type: ignore[operator]
            pass

    with whole_file("a") as fp, whole_folder(Path("f")) as folder:
        (folder / "1").touch()
        refuse(whole_file, "a")
        refuse(whole_folder, Path("f"))
        clear("a")  # not what is being written
        fp.write(b"first")
    assert Path("a").read_bytes() == b"first" and names() == ["a", "f"] and names("f") == ["1"]
    with whole_file("a") as fp, whole_folder(Path("g")):
        part, parts = sorted(p for p in Path().iterdir() if p.name.startswith("."))
    part.write_bytes(b"longer than what follows")
    parts.mkdir()
    (parts / "half").touch()
    with whole_file("a") as fp, whole_folder(Path("g")):
        fp.write(b"second")
    assert Path("a").read_bytes() == b"second" and names() == ["a", "f", "g"] and names("g") == []
    os.link("a", part)  # a kill between the two moments of naming: the file is whole
    clear("b")
    with whole_file("a") as fp:
        fp.write(b"3")
    os.link("a", part)
    clear("a")
    assert Path("a").read_bytes() == b"3" and names() == ["a", "f", "g"]
