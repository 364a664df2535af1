"""What a codec is to the rest of the package, and what they exchange.

A codec is a folder beside this file whose `__init__.py` has a `CODEC`, a Descriptor: light, without torch. What it
opens is an ImageCodec or a VideoCodec, which goes between pictures and units; files are other people's work
(codec.container, codec.api, codec.video). How to add one: docs/architecture.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Protocol

from codec.codecs.options import DEFAULT_QUALITY, EFFORTS, ImageOptions, VideoOptions, VideoProgress

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from codec.codecs.partial import Damage, Found
    from codec.container import Header, Unit
    from codec.errors import CodecError
    from codec.media import Info
    from codec.media.look import Look
    from codec.media.video import Layout, Picture
    from codec.standard.keep import Kept
    from codec.view import View

Progress = Callable[[int, int], None]  # told (steps done, steps in all)
Tell = Callable[[VideoProgress], None]
Keep = Callable[["Kept", IO[bytes], int, Tell | None], "tuple[Header, int]"]  # to a file, with a limit of pixels
Spared = Callable[["CodecError", int, int], None]  # told what is wrong with frames, the first one, how many


class ImageCodec(Protocol):
    """Encodes and decodes one picture at a time with one set of weights on one device."""

    def encode(
        self, info: Info, frames: Iterable[NDArray[Any]], options: ImageOptions, progress: Progress | None = None
    ) -> tuple[Header, Iterator[Unit]]:
        """Header and units of the one picture in `frames`, [H, W, 1..4], uint8 (depth 8) or uint16 (9 to 16)."""
        ...

    def needs(self, header: Header, view: View) -> Collection[int]:
        """The numbers of the units that a view of a picture is decoded from; FormatError for a header."""
        ...

    def decode(
        self, header: Header, units: Iterable[Found | None], progress: Progress | None = None,
        damage: Damage | None = None, view: View | None = None,
    ) -> Iterator[NDArray[Any]]:  # fmt: skip
        """The picture of a file whose header names these weights, [H, W, channels]; or a `view` of it, for which units
        that it doesn't need may be None. As it is, a view is bit for bit what the whole picture has there.

        Header and number of units are checked at once (FormatError), units when the picture is asked for (DesyncError,
        too). With `damage`, what is wrong with units goes there, and their pixels are mid-grey and opaque.
        """
        ...


class BatchedImages(ImageCodec, Protocol):
    """One that can decode in two halves: what is best done of each picture, then what a GPU does best of many."""

    def begin(self, header: Header, units: Iterable[Found | None]) -> Any | None:
        """The first half of a picture, picklable; None for one that is decoded whole. Raises what `decode` does."""
        ...

    def finish(self, begun: Sequence[Any]) -> list[Tensor]:
        """Pictures, uint8 [3, H, W], on the codec's device: as `decode` has them, but for rounding a level off."""
        ...


class Coded(NamedTuple):
    """A picture that was encoded with loss, and what a decoder makes of it, [H, W, channels], computed when that is
    asked for first."""

    header: Header
    units: Sequence[Unit]
    frame: Callable[[], NDArray[Any]]


class Trials(Protocol):
    """Encodes one picture again and again; what no quality changes is computed once."""

    def __call__(self, quality: float, quick: bool = False, progress: Progress | None = None) -> Coded:
        """The picture at a quality; `quick`: at the least effort, for a first look."""
        ...


class LossyImages(ImageCodec, Protocol):
    """One that can be asked for a target: its ImageMedia has something `typical`."""

    steps: int  # a quality is a multiple of 100 / steps

    def trials(self, info: Info, frame: NDArray[Any], options: ImageOptions) -> Trials:
        """Encodings of a picture at other qualities than that of the options."""
        ...


class FileCodec(Protocol):
    """Keeps image files of a format byte for byte, with one set of weights on one device."""

    def encode(
        self, data: bytes, options: ImageOptions, progress: Progress | None = None, max_pixels: int = 2**28
    ) -> tuple[Header, Iterator[Unit]]:
        """Header and units of a file; MediaError in a line that says why, where it can't be kept. What the header says
        of the picture is what a reader of the file makes of it."""
        ...

    def decode(self, header: Header, units: Iterable[Found], progress: Progress | None = None) -> bytes:
        """The file again. FormatError and DesyncError as of ImageCodec; no part can be had of a damaged one."""
        ...


class Chain(NamedTuple):
    """Frames `first` to `first` + `count` - 1 of a video, which are coded without any others."""

    first: int
    count: int  # type: ignore[assignment]  # (hides tuple.count)


@dataclass(frozen=True)
class ChainTask:
    """A chain to be encoded: its pictures, from the first one again with each call, and how. The target of the options
    is a quality, their time is that of this chain."""

    chain: Chain
    pictures: Callable[[], Iterator[Picture]]
    options: VideoOptions
    tell: Callable[[VideoProgress], None]


