"""Adapter of S2LIC (arXiv 2403.14471): pictures to units and back.

    frame -> tiles -> g_a (float32) -> y, z -> code_latents (float64, range coder) -> Unit
    Unit -> code_latents -> y_hat -> g_s (float32, halo of the neighbours' y_hat) -> frame

What the coder's tables depend on is computed in float64 and turned into integers whose edges the encoder has
checked; the decoder never rounds a float to a symbol.
"""

import contextlib
import json
import math
import struct
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from codec import tiling, weights
from codec.container import CODEC_IDS, Header, Unit
from codec.entropy import Coder, Decoder, Encoder, Tables, gaussian_tables, tables_from_pmfs
from codec.errors import CodecError, DesyncError, FormatError
from codec.media import Info
from codec.models.acgc import EntropyModel
from codec.models.config import Config
from codec.models.prior import SCALE_MIN
from codec.models.s2lic import PATCH, S2LIC, pad_to

NAME = "s2lic"
REVISION = 0
DEFAULT_WEIGHTS = "s2lic-xs"
QUALITY_STEPS = 256  # quality is stored in steps of 1/256

SCALES = 64  # tables of y, log-spaced from SCALE_MIN to SCALE_MAX
SCALE_MAX = 64.0
SCALE_STEP = math.log(SCALE_MAX / SCALE_MIN) / (SCALES - 1)
PHASES = 4
MARGIN = 2.0**-30  # of a bin: float64 differs between machines by 1e-13 at most (measured)


class TooClose(Exception):
    """A scale lies too near the edge of its bin: another machine might round it the other way."""


def scale_index(sigma: Tensor, phase: int, checked: bool) -> np.ndarray:
    """Table index of each sigma (float64); bins are shifted by phase / 4. `checked`: raise TooClose at an edge."""
    at = (sigma.clamp(min=1e-9) / SCALE_MIN).log() / SCALE_STEP + phase / PHASES
    if checked:
        edge = at.round().clamp(1, SCALES - 1)  # below 1 all is table 0, above 63 all is table 63
        if bool(((at - edge).abs() < MARGIN).any()):
            raise TooClose
    return at.floor().clamp(0, SCALES - 1).to(torch.uint8).cpu().numpy()


def build_tables(model: EntropyModel) -> tuple[Tables, Tables]:
    """Integer tables of z (one a channel) and of y (one a scale bin), built once when weights are exported."""
    # The centre of each bin at phase 0, which nearly all units have; bin 0 holds what is clamped to SCALE_MIN.
    scales = [SCALE_MIN * math.exp((k + 0.5 if k else 0) * SCALE_STEP) for k in range(SCALES)]
    pmfs = model.prior.pmfs()
    return tables_from_pmfs([p for _, p in pmfs], [first for first, _ in pmfs]), gaussian_tables(scales)


