"""Compiled steps are kept in a file, which other processes use without numba."""

import subprocess
import sys
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

pytest.importorskip("numba")

from test_wavefront import network

from codec.codecs.circuit import compiled, stored, wavefront


@pytest.fixture(autouse=True)
def loaded_anew() -> Iterator[None]:
    """Nothing of one test is loaded in another."""
    compiled.steps.cache_clear()
    yield
    compiled.steps.cache_clear()
    wavefront.kernels_work.cache_clear()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where what is compiled is kept, with nothing in it."""
    monkeypatch.setattr(stored, "_folders", lambda: iter([tmp_path]))
    return tmp_path


def made(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What is compiled from now on, which takes no time here."""
    kept, once = [], compiled_once()

    def again() -> bytes:
        kept.append(once)
        return once

    monkeypatch.setattr(stored, "_compiled", again)
    return kept


@lru_cache(maxsize=1)
def compiled_once() -> bytes:
    return stored._compiled()


def work() -> bool:
    """Whether steps that are loaded now give what numpy gives."""
    compiled.steps.cache_clear()
    wavefront.kernels_work.cache_clear()
    return wavefront.kernels_work(network(3))


def test_they_are_compiled_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = made(monkeypatch)
    monkeypatch.setattr(stored, "_BESIDE", folder)
    (folder / "steps-0123456789abcdef-0123456789abcdef.o").write_bytes(b"of another revision")
    assert work()
    (file,) = folder.iterdir()
    assert work()
    assert len(kept) == 1
    whole = file.read_bytes()
    unlinkable = b"name\0" + whole[4:][:500]
    for damaged in (b"", b"\0\0\0\0x", whole[:-1], zlib.crc32(unlinkable).to_bytes(4, "little") + unlinkable):
        file.write_bytes(damaged)
        assert work()
    assert len(kept) == 5


def test_a_file_is_read_where_nothing_can_be_written(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, other = made(monkeypatch), tmp_path_factory.mktemp("other")
    assert work()
    monkeypatch.setattr(stored, "_folders", lambda: iter([other, folder]))
    monkeypatch.setattr(stored, "_writable", lambda: pytest.fail("it is there already"))
    assert work() and len(kept) == 1


def test_where_compiling_ends_its_process_numpy_does_the_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "_COMPILE", "import os; os.abort()")
    assert not work()
    assert not list(folder.iterdir())


def test_without_a_folder_numpy_does_the_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept = made(monkeypatch)
    (tmp_path / "file").touch()
    monkeypatch.setattr(stored, "_folders", lambda: iter([tmp_path / "file" / "folder"]))
    assert not work()
    assert not kept


def test_a_file_that_another_process_writes_is_not_waited_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = made(monkeypatch)

    def busy(path: Path, data: bytes) -> None:
        raise stored.CodecError("another process is writing it")

    monkeypatch.setattr(stored, "write_whole", busy)
    assert work()
    assert kept and not list(folder.iterdir())


def test_another_processor_has_another_file(monkeypatch: pytest.MonkeyPatch) -> None:
    here = stored._machine()
    for name in ("NUMBA_CPU_NAME", "NUMBA_BOUNDSCHECK"):
        monkeypatch.setenv(name, "another")
        assert stored._machine() != here
        here = stored._machine()


def test_where_they_are_kept_numba_is_not_loaded(tmp_path: Path) -> None:
    compiled.steps()  # now they are
    code = (
        "import sys; sys.modules['numba'] = None\n"
        "from codec.codecs.circuit.stored import steps\n"
        "steps()\n"
    )  # fmt: skip
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
