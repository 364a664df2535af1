"""Start-up against peers in the same run: `python tests/bench/startup.py IMAGE`; one JSON line.

help_ratio: `codec --help` over a bare `python -c "import click"` (bar: 4).
encode_over: seconds of a cold `codec encode IMAGE` beyond three bare `python -c "import torch"` (bar: 2).
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def seconds(command: list[str], runs: int) -> float:
    """Median wall time of a whole process."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main(image: str) -> None:
    codec = str(Path(sys.executable).with_name("codec"))
    click = seconds([sys.executable, "-c", "import click"], 15)
    torch = seconds([sys.executable, "-c", "import torch"], 5)
    usage = seconds([codec, "--help"], 15)
    with tempfile.TemporaryDirectory() as folder:
        encode = seconds([codec, "encode", "-f", image, "-o", f"{folder}/a.ncf"], 5)
        decode = seconds([codec, "decode", "-f", f"{folder}/a.ncf", "-o", f"{folder}/a.png"], 5)
    row = {"click": click, "help": usage, "help_ratio": usage / click, "torch": torch, "encode": encode,
           "decode": decode, "encode_over": encode - 3 * torch}  # fmt: skip
    print(json.dumps({k: round(v, 3) for k, v in row.items()}))


if __name__ == "__main__":
    main(sys.argv[1])
