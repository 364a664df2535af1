"""Weights are found among any other files, those of CODEC_WEIGHTS first, and can be named to encode with."""

import json
import os
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import call, refused
from helpers.pictures import picture
from helpers.places import TESTS

import codec
from codec import weights

SMALL = TESTS / "golden" / "golden-tiny.safetensors"
TENSOR = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
OURS = {"__metadata__": {"codec": "s2lic"}}


def header(path: Path, values: object, data: bytes = b"") -> None:
    text = values if isinstance(values, bytes) else json.dumps(values).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


@pytest.fixture
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of CODEC_WEIGHTS with everything that isn't weights."""
    folder = tmp_path / "odd"
    (folder / "folder.safetensors").mkdir(parents=True)
    os.symlink("link.safetensors", folder / "link.safetensors")
    os.mkfifo(folder / "fifo.safetensors")
    with (folder / "sparse.safetensors").open("wb") as fp:
        fp.truncate(8 * 2**30)
    (folder / "empty.safetensors").touch()
    (folder / "junk.safetensors").write_bytes(b"not weights")
    for key in TENSOR:
        header(folder / f"no {key}.safetensors", {**OURS, "a": {**TENSOR, key: None}}, bytes(4))
    header(folder / "short.safetensors", {**OURS, "a": TENSOR}, bytes(3))
    header(folder / "negative.safetensors", {**OURS, "a": {**TENSOR, "shape": [-1]}}, bytes(4))
    header(folder / "nested.safetensors", b'{"a":' * 100_000)
    header(folder / "number.safetensors", {"__metadata__": {"codec": 3}})
    monkeypatch.setenv("CODEC_WEIGHTS", str(folder))
    return folder


def test_odd_files_are_left_out_with_a_warning_each(odd: Path) -> None:
    shutil.copy(SMALL, odd / "small.safetensors")
    with pytest.warns(weights.OddWeights) as told:
        found = {one.name: one.codec for one in weights.available()}
    assert found["small"] == found["s2lic-xs"] == "s2lic"
    assert len(found) == 1 + len([*weights.folders()[-1].glob("*.safetensors")])
    names = {str(w.message).rpartition(": ")[0].removeprefix(f"{odd}/") for w in told}
    assert len(names) == len(told) == len(list(odd.iterdir())) - 1


def test_files_of_shipped_weights_need_nothing_of_them(odd: Path, recwarn: pytest.WarningsRecorder) -> None:
    data = codec.encode(picture(20, 30, 3), weights=Path(weights.folders()[-1]) / "s2lic-xs.safetensors")
    recwarn.clear()
    assert codec.decode(data, device="cpu").image().size == (30, 20)
    assert not [w for w in recwarn if w.category is weights.OddWeights]


def test_a_file_of_the_environment_takes_the_place_of_a_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(SMALL, tmp_path / "s2lic-xs.safetensors")
    monkeypatch.setenv("CODEC_WEIGHTS", str(tmp_path))
    own = weights.fingerprint(SMALL)
    data = codec.encode(picture(20, 30, 3), device="cpu")
    assert codec.info(data).fingerprint == own
    listed = [json.loads(line) for line in call("models", "--json").stdout.splitlines()]
    assert [one["fingerprint"] == own.hex() for one in listed if one["default"] and one["codec"] == "s2lic"] == [True]
    assert "not used to encode" in call("models").stdout


def test_weights_are_named_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = picture(20, 30, 3)
    by_file = codec.encode(source, device="cpu", weights=SMALL)
    assert codec.info(by_file).fingerprint == weights.fingerprint(SMALL)
    with pytest.raises(codec.WeightsMissing, match="s2lic-xs"):
        codec.encode(source, weights="golden-tiny")
    with pytest.raises(codec.FormatError, match="of s2lic, not of circuit"):
        codec.encode(source, weights=SMALL, lossless=True)
    monkeypatch.setenv("CODEC_WEIGHTS", str(SMALL.parent))
    assert codec.encode(source, device="cpu", weights="golden-tiny") == by_file
    assert np.shape(next(codec.decode(by_file, device="cpu").frames())) == source.shape


def test_the_command_says_what_a_file_needs(photo: Path) -> None:
    told = call("encode", photo, "--device", "cpu", "--weights", SMALL).stderr
    assert "CODEC_WEIGHTS" in told
    assert "not installed" in refused("decode", photo.with_suffix(".ncf"), "-o", "back.png")
    assert "golden" in refused("encode", photo, "-f", "--weights", "golden")
