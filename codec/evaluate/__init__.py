"""Evaluate codecs on pictures or sound: every (file, spec) is encoded to real bytes and decoded, and gives a Row."""

from codec.evaluate.coders import known
from codec.evaluate.plan import ORIGINAL, Plan, find_items, media_of, shard
from codec.evaluate.rows import Evaluator, Row
from codec.evaluate.summary import summarise

__all__ = ["ORIGINAL", "Evaluator", "Plan", "Row", "find_items", "known", "media_of", "shard", "summarise"]
