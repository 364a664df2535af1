"""The enhancement of a group of frames over what a standard decoder gave: fitted filters, coded, in exact integers.

`fit` learns them from a group's source, `apply` runs them, `replay` follows them without frames, `describe` says what a
payload holds. Apart from files and PyAV. How it works: docs/video.md.
"""

from codec.codecs.nirvana.filters.fit import fit
from codec.codecs.nirvana.filters.frames import Planes
from codec.codecs.nirvana.filters.payload import State, apply, describe, replay
from codec.codecs.nirvana.filters.weights import LENT

__all__ = ["LENT", "Planes", "State", "apply", "describe", "fit", "replay"]
