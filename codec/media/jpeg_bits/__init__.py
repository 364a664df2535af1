"""JPEG's own layers: a file becomes quantised coefficients and a rest, and these the same file, byte for byte."""

from codec.media.jpeg_bits.markers import RareKind, check_pixels, frame_before_scans
from codec.media.jpeg_bits.whole import Component, Jpeg, Shape, frame_of, held, join, kind_of, split, told

__all__ = [
    "Component",
    "Jpeg",
    "RareKind",
    "Shape",
    "check_pixels",
    "frame_before_scans",
    "frame_of",
    "held",
    "join",
    "kind_of",
    "split",
    "told",
]
