"""Integer tensors as symbols: a network's weights, against those of the group before, in both directions.

Each tensor is coded as it is, as its difference to the reference, or not at all where it equals the
reference; the encoder counts the bits of each. All that the decoder needs goes through the coder.
"""

from collections.abc import Mapping
from math import prod

import numpy as np
from numpy.typing import NDArray

from codec.entropy import Coder, laplace
from codec.errors import CodecError, FormatError

Ints = NDArray[np.int32]
Shapes = Mapping[str, tuple[int, ...]]

LIMIT = 32767  # of magnitudes
ABSOLUTE, DIFFERENCE, SKIP = range(3)
_MODES = np.array([85, 85, 86])
_WIDTHS = np.full(laplace.WIDTHS, 256 // laplace.WIDTHS)
_MODE_BITS, _WIDTH_BITS = np.log2(3), np.log2(laplace.WIDTHS)


def code_tensors(
    coder: Coder, tensors: Mapping[str, Ints] | None, shapes: Shapes, previous: Mapping[str, Ints] | None = None
) -> dict[str, Ints]:
    """Codes the tensors that `shapes` names, or decodes them where `tensors` is None; returns them as int32.

    `previous` is the reference, of the same names and shapes (None: zeros). Both sides must give the same
    `shapes`, in the same order, and the same `previous`. Magnitudes are at most 32767. Raises CodecError for
    tensors that are not so, FormatError for bytes that decode to such.
    """
    if not shapes:
        return {}
    zeros = {name: np.zeros(shape, np.int32) for name, shape in shapes.items()}
    result = zeros if previous is None else checked(previous, shapes)
    modes = widths = values = None
    if tensors is not None:
        plan = [_choose(tensor, result[name]) for name, tensor in checked(tensors, shapes).items()]
        modes = np.array([mode for mode, _, _ in plan])
        widths = np.array([width for mode, width, _ in plan if mode != SKIP])
        values = np.concatenate([symbols.reshape(-1) for _, _, symbols in plan])
    modes = coder.code_pmfs(modes, np.tile(_MODES, (len(shapes), 1)), 8)
    coded = {name: mode for name, mode in zip(shapes, modes, strict=True) if mode != SKIP}
    if not coded:
        return result
    widths = coder.code_pmfs(widths, np.tile(_WIDTHS, (len(coded), 1)), 8)
    sizes = [prod(shapes[name]) for name in coded]
    values = coder.code(values, np.repeat(widths, sizes), laplace.tables()).astype(np.int64)
    for (name, mode), part in zip(coded.items(), np.split(values, np.cumsum(sizes)[:-1]), strict=True):
        part = part.reshape(shapes[name])
        whole = part + result[name] if mode == DIFFERENCE else part
        if np.abs(whole).max(initial=0) > LIMIT:
            raise FormatError(f"The decoded weights {name} are out of range; the file is damaged.")
        result[name] = whole.astype(np.int32)
    return result


def reckon_bits(tensors: Mapping[str, Ints], previous: Mapping[str, Ints] | None = None) -> float:
    """The bits that `code_tensors` takes."""
    bits = 0.0
    for name, tensor in tensors.items():
        mode, _, own = _cheapest(tensor, np.zeros_like(tensor) if previous is None else previous[name])
        bits += own + _MODE_BITS + _WIDTH_BITS * (mode != SKIP)
    return bits


def _choose(tensor: Ints, reference: Ints) -> tuple[int, int, Ints]:
    """The cheapest mode of a tensor, its table and its symbols."""
    mode, width, _ = _cheapest(tensor, reference)
    return mode, width, tensor[:0] if mode == SKIP else tensor - reference if mode == DIFFERENCE else tensor


def _cheapest(tensor: Ints, reference: Ints) -> tuple[int, int, float]:
    """The cheapest mode of a tensor, its table, and the bits of its symbols."""
    if np.array_equal(tensor, reference):
        return SKIP, 0, 0.0
    absolute, difference = laplace.cheapest(tensor), laplace.cheapest(tensor - reference)
    if difference[0] < absolute[0]:
        return DIFFERENCE, difference[1], difference[0]
    return ABSOLUTE, absolute[1], absolute[0]


def checked(tensors: Mapping[str, Ints], shapes: Shapes) -> dict[str, Ints]:
    """The tensors in the order of `shapes`, as int32."""
    result = {}
    for name, shape in shapes.items():
        tensor = tensors.get(name)
        if tensor is None or tensor.shape != shape or tensor.dtype.kind not in "iu":
            raise CodecError(f"The network's weights {name} must be integers of shape {shape}.")
        if tensor.size and (int(tensor.min()) < -LIMIT or int(tensor.max()) > LIMIT):
            raise CodecError(f"The network's weights {name} are beyond {LIMIT}; fit it again.")
        result[name] = tensor.astype(np.int32)
    return result
