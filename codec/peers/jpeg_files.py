"""Codecs that make JPEG files smaller and give them back byte for byte: Lepton, and JPEG XL's transcoding."""

import importlib
import io
from importlib.metadata import version
from typing import Protocol

from PIL import Image

from codec.errors import CodecError
from codec.peers.tried import tried
from codec.requirements import Need


class FilePeer(Protocol):
    """Goes between the bytes of a JPEG and those of its own file."""

    suffix: str
    needs: tuple[Need, ...]

    @property
    def description(self) -> str:
        """The encoder's settings, for rows."""
        ...

    def encode(self, data: bytes) -> bytes:
        """The bytes of a file; CodecError for a JPEG that it doesn't take."""
        ...

    def decode(self, data: bytes) -> bytes:
        """The JPEG again."""
        ...


class Lepton:
    """Lepton as Microsoft ported it to Rust."""

    suffix = ".lep"
    needs: tuple[Need, ...] = (Need("lepton_jpeg_python", "pip install lepton-jpeg-python"),)

    @property
    def description(self) -> str:
        """See FilePeer."""
        return f"lepton-jpeg-python {version('lepton-jpeg-python')}"

    def encode(self, data: bytes) -> bytes:
        """See FilePeer."""
        return tried("Lepton", lambda: bytes(importlib.import_module("lepton_jpeg_python").compress_bytes(data)))

    def decode(self, data: bytes) -> bytes:
        """See FilePeer."""
        return tried("Lepton", lambda: bytes(importlib.import_module("lepton_jpeg_python").decompress_bytes(data)))


class JxlOfJpeg:
    """libjxl's transcoding, with what the JPEG needs to come back."""

    suffix = ".jxl"
    needs: tuple[Need, ...] = (Need("pillow_jxl", "pip install pillow-jxl-plugin"),)

    @property
    def description(self) -> str:
        """See FilePeer."""
        return f"pillow-jxl-plugin {version('pillow-jxl-plugin')} lossless_jpeg=True effort=9"

    def encode(self, data: bytes) -> bytes:
        """See FilePeer."""
        plugin = importlib.import_module("pillow_jxl")

        def work() -> bytes:
            with Image.open(io.BytesIO(data)) as image:
                encoder = plugin.Encoder(
                    mode=image.mode, lossless=True, quality=100, decoding_speed=0, effort=9, use_container=True,
                    use_original_profile=True, num_threads=1,
                )  # fmt: skip
                return bytes(encoder(data, image.width, image.height, jpeg_encode=True))

        return tried("JPEG XL", work)

    def decode(self, data: bytes) -> bytes:
        """See FilePeer."""
        decoder = importlib.import_module("pillow_jxl").Decoder(num_threads=1)
        whole, _, found, *_ = tried("JPEG XL", lambda: decoder(data))
        if not whole:
            raise CodecError("JPEG XL gives no JPEG back; leave it out")
        return bytes(found)


JPEG_FILES: dict[str, FilePeer] = {"lepton": Lepton(), "jxl-jpeg": JxlOfJpeg()}
