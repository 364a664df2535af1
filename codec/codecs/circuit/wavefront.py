"""One pass over tiles, in both directions: pixels of a skewed wavefront are coded together.

A pixel at (row, column) needs nothing right of (row - 1, column + 2), so all pixels of equal column + 3 row are
independent; all tiles advance in lock-step. A step's lanes stand in the order of tiles, then rows: the order of
the stream.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.codecs.circuit.network import Float32, Network
from codec.codecs.circuit.order import in_order
from codec.codecs.circuit.palette import Palette
from codec.codecs.circuit.passes import Graphics, Plain, Way
from codec.codecs.circuit.work import STEP, Told, nobody
from codec.entropy import Coder, Encoder

SKEW = 3
MARGIN = 3
_WORTH = 1 << 15  # pixels that take numpy as long as it takes to load numba
_SPAN = 4096  # lanes that an encoder takes at once: what they need stays in the processor's cache
Int = NDArray[np.int64]


@dataclass(frozen=True)
class Lanes:
    """Where the pixels of tiles of several sizes stand in one flat canvas, in the order of the stream."""

    positions: Int  # [pixels]
    ends: Int  # [steps]: where each step's pixels end
    first: NDArray[np.bool_]  # of its row
    last: NDArray[np.bool_]
    rows: int  # of the canvas, all tiles below one another
    stride: int


def lanes(shapes: Sequence[tuple[int, int]]) -> Lanes:
    """The wavefront over tiles of these heights and widths."""
    stride = max(w for _, w in shapes) + 2 * MARGIN
    parts = []
    top = 0
    for h, w in shapes:
        row, column = np.arange(h)[:, None], np.arange(w)
        position = (top + MARGIN + row) * stride + MARGIN + column
        edges = np.broadcast_to(column == 0, (h, w)), np.broadcast_to(column == w - 1, (h, w))
        parts.append([a.ravel() for a in (SKEW * row + column, position, *edges)])
        top += MARGIN + h + 1  # the margins of the row after the last are written, too
    step, position, first, last = (np.concatenate(p) for p in zip(*parts, strict=True))
    order = np.argsort(step, kind="stable")
    counts = np.bincount(step)  # narrow tiles have steps without pixels
    return Lanes(position[order], np.cumsum(counts[counts > 0]), first[order], last[order], top, stride)


def code_tiles(
    network: Network,
    coder: Coder,
    tiles: Sequence[NDArray[Any]],
    decoding: bool,
    depth: int = 8,
    palette: Palette | None = None,
    told: Told = nobody,
) -> None:
    """Codes tiles [h, w, C] in coded order, or fills them: uint8 or uint16 of 0..2^depth - 1, `depth` 8 to 16.

    With 8 bits, `palette` may hold all their colours. `told` is called as work goes on.
    """
    pixels = sum(t.shape[0] * t.shape[1] for t in tiles)
    kernels = palette is None and not network.config.candidates and pixels >= _WORTH and kernels_work(network)
    _code(network, coder, tiles, decoding, depth, palette, told, kernels)


@lru_cache(maxsize=16)
def kernels_work(network: Network) -> bool:
    """Whether there is numba, it compiles here, and kernels give the bytes that numpy gives, of a tile."""
    tile = np.random.default_rng(0).integers(0, 256, (9, 17, network.config.channels), np.uint8)
    data = []
    try:
        for kernels in (False, True):
            encoder = Encoder()
            _code(network, encoder, [tile], False, 8, None, nobody, kernels)
            data.append(encoder.finish())
    except Exception:  # numba may fail in many ways: no folder to keep what it compiled, a full disk, an odd processor
        return False
    return data[0] == data[1]


def _code(
    network: Network,
    coder: Coder,
    tiles: Sequence[NDArray[Any]],
    decoding: bool,
    depth: int,
    palette: Palette | None,
    told: Told,
    kernels: bool,
) -> None:
    where = lanes([(t.shape[0], t.shape[1]) for t in tiles])
    channels, stride = network.config.channels, where.stride
    canvas = np.full((where.rows * stride, channels), 1 << (depth - 1), np.float32)
    if not decoding:
        _move(canvas.reshape(-1, stride, channels), tiles, into=True)
    graphics = Graphics(network, canvas, stride) if network.config.candidates else None
    # Matches are of what is coded before a step; palettes are of small pictures.
    alone = decoding or graphics is not None or palette is not None
    spans = list(_spans(where.ends, 1 if alone else _SPAN))
    way: Way
    if kernels:
        from codec.codecs.circuit.compiled import Compiled  # needs llvmlite, and once numba

        way = Compiled(network, canvas, stride, depth, max(end - begin for begin, end, _ in spans))
    else:
        way = Plain(network, canvas, stride, depth if palette is None else palette, graphics)
    right, below = np.arange(1, MARGIN + 1), stride + np.arange(-MARGIN, 0)

    def finish(at: Int, which: slice, pixels: Float32) -> None:
        """The margins, which repeat the ends of rows."""
        edge = np.flatnonzero(where.first[which])
        canvas[at[edge][:, None] + below] = pixels[edge][:, None]
        edge = np.flatnonzero(where.last[which])
        canvas[at[edge][:, None] + right] = pixels[edge][:, None]

    if not decoding:
        finish(where.positions, slice(None), canvas[where.positions])
    for begin, end, ends in spans:
        at = where.positions[begin:end]
        seen = way.look(at)
        known = None if decoding else canvas[at]
        if known is not None:
            way.learn(seen, known)
        with in_order(coder, ends) as turns:
            pixels = way.code(turns, known, seen)
        if decoding:
            canvas[at] = pixels
            way.learn(seen, pixels)
            finish(at, slice(begin, end), pixels)
        told(end - begin + alone * STEP)
    if decoding:
        _move(canvas.reshape(-1, stride, channels), tiles, into=False)


def _spans(ends: Int, least: int) -> Iterator[tuple[int, int, Int]]:
    """Steps that are coded together, of at least so many lanes: where the lanes begin and end, and each step's end."""
    begin = first = 0
    for step, end in enumerate(ends.tolist(), 1):
        if end - begin >= least or step == len(ends):
            yield begin, end, ends[first:step] - begin
            begin, first = end, step


def _move(canvas: Float32, tiles: Sequence[NDArray[Any]], into: bool) -> None:
    top = 0
    for tile in tiles:
        h, w = tile.shape[:2]
        part = canvas[top + MARGIN : top + MARGIN + h, MARGIN : MARGIN + w]
        if into:
            part[:] = tile
        else:
            tile[:] = part
        top += MARGIN + h + 1
