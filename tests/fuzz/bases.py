"""The whole files that fuzzing starts from: small pictures of every kind, and files of containers alone."""

import io
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from crafted import still

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))  # where `run.py` doesn't look

from helpers.coded_videos import video_of  # noqa: E402
from helpers.every_codec import (  # noqa: E402
    file_codecs,
    image_codecs,
    image_options,
    jpeg_of,
    stands_alone,
    video_forms,
)
from helpers.video_clips import BT601, RATE, moving  # noqa: E402
from helpers.video_clips import pictures as pictures_of  # noqa: E402

import codec  # noqa: E402
from codec import archive, container, video  # noqa: E402
from codec.codecs import named  # noqa: E402
from codec.codecs.options import Target, VideoOptions  # noqa: E402
from codec.container import Color, Header, Unit  # noqa: E402
from codec.media import Info  # noqa: E402
from codec.media.video import Planes, Video  # noqa: E402

GOLDEN = TESTS / "golden"


@dataclass(frozen=True)
class Base:
    """A whole file; `picture`: what it decodes to, None where nothing decodes it (its codec is of a later day).

    Of a video it is all samples of all frames, in a row.
    """

    name: str
    data: bytes
    picture: np.ndarray | None = None
    weight: float = 1.0  # how often it is taken where its pixels may have to be decoded
    archive: bool = False  # then the picture is of all sessions in a row


def waves(height: int, width: int, channels: int, seed: int = 0) -> np.ndarray:
    """A smooth coloured picture with some noise, uint8 [height, width, channels]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    planes = [128 + 80 * np.sin(x / (7 + 5 * c)) * np.cos(y / (11 - 2 * c)) for c in range(channels)]
    return (np.stack(planes, -1) + rng.normal(0, 5, (height, width, channels))).clip(0, 255).astype(np.uint8)


def written(header: Header, units: Iterable[Unit]) -> bytes:
    """The bytes of a file."""
    buffer = io.BytesIO()
    container.write(buffer, header, units)
    return buffer.getvalue()


def _cut_out(height: int, width: int, seed: int = 0) -> np.ndarray:
    """RGBA: a disc with a soft edge on nothing."""
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(y - height / 2, x - width / 2)
    alpha = ((min(height, width) / 2 - distance) * 60).clip(0, 255).astype(np.uint8)
    return np.concatenate((waves(height, width, 3, seed), alpha[..., None]), -1)


def pictures() -> list[Base]:
    """Files of one unit or few, encoded by every codec that does images."""
    noise = np.random.default_rng(0).integers(0, 256, (20, 24, 4), np.uint8)
    sources = {
        "dot": waves(1, 1, 3),
        "grey": waves(17, 33, 1),
        "square": waves(64, 64, 3),
        "metadata": waves(70, 130, 3),
        "alpha": _cut_out(40, 50),
        "grey alpha": _cut_out(33, 20)[..., 2:],
        "noisy alpha": noise,
    }
    bases = []
    for coder in image_codecs():
        for number, (name, source) in enumerate(sources.items()):
            options = image_options(coder, (10.0, 40.0, 70.0)[number % 3], number)
            data = codec.encode(source, coder, device="cpu", **options)
            if name == "metadata":
                header, units = container.read(data)
                icc = np.random.default_rng(1).bytes(300)  # not compressible: stored as it is
                kept = {"icc": icc, "exif": b"Exif" * 50, "xmp": b"<x/>" * 80}
                kept["chunks"] = container.pack_chunks([(b"tEXt", b"Title\0" + b"a picture " * 9), (b"gAMA", bytes(4))])
                data = written(replace(header, metadata=kept), units)
            (picture,) = codec.decode(data, device="cpu").frames()
            bases.append(Base(f"{coder} {name}", data, picture))
    return bases


def files() -> list[Base]:
    """Files that are kept by every codec that does that, as JPEGs."""
    bases = []
    for coder in file_codecs():
        sources = {
            "dot": waves(1, 1, 3),
            "grey": waves(17, 33, 1),
            "square": waves(48, 48, 3),
            "wide": waves(20, 70, 3),
        }
        for number, (name, source) in enumerate(sources.items()):
            data = codec.encode(jpeg_of(source, number), coder)
            (picture,) = codec.decode(data).frames()
            bases.append(Base(f"{coder} {name}", data, picture))
    return bases


def videos() -> list[Base]:
    """Videos of two chains by every codec that does them, over each base that it has."""
    frames = moving(48, 64, 12)
    frames += [(255 - y // 4, u, v) for y, u, v in frames[:3]]
    info = Info(64, 48, frames=0, rate=RATE, color=BT601, metadata={"audio": b"no sound"})
    bases = []
    for name, base in video_forms():
        shown = pictures_of(frames[:2] if stands_alone(named(name, "video")) else frames)
        buffer = io.BytesIO()
        opened = Video(info, [], len(shown), lambda shown=shown: iter(shown))  # type: ignore[misc]
        options = VideoOptions(Target(quality=40), 1, base=base)
        video.encode(opened, buffer, name, options=options, device="cpu")
        bases.append(Base(f"{base or name} video", buffer.getvalue(), samples(buffer.getvalue())))
    sine = still(40, 30, 4, frames=2, chain=2)
    bases.append(Base("sine video", sine, samples(sine)))
    return bases


def samples(data: bytes) -> np.ndarray:
    """All that a video decodes to."""
    shown = video.open_file(io.BytesIO(data), device="cpu").pictures()
    return np.concatenate([plane.ravel() for picture in shown for plane in picture.planes])


def of_sessions(data: bytes) -> np.ndarray:
    """All that the sessions of an archive decode to."""
    found = archive.read(io.BytesIO(data))
    numbers = [one.entry.number for one in found.entries]
    shown = [picture for n in numbers for picture in archive.open_session(found, n, device="cpu").pictures()]
    return np.concatenate([plane.ravel() for picture in shown for plane in picture.planes])


def archives() -> list[Base]:
    """One of sessions of every kind, one whose networks begin from each other's, and one of a network that grows."""
    grown = _added(moving(24, 40, 9), (0, 3, 6, 9), "pfnr", preset="tiny", seconds=0.0)
    found = {name: (GOLDEN / "archives" / f"{name}.ncf").read_bytes() for name in ("all", "growing")} | {"pfnr": grown}
    return [Base(f"sessions-{name}", data, of_sessions(data), 3.0, archive=True) for name, data in found.items()]


