"""A video whose base is the source's own stream. The networks would repair towards nothing, so there are none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import IO

from codec import container
from codec.codecs.nirvana import CODEC
from codec.codecs.nirvana.head import pack_private
from codec.codecs.options import VideoProgress
from codec.container import Header, Limits, Unit
from codec.media import MAX_PIXELS
from codec.standard.decode import checksum, decode
from codec.standard.keep import Kept
from codec.standard.packets import Packet, pack

_PACKETS, _BYTES = 512, 2**24  # of a unit, at most


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
        pictures = decode(header, kept.packets())
        for number, packets in enumerate(runs(kept.packets())):
            shown = [planes for _, planes in islice(pictures, len(packets))]
            frames += len(packets)
            yield Unit(number, checksum(shown), 0, b"", len(packets), pack(packets))
            if tell:
                tell(VideoProgress("base", len(shown), 0.0, 0.0))

    container.write(fp, header, units(), Limits(pixels=max_pixels))
    return header, frames


def runs(packets: Iterator[Packet]) -> Iterator[list[Packet]]:
    """The packets of each unit: from a key packet to the next one, if it doesn't become too large."""
    run: list[Packet] = []
    for packet in packets:
        if run and (packet.key or len(run) == _PACKETS or sum(len(p.data) for p in run) > _BYTES):
            yield run
            run = []
        run.append(packet)
    if run:
        yield run
