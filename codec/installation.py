"""What this installation of the package stands on, and what is missing or too much: for `codec doctor`."""

from __future__ import annotations

import importlib.metadata as metadata
import os
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from codec import codecs
from codec.device import cores, threads

PACKAGE = "neural-codec"
CPU_BUILD = "pip install torch torchvision --index-url https://download.pytorch.org/whl/cpu"
_OPTIONAL = {
    "cluster": "work on many machines",
    "fast": "lossless photos in half the time",
    "fsspec": "files behind URLs",
    "heif": "HEIC files",
    "peers": "more peers in evaluations",
    "tasks": "tasks of evaluations",
    "train": "training",
}


@dataclass(frozen=True)
class Finding:
    """`state`: "ok"; "optional" for what is absent and brings more; "waste" for what could be smaller; "broken"."""

    name: str
    state: Literal["ok", "optional", "waste", "broken"]
    text: str
    remedy: str = ""


def examine() -> Iterator[Finding]:
    """What is there, most important first. Loads torch and PyAV, and compiles what is compiled once."""
    place = f"{platform.system()} {platform.machine()}"
    yield Finding(
        "python", "ok", f"{platform.python_version()}, {place}, cores: {cores()}, threads for each file: {threads()}"
    )
    yield from _torch()
    yield from _packages()
    yield from _fast()
    yield from _encoders()
    yield from _weights()


def version_of(distribution: str) -> str | None:
    """The installed version, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _torch() -> Iterator[Finding]:
    try:
        import torch
    except ImportError as error:
        yield Finding("torch", "broken", f"can't be loaded: {error}", CPU_BUILD)
        return
    version = str(torch.__version__)
    if torch.cuda.is_available():
        yield Finding("torch", "ok", f"{version}, computes on {torch.cuda.get_device_name()}")
    elif torch.version.cuda:
        text = (
            f"{version}, a build for CUDA {torch.version.cuda}; there is no GPU here, of which the CPU build is a fifth"
        )
        yield Finding("torch", "waste", text, CPU_BUILD)
    else:
        yield Finding("torch", "ok", f"{version}, computes on the CPU")
    fits = _pin("torchvision", "torch")
    if fits and fits != version.partition("+")[0]:
        text = f"{version_of('torchvision')} is made for torch {fits}, and CompressAI's peers can't load it"
        yield Finding("torchvision", "optional", text, f"pip install torch=={fits}")


def _pin(distribution: str, of: str) -> str | None:
    """The one version of `of` that a distribution asks for."""
    try:
        requirements = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        return None
    found = (re.fullmatch(rf"{of} ?\(?==([\w.]+)\)?", line) for line in requirements)
    return next((match[1] for match in found if match), None)


def _packages() -> Iterator[Finding]:
    extras: dict[str, list[str]] = {}
    there: list[str] = []
    for line in metadata.requires(PACKAGE) or []:
        requirement, _, marker = line.partition(";")
        match = re.match(r"[\w.-]+", requirement)
        assert match is not None
        name, version = match[0], version_of(match[0])
        extra = re.search(r"extra == ['\"](\w+)", marker)
        if extra:
            if version is None:
                extras.setdefault(extra[1], []).append(name)
        elif version is not None:
            there.append(f"{name} {version}")
        elif marker:  # for some platforms only
            yield Finding(name, "optional", "is absent: its peers in evaluations are not there", f"pip install {name}")
        else:
            yield Finding(name, "broken", "is absent", f"pip install '{requirement.strip()}'")
    yield Finding("packages", "ok", ", ".join(there))
    for extra_name, what in _OPTIONAL.items():
        if extra_name in extras:
            absent = ", ".join(extras[extra_name])
            yield Finding(extra_name, "optional", f"{what}: absent are {absent}", f'pip install ".[{extra_name}]"')


def _fast() -> Iterator[Finding]:
    version = version_of("numba")
    for codec in codecs.all_codecs().values():
        if codec.fast is None or version is None:
            continue
        try:
            codec.fast()
        except Exception as error:  # numba fails in many ways
            text = f"numba {version} is of no use to {codec.name} here, which is slower without ({error})"
            yield Finding("fast", "optional", text, "pip install --force-reinstall numba")
        else:
            yield Finding("fast", "ok", f"{codec.name} by numba {version}")


def _encoders() -> Iterator[Finding]:
    try:
        import av
    except ImportError as error:
        yield Finding("av", "broken", f"can't be loaded: {error}", "pip install --force-reinstall av")
        return
    wanted = ("libsvtav1", "libx265", "libx264", "libdav1d")
    absent = [name for name in wanted if name not in av.codecs_available]
    if absent:
        text = f"FFmpeg's libraries lack {', '.join(absent)}, and videos need them"
        yield Finding("FFmpeg", "broken", text, "pip install --force-reinstall --only-binary av av")
    else:
        yield Finding("FFmpeg", "ok", f"libraries of av {av.__version__} with {', '.join(wanted)}")


def _weights() -> Iterator[Finding]:
    from codec import weights

    for found in weights.available():
        yield Finding("weights", "ok", f"{found.name} {found.fingerprint}, {os.fspath(found.path)}")
