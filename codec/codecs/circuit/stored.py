"""The compiled steps of a wavefront: from a file, if this machine has made one, else made by numba and kept.

The processes that follow link that file with LLVM's linker, in a tenth of the time that loading numba takes.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import llvmlite
from llvmlite import binding as llvm

from codec.entropy import tables
from codec.errors import CodecError
from codec.models.circuit import shape
from codec.output import write_whole

_HERE = Path(__file__).parent
_BESIDE = _HERE / "__pycache__"
_SOURCES = (
    *(_HERE / f"{name}.py" for name in ("steps", "kernels", "product", "table", "packed", "leaves", "network")),
    Path(shape.__file__),
    Path(tables.__file__),
)
_PATIENCE = 120  # seconds, of which compiling takes some seven
_COMPILE = """
import sys
sys.path[:] = {path!r}
from codec.codecs.circuit.steps import build
name, code = build()
sys.stdout.buffer.write(name.encode() + b"\\0" + code)
"""


@lru_cache(maxsize=1)
def steps() -> Steps:
    """The function of steps.py; while it runs other threads go on, with other tables.

    Many kinds of errors where there is no numba or it fails, and OSError where there is no folder to keep a file in:
    compiling takes seconds.
    """
    source = _source()
    name = f"steps-{source}-{_machine()}.o"
    for folder in _folders():
        if data := _read(folder / name):
            with suppress(Exception):  # LLVM can't link it
                return Steps(data)
    path = _writable() / name
    data = _compiled()
    with suppress(OSError, CodecError):  # a full disk, or another process that writes the same: then it isn't kept
        write_whole(path, zlib.crc32(data).to_bytes(4, "little") + data)
        if path.parent == _BESIDE:  # another revision's are of no use to anybody
            for old in path.parent.glob("steps-*.o"):
                if source not in old.name:
                    old.unlink()
    return Steps(data)


def _source() -> str:
    return _hash(*(path.read_text() for path in _SOURCES))


def _machine() -> str:
    told = sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith("NUMBA_"))
    triple, features = llvm.get_process_triple(), llvm.get_host_cpu_features().flatten()
    return _hash(llvmlite.__version__, triple, llvm.get_host_cpu_name(), features, *told)


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def _folders() -> Iterator[Path]:
    yield _BESIDE
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        if Path(os.environ.get(name, "")).is_absolute():
            yield Path(os.environ[name], "neural-codec")
    with suppress(RuntimeError):  # nobody's
        if Path.home().is_absolute():
            yield Path.home() / ".cache" / "neural-codec"


def _writable() -> Path:
    for folder in _folders():
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                return folder
    raise OSError("there is no folder that can be written, to keep what is compiled: codec's own or ~/.cache")


def _read(path: Path) -> bytes | None:
    """Name and code of a function; None if the file isn't there, or not whole."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return data[4:] if zlib.crc32(data[4:]) == int.from_bytes(data[:4], "little") else None


def _compiled() -> bytes:
    """The same from numba, in a process of its own: what LLVM can't do, in little memory say, may end that."""
    command = [sys.executable, "-c", _COMPILE.format(path=[entry or os.getcwd() for entry in sys.path])]
    try:
        # Not in the folder that we are in, where numba looks for its settings.
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, cwd=_HERE)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"compiling takes more than {_PATIENCE} seconds") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise RuntimeError(f"compiling ends with code {done.returncode}: {said}")
    return done.stdout


class Steps:
    """The function of an object file."""

    def __init__(self, data: bytes) -> None:
        name, code = data.split(b"\0", 1)
        if not name:
            raise ValueError("no function")
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self._linker = llvm.create_lljit_compiler()
        builder = llvm.JITLibraryBuilder().add_object_img(code).add_current_process().export_symbol(name.decode())
        self._library = builder.link(self._linker, "steps")  # the function is in its memory
        pointer, word = ctypes.c_void_p, ctypes.c_int64
        self._function = ctypes.CFUNCTYPE(ctypes.c_int32, pointer, pointer, word, word, word)(
            self._library[name.decode()]
        )
        self._unused = (pointer * 2)()  # for what a function gives and raises
        self._result = ctypes.addressof(self._unused)
        self._raised = self._result + ctypes.sizeof(pointer)

    def __call__(self, words: int, which: int, channel: int = 0) -> None:
        self._function(self._result, self._raised, words, which, channel)
