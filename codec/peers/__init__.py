"""Other people's codecs, for evaluation only: real files, counted in bytes like ours."""

from codec.peers.audio import AUDIO
from codec.peers.heic import Heic
from codec.peers.jpeg_files import JPEG_FILES
from codec.peers.pillow import PILLOW
from codec.peers.zoo import MODELS, ZooModel
from codec.requirements import require as _require

__all__ = ["AUDIO_PEERS", "JPEG_FILES", "PEERS", "require"]

PEERS = PILLOW | {"heic": Heic()} | {name: ZooModel(name) for name in MODELS}
AUDIO_PEERS = AUDIO


def require(name: str) -> None:
    """CodecError if a peer of this name is not installed, with the line that installs it."""
    if name in PEERS:
        _require(name, PEERS[name].needs)
    elif name in JPEG_FILES:
        _require(name, JPEG_FILES[name].needs)
    elif name in AUDIO_PEERS:
        AUDIO_PEERS[name].require()
