"""Networks fitted over a standard stream: a chain's packets as an encoder wrote them, and for each group of its frames
what gives back part of what was lost (codec/codecs/nirvana/filters).

A unit is a group; the first one of a chain has all packets of the chain. Its checksum is that of the samples that the
standard's decoder gives, so the networks never work on others than they were fitted to.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from codec.codecs.base import ChainTask, Earlier, Spared
from codec.codecs.nirvana import CODEC, filters, references
from codec.codecs.nirvana.describe import GAIN_STEPS
from codec.codecs.nirvana.head import largest_group, made, pack_private
from codec.codecs.nirvana.references import ARCHIVED, HYBRID
from codec.codecs.nirvana.states import States, named
from codec.codecs.options import VideoOptions, VideoProgress
from codec.container import Header, Stream, Unit
from codec.errors import CodecError, DesyncError, FormatError, MediaError
from codec.media import Info
from codec.media.distortion import errors, psnr, psnr_611
from codec.media.video import Picture, Planes, Turn, turned
from codec.standard import decode as standard
from codec.standard.encoders import TOP, Encoder, Settings, encode
from codec.standard.packets import Packet, pack, unpack

_READ = 0.2  # of a frame's share in encoding the stream: encoders read far ahead


class Hybrid:
    """Encodes with the encoder of a base, or decodes any file (None). `base_only`: gives the stream's pictures.
    `earlier`: sessions of an archive that networks may begin from."""

    length = TOP

    def __init__(self, encoder: Encoder | None, base_only: bool = False, earlier: Earlier | None = None) -> None:
        self._base_only = base_only
        self._encoder = encoder
        self._earlier = earlier
        self._states: States | None = None
        self.steps = encoder.steps if encoder else 0

    def header(self, info: Info, options: VideoOptions) -> Header:
        """See VideoCodec."""
        assert self._encoder is not None and info.rate is not None
        width, height = self._encoder.size(info.width, info.height)
        tick = info.tick or 1 / info.rate
        stream = Stream(self._encoder.standard, width, height, info.chroma, tick, aspect=info.aspect)
        factor = self._factor(options)
        kind = ARCHIVED if self._earlier is not None and self._earlier.count else HYBRID
        private = pack_private(self._encoder, factor, options.effort, kind)
        header = Header(
            codec=CODEC.id, revision=CODEC.revision, width=info.width, height=info.height, depth=info.depth, frames=0,
            rate=info.rate, color=info.color, private=private, metadata=info.metadata, stream=stream,
        )  # fmt: skip
        context = self._encoder.open(_settings(header), options.effort, factor, 1)
        return replace(header, stream=stream._replace(extradata=context.extradata or b""))

    def quality(self, header: Header) -> float:
        """See VideoCodec."""
        assert self._encoder is not None
        return self._encoder.quality(made(header)[1])

    def trial(self, header: Header, task: ChainTask, fitted: bool) -> tuple[int, float]:
        """See VideoCodec."""
        total = 0.0

        def tell(told: VideoProgress) -> None:
            nonlocal total
            total += told.psnr * told.frames
            if fitted or told.stage == "base":
                task.tell(replace(told, stage="search", share=told.work / (1 + fitted)))

        aside = replace(task, tell=tell, options=task.options if fitted else replace(task.options, seconds=0.0))
        return sum(len(unit.packets) + len(unit.payload) for unit in self.encode(header, aside, ())), total

    def encode(self, header: Header, task: ChainTask, done: Sequence[Unit]) -> Iterator[Unit]:
        """See VideoCodec."""
        packed = done[0].packets if done else pack(self._packets(header, task))
        packets = unpack(packed)
        base, source = standard.decode(header, packets), task.pictures()
        sizes = groups(task.chain.count, header)
        whole = _Fit(header, task, len(packed), self._of(header))
        state = None
        for number, size in enumerate(sizes):
            stored = [planes for _, planes in islice(base, size)]
            found = [_shown(planes, header) for planes in stored]
            if number < len(done):
                if done[number].payload:
                    state = filters.replay(*self._begun(header, done[number].payload, state))
                deque(islice(source, size), 0)
                continue
            wanted = [picture.planes for picture in islice(source, size)]
            if len(stored) != size:
                raise MediaError("its standard stream has other frames than were encoded; try another --base")
            payload, state = whole.group(found, wanted, state)
            yield Unit(number, standard.checksum(stored), 0, payload, size, b"" if number else packed)
        deque(base, 0)  # to its end, where its errors are

    def decode(
        self, header: Header, units: Iterable[Unit], first: int = 0, spared: Spared | None = None
    ) -> Iterator[Picture]:
        """See VideoCodec."""
        made(header)
        assert header.stream is not None
        rest = iter(units)
        waiting: deque[Unit] = deque()  # units whose pictures have not come yet
        fed: deque[Unit] = deque()  # and those whose packets have not gone
        failed: CodecError | None = None  # of a unit that isn't whole: told once all before it is given

        def pulled() -> bool:
            nonlocal failed
            try:
                unit = None if failed else next(rest, None)
            except CodecError as error:
                unit, failed = None, error
            if unit is not None:
                waiting.append(unit)
                fed.append(unit)
            return unit is not None

        def packets() -> Iterator[Packet]:
            while fed or pulled():
                if packed := fed.popleft().packets:
                    yield from unpack(packed)

        state, most = None, largest_group(header)
        pictures, ahead = standard.decode(header, packets()), list[tuple[int, Planes]]()
        while True:
            ahead = ahead or list(islice(pictures, 1))
            if ahead and not waiting and not pulled():
                raise failed or FormatError(
                    "its stream has more pictures than its groups; get a whole copy of the file"
                )
            if not waiting and not ahead:
                if failed:
                    raise failed
                return
            unit = waiting.popleft()
            left, found_sum = unit.frames, 0
            while left:  # more than once only where there are no networks: those need all frames of their group
                stored = ahead + list(islice(pictures, min(left, most) - len(ahead)))
                ahead = []
                if len(stored) != min(left, most):
                    raise failed or FormatError(
                        f"unit {unit.index}: its stream ends early; get a whole copy of the file"
                    )
                left -= len(stored)
                try:
                    planes = [planes for _, planes in stored]
                    found_sum = standard.checksum(planes, found_sum)
                    if unit.damage is None and not left and found_sum != unit.checksum:
                        raise DesyncError("this machine's decoder gives other samples of its stream than were encoded")
                    found = [_shown(p, header) for p in planes]
                except CodecError as error:
                    raise type(error)(f"unit {unit.index}: {error}") from error
                damage = unit.damage
                if damage is None and unit.payload and not self._base_only:
                    try:
                        payload, state = self._begun(header, unit.payload, state)
                        found, state = filters.apply(found, payload, header.depth, state)
                    except CodecError as error:
                        damage = type(error)(f"unit {unit.index}: {error}")
                if damage is not None:
                    if spared is None:
                        raise damage
                    state = None  # groups with filters of their own go on with these
                    spared(damage, first, len(stored))
                first += len(stored)
                yield from (Picture(p, pts * header.stream.tick) for p, (pts, _) in zip(found, stored, strict=True))

    def _of(self, header: Header) -> States:
        """The states of earlier sessions for a session with this header; those that are found are remembered."""
        if self._states is None or self._states.header != header:
            self._states = States(header, self._earlier)
        return self._states

    def _begun(self, header: Header, payload: bytes, state: filters.State | None) -> tuple[bytes, filters.State | None]:
        """The filters of a unit's payload, and the state that they are coded against."""
        wanted, rest = references.split(payload)
        if wanted and header.private[0] != ARCHIVED:
            raise FormatError("its networks are damaged; get a whole copy of the file")
        return rest, self._of(header).begun(wanted, state) if wanted else state

    def _factor(self, options: VideoOptions) -> float:
        assert self._encoder is not None and options.target.quality is not None
        return self._encoder.factor(options.target.quality)

    def _packets(self, header: Header, task: ChainTask) -> list[Packet]:
        assert header.stream is not None and self._encoder is not None
        tick, options = header.stream.tick, task.options

        def frames() -> Iterator[tuple[int, Planes]]:
            last = None
            for picture in task.pictures():
                last = round(picture.time / tick) if last is None else max(round(picture.time / tick), last + 1)
                yield last, picture.planes
                task.tell(VideoProgress("base", 1, 0.0, 0.0, share=_READ))

        packets, factor = [], self._factor(options)
        for packet in encode(self._encoder, _settings(header), frames(), options.effort, factor, options.threads):
            packets.append(packet)
            task.tell(VideoProgress("base", 0, 0.0, 0.0, share=1 - _READ))
        return packets


