"""One process of the determinism matrix: `worker.py encode|decode FOLDER`, under the environment it is given.

encode: every NAME.npy becomes NAME.ncf. decode: every NAME.ncf becomes NAME.out.npy; an error of any file
ends the process with its message. The number of threads is read from DETERMINISM_THREADS.
"""

import os
import sys
from pathlib import Path

import numpy as np
import torch

import codec


def main(mode: str, folder: Path) -> None:
    torch.set_num_threads(int(os.environ["DETERMINISM_THREADS"]))
    if mode == "encode":
        for number, path in enumerate(sorted(folder.glob("*.npy"))):
            quality = (10, 35, 60, 85)[number % 4]
            path.with_suffix(".ncf").write_bytes(codec.encode(np.load(path), quality=quality, device="cpu"))
    else:
        for path in sorted(folder.glob("*.ncf")):
            (frame,) = codec.decode(path, device="cpu").frames()
            np.save(path.with_suffix(".out.npy"), frame)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