class EarlierSession(NamedTuple):
    """A session of an archive, as those that come after it may use it. Its pictures are not to be had here."""

    header: Header
    unit: Callable[[int], Unit]  # 0, 1, ...: a unit of its own; FormatError for one that isn't whole
    units: int  # how many it has, which may be none
    earlier: Earlier  # what its own units may be coded against


class Earlier(Protocol):
    """The sessions of an archive that come before the one that is coded, which its units may be coded against.

    Picklable and small: what is read is read when it is asked for. A session is named by its distance, how many
    sessions back it is: 1 is the one before.
    """

    @property
    def count(self) -> int:
        """How many there are; none is further back."""
        ...

    def session(self, distance: int) -> EarlierSession:
        """The session of this distance, 1 to `count`; FormatError for any other, and for one that is damaged."""
        ...


class VideoCodec(Protocol):
    """Encodes or decodes chains of at most `length` frames."""

    length: int
    steps: int  # of a SearchableCodec: a quality is a multiple of 100 / steps; of others 0

    def header(self, info: Info, options: VideoOptions) -> Header:
        """The header of a video to be encoded at a quality; the number of frames is left open."""
        ...

    def encode(self, header: Header, task: ChainTask, done: Sequence[Unit]) -> Iterator[Unit]:
        """A chain's units, numbered from 0; without the first of them, if an interrupted run made these already."""
        ...

    def decode(
        self, header: Header, units: Iterable[Unit], first: int = 0, spared: Spared | None = None
    ) -> Iterator[Picture]:
        """The pictures of a chain's units, the first of which has the number `first` in the video.

        `spared` is told of frames that are not whole and still can be shown; without it they are an error.
        """
        ...


class SearchableCodec(VideoCodec, Protocol):
    """One that is quick enough to look for the quality that reaches another target."""

    def trial(self, header: Header, task: ChainTask, fitted: bool) -> tuple[int, float]:
        """Bytes of a chain, about, and the sum of its frames' PSNR (6:1:1); before anything is fitted, or after."""
        ...

    def quality(self, header: Header) -> float:
        """The quality that a file was made with."""
        ...


class Setting(NamedTuple):
    """One thing that an encoding may be told: its default and, if it's none of all numbers, its choices."""

    default: float | str | bool | None = None
    choices: tuple[str, ...] = ()


QUALITY = Setting(DEFAULT_QUALITY)
VERIFY = Setting(True)
TARGET = Setting()


def effort(default: int) -> Setting:
    """The setting that every codec's `effort` is."""
    return Setting(default)


def effort_suffixes(default: int) -> dict[str, int]:
    """What names of variants end with, and the effort that it means: the default one without, `-e1` to `-e9`."""
    return {"": default, **{f"-e{n}": n for n in range(1, EFFORTS + 1)}}


class Typical(NamedTuple):
    """What photos of three colours come to on average at some qualities, from 0 to 100: bits per pixel, and in dB PSNR
    and MS-SSIM. First guesses are made of it."""

    qualities: tuple[float, ...]
    bpp: tuple[float, ...]
    psnr: tuple[float, ...]
    ssim: tuple[float, ...]


class Expected(NamedTuple):
    """What an encoding will take, about: bytes of its file, seconds of one core, and whether several share those."""

    bytes: float
    seconds: float
    shared: bool


class Variant(NamedTuple):
    """A codec as an evaluation names it: the key of its spec (codec.evaluate.specs.KEYS), and what is told besides.

    `export`: of a video the standard stream alone, as an mp4.
    """

    key: str
    settings: Mapping[str, Any] = {}
    export: bool = False


class UnitsDescription(NamedTuple):
    """What a file's units are: plain values for JSON, rows for people, and a remark on each unit ("" for none)."""

    values: dict[str, Any]
    rows: dict[str, str]
    remarks: list[str]


def no_values(header: Header) -> dict[str, Any]:
    """The `values` of a codec with nothing to say of its private bytes."""
    return {}


def no_description(header: Header, units: Sequence[Unit]) -> UnitsDescription:
    """The `describe` of a codec with nothing to say of its units."""
    return UnitsDescription({}, {}, [""] * len(units))


class Origin(NamedTuple):
    """What networks of a unit begin from: those after a unit of an earlier session. `part`: which of them do, in a
    word; "" for all."""

    distance: int  # how many sessions back
    unit: int
    part: str = ""


def no_origins(header: Header, unit: Unit) -> Sequence[Origin]:
    """The `origins` of a codec that codes nothing against earlier sessions."""
    return ()


def no_reuse(header: Header, unit: Unit, earlier: Earlier) -> tuple[int, int]:
    """The `reused` of the same."""
    return 0, 0


