"""The compiled steps of a wavefront: from a file, if this machine has made one, else made by numba and kept.

The processes that follow link that file with LLVM's linker, in a tenth of the time that loading numba takes.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import llvmlite
from llvmlite import binding as llvm

from codec.errors import CodecError
from codec.output import write_whole

_HERE = Path(__file__).parent
_SOURCES = ("steps", "kernels", "product", "table", "packed", "leaves", "network")
_TOLD = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_OPT")  # what numba compiles by


@lru_cache(maxsize=1)
def steps() -> Steps:
    """The function of steps.py; while it runs other threads go on, with other tables.

    Many kinds of errors where there is no numba or it fails, and OSError where there is no folder to keep a file in:
    compiling takes seconds.
    """
    source, machine = _source(), _machine()
    path = _folder() / f"steps-{source}-{machine}.o"
    name, code = _read(path) or _made(path, source)
    return Steps(name, code)


def _source() -> str:
    return _hash(*((_HERE / f"{name}.py").read_text() for name in _SOURCES))


def _machine() -> str:
    return _hash(
        llvmlite.__version__, llvm.get_process_triple(), llvm.get_host_cpu_name(),
        llvm.get_host_cpu_features().flatten(), *(os.environ.get(name, "") for name in _TOLD),
    )  # fmt: skip


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def _folder() -> Path:
    for folder in _folders():
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                return folder
    raise OSError("there is no folder that can be written, to keep what is compiled: codec's own or ~/.cache")


def _folders() -> Iterator[Path]:
    yield _HERE / "__pycache__"
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        if os.environ.get(name):
            yield Path(os.environ[name], "neural-codec")
    with suppress(RuntimeError):  # nobody's
        yield Path.home() / ".cache" / "neural-codec"


def _read(path: Path) -> tuple[str, bytes] | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    name, _, code = data[4:].partition(b"\0")
    whole = zlib.crc32(data[4:]) == int.from_bytes(data[:4], "little")
    return (name.decode(), code) if whole and code else None


def _made(path: Path, source: str) -> tuple[str, bytes]:
    from codec.codecs.circuit.steps import build

    name, code = build()
    data = name.encode() + b"\0" + code
    with suppress(OSError, CodecError):  # a full disk, or another process that writes the same: then it isn't kept
        write_whole(path, zlib.crc32(data).to_bytes(4, "little") + data)
        for old in path.parent.glob("steps-*.o"):
            if source not in old.name:
                old.unlink()
    return name, code


class Steps:
    """The function of an object file."""

    def __init__(self, name: str, code: bytes) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self._linker = llvm.create_lljit_compiler()
        builder = llvm.JITLibraryBuilder().add_object_img(code).add_current_process().export_symbol(name)
        self._library = builder.link(self._linker, "steps")  # the function is in its memory
        pointer, word = ctypes.c_void_p, ctypes.c_int64
        self._function = ctypes.CFUNCTYPE(ctypes.c_int32, pointer, pointer, word, word, word)(self._library[name])
        self._unused = (pointer * 2)()  # for what a function gives and raises
        self._result = ctypes.addressof(self._unused)
        self._raised = self._result + ctypes.sizeof(pointer)

    def __call__(self, words: int, which: int, channel: int = 0) -> None:
        self._function(self._result, self._raised, words, which, channel)
