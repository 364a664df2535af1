"""Codecs are told apart by their folders, names and numbers, and FORMAT.md lists them."""

import re
from importlib.resources import files

from codec.codecs import all_codecs, default


def test_folders_are_names_and_numbers_are_of_one_codec_each() -> None:
    folders = files("codec.codecs").iterdir()
    found = {folder.name for folder in folders if folder.is_dir() and folder.joinpath("__init__.py").is_file()}
    assert set(all_codecs()) == found
    assert len({codec.id for codec in all_codecs().values()}) == len(found)


def test_the_format_lists_every_number() -> None:
    text = files("codec").joinpath("FORMAT.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| codec \| varint \|.*$", text, re.M)
    listed = {name: int(number) for number, name in re.findall(r"(\d+) ([a-z0-9]+)[,;]", row)}
    assert {name: codec.id for name, codec in all_codecs().items()}.items() <= listed.items()


def test_each_kind_of_media_has_one_default() -> None:
    for kind in ("image", "lossless", "video"):
        chosen = [codec for codec in all_codecs().values() if kind in codec.default_for]
        assert [default(kind)] == chosen