def no_check(header: Header, units: Sequence[Unit]) -> None:
    """The `check` of a codec that looks at its files only when it decodes them."""


def no_quality(header: Header) -> float | None:
    """The `quality` of a codec whose heads don't say it."""
    return None


def has_frames(header: Header, unit: Unit) -> bool:
    """Whether a chain starts with a unit, where every picture stands alone and begins in its first unit."""
    return unit.frames > 0


@dataclass(frozen=True)
class ImageMedia:
    """How a codec does images. `open`: on a device, by a file's fingerprint or, to encode, with a file of weights
    (None: the default ones). `settings`: those of ImageOptions that it takes. `typical`: of one that opens LossyImages.
    `expected`: without torch; None if nothing is known. `batched`: whether it opens BatchedImages."""

    open: Callable[[bytes | Path | None, str], ImageCodec]
    settings: Mapping[str, Setting]
    variants: Mapping[str, Variant]
    typical: Typical | None = None
    expected: Callable[[Look, ImageOptions], Expected] | None = None
    batched: bool = False


@dataclass(frozen=True)
class FileMedia:
    """How a codec keeps image files. `formats`: those of codec.media.formats that it takes; `suffixes`: of their names,
    the first for new ones; the others: as of ImageMedia."""

    open: Callable[[bytes | Path | None, str], FileCodec]
    formats: tuple[str, ...]
    suffixes: tuple[str, ...]
    settings: Mapping[str, Setting]
    variants: Mapping[str, Variant]
    expected: Callable[[Look, ImageOptions], Expected] | None = None


@dataclass(frozen=True)
class VideoMedia:
    """How a codec does videos. `settings`: those of VideoOptions that it takes. `starts_chain`: whether decoding can
    begin with a unit. `quality`: that a video was made with, 0 to 100, if its head says it. `origins`: what a unit has
    of earlier sessions of its archive. `reused`: how many weights of the networks that begin from those are as they
    are there, and how many these networks use. `keep`: writes a file of a standard stream as it is.

    An encoder is given those sessions in `VideoOptions.earlier`, a decoder as its last argument; None: there are none,
    and a decoder raises FormatError for a unit that needs one.
    """

    encoder: Callable[[Info, VideoOptions, str], VideoCodec]
    decoder: Callable[[Header, str, bool, Earlier | None], VideoCodec]  # bool: the stream's pictures as they are
    layouts: Callable[[VideoOptions], tuple[Layout, ...]]
    settings: Mapping[str, Setting]
    variants: Mapping[str, Variant]
    # Those of VideoProgress that an encoding goes through, in order, and about what a frame takes in each.
    stages: Callable[[VideoOptions], Mapping[str, float]]
    starts_chain: Callable[[Header, Unit], bool] = has_frames
    origins: Callable[[Header, Unit], Sequence[Origin]] = no_origins  # without torch
    quality: Callable[[Header], float | None] = no_quality  # without torch
    reused: Callable[[Header, Unit, Earlier], tuple[int, int]] = no_reuse
    keep: Keep | None = None

    def needs(self, header: Header, unit: Unit) -> frozenset[int]:
        """The distances of the earlier sessions that a unit is coded against."""
        return frozenset(one.distance for one in self.origins(header, unit))


@dataclass(frozen=True)
class Descriptor:
    """A codec's entry: what everything that lists codecs or opens one asks.

    `id` is its number in files, never reused (codec/FORMAT.md lists them); `revision` changes when the meaning of its
    bits does. `default_for`: those of "image", "lossless" and "video" that it is chosen for where none is named.
    `archives`: `codec encode` makes one archive of all videos that it is chosen for.
    `check` raises FormatError for a head or units that no encoder writes, as far as can be told without decoding; it is
    given all units of an image, and any number of a video's. `training`: subcommands of `codec train`, each with the
    module whose `main` it runs.
    """

    name: str
    id: int
    revision: int
    title: str
    lossless: bool = False
    default_for: tuple[str, ...] = ()
    archives: bool = False
    images: ImageMedia | None = None
    files: FileMedia | None = None
    videos: VideoMedia | None = None
    weights: str = ""  # the file in assets/ that encodes by default
    other_weights: Mapping[str, str] = field(default_factory=dict)  # by name: what they encode in its place
    check: Callable[[Header, Sequence[Unit]], None] = no_check  # without torch
    dense: int = 2**17  # pixels of a frame, beyond those of any file, for each byte of units: none is ever so small
    values: Callable[[Header], dict[str, Any]] = no_values  # of the private bytes, without torch
    describe: Callable[[Header, Sequence[Unit]], UnitsDescription] = no_description  # without torch
    training: Mapping[str, str] = field(default_factory=dict)
    fast: Callable[[], object] | None = None  # what the extra `fast` brings: raises what keeps it from working
