"""Dropping metadata without changing colours: samples of another colour profile are converted to sRGB first."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageCms

_SPACES = {"RGB": "RGB", "GRAY": "L"}


def stripped(frame: np.ndarray, depth: int, metadata: Mapping[str, bytes]) -> tuple[np.ndarray, dict[str, bytes]]:
    """The frame in sRGB, and what has to stay of its metadata.

    Exif and XMP go. An ICC profile goes once 8-bit samples are converted to sRGB; deeper ones can't be, so
    theirs stays unless it is sRGB itself. A profile that is damaged or made for another kind of samples just goes.
    """
    icc = metadata.get("icc")
    channels = 3 if frame.shape[2] >= 3 else 1
    transform = _to_srgb(icc, "RGB" if channels == 3 else "L") if icc else None
    if icc is None or transform is None:
        return frame, {}
    if depth > 8:
        return frame, {"icc": icc}
    return np.concatenate([_applied(transform, frame[..., :channels]), frame[..., channels:]], -1), {}


def _to_srgb(icc: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform to sRGB; None where there is nothing to convert."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        if _SPACES.get(profile.profile.xcolor_space.strip()) != mode:
            return None
        transform = ImageCms.buildTransform(
            profile,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    # Names and versions of sRGB profiles are many: what counts is whether it changes a colour visibly.
    steps = np.arange(0, 256, 15, np.uint8)
    colors = np.stack(np.meshgrid(*[steps] * (3 if mode == "RGB" else 1)), -1).reshape(1, -1, len(mode))
    change = np.abs(_applied(transform, colors).astype(int) - colors)
    return transform if change.max() > 1 else None


def _applied(transform: ImageCms.ImageCmsTransform, frame: np.ndarray) -> np.ndarray:
    grey = frame.shape[2] == 1
    image = Image.fromarray(np.ascontiguousarray(frame[..., 0] if grey else frame))
    converted = np.asarray(ImageCms.applyTransform(image, transform))
    return converted[..., 1:2] if grey else converted  # grey stays grey: all three are equal
