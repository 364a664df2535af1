"""Work and time of the circuit coders against the number of variables; prints one JSON line each.

Run it as `python tests/bench/circuit.py`. Seconds are for encoding 64 images; nodes are vtree nodes and,
for the tour, products of a message with a matrix.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from helpers.circuits import balanced_vtree, random_circuit
from helpers.naive_circuit import integers, latent_tree, naive_code

from codec.entropy import Encoder
from codec.models.research.circuit import circuit_of
from codec.research import general, tour

IMAGES, STATES, CATEGORIES = 64, 8, 16
NAIVE_LIMIT = 256  # variables; beyond, the naive coder takes minutes


def timed(code: Callable[..., Any], images: np.ndarray, *model: object) -> tuple[float, Any]:
    """CPU seconds, and what `code` gave."""
    start = time.process_time()
    result = code(Encoder(), images, len(images), *model)
    return round(time.process_time() - start, 4), result


def main() -> None:
    for count in (8, 16, 32, 64, 128, 256, 512, 1024):
        images = np.random.default_rng(0).integers(0, CATEGORIES, (IMAGES, count))
        circuit = general.quantised(random_circuit(balanced_vtree(count), STATES, CATEGORIES, np.random.default_rng(1)))
        work = general.Work()
        seconds, _ = timed(general.code_images, images, circuit, work)
        row = {"variables": count, "balanced_nodes": work.nodes, "balanced_edges": work.edges, "balanced_s": seconds}
        if count <= NAIVE_LIMIT:
            row["naive_s"], (_, row["naive_nodes"]) = timed(naive_code, images, circuit)
        for shape in ("chain", "star", "random"):
            tree, walk, work = integers(latent_tree(shape, count, STATES, CATEGORIES)), tour.Work(), general.Work()
            row[f"{shape}_tour_s"], _ = timed(tour.code_images, images, tour.prepare(tree), walk)
            row[f"{shape}_tour_products"] = walk.down + walk.up + walk.leaves
            row[f"{shape}_path_s"], _ = timed(general.code_images, images, circuit_of(tree), work)
            row[f"{shape}_path_nodes"] = work.nodes
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
