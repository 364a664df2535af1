"""Ours and other people's codecs alike: what encodes an item to the bytes of a real file, and what decodes them."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from codec import __version__, api, codecs, media, originals, video
from codec.codecs.base import Descriptor, Variant
from codec.codecs.options import Target, VideoOptions
from codec.errors import CodecError
from codec.evaluate.clip import Clip
from codec.evaluate.specs import ARCHIVE, Spec
from codec.installation import version_of
from codec.media.audio import Audio
from codec.media.formats import recognise
from codec.media.jpeg_bits import kind_of
from codec.media.signatures import HEAD
from codec.media.video import Layout, Planes, read_video
from codec.peers import AUDIO_PEERS, JPEG_FILES, PEERS
from codec.peers import require as require_peer
from codec.peers.ffmpeg import pyav
from codec.peers.tried import tried
from codec.peers.video import VIDEO
from codec.standard.export import export
from codec.urls import Place

_INTRA = "-intra"
_OPTIONS = {"q": "quality", "e": "effort"}


def known(kind: str) -> dict[str, str]:
    """The codecs for "image", "audio" or "video" and the key that each takes, as codec.evaluate.specs.parse wants it.

    `s2lic-e5` is s2lic at this effort, `s2lic-ssim` tuned; `jpeg-file` keeps a JPEG itself, as `lepton` and `jxl-jpeg`
    do. Of videos, an encoder of others with "-intra" has key frames only. `nirvana-x265` is nirvana over that base,
    `base-x265` the base alone in an mp4, as nirvana has it; `nirvana-e1`, `nirvana-x265-e1` are of that effort;
    `archive-nirvana` is nirvana with all videos in one archive.
    """
    ours = {name: variant.key for name, (_, variant) in _variants(kind).items()}
    if kind == "video":
        ours |= {ARCHIVE + name: each.key for name, (_, each) in _variants(kind).items() if not each.export}
    if kind == "video":
        peers = {name: peer.key for name, peer in VIDEO.items()}
        return ours | peers | {f"{name}{_INTRA}": key for name, key in peers.items() if key}
    if kind == "audio":
        return {name: peer.key for name, peer in AUDIO_PEERS.items()}
    return ours | {name: peer.key for name, peer in PEERS.items()} | dict.fromkeys(JPEG_FILES, "")


def require(name: str, kind: str) -> None:
    """CodecError if a codec of this name is somebody else's and not installed, with the line that installs it."""
    if kind != "video":
        require_peer(name)
    elif name.removesuffix(_INTRA) in VIDEO:
        VIDEO[name.removesuffix(_INTRA)].require()


class Jpeg(NamedTuple):
    """A JPEG file: its bytes, and how it was coded, in words ("" if that isn't known)."""

    size: int
    kind: str


class Coder(NamedTuple):
    """`decode(encode(item))` is the decoded item. `settings`: the encoder's, in words, with its version; `suffix`: of
    its files; `file`: what it makes smaller, if it is no picture that it encodes."""

    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]
    device: str
    settings: str
    suffix: str
    file: Jpeg | None = None


def image_coder(spec: Spec, path: Place, info: media.Info, device: str) -> Coder:
    """The coder for frames [H, W, C] of the picture at `path`."""
    if spec.codec in PEERS:
        peer = PEERS[spec.codec]
        return Coder(
            lambda frame: tried(spec.codec, lambda: peer.encode(frame, spec.value)),
            lambda data: tried(spec.codec, lambda: peer.decode(data, info.channels)),
            "cpu", peer.description, peer.suffix,
        )  # fmt: skip
    if spec.codec in JPEG_FILES:
        kept = JPEG_FILES[spec.codec]
        return _file_coder(path, info, kept.encode, kept.decode, kept.description, kept.suffix)
    codec, variant = _variants("image")[spec.codec]
    if codec.files is not None:
        return _file_coder(
            path, info, lambda data: api.encode(data, codec.name), lambda data: api.decode(data).original, versions(),
            ".ncf",
        )  # fmt: skip
    options: dict[str, Any] = dict(variant.settings)
    if spec.key:
        options[_OPTIONS[spec.key]] = spec.value if spec.key == "q" else int(spec.value)

    def encode(frame: Any) -> bytes:
        # An array can't say that its samples have 10 or 12 bits: then reading the file is part of the time.
        source = frame if info.depth in (8, 16) else path
        return api.encode(source, codec.name, device=device, strip=True, **options)

    return Coder(encode, lambda data: next(api.decode(data, device=device).frames()), device, versions(), ".ncf")


