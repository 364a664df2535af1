"""The codec of docs/architecture.md works as it stands there, without a change to anything else."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.pictures import picture
from helpers.places import TESTS
from PIL import Image

START = """
import sys
import codec.codecs
codec.codecs.__path__.append(sys.argv[1])
from codec.cli.main import main
main(sys.argv[2:])
"""


@pytest.fixture
def codecs(tmp_path: Path) -> Path:
    """A folder of codecs with that one."""
    text = (TESTS.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    parts = re.findall(r"^```python\n# codec/codecs/(\S+)\n(.*?)^```$", text, re.M | re.S)
    for name, source in parts:
        path = tmp_path / "codecs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    assert [name for name, _ in parts] == ["raw/__init__.py", "raw/image.py"]
    return tmp_path / "codecs"


@pytest.mark.parametrize("channels", [3, 2])
def test_the_codec_of_the_documents_is_taken_by_all_commands(codecs: Path, tmp_path: Path, channels: int) -> None:
    def call(*arguments: str, code: int = 0) -> str:
        command = [sys.executable, "-c", START, str(codecs), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == code, done.stderr
        return done.stdout if not code else done.stderr

    source = picture(20, 30, channels)
    Image.fromarray(source).save(tmp_path / "a.png")
    call("encode", "--codec", "raw", "a.png")
    assert json.loads(call("info", "--json", "a.ncf"))["codec"] == "raw"
    call("decode", "a.ncf", "-o", "back.png")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "back.png")), source)
    assert "raw" in call("encode", "--help") and "inf" in call("evaluate", "a.png", "--codec", "raw")
    data = (tmp_path / "a.ncf").read_bytes()
    (tmp_path / "cut.ncf").write_bytes(data[:-100])
    assert "truncated" in call("decode", "cut.ncf", code=1)
    assert "wrote what is whole" in call("decode", "--partial", "cut.ncf", code=1)
    assert np.asarray(Image.open(tmp_path / "cut.png"))[0, 0, 0] == 128
