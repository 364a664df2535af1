"""A report as one HTML file that needs nothing else: template, styles, scripts, numbers and pictures."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import platform
import re
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from typing import Any

import codec
from codec.installation import version_of
from codec.report.data import Report
from codec.report.pictures import Pictures
from codec.report.plain import as_json

PAGE_BYTES = 25_000_000  # a page's most
_SCRIPTS = (
    "report-common.js", "report-chart.js", "report-table.js", "report-tables.js", "report-time.js", "report-jpegs.js",
    "report-viewer.js", "report.js",
)  # fmt: skip


def page(report: Report, pictures: Mapping[str, Pictures] | None = None, day: date | None = None) -> str:
    """The HTML. Names from rows are data of its script or escaped: none of them can become part of the page.

    `pictures`: those of sections, by their media. A policy in it forbids every script but its own and every load from
    anywhere.
    """
    scripts = "\n".join(_asset(name) for name in _SCRIPTS)
    parts = {
        "title": html.escape(report.title),
        "policy": f"sha256-{base64.b64encode(hashlib.sha256(scripts.encode()).digest()).decode()}",
        "style": _asset("report.css"),
        "script": scripts,
        "data": _embedded(as_json(report) | {"day": str(day or date.today()), "made": _made()}),
        "pictures": _embedded({media: _shown(found) for media, found in (pictures or {}).items()}),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda m: parts[m[1]], _asset("report.html"))


def _made() -> str:
    """By what the page is made: what its numbers and pictures depend on."""
    there = {name: version_of(name) for name in ("numpy", "torch", "pillow", "av")}
    libraries = [f"{name} {version}" for name, version in there.items() if version]
    return ", ".join([f"neural-codec {codec.__version__}", f"Python {platform.python_version()}", *libraries])


def _shown(found: Pictures) -> dict[str, Any]:
    return {
        "side": found.side,
        "images": found.images,
        "left_out": found.left_out,
        "lost": len(found.missing),
        "missing": found.missing[:200],
        "decibels": list(found.decibels) if found.images else [],
    }


def _asset(name: str) -> str:
    return (files("codec.assets") / name).read_text(encoding="utf-8")


def _embedded(value: Any) -> str:
    """JSON that can stand in a script element: no < can end it."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
