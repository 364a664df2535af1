"""JPEGs made smaller, side by side: `python tests/bench/jpeg.py IMAGES... [--qualities 75,90] [--samplings 420,444]`.

Each picture is saved as JPEG by Pillow; one JSON line per quality, subsampling and codec tells the bytes of whole
files against the JPEGs', and CPU seconds a picture of each direction. Every file is decoded and compared. A .jpg is
taken as it is. `lepton` and `jxl` are there when lepton_jpeg_python and pillow_jxl are installed.
"""

import argparse
import importlib
import importlib.util
import io
import json
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from codec import container
from codec.codecs.jpeg.files import JpegFiles, open_codec
from codec.codecs.options import ImageOptions

SAMPLINGS = {"444": 0, "422": 1, "420": 2}
Encode = Callable[[bytes], bytes]
Decode = Callable[[bytes], bytes]


def ours(weights: Path | None) -> tuple[Encode, Decode]:
    codec = JpegFiles(weights) if weights else open_codec(None)

    def encode(data: bytes) -> bytes:
        header, units = codec.encode(data, ImageOptions(verify=False))
        buffer = io.BytesIO()
        container.write(buffer, header, units)
        return buffer.getvalue()

    return encode, lambda data: codec.decode(*container.read(data))


def jxl() -> Encode:
    encoder = importlib.import_module("pillow_jxl").Encoder

    def encode(data: bytes) -> bytes:
        with Image.open(io.BytesIO(data)) as image:
            made = encoder(mode=image.mode, lossless=True, quality=100, decoding_speed=0, effort=7, use_container=True,
                           use_original_profile=True, num_threads=1)  # fmt: skip
            return bytes(made(data, image.width, image.height, jpeg_encode=True))

    return encode


def codecs(weights: Path | None) -> dict[str, tuple[Encode, Decode | None]]:
    found: dict[str, tuple[Encode, Decode | None]] = {"jpeg-ncf": ours(weights)}
    if importlib.util.find_spec("lepton_jpeg_python"):
        lepton = importlib.import_module("lepton_jpeg_python")
        found["lepton"] = lepton.compress_bytes, lepton.decompress_bytes
    if importlib.util.find_spec("pillow_jxl"):
        found["jxl"] = jxl(), None  # the package gives no JPEG back
    return found


def jpegs(paths: list[Path], quality: int, sampling: str) -> list[bytes]:
    result = []
    for path in paths:
        buffer = io.BytesIO()
        with Image.open(path) as image:
            form = {} if image.mode == "L" else {"subsampling": SAMPLINGS[sampling]}
            (image if image.mode == "L" else image.convert("RGB")).save(buffer, "JPEG", quality=quality, **form)
        result.append(buffer.getvalue())
    return result


def report(name: str, codec: str, encode: Encode, decode: Decode | None, files: list[bytes]) -> None:
    begun = time.process_time()
    coded = [bytes(encode(f)) for f in files]
    middle = time.process_time()
    if decode is not None:
        assert [bytes(decode(c)) for c in coded] == files, f"{codec} lost something of {name}"
    each = [(b - a) / len(files) for a, b in ((begun, middle), (middle, time.process_time()))]
    before, after = sum(map(len, files)), sum(map(len, coded))
    row = {"files": name, "codec": codec, "jpeg_bytes": before, "bytes": after, "percent": 100 * (after / before - 1)}
    row |= {"encode_s": each[0]} | ({} if decode is None else {"decode_s": each[1]})
    print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}), flush=True)


def main() -> None:
    p = argparse.ArgumentParser()
    p.add_argument("images", nargs="+", type=Path)
    p.add_argument("--weights", type=Path, help="default: those it ships with")
    p.add_argument("--qualities", default="75,90,95")
    p.add_argument("--samplings", default="420,444")
    a = p.parse_args()
    ready = [path.read_bytes() for path in a.images if path.suffix.lower() in (".jpg", ".jpeg")]
    others = [path for path in a.images if path.suffix.lower() not in (".jpg", ".jpeg")]
    sets = {"as they are": ready} if ready else {}
    if others:
        for quality in map(int, a.qualities.split(",")):
            sets |= {f"q{quality} {s}": jpegs(others, quality, s) for s in a.samplings.split(",")}
    for name, files in sets.items():
        for codec, (encode, decode) in codecs(a.weights).items():
            report(name, codec, encode, decode, files)


if __name__ == "__main__":
    main()
