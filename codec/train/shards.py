"""`codec train shards`: training shards from camera photos: downscaled samples, none like a picture that is held out.

A camera's JPEG holds losses and noise; downscaled by 2.4 or more it is as clean as the pictures that codecs are
measured on. Each photo gives itself whole and some textured crops, as AVIF 4:4:4 in a tar file.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import re
import sys
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from codec.errors import CodecError
from codec.media.guard import reading
from codec.output import whole_file
from codec.train import alike, commands, photos

LEAST_BPP = 0.25  # bits a pixel: a sample that takes less is empty sky and the like
PLACES, BEST = 8, 4  # a crop is one of the BEST most textured of so many random places

Box = tuple[int, int, int, int]


def samples(
    image: Image.Image, rng: random.Random, *, factor: tuple[float, float], crop: tuple[int, int], crops: int
) -> Iterator[tuple[str, float, Image.Image]]:
    """Kind (`w`, `c0`, ...), factor and pixels of what an RGB photo gives: itself whole, then crops that don't overlap.

    All are smaller by `factor[0]` at least. Whole: the short side of `crop`, the long side at most twice that.
    Crops: `crop` (width, height), turned for upright photos; half at the least factor, half at an even draw.
    """
    (least, most), (long, short) = factor, (max(crop), min(crop))
    w, h = image.size
    width, height = (short, long) if h > w else (long, short)
    scale = max(least, min(w, h) / short, max(w, h) / (2 * short))
    if min(w, h) / scale >= short / 2:
        yield "w", scale, image.resize((round(w / scale), round(h / scale)), Image.Resampling.LANCZOS)
    most = min(most, w / width, h / height)
    taken: list[Box] = []
    for i in range(crops if most >= least else 0):
        scale = least if rng.random() < 0.5 else rng.uniform(least, most)
        cw, ch = round(width * scale), round(height * scale)
        boxes = [box for box in _places(w, h, cw, ch, rng) if not any(_overlap(box, other) for other in taken)]
        if boxes:
            taken.append(rng.choice(sorted(boxes[:PLACES], key=lambda box: texture(image, box), reverse=True)[:BEST]))
            yield f"c{i}", scale, image.resize((width, height), Image.Resampling.LANCZOS, taken[-1])


def _places(w: int, h: int, cw: int, ch: int, rng: random.Random) -> Iterator[Box]:
    """Many random places of a crop of cw x ch pixels."""
    for _ in range(8 * PLACES):
        x, y = rng.randint(0, max(w - cw, 0)), rng.randint(0, max(h - ch, 0))
        yield x, y, x + cw, y + ch


def texture(image: Image.Image, box: Box) -> float:
    """Mean local contrast of a part, seen at a sixth of its size."""
    grey = np.asarray(image.crop(box).reduce(6).convert("L"), np.float32)
    return float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean())


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def pictures(path: Path) -> Iterator[Image.Image]:
    """All of a folder or tar file; a CodecError where there are none, or one can't be read."""
    name = None
    for name, data in photos.files(path):
        try:
            picture = upright(data)
        except CodecError as error:
            raise CodecError(f"{path}: {name} can't be read, so nothing like it can be left out; mend it") from error
        yield picture
    if name is None:
        raise CodecError(f"{path}: no pictures, so nothing can be left out for it; name another --exclude")


def upright(data: bytes) -> Image.Image:
    """RGB, turned as EXIF says; a colour profile is dropped without conversion. MediaError if it can't be read."""
    with reading():
        return ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")


def avif(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "AVIF", quality=quality, subsampling="4:4:4", speed=8)
    return out.getvalue()


