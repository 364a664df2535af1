"""Adapter of S2LIC (arXiv 2403.14471): pictures to units and back.

    frame -> tiles -> g_a (float32) -> y, z -> code_latents (float64, range coder) -> Unit
    Unit -> code_latents -> y_hat -> g_s (float32, halo of the neighbours' y_hat) -> frame     (decoding.py)
    alpha -> code_alpha (exact, integers alone) -> a second Unit for each tile, after all the first ones

The transforms may differ between machines in the last bit of a float; no symbol depends on them (latents.py).
"""

import contextlib
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from codec import tiling, weights
from codec.codecs.base import Progress
from codec.codecs.checksum import compare
from codec.codecs.options import DEFAULT_QUALITY, ImageOptions
from codec.codecs.partial import Damage, Found, expect
from codec.codecs.s2lic import CODEC, batches, decoding, search
from codec.codecs.s2lic.head import (
    QUALITY_STEPS,
    check_image,
    is_mapped,
    pack_private,
    parse_private,
    unit_count,
)
from codec.codecs.s2lic.hidden import fill_hidden
from codec.codecs.s2lic.latents import PHASES, TooClose, build_tables, code_latents
from codec.codecs.s2lic.ratemap import Rates, calming_offsets, code_offsets
from codec.codecs.s2lic.trials import Kept, Trials
from codec.container import Header, Unit
from codec.device import resolve
from codec.entropy import Decoder, Encoder, Tables
from codec.entropy.planes import code_alpha
from codec.errors import CodecError, FormatError
from codec.media import Info
from codec.models.s2lic.config import Config
from codec.models.s2lic.model import PATCH, S2LIC, pad_to
from codec.output import write_whole
from codec.view import WITH_ALPHA, View, view_of


