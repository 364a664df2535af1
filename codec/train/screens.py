"""Drawn screens to train on: text, windows, icons, tables, plots, line art, vector shapes, dithering, scanned pages.

Everything is drawn with Pillow and its own two fonts, in a few dozen milliseconds, from a seeded generator. Colours
are in the coded order of channels, G, R, B; only subpixel text tells the channels apart.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

HEIGHT, WIDTH = 256, 320
LETTERS = np.array(
    list("eeeeettttaaaooooiiinnnsssrrrhhddllluucccmmffyywwggppbbvk" + "xqjz0123456789ABCDEFGHIJKLMNOPRSTW.,:-()/")
)
LUMA = np.array([0.587, 0.299, 0.114])

Pixels = NDArray[np.uint8]
Color = tuple[int, int, int]
Rng = np.random.Generator


def screen(photo: Pixels, rng: Rng) -> Pixels:
    """A screen, uint8 [HEIGHT, WIDTH, C]; `photo` [H, W, C] in coded order (or luma) is what pictures in it show."""
    kinds: list[Callable[[Pixels, Rng], Image.Image]] = [desktop, page, vector, figure, dithered]
    channels = photo.shape[2]
    photo = np.broadcast_to(photo, (*photo.shape[:2], 3))
    image = kinds[rng.choice(len(kinds), p=[0.42, 0.24, 0.2, 0.08, 0.06])](photo, rng)
    effect = rng.random()
    if effect < 0.04:  # zoomed
        image = image.crop((0, 0, WIDTH // 2, HEIGHT // 2)).resize((WIDTH, HEIGHT), Image.Resampling.NEAREST)
    elif effect < 0.16:  # of few colours
        image = image.quantize(int(rng.choice([4, 16, 64, 255])), dither=Image.Dither.NONE).convert("RGB")
    pixels = np.asarray(image)
    if channels == 1 or rng.random() < 0.1:
        grey = np.rint(pixels @ LUMA).astype(np.uint8)[..., None]
        return grey if channels == 1 else grey.repeat(3, 2)
    return pixels


def color(rng: Rng, low: int = 0, high: int = 256) -> Color:
    """Grey as often as not, many of them the usual ones."""
    if low == 0 and high == 256 and rng.random() < 0.3:
        return (0, 0, 0) if rng.random() < 0.5 else (255, 255, 255)
    v = rng.integers(low, high, 3)
    return (int(v[0]),) * 3 if rng.random() < 0.5 else (int(v[0]), int(v[1]), int(v[2]))


def contrast(background: Color, rng: Rng) -> Color:
    return color(rng, 0, 90) if np.dot(background, LUMA) > 128 else color(rng, 170, 256)


@lru_cache(maxsize=64)
def font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size) if size else ImageFont.load_default_imagefont()


def words(count: int, rng: Rng) -> str:
    letters = rng.choice(LETTERS, count)
    letters[rng.random(count) < 0.17] = " "
    return "".join(letters)


class Pen:
    """One way of writing: font, size, weight, smoothing, slant."""

    def __init__(self, rng: Rng, largest: float = 26) -> None:
        self.size = (
            0.0 if rng.random() < 0.1 else float(np.rint(2 * rng.uniform(8, largest) ** rng.uniform(0.8, 1)) / 2)
        )
        self.font = font(self.size)
        self.mode = rng.choice(["1", "L", "lcd"], p=[0.15, 0.6, 0.25]) if self.size else "1"
        self.bold = int(rng.random() < 0.15) if self.size else 0
        self.slant = rng.uniform(-0.3, 0.1) if rng.random() < 0.15 else 0.0
        self.stretch = rng.uniform(0.75, 1.2) if rng.random() < 0.25 else 1.0
        self.height = int(max(self.size, 10) * 1.25) + 1

    def mask(self, text: str) -> Image.Image:
        """The text's coverage, "RGB" for subpixels, otherwise "L"."""
        fine = 3 if self.mode == "lcd" else 1
        width = max(1, int(self.font.getlength(text) * self.stretch) + self.height // 2)
        if fine == 1 and not self.slant and self.stretch == 1:
            mask = Image.new("L", (width, self.height), 0)
            draw = ImageDraw.Draw(mask)
            draw.fontmode = self.mode
            draw.text((1, 0), text, 255, self.font, stroke_width=self.bold)
            return mask
        # Drawn large, then made small: at third pixels, stretched or slanted.
        large = font(self.size * 3) if self.size else self.font
        factor = 3 if self.size else 1
        source = Image.new("L", (int(width * factor / self.stretch) + 1, self.height * factor), 0)
        ImageDraw.Draw(source).text((1, 0), text, 255, large, stroke_width=factor * self.bold)
        shift = -self.slant * self.height * factor / 2
        matrix = (factor / fine / self.stretch, self.slant, shift, 0, 1, 0)
        wide = source.transform(
            (width * fine, self.height * factor), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
        )
        a = np.asarray(wide, np.float32).reshape(self.height, factor, width * fine).mean(1)
        if fine == 1:
            return Image.fromarray(np.rint(a).astype(np.uint8))
        a = np.pad(a, ((0, 0), (1, 1)))
        a = (a[:, :-2] + a[:, 1:-1] + a[:, 2:]) / 3
        left, middle, right = (a[:, i::3] for i in range(3))
        return Image.fromarray(np.rint(np.stack([middle, left, right], -1)).astype(np.uint8))

    def write(self, image: Image.Image, at: tuple[int, int], text: str, ink: Color) -> None:
        mask = self.mask(text)
        x, y = at
        if mask.mode == "L":
            image.paste(ink, (x, y), mask)
            return
        box = (x, y, x + mask.width, y + mask.height)
        below = np.asarray(image.crop(box), np.float32)
        share = np.asarray(mask, np.float32) / 255
        image.paste(Image.fromarray(np.rint(below + share * (np.array(ink) - below)).astype(np.uint8)), (x, y))


def paragraph(image: Image.Image, box: tuple[int, int, int, int], pen: Pen, ink: Color, rng: Rng) -> None:
    left, top, right, bottom = box
    line = pen.height + int(rng.integers(0, 8))
    per_line = max(2, int((right - left) / (max(pen.size, 8) * 0.52 * pen.stretch)))
    lexicon = [words(per_line, rng) for _ in range(int(rng.integers(2, 12)))]
    for y in range(top, bottom - pen.height, line):
        if rng.random() < 0.85:
            text = lexicon[rng.integers(len(lexicon))][: rng.integers(1, per_line + 1) if rng.random() < 0.3 else None]
            pen.write(image, (left, y), text, ink)


def page(photo: Pixels, rng: Rng) -> Image.Image:
    """A page of text, half of them as scanners see it."""
    paper = (255, 255, 255) if rng.random() < 0.6 else color(rng, 200, 256)
    image = Image.new("RGB", (WIDTH, HEIGHT), paper)
    ink = (0, 0, 0) if rng.random() < 0.6 else contrast(paper, rng)
    columns = int(rng.integers(1, 3))
    pen = Pen(rng)
    for c in range(columns):
        left = 8 + c * WIDTH // columns
        paragraph(image, (left, int(rng.integers(0, 20)), left + WIDTH // columns - 12, HEIGHT), pen, ink, rng)
        if rng.random() < 0.25:
            paste_photo(image, photo, rng)
    if rng.random() < 0.35:
        a = np.asarray(image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.2))), np.float32)
        if rng.random() < 0.5:
            a = a * np.linspace(rng.uniform(0.7, 1), rng.uniform(0.7, 1), WIDTH)[:, None]
        same = rng.standard_normal((HEIGHT, WIDTH, 1)) if rng.random() < 0.7 else rng.standard_normal(a.shape)
        a = np.clip(a + rng.uniform(0, 4) * same, 0, 255)
        image = Image.fromarray(np.rint(a).astype(np.uint8))
        if rng.random() < 0.7:
            image = image.convert("L").convert("RGB")
    return image


