"""Help, version, the list of weights, and wrong usage."""

import json
import os
import re
from pathlib import Path

import pytest
from helpers.commands import Run, call, refused

import codec
from codec import codecs
from codec.cli.main import COMMANDS
from codec.device import threads


@pytest.mark.parametrize(
    "arguments", [["-q", "101"], ["-q", "-1"], ["-q", "nan"], ["--device", "tpu"], ["--device", "cuda:x"], ["--wrong"]]
)
def test_wrong_usage_exits_with_2(photo: Path, arguments: list[str]) -> None:
    assert "Usage: " in refused("encode", photo, *arguments, code=2)


def test_models_lists_weights_of_the_environment_too(run: Run, tmp_path: Path) -> None:
    listed = [json.loads(line) for line in run("models", "--json").stdout.splitlines()]
    assert listed
    assert set(listed[0]) == {"name", "codec", "fingerprint", "parameters", "bytes", "path", "description", "default"}
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "mine.safetensors").write_bytes(Path(listed[0]["path"]).read_bytes())
    table = run("models", CODEC_WEIGHTS=str(folder)).stdout.decode()
    assert f"mine  {listed[0]['fingerprint']}  " in table
    for entry in codecs.all_codecs().values():
        for name, what in entry.other_weights.items():
            assert re.search(rf"^{name} .*\(encodes {what}\)$", table, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_examples_first(command: str) -> None:
    text = call(command, "--help").stdout
    assert f"codec {command} " in text[: text.index("Options:")]


def test_version() -> None:
    assert call("-V").stdout == call("--version").stdout == f"codec, version {codec.__version__}\n"


def test_threads_are_said_as_torch_and_processes_read_it(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "1")  # and takes back what the command sets
    assert call("encode", photo, "--threads", "3").exit_code == 0
    assert os.environ["OMP_NUM_THREADS"] == os.environ["OPENBLAS_NUM_THREADS"] == "3" and threads() == 3
    refused("encode", photo, "--threads", "0", code=2)
