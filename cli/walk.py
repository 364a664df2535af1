"""Folders as inputs: the files below them, in an order that does not change, each real folder once.

Symlinks to folders are followed. What can't be read, or leads in a circle, is a problem of that path only.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from codec import urls
from codec.cli.files import FileId, Input
from codec.errors import CodecError


@dataclass
class Found:
    """What a walk found: inputs in order, problems as (path, error), and remarks for the user."""

    inputs: list[Input] = field(default_factory=list)
    problems: list[tuple[str, Exception]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find(sources: Sequence[str], *, recursive: bool, suffixes: Collection[str], output: str | None) -> Found:
    """Files as they are; of folders the files below whose suffix is one of `suffixes` (lower case).

    The folder `output` is not walked, unless it is a source itself. Where there are several sources, each folder
    keeps its own name inside the output, so that they don't mix.
    """
    found = Found()
    seen: dict[FileId, str] = {}
    folders = [source for source in sources if not urls.is_url(source) and os.path.isdir(source)]
    apart = None
    if output is not None and not urls.is_url(output) and os.path.isdir(output):
        apart = _identity(output)
        if any(_identity(folder) == apart for folder in folders):
            apart = None
    for source in sources:
        if not source:
            found.problems.append((source, CodecError("the name of an input is empty; give a file or folder")))
        elif urls.is_url(source):
            _behind_url(source, recursive, suffixes, output, len(sources) > 1, found)
        elif not os.path.isdir(source):
            found.inputs.append(Input(source))
        elif not recursive:
            found.problems.append((source, _not_walked()))
        else:
            prefix = os.path.basename(os.path.abspath(source)) if len(sources) > 1 else ""
            before = len(found.problems), len(found.notes)
            files = _walk(source, suffixes, apart, seen, found)
            found.inputs += [Input(path, os.path.join(prefix, os.path.relpath(path, source))) for path in files]
            if not files and before == (len(found.problems), len(found.notes)):
                found.problems.append((source, _nothing(suffixes)))
    return found


def _behind_url(
    source: str, recursive: bool, suffixes: Collection[str], output: str | None, several: bool, found: Found
) -> None:
    """A URL of a file, or with `recursive` of a folder; which it is nobody is asked without need."""
    try:
        if not source.endswith("/") and (not recursive or _suffix(source) in suffixes or not urls.is_folder(source)):
            found.inputs.append(Input(source))
            return
        if not recursive:
            raise _not_walked()
        root = source.rstrip("/") if not source.endswith("://") else source[:-1]
        prefix = root.rpartition("/")[2] if several else ""
        files = [path for path in urls.below(source) if _suffix(path) in suffixes]
        apart = "" if output is None else output.rstrip("/") + "/"
        inputs = [Input(f"{root}/{path}", os.path.join(prefix, path)) for path in files]
        if apart not in ("", f"{root}/"):
            inputs = [one for one in inputs if not one.path.startswith(apart)]
        if not inputs:
            raise _nothing(suffixes)
        found.inputs += inputs
    except (CodecError, OSError) as error:
        found.problems.append((source, error))


def _suffix(path: str) -> str:
    return os.path.splitext(urls.named(path))[1].lower()


def _not_walked() -> CodecError:
    return CodecError("is a folder; add -r for the files in it")


def _nothing(suffixes: Collection[str]) -> CodecError:
    wanted = next(iter(suffixes)) if len(suffixes) == 1 else "the suffix of a picture or video"
    return CodecError(f"no file in this folder has {wanted}; check the name, or name files themselves")


def _walk(
    root: str, suffixes: Collection[str], apart: FileId | None, seen: dict[FileId, str], found: Found
) -> list[str]:
    files: list[str] = []
    folders = deque([root])
    links: deque[str] = deque()  # after all folders, so that a folder is known by its own name
    while folders or links:
        folder = folders.popleft() if folders else links.popleft()
        try:
            identity = _identity(folder)
            if identity == apart:
                continue
            if folder != root and _leads_back(folder):
                found.problems.append((folder, CodecError("is a loop: it leads back to a folder it is in; remove it")))
                continue
            if identity in seen:
                found.notes.append(f"{folder}: is the same folder as {seen[identity]}, which is done once")
                continue
            seen[identity] = folder
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            found.problems.append((folder, error))
            continue
        for entry in entries:
            try:
                if entry.is_dir():
                    (links if entry.is_symlink() else folders).append(entry.path)
                elif os.path.splitext(entry.name)[1].lower() in suffixes:
                    # One that leads nowhere is kept: reading it gives the error.
                    if entry.is_file() or not os.path.exists(entry.path):
                        files.append(entry.path)
                    else:
                        found.problems.append((entry.path, CodecError("is not a regular file; name it to read it")))
            except OSError as error:  # a symlink to itself
                found.problems.append((entry.path, error))
    return sorted(files, key=lambda path: path.split(os.sep))


def _leads_back(folder: str) -> bool:
    """Whether this is a symlink to a folder around it."""
    if not os.path.islink(folder):
        return False
    target, place = os.path.realpath(folder), os.path.realpath(os.path.dirname(folder))
    return os.path.commonpath([target, place]) == target


def _identity(folder: str) -> FileId:
    status = os.stat(folder)
    return status.st_dev, status.st_ino
