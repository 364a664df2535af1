"""Draws docs/demo.png: a part of a picture as it is, by our codec and by others at the same file size.

python docs/make_demo.py assets/kodim23.png docs/demo.png
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import codec
from codec import peers
from codec.metrics import bits_per_pixel, psnr

PEERS = {"jpeg": "JPEG", "webp": "WebP", "avif": "AVIF"}
TOLERANCE = 1.02  # of our size: a peer has 101 sizes to choose from, so its file may be that much larger
COLUMNS, LABEL, GAP = 3, 46, 10  # LABEL and GAP in pixels

Panel = tuple[str, str, Image.Image]  # title, line below it, picture
Box = tuple[int, int, int, int]


def of_size(name: str, frame: np.ndarray, size: int) -> bytes:
    """The peer's file nearest to `size` bytes among those up to TOLERANCE times it; its smallest if there is none."""
    best = b""
    for quality in range(101):
        file = peers.PEERS[name].encode(frame, quality)
        if best and len(file) > TOLERANCE * size:
            break
        if not best or abs(len(file) - size) <= abs(len(best) - size):
            best = file
    return best


def panels(frame: np.ndarray, quality: float, box: Box) -> list[Panel]:
    """The whole picture with the box drawn in, then the box itself: original, ours, peers."""
    height, width = frame.shape[:2]
    data = codec.encode(frame, quality=quality)
    coded = {"neural-codec": (data, next(codec.decode(data).frames()))}
    for name, title in PEERS.items():
        file = of_size(name, frame, len(data))
        coded[title] = file, peers.PEERS[name].decode(file, 3)
    size = box[2] - box[0], box[3] - box[1]
    whole = Image.fromarray(frame)
    ImageDraw.Draw(whole).rectangle(box, outline="white", width=5)
    found = [
        ("The whole picture", f"{width} x {height} pixels; the box is in the other panels", whole.resize(size)),
        ("Original", f"{frame.size:,} bytes raw   24 bpp", Image.fromarray(frame).crop(box)),
    ]
    for title, (file, picture) in coded.items():
        bpp = bits_per_pixel(len(file), width * height)
        line = f"{len(file):,} bytes   {bpp:.3f} bpp   {psnr(frame, picture):.2f} dB"
        found.append((title, line, Image.fromarray(picture).crop(box)))
    return found


def sheet(found: list[Panel]) -> Image.Image:
    """A grid of panels, each under its two lines."""
    width, height = found[0][2].size
    across, down = width + GAP, height + LABEL + GAP
    rows = -(-len(found) // COLUMNS)
    image = Image.new("RGB", (COLUMNS * across - GAP, rows * down - GAP), "white")
    draw = ImageDraw.Draw(image)
    for i, (title, line, picture) in enumerate(found):
        left, top = i % COLUMNS * across, i // COLUMNS * down
        draw.text((left, top), title, "black", ImageFont.load_default(19))
        draw.text((left, top + 24), line, "#444444", ImageFont.load_default(15))
        image.paste(picture, (left, top + LABEL))
    return image


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("image", type=Path)
    p.add_argument("out", type=Path)
    p.add_argument("--quality", type=float, default=20)
    p.add_argument("--box", type=int, nargs=4, default=(225, 75, 555, 295), metavar="N", help="left top right bottom")
    a = p.parse_args()
    frame = np.asarray(Image.open(a.image).convert("RGB"))
    sheet(panels(frame, a.quality, tuple(a.box))).save(a.out, optimize=True)


if __name__ == "__main__":
    main()
