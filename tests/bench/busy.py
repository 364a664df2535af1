"""What other work on the machine costs a command: its time with a process spinning on every core, over that without.

    python tests/bench/busy.py photo.png

A fair share of a core beside one spinning process is a half, so 2 is what there is to reach. Start it on a quiet
machine.
"""

import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from codec.device import cores

ROUNDS = 3
SPIN = (sys.executable, "-c", "while True: pass")


def main() -> None:
    photo = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        coded, decoded = Path(folder, "a.ncf"), Path(folder, "a.png")
        commands = {"encode": (photo, "-o", coded), "decode": (coded, "-o", decoded)}
        quiet = {verb: _best(verb, *arguments) for verb, arguments in commands.items()}
        with ExitStack() as stack:
            for _ in range(cores()):
                stack.callback(subprocess.Popen(SPIN).kill)
            for verb, arguments in commands.items():
                busy = _best(verb, *arguments)
                print(f"{verb}: {quiet[verb]:.2f} s quiet, {busy:.2f} s busy: {busy / quiet[verb]:.2f} times")


def _best(verb: str, *arguments: object) -> float:
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        subprocess.run(["codec", verb, "-f", "--quiet", *map(str, arguments)], check=True)
        times.append(time.perf_counter() - started)
    return min(times)


if __name__ == "__main__":
    main()
