"""Evaluate codecs on pictures, sound or videos: every (file, spec) is coded to real bytes and back, and gives a Row."""

from codec.evaluate.coders import known
from codec.evaluate.plan import KINDS, METRICS, ORIGINAL, Plan, find_items, is_folder, media_of, shard
from codec.evaluate.rows import Evaluator, Row
from codec.evaluate.sessions import sessions
from codec.evaluate.summary import summarise

__all__ = [
    "KINDS",
    "METRICS",
    "ORIGINAL",
    "Evaluator",
    "Plan",
    "Row",
    "find_items",
    "is_folder",
    "known",
    "media_of",
    "sessions",
    "shard",
    "summarise",
]
