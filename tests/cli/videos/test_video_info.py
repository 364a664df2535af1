"""What `codec info` says of a video."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

from helpers.coded_videos import SHORT
from helpers.commands import QUICK, Run, call
from helpers.video_clips import moving, video_file

from codec import container


def test_info_counts_frames_and_chains(coded: str, ncf: bytes) -> None:
    values = json.loads(call("info", "--json", coded).stdout)
    assert values["frames"] == sum(SHORT) and values["units"] == 3 and values["chains"] == 3
    assert values["bytes"] == len(ncf) and values["bpp"] == 8 * len(ncf) / (48 * 32 * sum(SHORT))
    assert values["rate"] == "25" and values["seconds"] == sum(SHORT) / 25 and values["installed"]
    table = call("info", coded).stdout
    for text in ("48 x 32, 30 frames, 1.2 s", "chains    3", "units     3", "metadata  audio ", "base      av1, "):
        assert text in table


def test_info_accounts_for_every_byte(coded: str, ncf: bytes, photo: Path) -> None:
    values = json.loads(call("info", "-v", "--json", coded).stdout)
    units = values["unit_list"]
    assert [(u["first"], u["frames"], u["key"]) for u in units] == [
        (0, 12, True), (12, 13, True), (25, 5, True),
    ]  # fmt: skip
    parts = values["head_bytes"] + values["metadata_bytes"] + values["stream_bytes"] + values["end_bytes"]
    assert parts + sum(u["bytes"] for u in units) == len(ncf)
    payloads = [len(u.payload) + len(u.packets) for u in container.read(ncf)[1]]
    assert [u["bytes"] - u["framing"] for u in units] == payloads
    assert values["metadata_bytes"] == values["metadata"]["audio"] + 1 + 2 + 4  # tag, length, checksum
    rows = [line.split() for line in call("info", "-v", coded).stdout.splitlines()[-8:]]
    assert [row[0] for row in rows] == ["head", "metadata", "stream", *["unit"] * 3, "end", "all"]
    assert rows[3][:5] == ["unit", "0", "0", "12", "key"]
    assert sum(int(row[5 if row[0] == "unit" else -1].replace(",", "")) for row in rows[:-1]) == len(ncf)
    call("encode", photo, "-o", "photo.ncf")
    values = json.loads(call("info", "-v", "--json", "photo.ncf").stdout)
    (unit,) = values["unit_list"]
    assert unit["bytes"] + values["head_bytes"] == values["bytes"] == Path("photo.ncf").stat().st_size


def test_info_of_a_video_loads_no_torch(run: Run, here: Path, coded: str) -> None:
    code = (
        "import sys\nfrom codec.cli.main import cli\ncli.main(['info', '-v', 'clip.ncf'], standalone_mode=False)\n"
        "sys.exit(bool({'torch', 'av'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0


def test_the_length_is_to_the_end_of_the_last_picture(here: Path) -> None:
    times = [Fraction(0), Fraction(1, 2), Fraction(1)]
    Path("slides.mkv").write_bytes(video_file(moving(16, 16, 3), times=times, held=Fraction(3)))
    call("encode", *QUICK, "slides.mkv")
    assert json.loads(call("info", "--json", "slides.ncf").stdout)["seconds"] == 4
    assert ", 3 frames, 4.0 s" in call("info", "slides.ncf").stdout
