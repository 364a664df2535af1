"""What several tests share: a generated photo, and the command run as users run it."""

import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from helpers.commands import Run
from PIL import Image

# The tests' tensors are tiny: a second thread only makes them wait for each other on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Several modules have this name: pytest can load them all as its own, but not look into them for doctests. And the
# guided fuzzer can't be looked into without atheris.
collect_ignore_glob = ["conftest.py", "*/conftest.py", "fuzz/guided.py"]

MISSING = ("pip install", "apt-get install", "could not import")  # in the reasons of tests that miss a package

_Report = TypeVar("_Report", pytest.TestReport, pytest.CollectReport)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-missing", action="store_true", help="a test that misses a package fails (.ci/full)")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _strict(item.config, (yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _strict(collector.config, (yield))


def _strict(config: pytest.Config, report: _Report) -> _Report:
    if report.skipped and config.getoption("--no-missing") and any(m in str(report.longrepr) for m in MISSING):
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def picture() -> Image.Image:
    """96 x 64, RGB: smooth shapes and some noise."""
    y, x = np.mgrid[0:64, 0:96]
    waves = [128 + 90 * np.sin(x / (7 + 5 * c) + c) * np.cos(y / (11 - 2 * c)) for c in range(3)]
    noise = np.random.default_rng(0).normal(0, 4, (64, 96, 3))
    return Image.fromarray((np.stack(waves, -1) + noise).clip(0, 255).astype(np.uint8))


@pytest.fixture
def photo(tmp_path: Path, picture: Image.Image) -> Path:
    """The picture as a PNG file, alone in a directory."""
    path = tmp_path / "photo.png"
    picture.save(path)
    return path


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `codec ARGUMENTS` in the test's directory; stdin, stdout and stderr are bytes and no terminals."""

    def run(*arguments: object, stdin: bytes = b"", **environment: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [sys.executable, "-m", "codec.cli.main", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            cwd=tmp_path,
            env={**os.environ, **environment},
            timeout=120,
        )

    return run