def _file_coder(
    path: Place, info: media.Info, encode: Callable[[bytes], bytes], decode: Callable[[bytes], bytes | None],
    settings: str, suffix: str,
) -> Coder:  # fmt: skip
    """The coder for a JPEG file itself, which must come back byte for byte."""
    data = originals.content(path)
    if recognise(data[:HEAD]) != "JPEG":
        raise CodecError(f"{path} is no JPEG, which this codec makes smaller; leave it out")

    def decoded(made: bytes) -> Any:
        if decode(made) != data:
            raise CodecError(f"{path} doesn't come back as it was; leave this codec out")
        return next(media.read(data)[1])

    return Coder(lambda frame: encode(data), decoded, "cpu", settings, suffix, Jpeg(len(data), kind_of(data)))


@cache
def versions(ffmpeg: bool = False) -> str:
    """The versions behind our own codecs."""
    return f"neural-codec {__version__}, torch {version_of('torch')}" + (f", {pyav()}" if ffmpeg else "")


def audio_coder(spec: Spec, original: Audio) -> Coder:
    """The coder for sound; what is decoded is not aligned yet."""
    peer = AUDIO_PEERS[spec.codec]
    return Coder(
        lambda audio: peer.encode(audio, spec.value),
        lambda data: peer.decode(data, original.rate, len(original.samples)),
        "cpu", peer.description, peer.suffix,
    )  # fmt: skip


def video_coder(spec: Spec, clip: Clip, device: str) -> Coder:
    """The coder for a Clip, which is decoded to a list of planes; the sound is no part of it."""
    info = clip.info
    name = spec.codec.removesuffix(_INTRA)
    if name in VIDEO:
        peer, intra = VIDEO[name], spec.codec != name

        def encode_peer(clip: Clip) -> bytes:
            assert info.rate is not None
            planes = (picture.planes for picture in clip.pictures)
            return peer.encode(planes, info.color, info.rate, spec.value, intra=intra)

        def decode_peer(data: bytes) -> list[Planes]:
            return list(peer.decode(data, info.height, info.width, info.color))

        return Coder(encode_peer, decode_peer, "cpu", peer.description(intra=intra), ".mkv")
    codec, variant = _variants("video")[spec.codec]
    return (_base_alone if variant.export else _our_video)(codec, _options(spec, variant, clip), clip, device)


def archived(spec: Spec, clip: Clip) -> tuple[str, VideoOptions]:
    """The codec and the options by which a video becomes a session, by a spec of an archive."""
    codec, variant = _variants("video")[spec.codec.removeprefix(ARCHIVE)]
    return codec.name, _options(spec, variant, clip)


def _options(spec: Spec, variant: Variant, clip: Clip) -> VideoOptions:
    return replace(VideoOptions(Target(quality=spec.value), frames=len(clip.pictures)), **variant.settings)


def _variants(kind: str) -> dict[str, tuple[Descriptor, Variant]]:
    """Ours by the names of specs: "nirvana-x265", "s2lic-e5", ..."""
    found: dict[str, tuple[Descriptor, Variant]] = {}
    for codec in codecs.all_codecs().values():
        media = codec.videos if kind == "video" else codec.images or codec.files if kind == "image" else None
        found |= {name: (codec, variant) for name, variant in media.variants.items()} if media else {}
    return found


def _our_video(codec: Descriptor, options: VideoOptions, clip: Clip, device: str) -> Coder:
    def encode(clip: Clip) -> bytes:
        buffer = io.BytesIO()
        video.encode(clip.video(), buffer, codec.name, options=options, device=device)
        return buffer.getvalue()

    def decode(data: bytes) -> list[Planes]:
        return [picture.planes for picture in video.open_file(io.BytesIO(data), device=device).pictures()]

    return Coder(encode, decode, device, settings_of(options), ".ncf")


def settings_of(options: VideoOptions) -> str:
    """How a video is encoded, in words."""
    return f"{versions(ffmpeg=True)} effort {options.effort} over {options.base}" if options.base else versions()


def _base_alone(codec: Descriptor, options: VideoOptions, clip: Clip, device: str) -> Coder:
    """The same standard stream, as an mp4."""
    ours = _our_video(codec, options, clip, device)

    def encode(clip: Clip) -> bytes:
        file, buffer = video.open_file(io.BytesIO(ours.encode(clip))), io.BytesIO()
        export(file.header, file.packets, buffer, "mp4")
        return buffer.getvalue()

    def decode(data: bytes) -> list[Planes]:
        height, width = clip.info.height, clip.info.width
        shown = read_video(data, audio=False).pictures()
        cut = Layout().sizes(height, width)
        return [tuple(p[:h, :w] for p, (h, w) in zip(s.planes, cut, strict=True)) for s in shown]  # type: ignore[misc]

    return Coder(encode, decode, "cpu", f"{versions(ffmpeg=True)} {options.base} effort {options.effort}", ".mp4")
