"""Files encoded in one setting decode in every other, to the same symbols and, within a level, to the same pixels.

`DETERMINISM_COUNT=100` takes so many drawn pictures of mixed sizes, `DETERMINISM_IMAGES` a folder of pictures, and
both take all settings of `run.py`. By default a few small pictures meet every value of every setting.
"""

import os
import shutil
from pathlib import Path

import pytest
from matrix import ALONE, DECODERS, ENCODERS, Setting, Summary, decode, draw_sources, encode, options_of

GOLDEN = Path(__file__).parents[1] / "golden"
COUNT = os.environ.get("DETERMINISM_COUNT")
IMAGES = os.environ.get("DETERMINISM_IMAGES")
FEW_ENCODERS = (Setting("native", 2, "pair"), Setting("sse", 1))
FEW_DECODERS = (
    Setting("native", 1),
    Setting("native", 2, "pair", "backward"),
    Setting("avx2", 1, "pair", "backward"),
    Setting("avx2", 2),
    Setting("sse", 1, "among", "backward"),
    Setting("sse", 2, "pair"),
)


def test_what_one_machine_encodes_every_other_decodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if IMAGES:
        (tmp_path / "sources").symlink_to(Path(IMAGES).resolve())
    else:
        draw_sources(tmp_path, range(int(COUNT or 3)))
    full = bool(COUNT or IMAGES)
    files = [encode(tmp_path, setting) for setting in (ENCODERS if full else FEW_ENCODERS)]
    names = [name for made in files for name in made]
    monkeypatch.setenv("CODEC_WEIGHTS", str(GOLDEN))
    shutil.copy(GOLDEN / "tiles.ncf", tmp_path / "files")
    names.append("tiles.ncf")  # of a tiny model, so that many tiles take little time
    summary = Summary()
    decoders = DECODERS if full else FEW_DECODERS
    for setting in decoders:
        decode(tmp_path, setting, names, summary)
    for setting in ALONE[1:2]:
        decode(tmp_path, setting, names[-1:], summary)
    assert summary.decodes == len(decoders) * len(names) + 1 and summary.symbols > 0
    assert summary.mismatches == []
    assert summary.largest <= 1
    exact: dict[str, bytes] = {}  # without tuning the lossless files of all encoders are the same
    for path in (tmp_path / "files").glob("*.circuit.ncf"):
        if options_of("circuit", path.name.partition(" ")[2].removesuffix(".circuit.ncf"))["effort"] > 1:
            continue
        assert exact.setdefault(path.name.partition(" ")[2], path.read_bytes()) == path.read_bytes()
    for path in (tmp_path / "files").glob("*.jpeg.ncf"):
        assert exact.setdefault(path.name.partition(" ")[2], path.read_bytes()) == path.read_bytes()
