"""A session's integers through the range coder, in both directions, given the store of those before it."""

from __future__ import annotations

import numpy as np

from codec.codecs.pfnr.masks import code_mask, contexts
from codec.codecs.pfnr.steps import STEPS
from codec.codecs.pfnr.store import Session, Store
from codec.entropy import Coder, Decoder, Encoder, laplace
from codec.entropy.integers import uniform
from codec.errors import FormatError
from codec.models.pfnr import Grid

HEAD = 127  # the most of a head's integers
LIMIT = 32767  # of weights' integers
_BYTES = 8  # bits of steps and heads
_WIDTH_PRECISION = 8


def pack(session: Session, store: Store) -> bytes:
    """The bytes of a session, without its number."""
    coder = Encoder()
    code_session(coder, session, store, session.grid, session.number)
    return coder.finish()


def unpack(data: bytes, store: Store, grid: Grid, number: int) -> Session:
    """The session that `pack` took. FormatError for bytes that it never gives."""
    coder = Decoder(data)
    session = code_session(coder, None, store, grid, number)
    coder.finish()
    return session


def code_session(coder: Coder, session: Session | None, store: Store, grid: Grid, number: int) -> Session:
    """Codes a session, or decodes it where `session` is None: masks, steps, widths, new weights, head."""
    masks, sizes = {}, {}
    for name, size in store.shape.tensors(grid).items():
        _, writers, last = store.runs(name, size)
        masks[name] = code_mask(coder, None if session is None else session.masks[name], contexts(writers, last))
        sizes[name] = int((masks[name] & (writers == 0)).sum()), store.shape.run(name, size)
    coded = [name for name, (count, _) in sizes.items() if count]
    table = np.zeros(len(coded) + 1, np.uint8)
    given = None if session is None else np.array([*[session.steps[name] for name in coded], session.head_step])
    numbers = coder.code(given, table, uniform(_BYTES))
    if numbers.min() < 0 or numbers.max() >= STEPS:
        raise FormatError("a session's steps are out of range; get a whole copy of the file")
    steps = dict.fromkeys(sizes, 0) | dict(zip(coded, numbers.tolist(), strict=False))
    lengths = [sizes[name][0] * sizes[name][1] for name in coded]
    flat = None if session is None else [session.values[name].reshape(-1) for name in coded]
    given = None if flat is None else np.array([laplace.cheapest(part)[1] for part in flat], np.int32)
    rows = np.full((len(coded), laplace.WIDTHS), (1 << _WIDTH_PRECISION) // laplace.WIDTHS)
    widths = coder.code_pmfs(given, rows, _WIDTH_PRECISION) if coded else np.zeros(0, np.int32)
    given = None if flat is None else np.concatenate([np.zeros(0, np.int32), *flat])
    whole = coder.code(given, np.repeat(widths, lengths), laplace.tables()) if coded else np.zeros(0, np.int32)
    if np.abs(whole.astype(np.int64)).max(initial=0) > LIMIT:
        raise FormatError("a session's weights are out of range; get a whole copy of the file")
    parts = np.split(whole, np.cumsum(lengths)[:-1]) if coded else []
    values = {name: np.zeros((0, run), np.int32) for name, (_, run) in sizes.items()}
    values |= {name: part.reshape(sizes[name]) for name, part in zip(coded, parts, strict=True)}
    shape = 3, store.shape.widths[-1]
    given = None if session is None else session.head + HEAD
    head = coder.code(given, np.zeros(shape, np.uint8), uniform(_BYTES)) - HEAD
    if np.abs(head).max() > HEAD:
        raise FormatError("a session's head is out of range; get a whole copy of the file")
    return Session(grid, number, masks, steps, values, head, int(numbers[-1]))
