"""Help, version, the list of weights, and wrong usage."""

import json
from pathlib import Path

import pytest
from helpers.commands import Run, call, refused

import codec
from codec.cli.main import COMMANDS


@pytest.mark.parametrize(
    "arguments", [["-q", "101"], ["-q", "-1"], ["-q", "nan"], ["--device", "tpu"], ["--device", "cuda:x"], ["--wrong"]]
)
def test_wrong_usage_exits_with_2(photo: Path, arguments: list[str]) -> None:
    assert "Usage: " in refused("encode", photo, *arguments, code=2)


def test_models_lists_weights_of_the_environment_too(run: Run, tmp_path: Path) -> None:
    listed = [json.loads(line) for line in run("models", "--json").stdout.splitlines()]
    assert listed
    assert set(listed[0]) == {"name", "codec", "fingerprint", "parameters", "bytes", "path", "description"}
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "mine.safetensors").write_bytes(Path(listed[0]["path"]).read_bytes())
    table = run("models", CODEC_WEIGHTS=str(folder)).stdout.decode()
    assert f"mine  {listed[0]['fingerprint']}  " in table


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_examples_first(command: str) -> None:
    text = call(command, "--help").stdout
    assert f"codec {command} " in text[: text.index("Options:")]


def test_version() -> None:
    assert call("-V").stdout == call("--version").stdout == f"codec, version {codec.__version__}\n"
