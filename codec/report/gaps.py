"""Why a number is missing in a row, in words that the table of files says beside the dash."""

from __future__ import annotations

from typing import Any

from codec.evaluate.plan import ORIGINAL

_SMALL = "MS-SSIM needs sides of 161 pixels at least"


def gap(row: dict[str, Any], name: str) -> str:
    """The reason why a row has no number of this name."""
    if row["codec"] == ORIGINAL and name.endswith(("code_s", "code_cpu_s", "delay", "kbps_payload")):
        return "the original is not coded"
    if name not in row:
        if name.startswith("task."):
            return "not scored: no label for this file, or a run without this task"
        return "not measured: a run that did not ask for it, or an earlier version's row"
    if name == "ms-ssim":
        return _SMALL
    if name.startswith("task."):
        return "the task has no score for this file"
    return "it does not apply to this file"