class S2licImages:
    """S2LIC with one set of weights on one device: a LossyImages."""

    steps = 100 * QUALITY_STEPS

    def __init__(self, path: Path, device: str = "cpu") -> None:
        self.device = torch.device(device)
        self.fingerprint = weights.fingerprint(path)
        self.model, self.tables = load(path)
        self.entropy = self.model.entropy_model().to(self.device)
        self.model.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.model.requires_grad_(False)  # a search has gradients by latents alone

    def encode(
        self, info: Info, frames: Iterable[np.ndarray], options: ImageOptions, progress: Progress | None = None
    ) -> tuple[Header, Iterator[Unit]]:
        """See ImageCodec. From effort 2 on better latents are searched for.

        `progress` is told (steps done, steps in all): a step is a unit, or a pass of a search over a tile.
        """
        (frame,) = frames
        quality = DEFAULT_QUALITY if options.quality is None else options.quality
        header = header_of(self, info, quality, options.tune or "psnr")
        effort = options.effort or 1
        return header, self.units(frame, header, effort, progress)

    def trials(self, info: Info, frame: np.ndarray, options: ImageOptions) -> Trials:
        """See LossyImages."""
        header = partial(header_of, self, info, tune=options.tune or "psnr")
        return Trials(self, frame, header, options.effort or 1)

    @torch.inference_mode()
    def units(
        self, frame: np.ndarray, header: Header, effort: int, progress: Progress | None, kept: Kept | None = None
    ) -> Iterator[Unit]:
        """The units of a picture. `kept`: is given what the encoding leaves."""
        schedule = search.EFFORTS[effort - 2] if effort > 1 else None
        passes = len(tiling.tiles(header.height, header.width)) * schedule.passes if schedule else 0
        total = unit_count(header) + passes
        done = itertools.count(1)
        told = (lambda: progress(next(done), total)) if progress else (lambda: None)
        height, width, channels = frame.shape
        size = tiling.padded(height), tiling.padded(width)
        tiles = tiling.tiles(height, width)
        rates = Rates(self.rate(header), *size, mapped=is_mapped(header))
        if rates.offsets is not None:
            rates.offsets[:] = calming_offsets(frame, header.depth, self.model.config.log_lambda_range)
        if kept:
            kept.rates.append(rates)
        if schedule:
            found = iter(search.units(self, frame, header, rates, schedule, told, kept))
        else:
            found = self._plain(frame, header, rates, kept)
        for unit in found:
            yield unit
            told()
        if channels in WITH_ALPHA:
            for number, tile in enumerate(tiles, len(tiles)):
                alpha = tile.of(frame)[..., -1]
                encoder = Encoder()
                code_alpha(encoder, alpha, (alpha.shape[0], alpha.shape[1]), header.depth)
                yield Unit(number, encoder.checksum, 0, encoder.finish())
                told()

    def _plain(self, frame: np.ndarray, header: Header, rates: Rates, kept: Kept | None) -> Iterator[Unit]:
        """Units of tiles, without a search."""
        for number, tile in enumerate(tiling.tiles(header.height, header.width)):
            unit, y_hat = self.unit(number, tile, *self.analyse(frame, header, tile, rates, kept), rates)
            if kept:
                kept.latents[number] = y_hat.float()
            yield unit

    def analyse(
        self, frame: np.ndarray, header: Header, tile: tiling.Tile, rates: Rates, kept: Kept | None = None
    ) -> tuple[Tensor, Tensor]:
        """y and z of a tile, scaled, float64."""
        region = tile.with_halo(tiling.padded(header.height), tiling.padded(header.width))
        x = self.colours(frame, header.depth, region).expand(-1, 3, -1, -1)
        x = pad_to(x, region.height, region.width).contiguous(memory_format=torch.channels_last)
        with _true_float32():
            features = kept.features_of(tile, lambda: self.model.features(x)) if kept else None
            y = tiling.crop(self.model.analyse(x, rates.of(region).float(), features), tile, region, PATCH)
        q = rates.of(tile)
        return y.double() * self.entropy.gain(q), self.model.hyper_analysis(y, q.float()).double()

    def unit(self, number: int, tile: tiling.Tile, y: Tensor, z: Tensor, rates: Rates) -> tuple[Unit, Tensor]:
        """The unit of a tile's latents, scaled and float64, and the y_hat that its decoder has."""
        offsets = rates.offsets_of(tile)
        for phase in range(PHASES):
            encoder = Encoder()
            if offsets is not None:
                code_offsets(encoder, offsets, offsets.shape, self.tables[1])
            try:
                shape = y.shape[2], y.shape[3]
                y_hat = code_latents(self.entropy, self.tables, encoder, rates.of(tile), shape, phase, (y, z))
            except TooClose:
                continue
            return Unit(number, encoder.checksum, phase, encoder.finish()), y_hat
        raise CodecError("no bin phase is safe at this quality; change it by 0.01")

    def needs(self, header: Header, view: View) -> set[int]:
        """See ImageCodec."""
        check_image(header)
        return decoding.needs(self, header, view)

    def decode(
        self, header: Header, units: Iterable[Found | None], progress: Progress | None = None,
        damage: Damage | None = None, view: View | None = None,
    ) -> Iterator[np.ndarray]:  # fmt: skip
        """See ImageCodec. `progress`: a step is a unit's symbols, or a block's pixels."""
        check_image(header)
        found = expect(units, unit_count(header), damage)
        return decoding.pictures(self, header, found, view or view_of(header.width, header.height), progress, damage)

    def decode_latents(self, unit: Unit, tile: tiling.Tile, rates: Rates, count: int | None = None) -> Tensor:
        """y_hat of one tile, [1, M, h / 16, w / 16], from its unit alone; DesyncError or FormatError.

        `count`: only the first slices, so many: then no checksum tells whether they are right. Offsets of its cells,
        where it has them, are set in `rates`.
        """
        shape = tile.height // PATCH, tile.width // PATCH
        with self.checked(unit, whole=count is None) as decoder:
            offsets = rates.offsets_of(tile)
            if offsets is not None:
                offsets[:] = code_offsets(decoder, None, offsets.shape, self.tables[1])
            return code_latents(self.entropy, self.tables, decoder, rates.of(tile), shape, unit.phase, None, count)

    def synthesise(self, y_hat: Tensor, tile: tiling.Tile, region: tiling.Tile, rates: Rates) -> Tensor:
        """Pixels [1, 3, h, w] of a tile, not clipped, from y_hat of the region around it."""
        return tiling.crop(self.pixels(y_hat, rates.of(region).float()), tile, region, 1)

    def pixels(self, y_hat: Tensor, rates: Tensor) -> Tensor:
        """[B, 3, h, w], not clipped, from y_hat [B, M, h / 16, w / 16] and rates [B] or [B, h / 64, w / 64]."""
        with _true_float32():
            return self.model.synthesise(y_hat.to(self.device), rates)

    def begin(self, header: Header, units: Iterable[Found | None]) -> batches.Latents | None:
        """See BatchedImages."""
        return batches.begin(self, header, units)

    def finish(self, begun: Sequence[batches.Latents]) -> list[Tensor]:
        """See BatchedImages."""
        return batches.finish(self, begun)

    @contextlib.contextmanager
    def checked(self, unit: Unit, whole: bool = True) -> Iterator[Decoder]:
        """A decoder of the unit, whose symbols and bytes, if it is decoded as a `whole`, have to be those encoded."""
        decoder = Decoder(unit.payload)
        yield decoder
        if not whole:
            return
        where = f"device {self.device}, weights {self.fingerprint.hex()}"
        what = f"unit {unit.index}: the decoded symbols"
        compare(decoder.checksum, unit.checksum, what, where, ", or decode with --device cpu")
        decoder.finish()

    def rate(self, header: Header) -> Tensor:
        """q of a header, [1], 0 to 1, float64: the nearest float32."""
        q = parse_private(header.private) / QUALITY_STEPS / 100
        return torch.tensor([q], dtype=torch.float32, device=self.device).double()

    def colours(self, frame: np.ndarray, depth: int, region: tiling.Tile) -> Tensor:
        """[1, 1 or 3, h, w] in 0..1: the region's part of the picture, less where it sticks out."""
        part = region.of(frame)
        colour = part.astype(np.float32) / ((1 << depth) - 1)
        if part.shape[2] in WITH_ALPHA:
            colour = fill_hidden(colour[..., :-1], part[..., -1])
        return torch.from_numpy(colour).to(self.device).permute(2, 0, 1)[None]


