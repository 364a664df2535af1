"""PFNR as a video codec: a unit is a session of the paper's, which goes on from one of an earlier one of the archive.

A unit's payload: its frames' times; how many sessions back the one is that it goes on from (0: none), and which unit of
it; its number, from 1; what the range coder wrote. A unit that goes on from none begins a page: a network of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from codec.codecs.base import ChainTask, Earlier, Spared
from codec.codecs.checksum import compare
from codec.codecs.options import VideoOptions, VideoProgress
from codec.codecs.pfnr import CODEC, payload
from codec.codecs.pfnr import PRESETS as NAMES
from codec.codecs.pfnr.fit import Budget, fit
from codec.codecs.pfnr.frames import decoded
from codec.codecs.pfnr.head import Parsed, check, check_size, pack, parse
from codec.codecs.pfnr.presets import PRESETS
from codec.codecs.pfnr.store import Network, Store
from codec.container import LIMITS, Header, Unit, times
from codec.device import resolve
from codec.errors import CodecError, FormatError
from codec.media import Info
from codec.media.distortion import errors, psnr_611
from codec.media.video import Picture

ROOM = 0.5  # of what a session uses of a tensor: it goes on only where so much of each is free
CHAIN = 64  # units that one goes on from at most, one behind the other: it is decoded with all of them
LEAST = 16  # runs of a new tensor for a byte of a session at most: masks as presets have them take more
_EFFORTS = (0.02, 0.1, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0)  # of a preset's epochs
_DEFAULTS = {2**15: "tiny", 2**18: "small"}  # by the pixels of a frame; hd above


class Pfnr:
    """One preset, for pictures of one size; `earlier`: the sessions that its units may go on from."""

    length = LIMITS.unit_frames
    steps = 0

    def __init__(self, preset: str, size: tuple[int, int], device: str, earlier: Earlier | None) -> None:
        self._name, self._preset, self._size, self._device = preset, PRESETS[preset], size, device
        self._shape, self._earlier = self._preset.shape, earlier
        self._replayed: dict[tuple[int, int], Store] = {}

    def header(self, info: Info, options: VideoOptions) -> Header:
        """See VideoCodec."""
        return Header(
            codec=CODEC.id, revision=CODEC.revision, width=info.width, height=info.height, frames=0, rate=info.rate,
            color=info.color, private=bytes([NAMES.index(self._name) + 1]), metadata=info.metadata,
        )  # fmt: skip

    def encode(self, header: Header, task: ChainTask, done: Sequence[Unit]) -> Iterator[Unit]:
        """See VideoCodec."""
        assert header.rate is not None and task.options.target.quality is not None
        if done:  # a chain is one unit
            return
        pictures = list(task.pictures())
        planes = [picture.planes for picture in pictures]
        distance, number, store = self._continued(header)
        budget = Budget(
            max(round(self._preset.epochs * _EFFORTS[task.options.effort - 1]), 1),
            task.options.seconds,
            fineness(task.options.target.quality),
        )
        session = fit(self._preset, store, planes, budget, self._device)
        data = payload.pack(session, store)
        network = store.add(session)[1]
        when = times.pack([picture.time for picture in pictures], task.chain.first, header.rate)
        packed = pack(when, distance, number, session.number, data)
        shown = decoded(self._shape, network, self._size, len(planes), self._device)
        psnr = sum(psnr_611(errors(a, b)) for a, b in zip(shown, planes, strict=True)) / len(planes)
        size = len(packed) * 8 / (header.width * header.height * len(planes))
        task.tell(VideoProgress("fit", len(planes), psnr, size))
        yield Unit(0, network.checksum, 0, packed, len(planes))

    def decode(
        self, header: Header, units: Iterable[Unit], first: int = 0, spared: Spared | None = None
    ) -> Iterator[Picture]:
        """See VideoCodec."""
        for unit in units:
            parsed = parse(header, unit, first)
            try:
                store = self._store(header, parsed.distance, parsed.unit)
                network = self._added(store, header, unit, parsed)[1]
            except CodecError as error:
                raise type(error)(f"unit {unit.index}: {error}") from error
            shown = decoded(self._shape, network, self._size, unit.frames, self._device)
            yield from map(Picture, shown, parsed.times)
            first += unit.frames

    def reused(self, header: Header, unit: Unit) -> tuple[int, int]:
        """See VideoMedia: runs of weights, of which a session takes each whole."""
        parsed = parse(header, unit)
        store = self._store(header, parsed.distance, parsed.unit)
        session = payload.unpack(parsed.data, store, self._shape.grid(header.height, header.width), parsed.number)
        chosen = sum(int(mask.sum()) for mask in session.masks.values())
        return chosen - sum(len(values) for values in session.values.values()), chosen

    def _continued(self, header: Header) -> tuple[int, int, Store]:
        """What a new unit goes on from: the last session of this preset, if there is room beside it, or nothing.

        Where that one can't be decoded any more, or its chain is long enough, a new page begins: what is added isn't
        lost with what was damaged.
        """
        for distance in range(1, self._earlier.count + 1 if self._earlier else 1):
            assert self._earlier is not None
            try:
                session = self._earlier.session(distance)
            except CodecError:  # damaged, so nobody knows of what preset it is
                continue
            if session.units and _alike(session.header, header):
                try:
                    store = self._store(header, distance, session.units - 1)
                except CodecError:
                    break
                keeps, free = self._preset.keeps(self._grid), store.free(self._grid)
                if all(free[name] >= ROOM * keep for name, keep in keeps.items()):
                    return distance, session.units - 1, store
                break
        return 0, 0, Store(self._shape)

    @property
    def _grid(self) -> tuple[int, int]:
        return self._shape.grid(*self._size)

    def _store(self, header: Header, distance: int, number: int) -> Store:
        """The store after a unit of an earlier session, from the payloads of all that it goes on from."""
        key, earlier = (distance, number), self._earlier
        if (found := self._replayed.get(key)) is not None:  # (another thread may change it meanwhile)
            return found
        links: list[tuple[Header, Unit, Parsed]] = []
        while distance:
            if earlier is None:
                raise FormatError("it goes on from an earlier session; decode it in its archive")
            session = earlier.session(distance)
            if number >= session.units or not _alike(session.header, header):
                raise FormatError("the session that it goes on from is of another kind; get a whole copy of the file")
            if len(links) == CHAIN:
                raise FormatError(f"it goes on from more than {CHAIN} others; get a whole copy of the file")
            check(session.header)
            unit = session.unit(number)
            links.append((session.header, unit, parse(session.header, unit)))
            earlier, distance, number = session.earlier, links[-1][2].distance, links[-1][2].unit
        store = Store(self._shape)
        for link in reversed(links):
            store = self._added(store, *link)[0]
        self._replayed = {key: store}
        return store

    def _added(self, store: Store, header: Header, unit: Unit, parsed: Parsed) -> tuple[Store, Network]:
        """The store after a unit, and the unit's network."""
        grid = self._shape.grid(header.height, header.width)
        if LEAST * len(parsed.data) < store.fresh(grid):
            raise FormatError("a session's network is damaged; get a whole copy of the file")
        session = payload.unpack(parsed.data, store, grid, parsed.number)
        added = store.add(session)
        compare(added[1].checksum, unit.checksum, "the decoded weights of a session")
        return added


def fineness(quality: float) -> float:
    """How fine the steps of weights are at a quality of 0 to 100; see Budget."""
    return 0.75 + (quality - 50) / 25


def _alike(one: Header, other: Header) -> bool:
    """Whether sessions are of one network."""
    return one.codec == other.codec and one.revision == other.revision and one.private == other.private


def open_encoder(info: Info, options: VideoOptions, device: str) -> Pfnr:
    """The preset that is asked for, or that suits the size."""
    check_size(info.width, info.height)
    pixels = info.width * info.height
    preset = options.preset or next((name for most, name in _DEFAULTS.items() if pixels <= most), "hd")
    return Pfnr(preset, (info.height, info.width), resolve(device), options.earlier)


def open_decoder(header: Header, device: str, earlier: Earlier | None) -> Pfnr:
    """The preset that a file names."""
    check(header)
    return Pfnr(NAMES[header.private[0] - 1], (header.height, header.width), resolve(device), earlier)
