"""Lossless codecs side by side: `python tests/bench/lossless.py IMAGES... [--weights FILE] [--skip jxl-e9,webp]`.

One JSON line per picture and codec, `bpsp` (bits per sub-pixel of the real file, without metadata) and CPU seconds
of each direction, then the means. Every file is decoded and compared.
"""

import argparse
import importlib.util
import io
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from codec import container, media
from codec.codecs.circuit import image as images
from codec.codecs.options import ImageOptions

Encode = Callable[[np.ndarray], bytes]
Decode = Callable[[bytes], np.ndarray]


def pillow(form: str, **settings: object) -> tuple[Encode, Decode]:
    def encode(frame: np.ndarray) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(frame[..., 0] if frame.shape[2] == 1 else frame).save(buffer, form, **settings)
        return buffer.getvalue()

    def decode(data: bytes) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(data)))

    return encode, decode


def circuit(weights: Path | None, effort: int) -> tuple[Encode, Decode]:
    codec = images.CircuitImages(weights) if weights else images.open_codec(None)

    def encode(frame: np.ndarray) -> bytes:
        header, units = codec.encode(
            media.Info(frame.shape[1], frame.shape[0], frame.shape[2]), [frame], ImageOptions(effort=effort)
        )
        buffer = io.BytesIO()
        container.write(buffer, header, units)
        return buffer.getvalue()

    def decode(data: bytes) -> np.ndarray:
        (frame,) = codec.decode(*container.read(data))
        return frame

    return encode, decode


def codecs(weights: Path | None, efforts: list[int]) -> dict[str, tuple[Encode, Decode]]:
    found = {
        **{f"circuit-e{e}": circuit(weights, e) for e in efforts},
        "png": pillow("PNG", optimize=True),
        "webp": pillow("WEBP", lossless=True, method=6, quality=100),
        "jpeg2000": pillow("JPEG2000", irreversible=False, mct=1),
    }
    if importlib.util.find_spec("pillow_jxl"):
        importlib.import_module("pillow_jxl")
        found |= {f"jxl-e{e}": pillow("JXL", lossless=True, effort=e) for e in (7, 9)}
    return found


def main() -> None:
    p = argparse.ArgumentParser()
    p.add_argument("images", nargs="+", type=Path)
    p.add_argument("--weights", type=Path, help="of the circuit codec; default: those it ships with")
    p.add_argument("--efforts", type=int, nargs="*", default=[1], help="of the circuit codec")
    p.add_argument("--skip", default="", help="codecs to leave out, separated by commas")
    a = p.parse_args()
    means: dict[str, list[tuple[float, float, float]]] = {}
    for path in a.images:
        frame = np.asarray(Image.open(path))
        frame = frame[..., None] if frame.ndim == 2 else frame
        for name, (encode, decode) in codecs(a.weights, a.efforts).items():
            if name in a.skip.split(","):
                continue
            begun = time.process_time()
            data = encode(frame)
            middle = time.process_time()
            back = decode(data)
            done = time.process_time()
            assert (back.reshape(frame.shape) == frame).all(), f"{name} lost something of {path}"
            row = len(data) * 8 / frame.size, middle - begun, done - middle
            means.setdefault(name, []).append(row)
            values = {k: round(v, 4) for k, v in zip(("bpsp", "encode_s", "decode_s"), row, strict=True)}
            print(json.dumps({"file": path.name, "codec": name, "bytes": len(data)} | values), flush=True)
    for name, rows in means.items():
        mean = dict(zip(("bpsp", "encode_s", "decode_s"), np.mean(rows, 0).round(4).tolist(), strict=True))
        print(json.dumps({"codec": name, "images": len(rows)} | mean))


if __name__ == "__main__":
    main()