def code_latents(
    model: EntropyModel,
    tables: tuple[Tables, Tables],
    coder: Coder,
    q: Tensor,
    shape: tuple[int, int],
    phase: int,
    latents: tuple[Tensor, Tensor] | None,
) -> Tensor:
    """One tile's coding pass, the same in both directions.

    `shape`: rows and columns of y, multiples of 4. `latents`: (y scaled, z scaled) when encoding, else None.
    Returns y_hat [1, M, *shape], float64. Raises TooClose when encoding with an unsafe phase, FormatError
    when decoded values make no sense.
    """
    y, z = latents or (None, None)
    device = q.device
    n = model.config.hyper
    z_shape = (n, shape[0] // 4, shape[1] // 4)
    channel = np.broadcast_to(np.arange(n)[:, None, None], z_shape)
    symbols = coder.code(_symbols(z[0]) if z is not None else None, channel, tables[0])
    hyper = model.hyper(torch.from_numpy(symbols).to(device, torch.float64)[None], q)

    def quantize(i: int, cells: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
        here = cells[0, 0]
        m, s = mu[0][:, here], sigma[0][:, here]  # [c, cells]
        if not bool(torch.isfinite(s).all() & torch.isfinite(m).all()):
            raise FormatError("the latents are damaged; get a whole copy of the file")
        index = scale_index(s, phase, checked=y is not None)
        values = _symbols(y[0, model.config.channels(i)][:, here] - m) if y is not None else None
        values = coder.code(values, index, tables[1])
        out = torch.zeros_like(mu)
        out[0][:, here] = torch.from_numpy(values).to(device, torch.float64) + m
        return out

    return model.decode(hyper, q, quantize)


def _symbols(v: Tensor) -> np.ndarray:
    """Nearest integers as int32 (values of photos are far inside its range)."""
    return v.round().clamp(-(2**30), 2**30).to(torch.int32).cpu().numpy()


class Codec:
    """S2LIC with one set of weights on one device."""

    name = NAME
    id = CODEC_IDS[NAME]
    revision = REVISION

    def __init__(self, path: Path, device: str = "cpu") -> None:
        self.device = torch.device(device)
        self.fingerprint = weights.fingerprint(path)
        self.model, self.tables = load(path)
        self.entropy = self.model.entropy_model().to(self.device)
        self.model.to(self.device)

    def encode(self, info: Info, frames: Iterable[np.ndarray], quality: float) -> tuple[Header, Iterator[Unit]]:
        """Header and units of one picture, uint8 [H, W, 1 or 3]; quality 0..100."""
        if not 0 <= quality <= 100:
            raise CodecError(f"quality {quality:g} is out of range; give 0 to 100")
        (frame,) = frames
        steps = round(quality * QUALITY_STEPS)
        header = Header(
            codec=self.id, revision=self.revision, width=info.width, height=info.height, channels=info.channels,
            depth=info.depth, color=info.color, fingerprint=self.fingerprint, private=struct.pack("<H", steps),
            metadata=info.metadata,
        )  # fmt: skip
        return header, self._units(frame, self._rate(steps))

    @torch.inference_mode()
    def _units(self, frame: np.ndarray, q: Tensor) -> Iterator[Unit]:
        height, width = frame.shape[:2]
        size = tiling.padded(height), tiling.padded(width)
        for number, tile in enumerate(tiling.tiles(height, width)):
            region = tile.with_halo(*size)
            with _true_float32():
                y = _crop(self.model.analyse(self._pixels(frame, region), q), tile, region)
            z = self.model.hyper_analysis(y, q).double()
            y = y.double() * self.entropy.gain(q.double())
            yield self._unit(number, y, z, q.double())

    def _unit(self, number: int, y: Tensor, z: Tensor, q: Tensor) -> Unit:
        shape = (y.shape[2], y.shape[3])
        for phase in range(PHASES):
            encoder = Encoder()
            try:
                code_latents(self.entropy, self.tables, encoder, q, shape, phase, (y, z))
            except TooClose:
                continue
            return Unit(number, encoder.checksum, phase, encoder.finish())
        raise CodecError("no bin phase is safe at this quality; change it by 0.01")

    @torch.inference_mode()
    def decode(self, header: Header, units: Iterable[Unit]) -> Iterator[np.ndarray]:
        """The picture of a file whose header names these weights: uint8 [H, W, channels]."""
        _check(header)
        q = self._rate(parse_private(header.private))
        tiles = tiling.tiles(header.height, header.width)
        size = tiling.padded(header.height), tiling.padded(header.width)
        y_hat = torch.empty(1, self.model.config.latents, size[0] // PATCH, size[1] // PATCH)
        units = list(units)
        if len(units) != len(tiles):
            raise FormatError(f"has {len(units)} tiles, not {len(tiles)}; get a whole copy of the file")
        for tile, unit in zip(tiles, units, strict=True):
            shape = tile.height // PATCH, tile.width // PATCH
            decoder = Decoder(unit.payload)
            latents = code_latents(self.entropy, self.tables, decoder, q.double(), shape, unit.phase, None)
            if decoder.checksum != unit.checksum:
                raise DesyncError(
                    f"tile {unit.index}: the decoded symbols are not those encoded (device {self.device}, weights "
                    f"{self.fingerprint.hex()}); get a whole copy of the file, or decode with --device cpu"
                )
            decoder.finish()
            _window(y_hat, tile)[:] = latents
        frame = np.empty((header.height, header.width, header.channels), np.uint8)
        for tile in tiles:
            region = tile.with_halo(*size)
            with _true_float32():
                x = self.model.synthesise(_window(y_hat, region).to(self.device), q)
            _place(frame, _crop(x, tile, region, scale=1), tile)
        yield frame

    def _rate(self, steps: int) -> Tensor:
        return torch.tensor([steps / QUALITY_STEPS / 100], device=self.device)

    def _pixels(self, frame: np.ndarray, region: tiling.Tile) -> Tensor:
        """[1, 3, h, w] in 0..1, the picture's last row and column repeated where the region sticks out."""
        part = frame[region.top : region.top + region.height, region.left : region.left + region.width]
        x = torch.from_numpy(np.ascontiguousarray(part)).to(self.device).permute(2, 0, 1)[None].float() / 255
        return pad_to(x.expand(-1, 3, -1, -1), region.height, region.width).contiguous(
            memory_format=torch.channels_last
        )


def _true_float32() -> contextlib.AbstractContextManager[None]:
    """GPU convolutions in float32: by default cuDNN takes TF32, whose 10 bits move pixels by more than a level."""
    return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)


def _check(header: Header) -> None:
    if header.revision != REVISION:
        raise FormatError(f"made by revision {header.revision} of s2lic; install a neural-codec that reads it")
    if header.channels not in (1, 3) or header.depth != 8 or header.frames != 1:
        what = f"{header.channels} channels of {header.depth} bits, {header.frames} frames"
        raise FormatError(f"{what}: not a picture that s2lic codes; get a whole copy of the file")


def parse_private(private: bytes) -> int:
    """Quality in steps of 1/256 from a header's private bytes."""
    if len(private) != 2:
        raise FormatError(f"the s2lic options have {len(private)} bytes, not 2; get a whole copy of the file")
    (steps,) = struct.unpack("<H", private)
    if steps > 100 * QUALITY_STEPS:
        raise FormatError(f"quality {steps / QUALITY_STEPS:g} is out of range; get a whole copy of the file")
    return int(steps)


def _window(t: Tensor, tile: tiling.Tile, scale: int = PATCH) -> Tensor:
    top, left = tile.top // scale, tile.left // scale
    return t[:, :, top : top + tile.height // scale, left : left + tile.width // scale]


def _crop(t: Tensor, tile: tiling.Tile, region: tiling.Tile, scale: int = PATCH) -> Tensor:
    """The tile's part of a map of the region around it."""
    return _window(t, tiling.Tile(tile.top - region.top, tile.left - region.left, tile.height, tile.width), scale)


def _place(frame: np.ndarray, x: Tensor, tile: tiling.Tile) -> None:
    part = frame[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width]
    x = x[0, :, : part.shape[0], : part.shape[1]]
    if part.shape[2] == 1:
        x = x.mean(0, keepdim=True)
    part[:] = (x.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()


def load(path: Path) -> tuple[S2LIC, tuple[Tables, Tables]]:
    """Model (float32, evaluation mode) and coding tables of a weights file; FormatError if it doesn't fit."""
    from safetensors.torch import load_file

    _, metadata, _ = weights.read_header(path)
    try:
        model = S2LIC(Config.from_dict(json.loads(metadata["config"])))
        tensors = load_file(path)
        arrays = {k: v.numpy() for k, v in tensors.items() if k.startswith("tables.")}
        model.load_state_dict({k: v.float() for k, v in tensors.items() if not k.startswith("tables.")})
        tables = [Tables.from_arrays({k: arrays[f"tables.{part}.{k}"] for k in TABLE_KEYS}) for part in "zy"]
    except (KeyError, ValueError, RuntimeError) as e:
        raise FormatError(f"{path}: not the weights of an s2lic model ({str(e).splitlines()[0]})") from None
    return model.eval(), (tables[0], tables[1])


TABLE_KEYS = ("pmf", "sizes", "offsets", "precision")


def export(model: S2LIC, path: Path, description: str) -> None:
    """Write a weights file: parameters in bfloat16, and the coding tables that follow from these very values."""
    from safetensors.torch import save_file

    state = {k: v.detach().cpu().to(torch.bfloat16).contiguous() for k, v in model.state_dict().items()}
    rounded = S2LIC(model.config)
    rounded.load_state_dict({k: v.float() for k, v in state.items()})
    for part, tables in zip("zy", build_tables(rounded.entropy_model()), strict=True):
        state |= {f"tables.{part}.{k}": torch.tensor(v) for k, v in tables.to_arrays().items()}
    config = json.dumps(model.config.to_dict(), sort_keys=True, separators=(",", ":"))
    save_file(state, path, {"codec": NAME, "config": config, "description": description})


@lru_cache(maxsize=2)
def open_codec(fingerprint: bytes | None, device: str) -> Codec:
    """The codec that encodes by default (None), or the one that a file names; loaded once a device."""
    path = weights.default(NAME, DEFAULT_WEIGHTS) if fingerprint is None else weights.find(NAME, fingerprint)
    return Codec(path, device)