def _added(frames: list[Planes], edges: tuple[int, ...], codec: str | None, **how: Any) -> bytes:
    """An archive to which these runs of frames were added, each of which goes on from what is there."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.ncf")
        archive.create(path)
        with archive.writing(path, device="cpu") as writer:
            for a, b in pairwise(edges):
                clip, options = video_of(pictures_of(frames[a:b])), VideoOptions(Target(quality=30), 1, **how)
                entry = writer.add(f"{a} to {b}", clip, io.BytesIO(), codec, options=options, date=0).entry
                assert not a or entry.depends
        return path.read_bytes()


def golden() -> list[Base]:
    """Golden files of several tiles, of 16 bits, and lossless ones; CODEC_WEIGHTS has to name their folder."""
    bases = []
    lossless = {path.stem: 1.0 for path in sorted(GOLDEN.glob("lossless-*.ncf"))}
    for name, weight in {"tiles": 0.1, "deep": 1.0, "deep-alpha": 1.0, **lossless}.items():
        data = (GOLDEN / f"{name}.ncf").read_bytes()
        (picture,) = codec.decode(data, device="cpu").frames()
        bases.append(Base(name, data, picture, weight))
    return bases


def containers() -> list[Base]:
    """Files of codecs that are yet to come: read and rewritten, not decoded."""
    film = Header(
        3, 0, 16, 8, frames=9, rate=Fraction(30000, 1001), color=Color(1, 1, 1, False), metadata={"audio": b"mp3" * 30}
    )
    units = [Unit(0, 1, 0, b"AB" * 40, 5), Unit(1, 2, 1, b"C" * 200, 4)]
    growing = io.BytesIO(written(replace(film, frames=0, metadata={"xmp": b"<x/>" * 20}), units))
    container.append(growing, [Unit(2, 3, 0, b"", 1), Unit(3, 4, 3, b"D" * 9, 300)])
    container.append(growing, [Unit(4, 5, 0, b"E" * 90, 1)])
    own_network = Header(2, 7, 40, 30, channels=1, depth=12, private=b"options" * 9)
    return [
        Base("video", written(film, units)),
        Base("growing", growing.getvalue()),
        Base("own network", written(own_network, [Unit(i, i, i % 4, b"tile" * i) for i in range(12)])),
    ]
