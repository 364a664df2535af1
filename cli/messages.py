"""What the user sees on stderr: errors as one line, and a line that passes."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

import click

from codec.errors import CodecError

_ELSEWHERE = "write elsewhere with -o"  # of commands that have it
_ANYWHERE = "give one where files can be written"  # of others
_REMEDIES = {
    errno.ENOENT: "check the name",
    errno.EISDIR: "name the files in it, or add -r",
    errno.ENOTDIR: "check the name",
    errno.ELOOP: "the symlink leads to itself, remove it",
    errno.EACCES: f"change its permissions, or {_ELSEWHERE}",
    errno.EPERM: f"change its permissions, or {_ELSEWHERE}",
    errno.EROFS: _ELSEWHERE,
    errno.ENOSPC: f"free some space, or {_ELSEWHERE}",
    errno.EDQUOT: f"free some space, or {_ELSEWHERE}",
    errno.EFBIG: f"raise the limit, or {_ELSEWHERE}",
    errno.EMFILE: "raise the limit (ulimit -n), or use a smaller -j",
    errno.ENFILE: "close other programs, or use a smaller -j",
    errno.EAGAIN: "close other programs, or use a smaller -j",  # too many processes
    errno.EBADF: "standard output is closed, redirect it",
}


def is_expected(error: BaseException) -> bool:
    """Whether this is the fault of an input or of the machine, to be told in one line; anything else is a bug."""
    return isinstance(error, (CodecError, OSError)) or _out_of_memory(error)


def explain(error: BaseException, source: str = "") -> str:
    """An expected error as one line: FILE: what; what to do."""
    if isinstance(error, OSError) and not isinstance(error, CodecError):
        what = "is a folder" if error.errno == errno.EISDIR else error.strerror or str(error)
        remedy = _remedy(error.errno or 0)
        name = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else source
        if error.errno == errno.ENOENT and os.path.islink(name):
            what, remedy = "the symlink leads to nothing", "remove it, or bring back what it leads to"
        if name == source and isinstance(error, PermissionError):
            remedy = "change its permissions"
        text = what[:1].lower() + what[1:] + (f"; {remedy}" if remedy else "")
    elif isinstance(error, ImportError):
        name, text = source, "not enough memory to load the libraries; raise the limit (ulimit -v) to 4 GB or more"
    elif _out_of_memory(error):
        name, text = source, "not enough memory; use a smaller image, or --device cpu if it was a GPU's"
    else:
        name, text = source, str(error)
    text = " ".join(text.split())
    return text if not name or text.startswith(f"{name}: ") else f"{name}: {text}"


def _remedy(number: int) -> str | None:
    """What to do about an error of the system."""
    remedy = _REMEDIES.get(number)
    context = click.get_current_context(silent=True)  # none in a worker process, which only batches with -o have
    if remedy is None or context is None or any("-o" in one.opts for one in context.command.params):
        return remedy
    return _ANYWHERE if remedy == _ELSEWHERE else remedy.removesuffix(f", or {_ELSEWHERE}")


def _out_of_memory(error: BaseException) -> bool:
    """torch has its own errors for this, and the command line doesn't import torch to know them."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, ImportError):  # a library for which there is no room (ulimit -v)
        return any(text in str(error) for text in ("failed to map segment", "annot allocate memory"))
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def shown(text: str) -> str:
    """`text` with what a terminal can't show, or would obey, as escapes: names of files may hold anything."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def say(text: str) -> None:
    """A line on stderr, in place of the status line."""
    status("")
    _write(f"{shown(text)}\n")


def note(text: str) -> None:
    """A line for programs on stderr."""
    _write(f"{text}\n")


def status(text: str) -> None:
    """Show `text` as the passing status line of a terminal ("" removes it); nothing elsewhere."""
    if sys.stderr.isatty():
        # A line that wraps would stay on the screen.
        _write(f"\r\x1b[K{shown(text)[: columns() - 1]}")


def _write(text: str) -> None:
    """What stderr doesn't take (a full disk, a lost terminal) is lost, the work isn't; a closed pipe ends it."""
    try:
        click.echo(text, err=True, nl=False)
    except BrokenPipeError:
        raise
    except OSError:
        sys.stderr = io.StringIO()


def columns() -> int:
    """The width of the terminal."""
    with suppress(OSError, ValueError):
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    return 80


def run_each(sources: Sequence[str], work: Callable[[str], None], within: str = "") -> None:
    """Call `work` on each source; a failure is one line on stderr, and the others go on. Exit 1 if any failed.

    `within`: the file that they are parts of, which lines then name.
    """
    failed = False
    for source in sources:
        try:
            work(source)
        except BrokenPipeError:
            raise
        except Exception as error:
            if not is_expected(error):
                raise
            failed = True
            say(f"codec: {explain(error, within or source)}")
    if failed:
        raise click.exceptions.Exit(1)
