"""Draws docs/circuit.png from the rows of tests/bench/circuit.py: work and time of the coders by number of variables.

python tests/bench/circuit.py > rows.jsonl && python docs/make_circuit_plot.py rows.jsonl docs/circuit.png

Needs matplotlib.
"""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

CURVES = {
    "naive": "every unit anew, balanced vtree",
    "balanced": "changed units only, balanced vtree",
    "chain_path": "changed units only, chain",
    "random_path": "changed units only, random tree",
    "chain_tour": "tour, chain",
    "star_tour": "tour, star",
    "random_tour": "tour, random tree",
}
COUNTS = ("nodes", "products")


def main(source: str, target: str) -> None:
    rows = [json.loads(line) for line in Path(source).read_text().splitlines()]
    figure, (work, time) = pyplot.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for name, label in CURVES.items():
        for axes, keys in ((work, [f"{name}_{c}" for c in COUNTS]), (time, [f"{name}_s"])):
            points = [(r["variables"], r[k]) for r in rows for k in keys if k in r]
            axes.loglog(*zip(*points, strict=True), marker=".", label=label, base=10)
    work.set(xlabel="variables D", ylabel="vtree nodes, or products, evaluated for an image")
    time.set(xlabel="variables D", ylabel="CPU seconds for 64 images")
    work.legend(fontsize=8)
    for axes in (work, time):
        axes.grid(alpha=0.3)
    figure.savefig(target, dpi=90)


if __name__ == "__main__":
    main(*sys.argv[1:])
