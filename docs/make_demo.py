"""Draws docs/demo.png: a picture, ours and JPEG at the same file size. `python docs/make_demo.py IMAGE OUT`."""

import io
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import codec
from codec.metrics import bits_per_pixel, psnr

BOX = (200, 80, 520, 400)  # the part shown
QUALITY = 25


def jpeg_of_size(image: Image.Image, size: int) -> bytes:
    """The largest optimised 4:2:0 JPEG that is not larger than `size` bytes, or the smallest there is."""
    best = b""
    for quality in range(1, 96):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, optimize=True, subsampling="4:2:0")
        if best and buffer.tell() > size:
            break
        best = buffer.getvalue()
    return best


def main(source: str, target: str) -> None:
    image = Image.open(source).convert("RGB")
    data = codec.encode(image, quality=QUALITY)
    jpeg = jpeg_of_size(image, len(data))
    pictures = {
        "original": image,
        f"neural-codec, {len(data):,} bytes": codec.decode(data).image(),
        f"JPEG, {len(jpeg):,} bytes": Image.open(io.BytesIO(jpeg)).convert("RGB"),
    }
    pixels = image.width * image.height
    width, height = BOX[2] - BOX[0], BOX[3] - BOX[1]
    sheet = Image.new("RGB", (3 * width + 16, height + 26), "white")
    draw = ImageDraw.Draw(sheet)
    for i, (title, picture) in enumerate(pictures.items()):
        left = i * (width + 8)
        sheet.paste(picture.crop(BOX), (left, 26))
        if picture is not image:
            size = len(data) if i == 1 else len(jpeg)
            quality = psnr(np.asarray(image), np.asarray(picture))
            title += f", {bits_per_pixel(size, pixels):.2f} bpp, {quality:.1f} dB"
        draw.text((left, 5), title, "black", ImageFont.load_default(13))
    sheet.save(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
