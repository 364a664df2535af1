"""One process of the filters' determinism: `filters_worker.py fit|apply THREADS FOLDER NAME...`.

`fit` writes NAME.bin, the payloads of a drawn clip's groups; `apply` prints a checksum of all samples of each NAME.
"""

import os
import sys
import zlib
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from helpers.filter_clips import distorted, drawn

from codec.codecs.nirvana.filters import apply, fit

SIZE, GROUPS = (70, 270), 2


def main() -> None:
    mode, threads, folder, *names = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):  # the filters take a thread for each core
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(threads)])
    for name in names:
        depth = 10 if name.endswith("10") else 8
        source = drawn(2 * GROUPS, SIZE, depth=depth)
        base = distorted(source, depth)
        groups = [slice(2 * i, 2 * i + 2) for i in range(GROUPS)]
        file = Path(folder) / f"{name}.bin"
        state = None
        if mode == "fit":
            payloads = []
            for group in groups:
                payload, state, *_ = fit(base[group], source[group], depth, state, stream_bytes=50_000)
                payloads.append(payload)
            file.write_bytes(b"".join(len(payload).to_bytes(4, "little") + payload for payload in payloads))
            continue
        data, total = file.read_bytes(), 0
        for group in groups:
            size = int.from_bytes(data[:4], "little")
            assert size > 50
            made, state = apply(base[group], data[4 : 4 + size], depth, state)
            data = data[4 + size :]
            total = zlib.crc32(b"".join(np.ascontiguousarray(p).tobytes() for planes in made for p in planes), total)
        print(name, total)


if __name__ == "__main__":
    main()
