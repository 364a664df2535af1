"""`codec train drawn`: a shard of drawn pictures: straight structure in perspective, and screens, text and charts.

Photos hold little of what codecs smear first: rows of windows, blinds, fences, tiles, letters. Each wall here is a
periodic pattern (u, v) -> colour under a random homography, taken at 3 x 3 points a pixel; screens are those of
`screens.py`. All of it follows from the seed. Lossless WebP: AVIF's ringing round letters is not to be learnt.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from codec.train import commands, screens, shards

WIDTH, HEIGHT, FINE = 768, 512, 3
Floats = NDArray[np.float32]
Rng = np.random.Generator


class Wall(NamedTuple):
    """Points (u, v) -> material, shade, both [N]; the colour is base + shade * slope of a material, [K, 3] in 0..1."""

    base: Floats
    slope: Floats
    at: Callable[[Floats, Floats], tuple[NDArray[np.uint8], Floats]]
    gaps: bool = False  # what is of the last material is not there


def tone(rng: Rng, low: float = 0.0, high: float = 1.0) -> Floats:
    """A colour [3], near grey more often than not."""
    return np.clip(rng.uniform(low, high) + rng.normal(0, rng.choice([0.02, 0.15]), 3), 0, 1).astype(np.float32)


def cells(u: Floats, v: Floats, seed: int) -> Floats:
    """A random number in 0..1 for each unit square, the same for all its points."""
    table = np.random.default_rng(seed).random((61, 67), dtype=np.float32)
    return table[np.floor(v).astype(np.int64) % 61, np.floor(u).astype(np.int64) % 67]


def facade(rng: Rng) -> Wall:
    """Rows of windows with frames, bars and blinds, each pane of its own brightness."""
    wall, frame, glass, sky, blinds = (tone(rng, *span) for span in ((0.3, 0.9), (0,), (0, 0.35), (0.5,), (0.6,)))
    half_u, half_v, edge = (float(rng.uniform(*span)) for span in ((0.2, 0.49), (0.2, 0.48), (0.01, 0.05)))
    bars, slats, courses = (int(rng.integers(*span)) for span in ((1, 4), (6, 30), (4, 12)))
    aspect, lines, seed = float(rng.uniform(0.5, 2)), rng.random() < 0.5, int(rng.integers(1 << 30))

    def at(u: Floats, v: Floats) -> tuple[NDArray[np.uint8], Floats]:
        u = u * aspect
        fu, fv, chance = u % 1 - 0.5, v % 1 - 0.5, cells(u, v, seed)
        out_u, out_v = np.abs(fu) - half_u, np.abs(fv) - half_v
        blind = (chance * 7 % 1 < 0.4) & (fv < half_v * (2 * (chance * 13 % 1) - 1)) & (fv * slats % 1 < 0.6)
        bar = np.abs((fu / half_u / 2 + 0.5) * bars % 1 - 0.5) > 0.5 - edge * bars
        plain = (out_u > 0) | (out_v > 0)
        framed = bar | (out_u > -edge) | (out_v > -edge)
        course = (v * courses % 1 < 0.07) & lines
        material = np.where(plain, 0, np.where(framed, 1, np.where(blind, 2, 3))).astype(np.uint8)
        return material, np.where(plain, course, chance * (0.9 + 0.6 * fv)).astype(np.float32)

    return Wall(np.stack([wall, frame, blinds, glass]), np.stack([-wall / 4, 0 * wall, 0 * wall, sky - glass]), at)


def bricks(rng: Rng) -> Wall:
    """Courses of bricks, tiles or planks with joints, each of its own shade."""
    stone, joint, seed = tone(rng, 0.25, 0.8), tone(rng, 0.2, 0.9), int(rng.integers(1 << 30))
    wide, spread, size = (float(rng.uniform(*span)) for span in ((0.02, 0.1), (0, 0.3), (2, 6)))
    ratio, shift = float(rng.choice([1, 2.2, 6])), float(rng.choice([0, 0.5]))

    def at(u: Floats, v: Floats) -> tuple[NDArray[np.uint8], Floats]:
        v = v * size
        u = u * size / ratio + shift * (np.floor(v) % 2)
        return ((u % 1 < wide / ratio) | (v % 1 < wide)).astype(np.uint8), cells(u, v, seed) - 0.5

    return Wall(np.stack([stone, joint]), np.stack([spread * stone, 0 * stone]), at)


def stripes(rng: Rng) -> Wall:
    """Bars across one or two directions: blinds, louvres, railings, fences, nets; the gaps may be open."""
    bar, back, across = tone(rng), tone(rng), rng.random() < 0.4
    many, duty = float(rng.uniform(2, 8)), float(rng.uniform(0.1, 0.7))
    gaps, tubes = rng.random() < 0.5, rng.random() < 0.5
    turn = float(rng.choice([0, 0, np.pi / 2, np.pi / 4]))
    c, s = float(np.cos(turn)), float(np.sin(turn))

    def at(u: Floats, v: Floats) -> tuple[NDArray[np.uint8], Floats]:
        f, g = (u * c + v * s) * many % 1 / duty, (v * c - u * s) * many % 1 / duty
        off = (f >= 1) & ((g >= 1) | (not across))
        return off.astype(np.uint8), (f - 0.5) ** 2 * ((f < 1) & tubes)

    return Wall(np.stack([bar, back]), np.stack([-1.8 * bar, 0 * bar]), at, gaps)


def perspective(rng: Rng) -> NDArray[np.float64]:
    """A homography [3, 3] from places in the picture, its height the unit, to wall coordinates."""
    many, level = np.exp(rng.uniform(np.log(2.5), np.log(14))), rng.random() < 0.25
    turn = 0.0 if level else rng.normal(0, 0.12)
    tilt = [0.0, 0.0] if level else [rng.uniform(-0.6, 0.6), rng.uniform(-0.5, 0.5)]
    c, s = many * np.cos(turn), many * np.sin(turn)
    return np.array([[c, -s, rng.uniform(0, 50)], [s, c, rng.uniform(0, 50)], [*tilt, 1.0]])


def structure(rng: Rng) -> Image.Image:
    """One to three walls, each on one side of a random line, before a sky; light falls off; a little blur and noise."""
    y, x = np.mgrid[0 : HEIGHT * FINE, 0 : WIDTH * FINE].astype(np.float32)
    x, y = x / (HEIGHT * FINE) - 0.75, y / (HEIGHT * FINE) - 0.5
    high, low = tone(rng, 0.5), tone(rng, 0.3)
    picture = high + (y + 0.5)[..., None] * (low - high)
    for i in range(rng.integers(1, 4)):
        au, av, w = (a * x + b * y + c for a, b, c in perspective(rng).tolist())
        kinds = [facade, facade, bricks, stripes] if i == 0 else [facade, bricks, stripes, stripes]
        wall = kinds[rng.integers(4)](rng)
        angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(-0.4, 0.4) if i or rng.random() < 0.3 else 9.0
        here = np.nonzero((x * float(np.cos(angle)) + y * float(np.sin(angle)) < reach) & (w > 0.1))
        material, shade = wall.at(au[here] / w[here], av[here] / w[here])
        light = 1 + float(rng.uniform(-0.5, 0.5)) * x[here] + float(rng.uniform(-0.5, 0.5)) * y[here]
        if wall.gaps:
            solid = material < len(wall.base) - 1
            here, material, shade, light = (here[0][solid], here[1][solid]), material[solid], shade[solid], light[solid]
        colour = wall.base[material] + wall.slope[material] * shade[:, None]
        picture[here] = np.clip(colour * light[:, None], 0, 1)
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
    commands.output(p, "--out", what="the shard, a tar file")
    p.add_argument("--count", type=commands.count, default=160, help="pictures (default 160)")
    p.add_argument("--screens", type=commands.share, default=0.4, help="share of screens among them (default 0.4)")
    p.add_argument("--seed", type=commands.seed, default=0)
    a = p.parse_args(argv)
    commands.check_output(a.output, a.force, suffix="")
    rng = np.random.default_rng(a.seed)
    few = round(a.count * a.screens)
    walls = [structure(rng) for _ in range(max(a.count - few, 1))]
    pictures = walls[: a.count - few] + [four_screens(walls[i % len(walls)], rng) for i in range(few)]
    members = list[tuple[str, bytes]]()
    for i in rng.permutation(len(pictures)):
        out = io.BytesIO()
        pictures[i].save(out, "WEBP", lossless=True, quality=50, method=2)
        members.append((f"drawn{i:04d}.webp", out.getvalue()))
    shards.write(a.output, members)
    print(f"{a.output}: pictures: {len(members)}")


if __name__ == "__main__":
    main()
