"""Other people's codecs, for evaluation only: real files made by Pillow, counted in bytes like ours."""

from codec.peers.pillow import PILLOW, PillowCodec

PEERS = PILLOW


def open_peer(name: str) -> PillowCodec:
    """The peer codec of this name, ready to use; KeyError if there is none, CodecError if it is not installed."""
    peer = PILLOW[name]
    peer.require()
    return peer
