"""The practical network of the video codec: frames come back exactly, on every machine, from the bytes alone."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from grid_weights import write_weights
from safetensors.torch import load_file, save_file
from torch import Tensor
from video_clips import moving

from codec.entropy import Decoder, Encoder
from codec.errors import DesyncError, FormatError
from codec.media.video import Planes
from codec.models.nirvana_grid import Latents, Prediction, rounded
from codec.nirvana.exact import ONE
from codec.nirvana.find import error
from codec.nirvana.fit import Budget
from codec.nirvana.grid import Choice, code_frame, fit, pack, settle, unpack
from codec.nirvana.grid_groups import STEPS, GridGroups
from codec.nirvana.method import planes_error, position, psnr, rate_weight
from codec.nirvana.nets import Nets, export, load, parameters
from codec.nirvana.predict import Motion, References, grey
from codec.train.nirvana_grid import Nets as Trained

QUICK = Budget(steps=0)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def nets(path: Path) -> Nets:
    return load(path, "cpu")


def same(found: list[Planes], wanted: list[Planes]) -> bool:
    return all(np.array_equal(a, b) for x, y in zip(found, wanted, strict=True) for a, b in zip(x, y, strict=True))


def still(height: int, width: int, level: int = 90) -> Planes:
    half = -(-height // 2), -(-width // 2)
    return np.full((height, width), level, np.uint8), np.full(half, 110, np.uint8), np.full(half, 150, np.uint8)


@pytest.mark.parametrize("size", [(48, 64), (47, 63), (33, 17), (1, 1), (1, 40), (16, 16), (17, 16)])
def test_planes_of_any_size_survive_packing(size: tuple[int, int]) -> None:
    (planes,) = moving(*size, count=1)
    frame = pack(planes, torch.device("cpu"))
    assert frame.shape[1] % 8 == frame.shape[2] % 8 == 0
    assert same([unpack(frame, *size)], [planes])


@pytest.mark.parametrize("size", [(48, 64), (63, 47), (17, 33), (1, 1), (240, 272)])
def test_a_decoder_has_the_frames_that_the_encoder_had(nets: Nets, size: tuple[int, int]) -> None:
    frames = moving(*size, count=5)
    method = GridGroups(nets, *size)
    key = method.encode(frames[:3], None, 100, Budget(steps=1))
    inter = method.encode(frames[3:], key.state, 60, QUICK)
    first, state = method.decode(key.payload, key.checksum, 3, None)
    assert torch.equal(state.frame, key.state.frame)
    second, state = method.decode(inter.payload, inter.checksum, 2, state)
    assert torch.equal(state.frame, inter.state.frame)
    for found, wanted, coded in ((first, frames[:3], key), (second, frames[3:], inter)):
        errors = [planes_error(a, b) for a, b in zip(found, wanted, strict=True)]
        assert psnr(sum(errors) / len(errors)) == pytest.approx(coded.psnr)


def test_more_quality_is_more_bytes_and_less_error(nets: Nets) -> None:
    method = GridGroups(nets, 48, 64)
    coded = [method.encode(moving(count=2), None, quality, QUICK) for quality in (0, 60, 120, 180)]
    sizes, psnrs = [len(c.payload) for c in coded], [c.psnr for c in coded]
    assert sizes == sorted(sizes) and psnrs == sorted(psnrs)
    assert sizes[-1] > 4 * sizes[0] and psnrs[-1] > psnrs[0] + 8


def test_a_frame_that_repeats_costs_almost_nothing(nets: Nets) -> None:
    method = GridGroups(nets, 48, 64)
    (frame,) = moving(count=1)
    once = len(method.encode([frame], None, 100, QUICK).payload)
    eight = len(method.encode([frame] * 8, None, 100, QUICK).payload)
    assert eight - once < 7 * 8 and eight - once < once / 4


def test_a_frame_that_moved_costs_little(nets: Nets) -> None:
    method = GridGroups(nets, 64, 96)
    rng = np.random.default_rng(0)
    wide = np.kron(rng.integers(40, 210, (24, 34)), np.ones((4, 4))).astype(np.uint8)
    grey = np.full((32, 48), 128, np.uint8)
    there, here = ((np.ascontiguousarray(wide[a : a + 64, b : b + 96]), grey, grey) for a, b in ((8, 8), (6, 12)))
    key = method.encode([there], None, 120, QUICK)
    inter = method.encode([here], key.state, 120, QUICK)
    other = moving(64, 96, 1)
    assert len(inter.payload) < len(method.encode(other, key.state, 120, QUICK).payload) / 2


def key_frame(nets: Nets, wanted: Tensor, latents: Latents, quality: int) -> tuple[Tensor, int]:
    """A key frame as a decoder has it, and its bits."""
    encoder = Encoder()
    shape = wanted.shape[1], wanted.shape[2]
    found, _ = code_frame(encoder, nets, Choice(None, latents), None, quality, shape)
    return found, 8 * len(encoder.finish())


def test_a_fit_lowers_what_it_is_to_lower(nets: Nets) -> None:
    wanted = pack(moving(count=1)[0], nets.device)
    base = grey((wanted.shape[1], wanted.shape[2]), nets.device)

    def loss(steps: int) -> tuple[float, float]:
        latents, reckoned = fit(nets, "key", wanted, base, 100, Budget(steps=steps))
        found, bits = key_frame(nets, wanted, latents, 100)
        return error(found, wanted) / rate_weight(100) + bits / (4 * wanted[0].numel()), reckoned

    assert loss(40)[0] < 0.99 * loss(0)[0]
    for real, reckoned in (loss(0), loss(40)):
        assert reckoned == pytest.approx(real, rel=0.02)


def test_a_fit_by_the_clock_ends(nets: Nets) -> None:
    wanted = pack(moving(count=1)[0], nets.device)
    choice, seconds = settle(nets, wanted, None, 100, Budget(seconds=0.2))
    assert choice.latents is not None and seconds >= 0.2


def test_the_same_video_gives_the_same_bytes(nets: Nets) -> None:
    made = [GridGroups(nets, 48, 64).encode(moving(count=2), None, 100, Budget(steps=2)).payload for _ in range(2)]
    assert made[0] == made[1]


def test_efforts_ascend() -> None:
    assert list(STEPS) == sorted(set(STEPS))


@pytest.mark.parametrize("quality", [40, 100, 160])
def test_bits_and_frame_are_those_that_fits_reckon_with(nets: Nets, quality: int) -> None:
    """The float network, in which latents are fitted, is a true picture of the exact one, which codes them."""
    wanted = pack(moving(128, 192, 1)[0], nets.device)
    base = grey((wanted.shape[1], wanted.shape[2]), nets.device)
    latents, _ = fit(nets, "key", wanted, base, quality, QUICK)
    t, log2_steps = position(quality), nets.log2_steps("key", quality)
    prediction = Prediction(base.frame[None] / 255 - 0.5, base.doubt[None] / 510)
    with torch.no_grad():
        reckoned = nets.fits["key"].decoder(latents, prediction, t, log2_steps, rounded)
    found, bits = key_frame(nets, wanted, latents, quality)
    assert bits == pytest.approx(float(reckoned.bits), rel=0.02, abs=64)
    difference = ((reckoned.frame[0] + 0.5) * 255).clamp(0, 255) - found
    assert float(difference.abs().mean()) < 0.5  # samples are whole in the one


DECODE = """
import hashlib, sys
from pathlib import Path
import torch
from codec.nirvana.grid_groups import GridGroups
from codec.nirvana.nets import load
torch.set_num_threads(int(sys.argv[1]))
folder = Path(sys.argv[2])
method = GridGroups(load(folder / "nirvana-grid.safetensors", "cpu"), 63, 47)
planes, _ = method.decode((folder / "payload").read_bytes(), int(sys.argv[3]), 4, None)
print(hashlib.sha256(b"".join(p.tobytes() for picture in planes for p in picture)).hexdigest())
"""
CAPS = {
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "DNNL_MAX_CPU_ISA": "AVX2", "ONEDNN_MAX_CPU_ISA": "AVX2",
             "MKL_CBWR": "AVX2"},
    "sse": {"ATEN_CPU_CAPABILITY": "default", "DNNL_MAX_CPU_ISA": "SSE41", "ONEDNN_MAX_CPU_ISA": "SSE41",
            "MKL_CBWR": "COMPATIBLE"},
}  # fmt: skip


@pytest.mark.parametrize(("cap", "threads"), [("avx2", 2), ("sse", 1)])
def test_processors_and_threads_change_nothing(nets: Nets, path: Path, cap: str, threads: int) -> None:
    method = GridGroups(nets, 63, 47)
    coded = method.encode(moving(63, 47, 4), None, 120, QUICK)
    planes, _ = method.decode(coded.payload, coded.checksum, 4, None)
    wanted = b"".join(p.tobytes() for picture in planes for p in picture)
    (path.parent / "payload").write_bytes(coded.payload)
    environment = os.environ | CAPS[cap] | {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(
        [sys.executable, "-c", DECODE, str(threads), str(path.parent), str(coded.checksum)],
        env=environment, capture_output=True, text=True, cwd=path.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == hashlib.sha256(wanted).hexdigest()


def test_the_sums_are_exact_at_the_largest_features(nets: Nets) -> None:
    """Whole numbers, whatever is decoded: a convolution of the largest features is the one in integers."""
    network = nets.exact["inter"]
    weight = network.weights["slice_context.2.weight"]
    features = torch.full((1, weight.shape[1], 5, 5), float((1 << 20) - 1), dtype=torch.float64)
    features[:, ::2] *= -1
    found = torch.nn.functional.conv2d(features, weight, padding=1)
    exact = [int(w) * int(f) for w, f in zip(weight[7].flatten(), features[0, :, 1:4, 1:4].flatten(), strict=True)]
    assert int(found[0, 7, 2, 2]) == sum(exact)
    assert float(weight.abs().sum((1, 2, 3)).max()) * (1 << 20) < 2**53


@pytest.mark.parametrize("size", [1e3, 1e9, float("inf")])
def test_latents_that_no_picture_has_are_coded_all_the_same(nets: Nets, size: float) -> None:
    rng = np.random.default_rng(0)
    y, z = (torch.from_numpy(rng.standard_normal(s).astype(np.float32)) * size for s in ((1, 96, 4, 6), (1, 12, 2, 3)))
    encoder = Encoder()
    wanted, _ = code_frame(encoder, nets, Choice(None, Latents(z, y)), None, 200, (16, 24))
    found, _ = code_frame(Decoder(encoder.finish()), nets, None, None, 200, (16, 24))
    assert torch.equal(found, wanted)


def test_damaged_payloads_lead_to_named_errors(nets: Nets) -> None:
    method = GridGroups(nets, 17, 33)
    coded = method.encode(moving(17, 33, 2), None, 100, QUICK)
    rng = np.random.default_rng(0)
    for _ in range(40):
        data = bytearray(coded.payload)
        data[rng.integers(len(data))] ^= 1 << rng.integers(8)
        with pytest.raises((FormatError, DesyncError)):
            method.decode(bytes(data[: rng.integers(len(data) - 8, len(data) + 1)]), coded.checksum, 2, None)
    for wrong in (b"", coded.payload[:4], coded.payload + b"more", bytes(400)):
        with pytest.raises((FormatError, DesyncError)):
            method.decode(wrong, coded.checksum, 2, None)
    with pytest.raises((FormatError, DesyncError)):  # without the frame that it is predicted from
        inter = method.encode(moving(17, 33, 3)[2:], coded.state, 100, QUICK)
        method.decode(inter.payload, inter.checksum, 1, None)


def test_a_prediction_alone_can_be_a_frame(nets: Nets) -> None:
    before = pack(still(16, 32), nets.device)
    encoder = Encoder()
    motion = Motion(8, (np.zeros((2, 2, 4), np.int32),))
    frame, _ = code_frame(encoder, nets, Choice(motion, None), References(before), 100, (8, 16))
    assert torch.equal(frame, before)
    assert len(encoder.finish()) < 12


def broken(tensors: dict[str, Tensor], how: str) -> dict[str, Tensor]:
    changed = dict(tensors)
    if how == "missing":
        del changed["key.decoder.basis.weight"]
    elif how == "shape":
        changed["inter.decoder.enter.weight"] = changed["inter.decoder.enter.weight"][:-1].contiguous()
    elif how == "large":  # sums would not be exact
        changed["key.decoder.slice_context.3.weight"] = torch.full_like(
            changed["key.decoder.slice_context.3.weight"], 1 << 29
        )
    elif how == "steps":
        changed["key.step"] = torch.zeros_like(changed["key.step"])
    elif how == "tables":
        for name in [n for n in changed if n.startswith("tables.")]:
            del changed[name]
    return changed


@pytest.mark.parametrize("how", ["missing", "shape", "large", "steps", "tables"])
def test_wrong_weights_are_refused(path: Path, tmp_path: Path, how: str) -> None:
    wrong = tmp_path / "wrong.safetensors"
    save_file(broken(load_file(path), how), wrong, {"codec": "nirvana", "config": "grid"})
    with pytest.raises(FormatError, match=r"wrong\.safetensors: no weights of this video codec, or damaged"):
        load(wrong, "cpu")


def test_weights_that_are_cut_short_are_refused(path: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "short.safetensors"
    for data in (path.read_bytes()[:-100], b"", b"no weights" * 9):
        wrong.write_bytes(data)
        with pytest.raises(FormatError, match=r"short\.safetensors"):
            load.__wrapped__(wrong, "cpu")


def test_training_can_start_from_a_weights_file(path: Path) -> None:
    torch.manual_seed(0)
    made = Trained()
    with torch.no_grad():
        for value in made.parameters():
            value.add_(torch.randn_like(value) / 10)
    again = path.parent / "again.safetensors"
    export(made.state_dict(), again, "")
    found = parameters(again)
    assert found.keys() == made.state_dict().keys()
    for name, value in made.state_dict().items():
        assert torch.allclose(found[name], value, rtol=0.005, atol=1 / ONE), name


def test_the_file_holds_whole_numbers_for_the_decoder(path: Path) -> None:
    tensors = load_file(path)
    kinds = {name: t.dtype for name, t in tensors.items() if ".decoder." in name or ".step" in name}
    assert set(kinds.values()) == {torch.int32}
    size, inverse, log2 = (tensors[f"inter.{n}"].double() / ONE for n in ("step", "inverse", "log2_step"))
    assert torch.allclose(size, torch.exp2(log2), rtol=0.01, atol=1 / ONE)
    assert torch.allclose(size * inverse, torch.ones_like(size), rtol=0.02)
    assert cast(bool, (log2.diff(dim=0) <= 0).all())  # a higher quality never has larger steps
