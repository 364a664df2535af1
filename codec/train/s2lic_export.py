"""`codec train export`: turn a run's averaged weights into a weights file with its coding tables, and a card."""

import argparse
import json
import sys
from pathlib import Path

from codec import weights
from codec.codecs.s2lic import image as s2lic
from codec.models.s2lic.config import Config
from codec.models.s2lic.model import S2LIC
from codec.train import checkpoint, commands, loop


def export(run: Path, output: Path, description: str, name: str = "checkpoint") -> dict[str, object]:
    """Write `output` from the averaged weights of a run's checkpoint; returns what its card should say."""
    average, state = loop.averaged(run, name)
    model = S2LIC(Config.from_dict(state["config"]))
    try:
        model.load_state_dict(average)
    except RuntimeError as error:
        raise checkpoint.damaged(run / name, error) from error
    s2lic.export(model, output, description)
    validations = [row for row in _rows(run / "log.jsonl") if "val" in row]
    return {
        "fingerprint": weights.fingerprint(output).hex(),
        "steps": state["step"],
        "hours": round(state["seconds"] / 3600, 4),
        "validation": validations[-1] if validations else None,
        "options": state["options"],
        "config": state["config"],
    }


def _rows(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def main(argv: list[str] | None = None) -> None:
    """Entry point of `codec train export`."""
    p = argparse.ArgumentParser(prog="codec train export", description=__doc__)
    p.add_argument("run", type=Path, help="the folder of the run")
    commands.output(p, "-o", "--output")
    p.add_argument("--description", default="", help="one line for `codec models`")
    p.add_argument("--checkpoint", default="checkpoint", help="which one: checkpoint (default), stable or average")
    a = p.parse_args(sys.argv[1:] if argv is None else argv)
    commands.check_output(a.output, a.force)
    card = export(a.run, a.output, a.description, a.checkpoint)
    print(json.dumps(card, indent=2))
    loop.say(
        f"{a.output}: the weights {card['fingerprint']}; to code and decode with them, name their folder in "
        f"CODEC_WEIGHTS, and give --weights {a.output.stem} to codec encode"
    )


if __name__ == "__main__":
    main()
