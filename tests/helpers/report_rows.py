"""Rows as an evaluation writes them, for tests of the report: two codecs, five settings each, scores that are noisy."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from codec.evaluate import METRICS, Evaluator, Plan, known
from codec.evaluate.specs import parse
from helpers.video_clips import moving, video_file

Row = dict[str, Any]

SETTINGS = (10, 30, 50, 70, 90)
HOSTILE = "in/a\"b'</script><img src=x onerror=document.title=1>&amp;.png"
FILES = [HOSTILE, *(f"in/{i}.png" for i in range(11))]


def image_rows() -> list[Row]:
    """Rows of 12 files: the originals, jpeg, and webp, which is 1 dB better at the same rate."""
    rng = np.random.default_rng(0)
    rows: list[Row] = []
    for file in FILES:
        hard = rng.uniform(0.7, 1.4)
        base = {"file": file, "media": "image", "pixels": 10000, "task.classify.model": "net@12345678"}
        same = {"psnr": math.inf, "ms-ssim": 1.0, "task.classify.agree": 1, "task.classify.kl": 0.0}
        rows.append(base | {"codec": "original", "bytes": 20000, "bpp": 16.0, **same})
        for codec, better in (("jpeg", 0.0), ("webp", 1.0)):
            for q in SETTINGS:
                size = round(1250 * hard * 0.1 * 2 ** (q / 20))
                psnr = 24 + 0.15 * q - 4 * math.log(hard) + better + rng.normal(0, 0.1)
                agree = int(rng.uniform() < q / 100)
                rows.append(
                    base
                    | {"codec": f"{codec}:q={q}", "bytes": size, "bpp": 8 * size / 10000, "settings": f"{codec} 1.0"}
                    | {"encode_s": 0.02, "decode_s": 0.01, "psnr": psnr, "ms-ssim": 1 - 10 ** (-psnr / 20)}
                    | {"task.classify.agree": agree, "task.classify.kl": (1 - q / 100) * rng.uniform(0.5, 1)}
                )
    return rows


def audio_rows() -> list[Row]:
    """Rows of 6 clips with errors to be pooled: mp3 and opus at four rates."""
    rng = np.random.default_rng(1)
    rows: list[Row] = []
    codecs = (("original", (256,), 0.0), ("mp3", (8, 16, 24, 32), 0.6), ("opus", (6, 12, 18, 24), 0.3))
    for i in range(6):
        words = 20 * (i + 1)
        base = {"file": f"clips/{i}.flac", "media": "audio", "seconds": 2.0, "task.speech.model": "ears@1"}
        for codec, rates, loss in codecs:
            for kbps in rates:
                wrong = min(words, round(loss * words * (8 / kbps) ** 2 * rng.uniform(0.8, 1.2)))
                spec = codec if codec == "original" else f"{codec}:kbps={kbps}"
                rows.append(
                    base | {"codec": spec, "bytes": kbps * 250, "kbps": float(kbps), "task.speech.err": wrong}
                    | {"task.speech.words": words}
                )  # fmt: skip
    return rows


def jpeg_rows() -> list[Row]:
    """Rows of 10 JPEGs in two folders, of three kinds, made smaller by two codecs."""
    rng = np.random.default_rng(2)
    kinds = [
        ("phone", 4, "sequential, 4:2:0, quality 75"),
        ("scans", 4, "sequential, 4:4:4, quality 95"),
        ("scans", 2, ""),
    ]
    rows: list[Row] = []
    for start, (folder, count, kind) in enumerate(kinds):
        for i in range(count):
            size = int(rng.integers(2000, 9000))
            base = {"file": f"jpegs/{folder}/{10 * start + i}.jpg", "media": "image", "pixels": 10000, "psnr": math.inf}
            for codec, part in (("jpeg-file", 0.74), ("lepton", 0.81)):
                made = round(size * part * rng.uniform(0.95, 1.05))
                rows.append(
                    base | {"codec": codec, "bytes": made, "bpp": 8 * made / 10000, "encode_s": 0.5, "decode_s": 0.4}
                    | {"file_bytes": size, "file_kind": kind, "settings": f"{codec} 1.0"}
                )  # fmt: skip
    return rows


def video_rows(folder: Path) -> list[Row]:
    """Rows of a clip of 7 frames at an odd size, really coded: the hybrid, its base alone and peers; kept in
    folder/kept."""
    clip = folder / "waves.mkv"
    clip.write_bytes(video_file(moving(163, 177, 7)))
    specs = ("nirvana-e1:q=30,60", "base-svt-av1-e1:q=30,60", "x264:crf=14,17,20,26", "ffv1")
    plan = Plan(
        tuple(s for text in specs for s in parse(text, known("video"))), (*METRICS["video"], "ms-ssim", "psnr"),
        keep=folder / "kept",
    )  # fmt: skip
    return list(Evaluator(plan, "video").rows(clip))


def write(path: Path, rows: list[Row]) -> Path:
    """The rows as a file of JSON lines."""
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return path
