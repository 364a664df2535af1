"""What machines still see: `python tests/bench/perception.py ROWS.jsonl... [--anchor jpeg] [-o FOLDER]`.

From rows of `codec evaluate --task ...` it prints scores against rate with intervals, rates at 99, 97 and 95 % of
the uncompressed score, BD-rates by score, McNemar counts, and the correlation of each metric with each score; with
-o as JSON into the folder, by the rows' names.
"""

import argparse
import json
from pathlib import Path

from codec.evaluate import ORIGINAL, log, summarise
from codec.evaluate.correlation import correlations
from codec.evaluate.summary import Table, fields, score_curve, scored, table, task_keys
from codec.metrics.statistics import bd_rate_by_score, mcnemar, pooled, rate_at

SHARES = (0.99, 0.97, 0.95)


def targets(found: Table, anchor: str, rate: str) -> list[dict[str, object]]:
    """Rates at shares of the uncompressed score and BD-rates, for every codec and score."""
    result = []
    names = list(dict.fromkeys(c.partition(":")[0] for c in found if c != ORIGINAL))
    for task, key in task_keys(found):
        chosen = scored(found, task, key)
        top = float(pooled(fields(found, ORIGINAL, task, key)[chosen], key.pool))
        for name in names:
            rates, scores = score_curve(found, name, task, key, rate)
            row: dict[str, object] = {"task": task, "score": key.name, "codec": name, "uncompressed": round(top, 4)}
            if key.higher_is_better and top > 0:
                for share in SHARES:
                    at, why = rate_at(rates, scores, share * top)
                    row[f"{rate}@{share:.0%}"] = why if at is None else round(at, 4)
            if name != anchor:
                other = score_curve(found, anchor, task, key, rate)
                bd = bd_rate_by_score(rates, scores, *other, top if key.higher_is_better else -top)
                row["bd"] = bd.why if bd.value is None else round(bd.value, 1)
                row["over"] = None if bd.value is None else [round(bd.low, 3), round(bd.high, 3)]
            result.append(row)
    return result


def flips(found: Table) -> list[dict[str, object]]:
    """Right to wrong, wrong to right, and the exact p, of classification."""
    name = "task.classify.top1"
    before = [row.get(name) for row in found.get(ORIGINAL, {}).values()]
    if not before or None in before:
        return []
    after = {codec: [row[name] for row in rows.values()] for codec, rows in found.items() if codec != ORIGINAL}
    counts = {codec: mcnemar(before, values) for codec, values in after.items()}
    return [{"codec": c, "right_to_wrong": b, "wrong_to_right": w, "p": round(p, 4)} for c, (b, w, p) in counts.items()]


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("rows", nargs="+", type=Path)
    p.add_argument("--anchor", default="jpeg")
    p.add_argument("-o", "--output", type=Path)
    a = p.parse_args()
    rows = log.read(a.rows)
    found = table(rows)
    rate = "kbps" if "kbps" in next(iter(found[ORIGINAL].values())) else "bpp"
    result = {
        "points": summarise(rows, a.anchor), "targets": targets(found, a.anchor, rate), "flips": flips(found),
        "correlations": correlations(rows), "items": len(found[ORIGINAL]),
    }  # fmt: skip
    text = "{\n" + ",\n".join(
        f'"{k}": ' + (json.dumps(v) if not isinstance(v, list) else "[\n" + ",\n".join(map(json.dumps, v)) + "\n]")
        for k, v in result.items()
    ) + "\n}\n"  # fmt: skip
    if a.output:
        a.output.mkdir(parents=True, exist_ok=True)
        (a.output / f"{a.rows[0].stem}.json").write_text(text.replace("Infinity", "1e999"))
    print(text)


if __name__ == "__main__":
    main()