class _Fit:
    """Fits the groups of a chain, each in its share of the time and for its share of the stream."""

    def __init__(self, header: Header, task: ChainTask, size: int, states: States) -> None:
        self._depth, self._task, self._size = header.depth, task, size
        self._found = states.candidates if header.private[0] == ARCHIVED else None
        self._pixels = header.width * header.height
        self._begun, self._left = time.monotonic(), task.chain.count

    def group(
        self, base: list[Planes], source: list[Planes], state: filters.State | None
    ) -> tuple[bytes, filters.State | None]:
        """What improves a group, b"" if nothing does, and the state after it."""
        options, count = self._task.options, len(base)
        seconds = None
        if options.seconds is not None:
            seconds = max(options.seconds - (time.monotonic() - self._begun), 0.0) * count / self._left
        found = before = _errors(base, source, self._depth)
        rest = float(count)

        def told(part: float) -> None:
            nonlocal rest
            rest -= part * count
            self._task.tell(VideoProgress("fit", 0, 0.0, 0.0, share=part * count))

        payload, after, better, late, begins = filters.fit(
            base, source, self._depth, state, stream_bytes=self._share(count), effort=options.effort, seconds=seconds,
            candidates=None if self._found is None else [found.state for found in self._found], told=told,
        )  # fmt: skip
        if payload:
            found = _errors(better, source, self._depth)
            gain = [GAIN_STEPS * (psnr(a) - psnr(b)) for a, b in zip(found.mean(0), before.mean(0), strict=True)]
            begun = references.pack(named(begins, self._found or []))
            payload = bytes(min(round(max(g, 0.0)), 255) for g in gain) + begun + payload
            if min(gain) < 0:  # never worse, in any plane
                payload, found = b"", before
                after = filters.apply(base, b"", self._depth, state)[1]
        self._left -= count
        bits = 8 * (self._share(count) + len(payload))
        mean = sum(map(psnr_611, found)) / count
        bpp, late = bits / (self._pixels * count), late and options.seconds != 0
        self._task.tell(VideoProgress("fit", count, mean, bpp, late, rest))
        return payload, after

    def _share(self, count: int) -> int:
        """Bytes of the stream for so many frames."""
        return max(self._size * count // self._task.chain.count, 1)


def groups(count: int, header: Header) -> list[int]:
    """How many frames each group of a chain has: as equal as may be."""
    parts = -(-count // largest_group(header))
    return [count * (i + 1) // parts - count * i // parts for i in range(parts)]


def _errors(found: Sequence[Planes], wanted: Sequence[Planes], depth: int) -> np.ndarray:
    """Mean squared errors of Y, U and V of each picture."""
    return np.array([errors(a, b, depth) for a, b in zip(found, wanted, strict=True)])


def _shown(planes: Planes, header: Header) -> Planes:
    """What is to be seen of a stored picture: upright, without the rows and columns that fill it up."""
    assert header.stream is not None
    code = header.stream.turn
    if code:
        planes = turned(planes, Turn(bool(code & 1), bool(code & 2), bool(code & 4)))
    sizes = standard.layout_of(header).sizes(header.height, header.width)
    y, u, v = (p[:h, :w] for p, (h, w) in zip(planes, sizes, strict=True))
    if any(p.shape != size for p, size in zip((y, u, v), sizes, strict=True)):
        raise FormatError("its stream holds smaller pictures than its head says; get a whole copy of the file")
    return y, u, v


def _settings(header: Header) -> Settings:
    stream = header.stream
    assert stream is not None and header.rate is not None
    size = stream.width, stream.height
    return Settings(*size, standard.layout_of(header), header.color, header.rate, stream.tick, stream.aspect)
