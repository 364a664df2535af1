"""What may be given as a file: every kind of bytes, and files from where they stand; all else is one error."""

import io
import os
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.image_files import pixels, saved
from PIL import Image

import codec
from codec import media
from codec.errors import CodecError, MediaError


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, io.BytesIO])
def test_bytes_of_every_kind_are_read(photo: Path, kind: type) -> None:
    data = photo.read_bytes()
    assert np.array_equal(pixels(kind(data)), pixels(photo))
    coded = codec.encode(kind(data))
    assert codec.info(kind(coded)).width == 96
    assert codec.decode(kind(coded)).image().size == (96, 64)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "WEBP", "AVIF", "BMP", "GIF", "PPM"])
def test_a_file_is_read_from_where_it_stands(picture: Image.Image, tmp_path: Path, format: str) -> None:
    first, second = saved(picture, format), saved(picture.resize((30, 20)), format)
    path = tmp_path / "two"
    path.write_bytes(first + second)
    with path.open("rb") as fp:
        fp.seek(len(first))
        assert np.array_equal(pixels(fp), pixels(second))


def test_a_coded_file_is_read_from_where_it_stands(photo: Path) -> None:
    data = codec.encode(photo)
    for partial in (False, True):
        fp = io.BytesIO(b"before" + data)
        fp.seek(6)
        assert codec.decode(fp, partial=partial).image().size == (96, 64)


def test_files_that_cannot_seek_are_read(photo: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(photo, "a.png")
    with zipfile.ZipFile(packed) as archive, archive.open("a.png") as fp:
        assert np.array_equal(pixels(fp), pixels(photo))

    class Answer:  # as libraries of the network have it
        def read(self) -> bytes:
            return photo.read_bytes()

    assert np.array_equal(pixels(Answer()), pixels(photo))  # type: ignore[arg-type]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_with_a_name_is_read_once(photo: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(photo.read_bytes()), daemon=True)
    writer.start()
    assert codec.info(codec.encode(pipe)).width == 96
    writer.join(10)


REFUSED = {
    "none": (None, r"of type NoneType can't be read; give "),
    "number": (3, r"of type int can't be read; give "),
    "list": ([[0, 1]], r"of type list can't be read; give "),
    "tensor": (torch.zeros(3, 8, 8), r"of type Tensor can't be read; turn it into an array of uint8"),
    "text": (io.StringIO("text"), r"open as text; open it as binary"),
    "zero byte": ("a\0b", r"zero byte"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("call", [codec.encode, codec.decode, codec.info, media.read])
def test_other_types_are_refused_in_a_line(case: str, call: object) -> None:
    source, message = REFUSED[case]
    with pytest.raises(CodecError, match=message) as caught:
        call(source)  # type: ignore[operator]
    assert "\n" not in str(caught.value)


def test_closed_and_text_files_are_refused(photo: Path) -> None:
    with photo.open("rb") as fp:
        pass
    with pytest.raises(CodecError, match="is closed; open it again"):
        codec.encode(fp)
    with photo.open("r") as text, pytest.raises(CodecError, match="open as text"):
        codec.encode(text)  # type: ignore[arg-type]
    with pytest.raises(CodecError, match="of type ndarray can't be read; give a path"):
        codec.decode(np.zeros(3))  # type: ignore[arg-type]


def test_what_is_left_out_is_a_warning_or_a_note(picture: Image.Image) -> None:
    data = saved(picture, "GIF", save_all=True, append_images=[picture.rotate(180)])
    line = "it has more than one frame; the first is kept"
    with pytest.warns(UserWarning, match=line) as told:
        codec.encode(data)
    assert told[0].filename == __file__
    notes: list[str] = []
    codec.encode(data, notes=notes)
    assert notes == [line]


class Place:
    """A path object of any kind."""

    def __init__(self, path: object) -> None:
        self.path = path

    def __fspath__(self) -> object:
        return self.path


def test_paths_may_be_bytes_and_what_is_none_is_one_error(photo: Path) -> None:
    assert np.array_equal(pixels(Place(os.fsencode(photo))), pixels(photo))  # type: ignore[arg-type]
    for wrong in (Place(3), "\ud800.png", Place(b"a\0")):
        with pytest.raises(CodecError, match="give another path"):
            codec.encode(wrong)  # type: ignore[arg-type]


def test_a_picture_without_pixels_is_refused() -> None:
    with pytest.raises(MediaError, match="0 x 3, no pixels"):
        media.read(Image.new("RGB", (0, 3)))