def header_of(codec: S2licImages, info: Info, quality: float, tune: str = "psnr") -> Header:
    """The header of a picture at a quality from 0 to 100."""
    return Header(
        codec=CODEC.id, revision=CODEC.revision, width=info.width, height=info.height, channels=info.channels,
        depth=info.depth, color=info.color, fingerprint=codec.fingerprint,
        private=pack_private(quality, mapped=tune == "ssim"),
        metadata=info.metadata,
    )  # fmt: skip


def _true_float32() -> contextlib.AbstractContextManager[None]:
    """GPU convolutions in float32: by default cuDNN takes TF32, whose 10 bits move pixels by more than a level."""
    return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)


def load(path: Path) -> tuple[S2LIC, tuple[Tables, Tables]]:
    """Model (float32, evaluation mode) and coding tables of a weights file; FormatError if it doesn't fit."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    _, metadata, _ = weights.read_header(path)
    try:
        model = S2LIC(Config.from_dict(json.loads(metadata["config"])))
        tensors = load_file(path)
        if not weights.finite(tensors.values()):
            raise ValueError("values that aren't finite")
        arrays = {k: v.numpy() for k, v in tensors.items() if k.startswith("tables.")}
        model.load_state_dict({k: v.float() for k, v in tensors.items() if not k.startswith("tables.")})
        tables = [Tables.from_arrays({k: arrays[f"tables.{part}.{k}"] for k in TABLE_KEYS}) for part in "zy"]
    except (KeyError, ValueError, TypeError, AttributeError, RuntimeError, SafetensorError) as e:
        raise FormatError(f"{path}: not the weights of an s2lic model ({str(e).splitlines()[0]})") from None
    return model.eval(), (tables[0], tables[1])


TABLE_KEYS = ("pmf", "sizes", "offsets", "precision")


def export(model: S2LIC, path: Path, description: str) -> None:
    """Write a weights file: parameters in bfloat16, and the coding tables that follow from these very values."""
    from safetensors.torch import save

    state = {k: v.detach().cpu().to(torch.bfloat16).contiguous() for k, v in model.state_dict().items()}
    rounded = S2LIC(model.config)
    rounded.load_state_dict({k: v.float() for k, v in state.items()})
    for part, tables in zip("zy", build_tables(rounded.entropy_model()), strict=True):
        state |= {f"tables.{part}.{k}": torch.tensor(v) for k, v in tables.to_arrays().items()}
    config = json.dumps(model.config.to_dict(), sort_keys=True, separators=(",", ":"))
    write_whole(path, save(state, {"codec": CODEC.name, "config": config, "description": description}))


def open_codec(which: bytes | Path | None, device: str) -> S2licImages:
    """The codec that encodes by default (None) or with a file of weights, or the one that a fingerprint names; loaded
    once a device ("auto", ...)."""
    return _loaded(weights.resolve(CODEC.name, CODEC.weights, which), resolve(device))


@lru_cache(maxsize=2)
def _loaded(path: Path, device: str) -> S2licImages:
    return S2licImages(path, device)
