"""Other people's codecs, for evaluation only: real files made by Pillow, counted in bytes like ours."""

from codec.peers.pillow import PILLOW, PillowCodec

PEERS = sorted(PILLOW)


def open_peer(name: str) -> PillowCodec:
    """The peer codec of this name; KeyError if there is none."""
    return PILLOW[name]
