"""Distortion of sound: the scale-invariant ratio of signal to distortion.

It says how alike two waveforms are, not how alike they sound: codecs of different kinds must not be ranked by it.
"""

from __future__ import annotations

import math

import numpy as np

from codec.media.audio import Audio


def si_sdr(reference: Audio, decoded: Audio, peak: int = 1) -> float | None:
    """SI-SDR in dB (Le Roux et al. 2019) of samples of one shape, over all channels; inf for equal ones.

    None where the reference is silent. The decoded sound must lie on the reference to the sample.
    """
    s, d = (audio.samples.astype(np.float64) for audio in (reference, decoded))
    if s.shape != d.shape:
        raise ValueError(f"shapes differ: {s.shape} and {d.shape}")
    energy = float((s * s).sum())
    if not energy:
        return None
    target = s * (float((s * d).sum()) / energy)
    error = float(((target - d) ** 2).sum())
    signal = float((target * target).sum())
    return (10 * math.log10(signal / error) if signal else -math.inf) if error else math.inf
