"""`codec train drawn`: a shard of drawn pictures: straight structure in perspective, and screens, text and charts.

Photos hold little of what codecs smear first: rows of windows, blinds, fences, tiles, letters. Each wall here is a
periodic pattern (u, v) -> colour under a random homography, taken at 3 x 3 points a pixel; screens are those of
`screens.py`. All of it follows from the seed. Lossless WebP: AVIF's ringing round letters is not to be learnt.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from codec.train import screens, shards

WIDTH, HEIGHT, FINE = 768, 512, 3
Floats = NDArray[np.float32]
Rng = np.random.Generator
# Wall coordinates [H, W] -> colours [H, W, 3] in 0..1, and opacity [H, W].
Wall = Callable[[Floats, Floats], tuple[Floats, Floats]]


def tone(rng: Rng, low: float = 0.0, high: float = 1.0) -> Floats:
    """A colour [3], near grey more often than not."""
    return np.clip(rng.uniform(low, high) + rng.normal(0, rng.choice([0.02, 0.15]), 3), 0, 1).astype(np.float32)


def mix(a: Floats, b: Floats, share: Floats) -> Floats:
    return a + share[..., None] * (b - a)


def cells(u: Floats, v: Floats, seed: int) -> Floats:
    """A random number in 0..1 for each unit square, the same for all its points."""
    table = np.random.default_rng(seed).random((61, 67), dtype=np.float32)
    return table[np.floor(v).astype(np.int64) % 61, np.floor(u).astype(np.int64) % 67]


def facade(rng: Rng) -> Wall:
    """Rows of windows with frames, bars and blinds, each pane of its own brightness."""
    wall, frame, glass, sky, blinds = tone(rng, 0.3, 0.9), tone(rng), tone(rng, 0, 0.35), tone(rng, 0.5), tone(rng, 0.6)
    half_u, half_v, edge = (float(rng.uniform(*span)) for span in ((0.2, 0.49), (0.2, 0.48), (0.01, 0.05)))
    bars, slats, courses = (int(rng.integers(*span)) for span in ((1, 4), (6, 30), (4, 12)))
    aspect, lines, seed = float(rng.uniform(0.5, 2)), rng.random() < 0.5, int(rng.integers(1 << 30))

    def at(u: Floats, v: Floats) -> tuple[Floats, Floats]:
        u = u * aspect
        fu, fv, kind = u % 1 - 0.5, v % 1 - 0.5, cells(u, v, seed)
        out_u, out_v = np.abs(fu) - half_u, np.abs(fv) - half_v
        pane = mix(glass, sky, kind * (0.4 + 0.6 * (fv + 0.5)))
        blind = (kind * 7 % 1 < 0.4) & (fv < half_v * (2 * (kind * 13 % 1) - 1)) & (fv * slats % 1 < 0.6)
        pane = np.where(blind[..., None], blinds, pane)
        bar = np.abs((fu / half_u / 2 + 0.5) * bars % 1 - 0.5) > 0.5 - edge * bars
        colour = np.where(bar[..., None], frame, pane)
        colour = np.where(((out_u > -edge) | (out_v > -edge))[..., None], frame, colour)
        course = ((v * courses % 1 < 0.07) & lines).astype(np.float32)
        plain = mix(wall, wall * 0.75, course)
        return np.where(((out_u > 0) | (out_v > 0))[..., None], plain, colour), np.ones_like(u)

    return at


def bricks(rng: Rng) -> Wall:
    """Courses of bricks, tiles or planks with joints, each of its own shade."""
    stone, joint, seed = tone(rng, 0.25, 0.8), tone(rng, 0.2, 0.9), int(rng.integers(1 << 30))
    wide, spread, size = (float(rng.uniform(*span)) for span in ((0.02, 0.1), (0, 0.3), (2, 6)))
    ratio, shift = float(rng.choice([1, 2.2, 6])), float(rng.choice([0, 0.5]))

    def at(u: Floats, v: Floats) -> tuple[Floats, Floats]:
        v = v * size
        u = u * size / ratio + shift * (np.floor(v) % 2)
        shade = 1 + spread * (cells(u, v, seed) - 0.5)
        gap = (u % 1 < wide / ratio) | (v % 1 < wide)
        return np.where(gap[..., None], joint, np.clip(stone * shade[..., None], 0, 1)), np.ones_like(u)

    return at


def stripes(rng: Rng) -> Wall:
    """Bars across one or two directions: blinds, louvres, railings, fences, nets; the gaps may be open."""
    bar, back, across = tone(rng), tone(rng), rng.random() < 0.4
    many, duty, gaps, tubes = (
        float(rng.uniform(2, 8)),
        float(rng.uniform(0.1, 0.7)),
        rng.random() < 0.5,
        rng.random() < 0.5,
    )
    turn = float(rng.choice([0, 0, np.pi / 2, np.pi / 4]))
    c, s = float(np.cos(turn)), float(np.sin(turn))

    def at(u: Floats, v: Floats) -> tuple[Floats, Floats]:
        f, g = (u * c + v * s) * many % 1 / duty, (v * c - u * s) * many % 1 / duty
        on = (f < 1) | ((g < 1) & across)
        light = 1 - 1.8 * (f - 0.5) ** 2 * ((f < 1) & tubes)
        return np.where(on[..., None], bar * light[..., None], back), (on | (not gaps)).astype(np.float32)

    return at


def perspective(rng: Rng) -> NDArray[np.float64]:
    """A homography [3, 3] from places in the picture, its height the unit, to wall coordinates."""
    many, level = np.exp(rng.uniform(np.log(2.5), np.log(14))), rng.random() < 0.25
    turn = 0.0 if level else rng.normal(0, 0.12)
    tilt = [0.0, 0.0] if level else [rng.uniform(-0.6, 0.6), rng.uniform(-0.5, 0.5)]
    c, s = many * np.cos(turn), many * np.sin(turn)
    return np.array([[c, -s, rng.uniform(0, 50)], [s, c, rng.uniform(0, 50)], [*tilt, 1.0]])


def structure(rng: Rng) -> Image.Image:
    """One to three walls, each beyond a random line, over a sky; light falls off; a little blur and noise."""
    y, x = np.mgrid[0 : HEIGHT * FINE, 0 : WIDTH * FINE].astype(np.float32)
    x, y = x / (HEIGHT * FINE) - 0.75, y / (HEIGHT * FINE) - 0.5
    picture = mix(tone(rng, 0.5, 1), tone(rng, 0.3, 1), y + 0.5)
    for i in range(rng.integers(1, 4)):
        au, av, w = (a * x + b * y + c for a, b, c in perspective(rng).tolist())
        kinds = [facade, facade, bricks, stripes] if i == 0 else [facade, bricks, stripes, stripes]
        colour, opaque = kinds[rng.integers(4)](rng)(au / w, av / w)
        angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(-0.4, 0.4) if i or rng.random() < 0.3 else 9.0
        opaque *= (x * float(np.cos(angle)) + y * float(np.sin(angle)) < reach) & (w > 0.1)
        light = 1 + float(rng.uniform(-0.5, 0.5)) * x + float(rng.uniform(-0.5, 0.5)) * y
        picture = mix(picture, np.clip(colour * light[..., None], 0, 1), opaque)
    small = picture.reshape(HEIGHT, FINE, WIDTH, FINE, 3).mean((1, 3))
    if rng.random() < 0.5:  # the softness of a lens
        small = (small + np.roll(small, 1, 0) + np.roll(small, 1, 1) + np.roll(small, (1, 1), (0, 1))) / 4
    small = small + rng.normal(0, rng.choice([0, 0.003, 0.01]), (HEIGHT, WIDTH, 1))
    return Image.fromarray(np.rint(np.clip(small, 0, 1) * 255).astype(np.uint8))


def four_screens(photo: Image.Image, rng: Rng) -> Image.Image:
    """Two by two screens with pieces of `photo` in them."""
    pixels = np.asarray(photo)
    rows = [np.hstack([screens.screen(pixels, rng) for _ in range(2)]) for _ in range(2)]
    return Image.fromarray(np.ascontiguousarray(np.vstack(rows)[..., [1, 0, 2]]))  # they come as G, R, B


def main(argv: list[str] | None = None) -> None:
    p = argparse.ArgumentParser(prog="codec train drawn", description=__doc__.partition("\n")[0])
    p.add_argument("--out", required=True, type=Path, help="the shard, a tar file")
    p.add_argument("--count", type=int, default=160, help="pictures (default 160)")
    p.add_argument("--screens", type=float, default=0.4, help="share of screens among them (default 0.4)")
    p.add_argument("--seed", type=int, default=0)
    a = p.parse_args(argv)
    if a.count < 1 or not 0 <= a.screens <= 1 or not a.out.absolute().parent.is_dir():
        p.error("--count from 1 up, --screens 0 to 1, --out in a folder that exists")
    rng = np.random.default_rng(a.seed)
    few = round(a.count * a.screens)
    pictures = [structure(rng) for _ in range(max(a.count - few, 1))]
    pictures += [four_screens(pictures[i % len(pictures)], rng) for i in range(few)]
    members = list[tuple[str, bytes]]()
    for i in rng.permutation(len(pictures)):
        out = io.BytesIO()
        pictures[i].save(out, "WEBP", lossless=True, quality=50, method=2)
        members.append((f"drawn{i:04d}.webp", out.getvalue()))
    shards.write(a.out, members)
    print(f"{a.out}: {len(members)} pictures")


if __name__ == "__main__":
    main()
