"""Bitrate follows motion: `python tests/bench/video_motion.py CLIP [-q Q] [-e E]`.

Encodes a video and prints for each group of frames its bytes and the mean absolute difference of its frames' lumas to
the ones before, then the rank correlation of the two, key groups left out.
"""

import argparse
import io

import numpy as np

from codec import video
from codec.container import read
from codec.evaluate.correlation import spearman
from codec.media.video import read_video
from codec.nirvana.codec import Options
from codec.nirvana.rate import Target
from codec.nirvana.units import parse


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("clip")
    p.add_argument("-q", type=float, default=50)
    p.add_argument("-e", type=int, default=1)
    a = p.parse_args()
    opened = read_video(a.clip, audio=False)
    lumas = [picture.planes[0].astype(np.float32) for picture in opened.pictures()]
    changes = [0.0] + [float(np.abs(b - c).mean()) for b, c in zip(lumas[1:], lumas, strict=False)]
    buffer = io.BytesIO()
    video.encode(opened, buffer, options=Options(Target(quality=a.q), a.e))
    header, units = read(buffer.getvalue())
    assert header.rate is not None
    first, points = 0, []
    for unit in units:
        key = parse(unit, first, header.rate).key
        change = float(np.mean(changes[first : first + unit.frames]))
        span = f"frames {first:4} to {first + unit.frames - 1:4}{' key' if key else '    '}"
        print(f"{span} {len(unit.payload):7} bytes  {change:6.2f}")
        if not key:
            points.append((len(unit.payload), change))
        first += unit.frames
    if len(points) > 2:
        found = np.array(points, np.float64).T
        print(f"rank correlation {spearman(*found):.3f}, linear {np.corrcoef(found)[0, 1]:.3f}")


if __name__ == "__main__":
    main()
