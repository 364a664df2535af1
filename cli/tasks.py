"""`codec tasks`: what can look at pictures and sound, and what each still needs."""

from __future__ import annotations

import json

import click


@click.command(short_help="List the tasks and metrics of `codec evaluate`, and what each needs.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def tasks(as_json: bool) -> None:
    """List the tasks and metrics of `codec evaluate`: ready, or what is missing and the line that brings it.

    \b
    codec tasks
    codec tasks --json
    codec evaluate photos/ --codec jpeg:q=10 --task classify
    """
    from codec.metrics.metric import NAMES, create
    from codec.requirements import missing
    from codec.tasks import TASKS
    from codec.tasks import create as create_task

    rows: list[dict[str, object]] = []
    for name in TASKS:
        task = create_task(name)
        keys = [key.name for key in task.keys]
        rows.append({"task": name, "media": task.media, "needs": missing(name, task.needs), "keys": keys})
        rows[-1] |= task.identity()
    for name in NAMES:
        metric = create(name)
        rows.append({"metric": name, "needs": missing(name, metric.needs), "keys": list(metric.keys)})
    for row in rows:
        if as_json:
            click.echo(json.dumps(row))
        else:
            _print(row)


def _print(row: dict[str, object]) -> None:
    what = next(k for k in ("task", "metric") if k in row)
    needs = row["needs"]
    assert isinstance(needs, list)
    click.echo(f"{what} {row[what]}: {'ready' if not needs else 'needs ' + '; '.join(needs)}")
    for key in ("model", "licence"):
        if key in row:
            click.echo(f"  {key}: {row[key]}")
