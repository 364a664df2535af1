"""Rows of evaluations as one page to look at, and as tables: curves, intervals, BD-rates and the pictures themselves.

The numbers are worked out here; the page (assets/report*) only draws what it is given.
"""

from codec.report.data import Report, build
from codec.report.gate import Gate, parse_gate
from codec.report.page import PAGE_BYTES, page
from codec.report.pictures import Pictures, collect
from codec.report.published import Published, read_published
from codec.report.tables import csv_table, markdown_table

__all__ = [
    "PAGE_BYTES",
    "Gate",
    "Pictures",
    "Published",
    "Report",
    "build",
    "collect",
    "csv_table",
    "markdown_table",
    "page",
    "parse_gate",
    "read_published",
]
