"""`codec doctor`: what is there, what is missing, and the line that brings it."""

import json
import sys

import pytest
from helpers.commands import call

from codec import installation


def findings(code: int = 0) -> dict[str, dict[str, str]]:
    return {row["name"]: row for row in map(json.loads, call("doctor", "--json", code=code).stdout.splitlines())}


def test_of_a_whole_installation_nothing_is_broken() -> None:
    shown = call("doctor")
    assert "BROKEN" not in shown.stdout
    found = findings()
    assert {"python", "torch", "packages", "FFmpeg", "weights"} <= set(found)
    assert found["torch"]["state"] in ("ok", "waste") and "pillow" in found["packages"]["text"]


def test_torch_that_is_absent_is_named_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    shown = call("doctor", code=1)
    assert f"; {installation.CPU_BUILD}\n" in shown.stdout[shown.stdout.index("torch: BROKEN: ") :]


def test_a_torchvision_for_another_torch_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    requires = installation.metadata.requires
    pins = {"torchvision": ["numpy", "torch (==1.0.7)"]}
    monkeypatch.setattr(installation.metadata, "requires", lambda name: pins.get(name) or requires(name))
    found = findings()["torchvision"]
    assert found["state"] == "optional" and found["remedy"] == "pip install torch==1.0.7"
    pins["torchvision"] = ["torch>=1"]
    assert "torchvision" not in findings()


def test_what_a_package_lacks_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    version = installation.version_of
    absent = {"click", "compressai", "pillow-heif"}
    monkeypatch.setattr(installation, "version_of", lambda name: None if name in absent else version(name))
    found = findings(code=1)
    assert found["click"]["state"] == "broken" and found["click"]["remedy"].startswith("pip install 'click")
    assert found["compressai"]["state"] == found["heif"]["state"] == "optional"


def test_why_what_should_be_fast_is_not_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    from codec.codecs.circuit import stored

    def steps() -> None:
        raise OSError("there is no folder to keep what is compiled")

    assert findings()["fast"]["state"] == "ok"
    monkeypatch.setattr(stored, "steps", steps)
    found = findings()["fast"]
    assert found["state"] == "optional" and "circuit here" in found["text"] and "no folder" in found["text"]
