"""Imports go one way, cli -> codec -> models, and so they do inside codec: each part imports those below it alone.

All imports count, those in functions too. A codec's folder is a part of its own: it knows no other codec.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from helpers.imports import PARTS, imports, is_in, modules

from codec.codecs import all_codecs

# From below to above. What stands in one line doesn't know of each other.
LAYERS = (
    {"errors", "seekable"},
    {"urls"},
    {"arguments", "content", "device", "interrupts", "locking", "requirements", "surroundings", "tiling", "weights"},
    {"output", "view"},
    {"container", "entropy", "jobs"},
    {"cluster", "processes"},
    {"engines"},
    {"media"},
    {"perception", "standard"},
    {"metrics"},
    {"codecs"},
    {"goals", "installation"},
    {"originals", "peers", "pictures", "tasks", "video"},
    {"decoded"},
    {"api", "archive"},
    {"pillow", "thumbnail", "torch"},
    {"evaluate", "train"},
    {"report", "research"},
)

CODEC = dict(modules("codec"))
ALL = CODEC | dict(modules("codec.models")) | dict(modules("codec.cli"))


def ours(name: str, path: Path, types: bool = True) -> set[str]:
    """Modules of ours that a module imports."""
    found = {module_of(imported) for imported in imports(name, path, types)} - {None, name}
    return {module for module in found if module}


def module_of(name: str) -> str | None:
    """The module that an imported name is or is in; None if it is none of ours."""
    while name not in ALL:
        name, dot, _ = name.rpartition(".")
        if not dot:
            return None
    return name


def part(module: str) -> str:
    """Of codec: the folder or file directly in it."""
    return module.split(".")[1]


def codec_of(module: str) -> str | None:
    """The codec in whose folder a module is."""
    return next((name for name in all_codecs() if is_in(module, f"codec.codecs.{name}")), None)


def circles(graph: Mapping[str, set[str]]) -> Iterator[frozenset[str]]:
    """Groups of modules that reach each other (Tarjan 1972)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []

    def visit(module: str) -> Iterator[frozenset[str]]:
        number[module] = lowest[module] = len(number)
        path.append(module)
        for other in graph[module]:
            if other not in number:
                yield from visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in path:
                lowest[module] = min(lowest[module], number[other])
        if lowest[module] == number[module]:
            at = path.index(module)
            group = frozenset(path[at:])
            del path[at:]
            if len(group) > 1:
                yield group

    for module in graph:
        if module not in number:
            yield from visit(module)


@pytest.mark.parametrize(("name", "path"), list(modules("codec.models")))
def test_models_import_nothing_of_ours_but_models(name: str, path: Path) -> None:
    found = {i for i in imports(name, path) if i.split(".")[0] in ("codec", *PARTS)}
    assert {i for i in found if not is_in(i, "codec.models")} == set()


@pytest.mark.parametrize(("name", "path"), list(modules("codec")))
def test_codec_does_not_import_the_command_line(name: str, path: Path) -> None:
    assert {i for i in imports(name, path) if is_in(i, "codec.cli")} == set()


@pytest.mark.parametrize(("name", "path"), list(modules("codec.cli")))
def test_the_command_line_does_not_import_models(name: str, path: Path) -> None:
    assert {i for i in imports(name, path) if is_in(i, "codec.models") or is_in(i, "torch")} == set()


def test_every_part_of_codec_has_its_layer() -> None:
    assert {part(module) for module in CODEC if module != "codec"} == set().union(*LAYERS)
    assert sum(map(len, LAYERS)) == len(set().union(*LAYERS))


def test_no_import_climbs() -> None:
    layer = {name: number for number, names in enumerate(LAYERS) for name in names}
    climbing = set()
    for name in CODEC.keys() - {"codec"}:
        for other in ours(name, CODEC[name]) - {"codec"}:
            if not is_in(other, "codec.models") and part(name) != part(other):
                climbing |= {(name, other)} if layer[part(other)] >= layer[part(name)] else set()
    assert not climbing


@pytest.mark.parametrize("codec", all_codecs())
def test_a_codec_knows_no_other(codec: str) -> None:
    own = {name: path for name, path in CODEC.items() if codec_of(name) == codec}
    assert f"codec.codecs.{codec}" in own
    assert {i for name, path in own.items() for i in ours(name, path) if codec_of(i) not in (None, codec)} == set()


def test_what_codecs_share_knows_none_of_them() -> None:
    shared = {n: p for n, p in CODEC.items() if is_in(n, "codec.codecs") and codec_of(n) is None}
    assert {i for name, path in shared.items() for i in ours(name, path) if codec_of(i)} == set()


def test_there_is_no_circle() -> None:
    graph = {name: ours(name, path, types=False) for name, path in ALL.items()}
    for codec in all_codecs():  # a descriptor opens its own folder, in functions, so that it is light itself
        package = f"codec.codecs.{codec}"
        graph[package] = {other for other in graph[package] if not is_in(other, package)}
    assert set(circles(graph)) == set()
