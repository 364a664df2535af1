"""Files of the repository that tests read."""

from pathlib import Path

TESTS = Path(__file__).parents[1]
GOLDEN = TESTS / "golden"
TINY_WEIGHTS = GOLDEN / "golden-tiny.safetensors"  # of s2lic, untrained, with every part that a model can have
PHOTO = TESTS.parent / "assets" / "kodim23.png"
