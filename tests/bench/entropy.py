"""Speed of the entropy backend against constriction's per-symbol Gaussians; prints one JSON line.

Run it as `python tests/bench/entropy.py [millions of symbols]`.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from statistics import median

import constriction
import numpy as np

from codec.entropy import Decoder, Encoder, gaussian_tables

RUNS = 9


def rates(count: int, tasks: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Million symbols a second of each task, the median of several rounds of all."""
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(RUNS):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            times[name].append(time.perf_counter() - start)
    return {name: count / median(taken) / 1e6 for name, taken in times.items()}


def main(millions: float = 2.0) -> None:
    count = int(millions * 1e6)
    rng = np.random.default_rng(0)
    scales = np.exp(np.linspace(math.log(0.11), math.log(64), 64))
    index = rng.integers(0, len(scales), count)
    symbols = np.rint(rng.normal(size=count) * scales[index]).astype(np.int32)
    tables = gaussian_tables(scales)

    def encode() -> bytes:
        encoder = Encoder()
        encoder.code(symbols, index, tables)
        return encoder.finish()

    def decode() -> np.ndarray:
        decoder = Decoder(data)
        decoded = decoder.code(None, index, tables)
        decoder.finish()
        return decoded

    family = constriction.stream.model.QuantizedGaussian(-400, 400)
    means, stds = np.zeros(count, np.float32), scales[index].astype(np.float32)

    def encode_gaussian() -> np.ndarray:
        encoder = constriction.stream.queue.RangeEncoder()
        encoder.encode(symbols, family, means, stds)
        return encoder.get_compressed()

    def decode_gaussian() -> np.ndarray:
        return constriction.stream.queue.RangeDecoder(words).decode(family, means, stds)

    data, words = encode(), encode_gaussian()
    if not (np.array_equal(decode(), symbols) and np.array_equal(decode_gaussian(), symbols)):
        raise SystemExit("The symbols do not round trip.")
    tasks = {
        "encode_msym_s": encode,
        "decode_msym_s": decode,
        "gaussian_encode_msym_s": encode_gaussian,
        "gaussian_decode_msym_s": decode_gaussian,
    }
    row = rates(count, tasks)
    row["encode_ratio"] = row["encode_msym_s"] / row["gaussian_encode_msym_s"]
    row["decode_ratio"] = row["decode_msym_s"] / row["gaussian_decode_msym_s"]
    sizes = {"bytes": len(data), "gaussian_bytes": words.nbytes}
    print(json.dumps({"symbols": count} | {key: round(value, 2) for key, value in row.items()} | sizes))


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
