"""Ours and other people's codecs alike: what encodes an item to the bytes of a real file, and what decodes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from codec import api, media
from codec.media.audio import Audio
from codec.peers import AUDIO_PEERS, PEERS
from codec.specs import Spec

OURS = {"s2lic": "q", "circuit": "e"}
_OPTIONS = {"q": "quality", "e": "effort"}


def known(kind: str) -> dict[str, str]:
    """The codecs for "image" or "audio" and the key that each takes, as codec.specs.parse wants it."""
    peers = AUDIO_PEERS if kind == "audio" else PEERS
    return {**({} if kind == "audio" else OURS), **{name: peer.key for name, peer in peers.items()}}


class Coder(NamedTuple):
    """`decode(encode(item))` is the decoded item. `settings`: the encoder's, in words; `suffix`: of its files."""

    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]
    device: str
    settings: str
    suffix: str


def image_coder(spec: Spec, path: Path, info: media.Info, device: str) -> Coder:
    """For frames [H, W, C] of the picture at `path`."""
    if spec.codec in PEERS:
        peer = PEERS[spec.codec]
        return Coder(
            lambda frame: peer.encode(frame, spec.value), lambda data: peer.decode(data, info.channels), "cpu",
            peer.description, peer.suffix,
        )  # fmt: skip
    options: dict[str, Any] = (
        {_OPTIONS[spec.key]: spec.value if spec.key == "q" else int(spec.value)} if spec.key else {}
    )

    def encode(frame: Any) -> bytes:
        # An array can't say that its samples have 10 or 12 bits: then reading the file is part of the time.
        source = frame if info.depth in (8, 16) else path
        return api.encode(source, spec.codec, device=device, strip=True, **options)

    return Coder(encode, lambda data: next(api.decode(data, device=device).frames()), device, "", ".ncf")


def audio_coder(spec: Spec, original: Audio) -> Coder:
    """For samples; what is decoded is not aligned yet."""
    peer = AUDIO_PEERS[spec.codec]
    return Coder(
        lambda audio: peer.encode(audio, spec.value),
        lambda data: peer.decode(data, original.rate, len(original.samples)),
        "cpu", peer.description, peer.suffix,
    )  # fmt: skip
