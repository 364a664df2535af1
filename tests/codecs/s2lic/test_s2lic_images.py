"""S2LIC from picture to file and back, with the shipped weights."""

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.alike import alike
from helpers.pictures import picture

import codec
from codec import container, media
from codec.codecs.options import ImageOptions
from codec.codecs.s2lic import image as s2lic
from codec.codecs.s2lic import latents
from codec.entropy import Decoder, Encoder
from codec.metrics import psnr
from codec.models.s2lic.model import S2LIC


@pytest.fixture(scope="module")
def opened() -> s2lic.S2licImages:
    return s2lic.open_codec(None, "cpu")


@pytest.mark.parametrize("size", [(1, 1), (1, 70), (17, 33), (64, 64), (65, 130)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_comes_back_at_its_size_and_looks_like_the_original(size: tuple[int, int], channels: int) -> None:
    original = picture(*size, channels)
    (decoded,) = codec.decode(codec.encode(original, quality=80)).frames()
    assert decoded.shape == original.shape and decoded.dtype == np.uint8
    assert psnr(original, decoded) > 26


@pytest.mark.parametrize("depth", [8, 10, 16])
@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_comes_back_exactly_beside_the_colour(opened: s2lic.S2licImages, channels: int, depth: int) -> None:
    peak = (1 << depth) - 1
    dtype = np.uint8 if depth == 8 else np.uint16
    original = (picture(70, 90, channels) / 255 * peak).astype(dtype)
    header, units = opened.encode(media.Info(90, 70, channels, depth), [original], ImageOptions(quality=80))
    decoded = next(opened.decode(header, units))
    assert decoded.dtype == dtype and (decoded[..., -1] == original[..., -1]).all()
    error = (decoded[..., :-1].astype(float) - original[..., :-1]) / peak
    assert np.sqrt(np.mean(error**2)) < 0.05


def test_alpha_of_a_tiled_picture_comes_back_exactly(
    opened: s2lic.S2licImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s2lic.tiling, "SINGLE", 0)
    monkeypatch.setattr(s2lic.tiling, "SIDE", 128)
    original = picture(150, 200, 4)
    header, units = _encode(opened, original, 20)
    assert len(units) == s2lic.unit_count(header) == 8
    assert (next(opened.decode(header, units))[..., 3] == original[..., 3]).all()


def test_hidden_colour_costs_next_to_nothing() -> None:
    original = np.dstack([picture(128, 128), np.full((128, 128), 255, np.uint8)])
    noisy = original.copy()
    noisy[:, 64:, :3] = np.random.default_rng(0).integers(0, 256, (128, 64, 3))
    noisy[:, 64:, 3] = 0
    clean = noisy.copy()
    clean[..., :3] = original[..., :3]
    assert alike(codec.encode(noisy), codec.encode(clean))
    assert len(codec.encode(noisy)) < 1.1 * len(codec.encode(original))  # alpha itself costs some bytes


def test_progress_counts_up_to_the_whole() -> None:
    told: list[tuple[int, int]] = []
    file = codec.encode(picture(20, 20, 4), progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]
    told.clear()
    next(codec.decode(file, progress=lambda done, total: told.append((done, total))).frames())
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_pixel_limits_hold_on_both_sides() -> None:
    with pytest.raises(codec.LimitError, match="max-pixels"):
        codec.encode(picture(20, 21), max_pixels=400)
    file = codec.encode(picture(20, 21))
    with pytest.raises(codec.LimitError, match="max-pixels"):
        codec.decode(file, max_pixels=400)


def test_rate_and_quality_rise_with_q() -> None:
    original = picture(128, 192)
    files = [codec.encode(original, quality=q) for q in (0, 20, 40, 60, 80, 100)]
    quality = [psnr(original, next(codec.decode(f).frames())) for f in files]
    assert [len(f) for f in files] == sorted({len(f) for f in files})
    assert quality == sorted(set(quality))


def test_quality_is_continuous() -> None:
    original = picture(128, 128)
    a, b = codec.encode(original, quality=50), codec.encode(original, quality=50.5)
    assert a != b and abs(len(a) - len(b)) < 0.1 * len(a)


def test_file_is_as_large_as_the_model_says(opened: s2lic.S2licImages) -> None:
    original = picture(192, 256)
    file = codec.encode(original, quality=60)
    x = torch.from_numpy(original).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        out = opened.model(x, torch.tensor([0.6]))
    estimate = sum(-p.log2().sum().item() for p in out["likelihoods"].values()) / 8
    assert len(file) == pytest.approx(estimate, rel=0.01, abs=64)


def _encode(
    opened: s2lic.S2licImages, frame: np.ndarray, quality: float
) -> tuple[container.Header, list[container.Unit]]:
    from codec import media

    info, frames = media.from_array(frame)
    header, units = opened.encode(info, frames, ImageOptions(quality=quality))
    return header, list(units)


def test_encoder_and_decoder_hold_the_same_latents(opened: s2lic.S2licImages) -> None:
    q = torch.tensor([0.5], dtype=torch.float64)
    torch.manual_seed(0)
    y = 20 * torch.randn(1, opened.model.config.latents, 8, 12, dtype=torch.float64)
    z = 5 * torch.randn(1, opened.model.config.hyper, 2, 3, dtype=torch.float64)
    encoder = Encoder()
    with torch.inference_mode():
        kept = latents.code_latents(opened.entropy, opened.tables, encoder, q, (8, 12), 0, (y, z))
        decoder = Decoder(encoder.finish())
        decoded = latents.code_latents(opened.entropy, opened.tables, decoder, q, (8, 12), 0, None)
    assert torch.equal(kept, decoded) and encoder.checksum == decoder.checksum


def test_a_scale_on_an_edge_makes_the_encoder_take_another_phase() -> None:
    edge = latents.SCALE_MIN * torch.exp(torch.tensor([5 * latents.SCALE_STEP], dtype=torch.float64))
    with pytest.raises(latents.TooClose):
        latents.scale_index(edge, 0, checked=True)
    for phase in (1, 2, 3):
        assert latents.scale_index(edge, phase, checked=True) == 5
    assert latents.scale_index(edge * (1 - 1e-3), 0, checked=True) == 4


def test_scales_outside_the_table_have_no_edges() -> None:
    sigma = torch.tensor([-1.0, 0.0, 0.11, 63.9999999, 1e6], dtype=torch.float64)
    assert latents.scale_index(sigma[:3], 0, checked=True).tolist() == [0, 0, 0]
    assert latents.scale_index(sigma[4:], 3, checked=True).tolist() == [63]


@pytest.mark.parametrize("phase", range(latents.PHASES))
def test_every_phase_decodes(opened: s2lic.S2licImages, phase: int, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = picture(64, 64)
    real: Callable[..., np.ndarray] = latents.scale_index

    def refuse_earlier(sigma: torch.Tensor, at: int, checked: bool) -> np.ndarray:
        if checked and at < phase:
            raise latents.TooClose
        return real(sigma, at, checked)

    monkeypatch.setattr(latents, "scale_index", refuse_earlier)
    header, (unit,) = _encode(opened, frame, 40)
    assert unit.phase == phase
    assert next(opened.decode(header, [unit])).shape == frame.shape


def test_a_wrong_checksum_is_a_desync_error(opened: s2lic.S2licImages) -> None:
    header, (unit,) = _encode(opened, picture(64, 64), 40)
    with pytest.raises(codec.DesyncError, match="not those encoded"):
        next(opened.decode(header, [unit._replace(checksum=unit.checksum ^ 1)]))


def test_damage_past_the_checksums_is_a_named_error(opened: s2lic.S2licImages) -> None:
    header, (unit,) = _encode(opened, picture(64, 64), 40)
    rng = np.random.default_rng(0)
    for _ in range(20):
        payload = bytearray(unit.payload)
        payload[rng.integers(len(payload))] ^= int(rng.integers(1, 256))
        with pytest.raises(codec.CodecError):
            next(opened.decode(header, [unit._replace(payload=bytes(payload))]))


def test_large_pictures_are_tiled_without_a_seam(opened: s2lic.S2licImages, monkeypatch: pytest.MonkeyPatch) -> None:
    original = picture(320, 512)
    whole = next(codec.decode(codec.encode(original, quality=40)).frames())
    monkeypatch.setattr(s2lic.tiling, "SINGLE", 0)
    monkeypatch.setattr(s2lic.tiling, "SIDE", 256)
    header, units = _encode(opened, original, 40)
    assert len(units) == 4
    tiled = next(opened.decode(header, units))
    error = np.abs(tiled.astype(float) - original).mean((0, 2))
    seam = error[256 - 4 : 256 + 4].mean()
    assert seam < 1.25 * np.abs(whole.astype(float) - original).mean((0, 2))[256 - 4 : 256 + 4].mean()


@pytest.mark.parametrize(
    "change",
    [{"channels": 4}, {"depth": 7}, {"frames": 0}, {"revision": 1}, {"private": b"\xff\xff"}, {"private": b"1"}],
)
def test_a_header_that_s2lic_never_writes_is_refused(opened: s2lic.S2licImages, change: dict[str, object]) -> None:
    header, units = _encode(opened, picture(64, 64), 40)
    with pytest.raises(codec.FormatError, match=";"):
        opened.decode(replace(header, **change), units)  # type: ignore[arg-type]


def test_missing_tiles_are_refused(opened: s2lic.S2licImages) -> None:
    header, _ = _encode(opened, picture(64, 64), 40)
    with pytest.raises(codec.FormatError, match="0 units, not 1"):
        opened.decode(header, [])


def test_wrong_arguments_are_named() -> None:
    frame = picture(8, 8)
    for quality in (101, float("nan"), 10**400):
        with pytest.raises(codec.CodecError, match=f"quality {quality!r} is out of range"):
            codec.encode(frame, quality=quality)
    with pytest.raises(codec.CodecError, match="no codec 'jpeg2'"):
        codec.encode(frame, "jpeg2")
    with pytest.raises(codec.CodecError, match="no device"):
        codec.encode(frame, device="tpu")


def test_one_network_is_loaded_for_both_directions(opened: s2lic.S2licImages) -> None:
    assert s2lic.open_codec(opened.fingerprint, "cpu") is opened


def test_unknown_weights_are_named() -> None:
    file = codec.encode(picture(8, 8))
    header, units = container.read(io.BytesIO(file))
    buffer = io.BytesIO()
    container.write(buffer, replace(header, fingerprint=b"\x01" * 8), units)
    with pytest.raises(codec.WeightsMissing, match="0101010101010101"):
        codec.decode(buffer.getvalue())


def test_missing_default_weights_are_named() -> None:
    from codec import weights

    with pytest.raises(codec.WeightsMissing, match=r"s2lic weights s2lic-none.safetensors.*CODEC_WEIGHTS"):
        weights.default("s2lic", "s2lic-none")


def test_exported_weights_load_and_have_the_same_fingerprint_in_any_wrapping(
    tmp_path, opened: s2lic.S2licImages
) -> None:  # type: ignore[no-untyped-def]
    from safetensors.torch import load_file, save_file

    from codec import weights

    path = tmp_path / "a.safetensors"
    s2lic.export(opened.model, path, "a copy")
    assert weights.fingerprint(path) == opened.fingerprint
    model, _ = s2lic.load(path)
    assert isinstance(model, S2LIC)
    _, metadata, _ = weights.read_header(path)
    tensors = load_file(path)
    other = tmp_path / "b.safetensors"
    save_file(dict(reversed(tensors.items())), other, metadata | {"description": "other words"})
    assert weights.fingerprint(other) == opened.fingerprint
    tensors["h_a.0.bias"] = tensors["h_a.0.bias"] + 1
    save_file(tensors, other, metadata)
    assert weights.fingerprint(other) != opened.fingerprint


def test_weights_are_found_in_the_environment(
    tmp_path, monkeypatch: pytest.MonkeyPatch, opened: s2lic.S2licImages
) -> None:  # type: ignore[no-untyped-def]
    from codec import weights

    torch.manual_seed(0)
    s2lic.export(S2LIC(opened.model.config), tmp_path / "mine.safetensors", "mine")
    (tmp_path / "junk.safetensors").write_bytes(b"not weights")
    monkeypatch.setenv("CODEC_WEIGHTS", str(tmp_path))
    found = {w.name: w for w in weights.available()}
    assert found["mine"].description == "mine" and "junk" not in found
    assert weights.find("s2lic", bytes.fromhex(found["mine"].fingerprint)) == tmp_path / "mine.safetensors"
