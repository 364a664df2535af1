"""What `codec info` says of a picture's file."""

import json
from pathlib import Path

from helpers.commands import Run, call, refused

import codec


def test_info_shows_what_is_in_a_file(ncf: Path, encoded: bytes) -> None:
    values = json.loads(call("info", "--json", ncf).stdout)
    assert values == {
        "file": str(ncf),
        "codec": "s2lic",
        "revision": codec.info(ncf).revision,
        "width": 96,
        "height": 64,
        "channels": 3,
        "depth": 8,
        "frames": 1,
        "quality": 40.0,
        "tune": "psnr",
        "metadata": {},
        "units": 1,
        "weights": codec.info(ncf).fingerprint.hex(),
        "installed": True,
        "bytes": len(encoded),
        "bpp": 8 * len(encoded) / (96 * 64),
    }
    table = call("info", ncf).stdout
    for text in (str(ncf), "s2lic", "96 x 64", "quality   40", "(installed)", f"{len(encoded):,} ("):
        assert text in table


def test_info_reads_pipes_and_finds_damage(run: Run, ncf: Path, encoded: bytes) -> None:
    assert b"96 x 64" in run("info", "-", stdin=encoded).stdout
    ncf.write_bytes(encoded[:-1])
    assert "truncated" in refused("info", ncf)


def test_info_takes_the_files_in_folders(here: Path, encoded: bytes) -> None:
    for name in ("f/a.ncf", "f/g/b.NCF", "f/c.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(encoded)
    rows = [json.loads(line) for line in call("info", "-r", "f", "--json").stdout.splitlines()]
    assert [row["file"] for row in rows] == ["f/a.ncf", "f/g/b.NCF"]
    assert refused("info", "f") == "codec: f: is a folder; add -r for the files in it"