def paste_photo(image: Image.Image, photo: Pixels, rng: Rng) -> None:
    """A piece of a photo, made smaller."""
    w, h = min(int(rng.integers(16, 160)), photo.shape[1]), min(int(rng.integers(16, 120)), photo.shape[0])
    factor = int(rng.integers(1, 1 + min(4, photo.shape[0] // h, photo.shape[1] // w)))
    top, left = rng.integers(photo.shape[0] - factor * h + 1), rng.integers(photo.shape[1] - factor * w + 1)
    piece = Image.fromarray(np.ascontiguousarray(photo[top : top + factor * h, left : left + factor * w]))
    x, y = int(rng.integers(-16, WIDTH - 16)), int(rng.integers(-16, HEIGHT - 16))
    image.paste(piece.resize((w, h), Image.Resampling.LANCZOS), (x, y))


def gradient(size: tuple[int, int], rng: Rng) -> Image.Image:
    """A ramp between two colours, sideways, down or around a point."""
    w, h = size
    y, x = np.mgrid[0:h, 0:w]
    kind = rng.random()
    t = y / max(h, 2) if kind < 0.5 else x / max(w, 2) if kind < 0.7 else np.hypot(y - h / 2, x - w / 2) / (h + w)
    a, b = np.array(color(rng)), np.array(color(rng))
    if rng.random() < 0.6:
        b = np.clip(a + rng.integers(-50, 51), 0, 255)
    return Image.fromarray(np.rint(a + t[..., None] * (b - a)).astype(np.uint8))


def icon(rng: Rng) -> Image.Image:
    """A small RGBA drawing with smooth or hard edges."""
    side = int(rng.choice([12, 16, 22, 24, 32, 48]))
    fine = int(rng.choice([1, 4]))
    image = Image.new("RGBA", (side * fine, side * fine), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(1, 7)):
        shape(draw, side * fine, side * fine, color(rng), fine, rng)
    return image.resize((side, side), Image.Resampling.BOX)


def shape(draw: ImageDraw.ImageDraw, w: int, h: int, fill: Color, fine: int, rng: Rng) -> None:
    x, y = sorted(rng.integers(0, w, 2).tolist()), sorted(rng.integers(0, h, 2).tolist())
    box = (x[0], y[0], x[1], y[1])
    kind = rng.integers(6)
    line = int(rng.integers(1, 4)) * fine
    outline = color(rng) if rng.random() < 0.3 else None
    if kind == 0:
        draw.ellipse(box, fill, outline, line)
    elif kind == 1:
        draw.rounded_rectangle(box, int(rng.integers(0, 8)) * fine, fill, outline, line)
    elif kind == 2:
        draw.polygon([(int(rng.integers(w)), int(rng.integers(h))) for _ in range(rng.integers(3, 7))], fill)
    elif kind == 3:
        draw.line([(int(rng.integers(w)), int(rng.integers(h))) for _ in range(rng.integers(2, 5))], fill, line)
    elif kind == 4:
        begin, end = sorted(rng.integers(0, 720, 2).tolist())
        draw.arc(box, begin, end, fill, line)
    else:
        draw.ellipse((x[0], y[0], x[0] + y[1] - y[0], y[1]), fill)


def vector(photo: Pixels, rng: Rng) -> Image.Image:
    """Shapes with smooth edges, perhaps over a ramp, with soft shadows, or as a pattern that repeats."""
    fine = int(rng.choice([1, 2, 4]))
    part = int(rng.choice([1, 1, 2, 3]))
    w, h = WIDTH // part, HEIGHT // part
    image = (
        gradient((w * fine, h * fine), rng)
        if rng.random() < 0.3
        else Image.new("RGB", (w * fine, h * fine), color(rng))
    )
    draw = ImageDraw.Draw(image)
    palette = [color(rng) for _ in range(rng.integers(1, 8))]
    for _ in range(rng.integers(2, 24)):
        shape(draw, w * fine, h * fine, palette[rng.integers(len(palette))], fine, rng)
    if rng.random() < 0.2:
        image = image.filter(ImageFilter.GaussianBlur(fine * rng.uniform(0.5, 6)))
    image = image.resize((w, h), Image.Resampling.BOX)
    if part > 1:
        a = np.tile(np.asarray(image), (part + 1, part + 1, 1))[:HEIGHT, :WIDTH]
        image = Image.fromarray(np.ascontiguousarray(a))
    for _ in range(rng.integers(0, 3) if rng.random() < 0.4 else 0):
        Pen(rng, 60).write(image, (int(rng.integers(WIDTH)), int(rng.integers(HEIGHT))), words(12, rng), color(rng))
    return image


def desktop(photo: Pixels, rng: Rng) -> Image.Image:
    """Windows over a background."""
    image = gradient((WIDTH, HEIGHT), rng) if rng.random() < 0.2 else Image.new("RGB", (WIDTH, HEIGHT), color(rng))
    if rng.random() < 0.2:
        paste_photo(image, photo, rng)
    for _ in range(rng.integers(1, 4)):
        w, h = int(rng.integers(80, WIDTH + 40)), int(rng.integers(60, HEIGHT + 40))
        window(image, (int(rng.integers(-40, WIDTH // 2)), int(rng.integers(-30, HEIGHT // 2)), w, h), photo, rng)
    return image


def window(image: Image.Image, box: tuple[int, int, int, int], photo: Pixels, rng: Rng) -> None:
    x, y, w, h = box
    face = color(rng, 200, 256) if rng.random() < 0.75 else color(rng, 20, 80)
    ink, pen = contrast(face, rng), Pen(rng, 15)
    draw = ImageDraw.Draw(image)
    edge = color(rng, 90, 180)
    draw.rounded_rectangle((x, y, x + w, y + h), int(rng.integers(0, 8)), face, edge)
    bar = int(rng.integers(14, 28))
    if rng.random() < 0.6:
        image.paste(gradient((w - 1, bar), rng), (x + 1, y + 1))
        pen.write(image, (x + 8, y + 3), words(14, rng), ink)
    icons = [icon(rng) for _ in range(rng.integers(1, 6))]
    row = y + bar + 4
    while row < min(y + h - 10, HEIGHT):
        kind = rng.random()
        height = pen.height + int(rng.integers(2, 10))
        if kind < 0.25:  # a bar of icons
            for i in range(rng.integers(1, 10)):
                picked = icons[rng.integers(len(icons))]
                image.paste(picked, (x + 6 + i * (picked.width + 4), row), picked)
            height = 52
        elif kind < 0.5:  # buttons and fields
            for i in range(rng.integers(1, 5)):
                left = x + 8 + i * 84
                draw.rounded_rectangle((left, row, left + 74, row + height), int(rng.choice([0, 3, 6])), face, edge)
                if rng.random() < 0.4:
                    image.paste(gradient((72, height - 2), rng), (left + 1, row + 1))
                pen.write(image, (left + 6, row + 2), words(int(rng.integers(2, 9)), rng), ink)
            height += 6
        elif kind < 0.6 and w > 60:  # a text area
            height = int(rng.integers(40, 120))
            field = (255, 255, 255) if rng.random() < 0.7 else face
            draw.rectangle((x + 6, row, x + w - 8, row + height), field, edge)
            paragraph(image, (x + 10, row + 2, x + w - 12, row + height), pen, contrast(field, rng), rng)
            height += 6
        elif kind < 0.68:
            paste_photo(image, photo, rng)
        elif kind < 0.74:  # a check pattern, as behind what is transparent
            cell, shades = int(rng.choice([1, 2, 4, 8])), np.array([color(rng), color(rng)], np.uint8)
            board = shades[np.indices((48, 120)).__floordiv__(cell).sum(0) % 2]
            image.paste(Image.fromarray(board), (x + 8, row))
            height = 52
        elif kind < 0.85:  # a list
            for _ in range(rng.integers(2, 8)):
                if rng.random() < 0.3:
                    picked = icons[0]
                    image.paste(picked, (x + 6, row), picked)
                pen.write(image, (x + 40, row), words(int(rng.integers(4, 24)), rng), ink)
                row += height
                if rng.random() < 0.3:
                    draw.line((x + 4, row - 2, x + w - 6, row - 2), edge)
        else:
            pen.write(image, (x + 8, row), words(int(rng.integers(4, 40)), rng), ink)
        row += height


def figure(photo: Pixels, rng: Rng) -> Image.Image:
    """A table, a plot or staves of notes: lines on a plain ground."""
    ground = (255, 255, 255) if rng.random() < 0.7 else color(rng)
    ink, pen = contrast(ground, rng), Pen(rng, 15)
    fine = int(rng.choice([1, 3]))
    image = Image.new("RGB", (WIDTH * fine, HEIGHT * fine), ground)
    draw = ImageDraw.Draw(image)
    step, gap = int(rng.integers(4, 40)) * fine, int(rng.integers(20, 80)) * fine
    kind = rng.random()
    if kind < 0.5:
        for y in range(0, HEIGHT * fine, step):
            draw.line((0, y, WIDTH * fine, y), ink, fine)
        for x in range(0, WIDTH * fine, gap) if rng.random() < 0.7 else ():
            draw.line((x, 0, x, HEIGHT * fine), ink, fine)
    else:
        along = np.arange(0, WIDTH * fine, 2 * fine)
        for _ in range(rng.integers(1, 6)):
            wave = 0.3 * np.sin(along / rng.uniform(10, 90) / fine) + np.cumsum(rng.normal(0, 0.01, len(along)))
            heights = HEIGHT * fine * (0.5 + wave)
            draw.line(
                list(zip(along.tolist(), heights.tolist(), strict=True)), color(rng), int(rng.integers(1, 4)) * fine
            )
    for _ in range(rng.integers(0, 30)):
        x0, y0 = int(rng.integers(WIDTH * fine)), int(rng.integers(HEIGHT * fine))
        r = int(rng.integers(2, 7)) * fine
        draw.ellipse((x0, y0, x0 + int(r * 1.3), y0 + r), ink if rng.random() < 0.7 else ground, ink)
        draw.line((x0, y0, x0, y0 + 4 * r), ink, fine)
    image = image.resize((WIDTH, HEIGHT), Image.Resampling.BOX)
    for _ in range(rng.integers(0, 30)):
        pen.write(
            image, (int(rng.integers(WIDTH)), int(rng.integers(HEIGHT))), words(int(rng.integers(1, 9)), rng), ink
        )
    return image


def dithered(photo: Pixels, rng: Rng) -> Image.Image:
    """A photo or a ramp of few colours, with or without error diffusion."""
    if rng.random() < 0.6 and photo.shape[0] >= HEIGHT and photo.shape[1] >= WIDTH:
        top, left = rng.integers(photo.shape[0] - HEIGHT + 1), rng.integers(photo.shape[1] - WIDTH + 1)
        image = Image.fromarray(np.ascontiguousarray(photo[top : top + HEIGHT, left : left + WIDTH]))
    else:
        image = gradient((WIDTH, HEIGHT), rng)
    if rng.random() < 0.3:
        return image.convert("1").convert("RGB")
    dither = Image.Dither.FLOYDSTEINBERG if rng.random() < 0.6 else Image.Dither.NONE
    palette = image.quantize(int(rng.choice([4, 8, 16, 64, 256])))
    return image.quantize(palette=palette, dither=dither).convert("RGB")