def write(path: Path, members: list[tuple[str, bytes]]) -> None:
    """A tar file whose bytes follow from its members alone; it appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as fp, tarfile.open(fileobj=fp, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


class Shard:
    """A shard as it grows: members of the tar, a line of the manifest for each, and what was left out and why."""

    def __init__(self, a: argparse.Namespace) -> None:
        self.options = a
        self.held_out = alike.HeldOut(picture for path in a.exclude for picture in pictures(Path(path)))
        self.seen = np.zeros((0, 32), np.uint8)
        self.members: list[tuple[str, bytes]] = []
        self.lines: list[dict[str, object]] = []
        self.left_out = dict.fromkeys(("unreadable", "excluded", "double", "small"), 0)

    def add(self, name: str, data: bytes) -> None:
        """The samples of one original, or one more left out."""
        try:
            image = upright(data)
        except CodecError as error:
            print(f"{name}: left out: it {error}", file=sys.stderr)
            self.left_out["unreadable"] += 1
            return
        table = alike.sums(image)
        whole = alike.whole(table)
        double = bool((alike.distances(self.seen, whole) <= alike.ALIKE).any())
        if double or self.held_out.holds(table):
            self.left_out["double" if double else "excluded"] += 1
            return
        a = self.options
        rng = random.Random(f"{a.seed} {zlib.crc32(data)}")
        pieces = list(samples(image, rng, factor=a.factor, crop=a.crop, crops=a.crops))
        if not pieces:
            self.left_out["small"] += 1
            return
        self.seen = np.concatenate([self.seen, whole])
        stem = re.sub(r"[^A-Za-z0-9._-]+", "_", Path(name).stem)[:40]
        for kind, scale, piece in pieces:
            coded = avif(piece, a.quality)
            if 8 * len(coded) >= LEAST_BPP * piece.width * piece.height:
                sample = f"{stem}-{zlib.crc32(data):08x}_{kind}"
                self.members.append((f"{sample}.avif", coded))
                self.lines.append({"name": sample, "orig": name, "factor": round(scale, 3), "size": piece.size})


def span(text: str) -> tuple[float, float]:
    low, _, high = text.partition("..")
    return float(low), float(high or low)


def dimensions(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


def main(argv: list[str] | None = None) -> None:
    p = argparse.ArgumentParser(prog="codec train shards", description=__doc__.partition("\n")[0])
    p.add_argument("originals", nargs="+", help="folders or tar files of camera photos")
    commands.output(p, "--out", what="the shard, a tar file; manifest.json lies in it")
    p.add_argument(
        "--exclude",
        nargs="+",
        default=[],
        help="folders or tar files; no photo that is or holds a picture of theirs gets in",
    )
    p.add_argument("--factor", type=span, default=(2.4, 4.0), help="how much smaller crops get (default 2.4..4)")
    p.add_argument("--crop", type=dimensions, default=(768, 512), help="pixels of a crop (default 768x512)")
    p.add_argument("--crops", type=int, default=2, help="of a photo, at most (default 2)")
    p.add_argument("--quality", type=int, default=86, help="of AVIF, 0 to 100 (default 86)")
    p.add_argument("--seed", type=commands.seed, default=0, help="of the places, factors and order")
    a = p.parse_args(argv)
    if not 1 <= a.factor[0] <= a.factor[1] or min(a.crop) < 64 or not 0 <= a.quality <= 100:
        p.error("--factor LOW..HIGH from 1 up, --crop WIDTHxHEIGHT from 64x64 up, --quality 0 to 100")
    commands.check_output(a.output, a.force, suffix="")
    if a.output.exists() and any(a.output.samefile(path) for path in (*a.originals, *a.exclude)):
        raise CodecError(f"the output {a.output} is an input; name another")
    shard = Shard(a)
    for path in a.originals:
        for name, data in photos.files(Path(path)):
            shard.add(name, data)
    left_out = "".join(f"; {why}: {n}" for why, n in shard.left_out.items() if n)
    if not shard.members:
        raise CodecError(f"no sample came of {', '.join(a.originals)}{left_out}; name folders or tar files of photos")
    order = random.Random(a.seed).sample(range(len(shard.members)), len(shard.members))
    manifest = json.dumps([shard.lines[i] for i in order], indent=0).encode()
    write(a.output, [*(shard.members[i] for i in order), ("manifest.json", manifest)])
    photos_used = len({line["orig"] for line in shard.lines})
    print(f"{a.output}: samples: {len(order)}; photos: {photos_used}{left_out}")


if __name__ == "__main__":
    main()
