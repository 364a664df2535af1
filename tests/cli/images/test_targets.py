"""`codec encode` with a target, and with --verify: what is reached is told, and what can't be had leaves nothing."""

import json
from pathlib import Path

import pytest
from helpers.commands import call, names, refused
from helpers.pictures import picture
from PIL import Image

from codec.cli import encode


@pytest.fixture
def source(here: Path) -> str:
    Image.fromarray(picture(176, 192)).save("a.png")
    return "a.png"


def test_a_size_is_kept_to_and_told(source: str) -> None:
    row = json.loads(call("encode", source, "--target-size", "2.5k", "--json").stdout)
    assert row["bytes"] == Path("a.ncf").stat().st_size and 0.98 * 2500 <= row["bytes"] <= 2500
    assert row["target_size"] == 2500 and row["encodings"] <= 5
    assert row["quality"] == json.loads(call("info", "--json", "a.ncf").stdout)["quality"]


def test_what_is_reached_is_what_verify_finds(source: str) -> None:
    line = call("encode", source, "--target-ssim", 0.98, "--verify").stderr
    assert "MS-SSIM 0.98" in line and " dB  " in line and "-q " in line
    told = json.loads(call("encode", "-f", source, "--verify", "--json").stdout)
    found = json.loads(call("verify", "a.ncf", "--against", source, "--json").stdout)
    assert told["psnr"] == pytest.approx(found["psnr"], abs=0.01)
    assert told["ms_ssim"] == pytest.approx(found["ms_ssim"], abs=1e-4)
    assert "psnr" not in json.loads(call("encode", "-f", source, "--json").stdout)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (("--target-size", 90), "it can't be so small: the least is "),
        (("--target-psnr", 90), "90 dB can't be had"),
        (("--target-ssim", 1), "an MS-SSIM lies between 0 and 1"),
    ],
)
def test_what_can_not_be_had_is_a_line_and_leaves_nothing(source: str, target: tuple[object, ...], says: str) -> None:
    assert refused("encode", source, *target).startswith(f"codec: a.png: {says}")
    assert names() == ["a.png"]


@pytest.mark.parametrize("options", [("--verify",), ("--verify", "--lossless", "-e", 1)])
def test_a_file_that_came_out_otherwise_is_refused(
    source: str, options: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = encode.read_again
    call("encode", source, *options)
    call("encode", "-f", source, *options, "-o", "-")  # where nothing can be read again
    monkeypatch.setattr(encode, "read_again", lambda fp, data: whole(fp, data[:-1] + b"?"))
    assert "what is in the file is not what was written" in refused("encode", source, *options, "-o", "b.ncf")
    assert names() == ["a.ncf", "a.png"]
