"""A video whose base is the source's own stream. The networks would repair towards nothing, so there are none."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice
from operator import itemgetter
from typing import IO

from codec import container
from codec.codecs.nirvana import CODEC
from codec.codecs.nirvana.head import KEPT_FRAMES, pack_private
from codec.codecs.options import VideoProgress
from codec.container import Header, Limits, Unit
from codec.errors import FormatError, MediaError
from codec.media import MAX_PIXELS
from codec.media.video import Planes
from codec.standard.decode import checksum, decode
from codec.standard.keep import OTHERWISE, Kept
from codec.standard.packets import Packet, begins_chain, pack

_BYTES = 2**24  # of a unit's packets, at most


def write(
    kept: Kept, fp: IO[bytes], *, max_pixels: int = MAX_PIXELS, tell: Callable[[VideoProgress], None] | None = None
) -> tuple[Header, int]:
    """Write a file of the stream and return its header and how many frames it has."""
    info, frames = kept.info, 0
    header = Header(
        codec=CODEC.id, revision=CODEC.revision, width=info.width, height=info.height, depth=info.depth, frames=0,
        rate=info.rate, color=info.color, private=pack_private(None, 0, 0), metadata=info.metadata, stream=kept.stream,
    )  # fmt: skip

    def units() -> Iterator[Unit]:
        nonlocal frames
        last = -1  # a time
        pictures, again = decode(header, kept.packets()), by_chains(header, runs(kept.packets()))
        for number, packets in enumerate(runs(kept.packets())):
            shown, other = (list(islice(found, len(packets))) for found in (pictures, again))
            times, sums = [time for time, _ in shown], [checksum([planes for _, planes in s]) for s in (shown, other)]
            if times != sorted({last + 1, *times})[-len(times) :] or times != [time for time, _ in other]:
                raise MediaError(f"its packets' times are not those of its pictures (so it is in AVI); {OTHERWISE}")
            if sums[0] != sums[1]:
                raise MediaError(f"its key frames can't be decoded without what is before them; {OTHERWISE}")
            frames, last = frames + len(packets), times[-1]
            yield Unit(number, sums[0], 0, b"", len(packets), pack(packets))
            if tell:
                tell(VideoProgress("base", len(shown), 0.0, 0.0))
        for rest in (pictures, again):
            deque(rest, 0)  # to their ends, where their errors are

    try:
        container.write(fp, header, units(), Limits(pixels=max_pixels))
    except FormatError as error:
        cause = str(error).partition(";")[0]
        raise MediaError(f"it can't be decoded from each of its key frames on ({cause}); {OTHERWISE}") from error
    return header, frames


def by_chains(header: Header, units: Iterable[list[Packet]]) -> Iterator[tuple[int, Planes]]:
    """The pictures of units' packets as they are decoded from the file: each chain by itself."""

    def numbered() -> Iterator[tuple[int, Packet]]:
        chain = 0
        for packets in units:
            chain += begins_chain(packets)
            yield from ((chain, packet) for packet in packets)

    for _, chain in groupby(numbered(), itemgetter(0)):
        yield from decode(header, (packet for _, packet in chain))


def runs(packets: Iterator[Packet]) -> Iterator[list[Packet]]:
    """The packets of each unit: from a key packet to the next one, if it doesn't become too large."""
    run: list[Packet] = []
    for packet in packets:
        if run and (packet.key or len(run) == KEPT_FRAMES or sum(len(p.data) for p in run) > _BYTES):
            yield run
            run = []
        run.append(packet)
    if run:
        yield run
