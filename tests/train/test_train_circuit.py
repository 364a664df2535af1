"""Training of the lossless codec's network: it learns, it resumes as if never stopped, its weights ship."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from codec import weights
from codec.codecs.circuit.weights import load
from codec.errors import CodecError
from codec.models.circuit.context_net import ContextNet
from codec.models.circuit.shape import MARGIN, ContextConfig
from codec.train import checkpoint, circuit, circuit_export, experts
from codec.train.screens import screen
from codec.train.subpixels import SIDE, Sampler

SMALL = {"hidden": 12, "trunk": 8, "feature_hidden": 6, "features": 4, "stage": 6, "mixtures": 3}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    y, x = np.mgrid[0:96, 0:100]
    for i in range(2):
        waves = np.stack([128 + 90 * np.sin(x / (7 + i) + c) * np.cos(y / 11) for c in range(3)], -1)
        noise = np.random.default_rng(i).normal(0, 3, waves.shape)
        Image.fromarray((waves + noise).clip(0, 255).astype(np.uint8)).save(folder / f"{i}.png")
    return folder


def train(photos: Path, out: Path, steps: int, more: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """The averaged weights after a run."""
    arguments = ["--data", str(photos), "--out", str(out), "--steps", str(steps), "--batch", "2", "--precision", "fp32"]
    circuit.main([*arguments, "--config", json.dumps(SMALL), "--log-every", "5", *more])
    return {k: v.numpy() for k, v in circuit.averaged(out)[0].items()}


def test_training_lowers_the_code_length_of_held_out_photos(photos: Path, tmp_path: Path) -> None:
    def held_out(steps: int) -> float:
        out = tmp_path / str(steps)
        train(photos, out, steps, ["--val", str(photos), "--lr", "0.01"])
        return float(json.loads((out / "log.jsonl").read_text().splitlines()[-1])["bpsp"])

    assert held_out(40) < held_out(1) - 0.2


def test_a_stopped_run_goes_on_as_if_it_had_not_been(photos: Path, tmp_path: Path) -> None:
    whole = train(photos, tmp_path / "whole", 8)
    train(photos, tmp_path / "parts", 8, ["--stop-after", "0.02"])
    saved = checkpoint.load(tmp_path / "parts" / "checkpoint")
    assert saved is not None
    assert 0 < saved[1]["step"] < 8
    parts = train(photos, tmp_path / "parts", 8)
    for k, v in whole.items():  # Adam makes a step of a gradient that is nearly zero, whichever its sign
        assert np.isclose(parts[k], v, rtol=1e-4, atol=1e-6).mean() > 0.99


def test_a_run_becomes_a_weights_file_that_loads(photos: Path, tmp_path: Path) -> None:
    train(photos, tmp_path / "a", 3)
    train(photos, tmp_path / "g", 3, ["--grey"])
    output = tmp_path / "w.safetensors"
    runs = ["--photo", str(tmp_path / "a"), "--grey", str(tmp_path / "g")]
    circuit_export.main([*runs, "--data", str(photos), "-o", str(output)])
    networks = load(output)
    assert {name: n.config.channels for name, n in networks.items()} == {"photo": 3, "grey": 1}
    assert len(weights.fingerprint(output)) == 8
    again = tmp_path / "again.safetensors"
    circuit_export.main([*runs[:2], "--grey", str(output), "--data", str(photos), "-o", str(again)])
    assert (load(again)["grey"].tensors["head.weight"] == load(output)["grey"].tensors["head.weight"]).all()
    with pytest.raises(CodecError, match="no network 'screen'"):
        circuit_export.main([*runs[:2], "--screen", str(output), "--data", str(photos), "-o", str(again), "-f"])


def test_crops_have_margins_and_the_rule_of_borders() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (120, 120, 3), dtype=np.uint8)
    crops, inside = Sampler([photo], ContextConfig()).batch(200, np.random.default_rng(1))
    assert crops.shape == (200, MARGIN + SIDE, SIDE + 2 * MARGIN, 3)
    core = inside[:, MARGIN:, MARGIN:-MARGIN]
    assert core.all()
    top = ~inside[:, :MARGIN].any((1, 2))
    left = ~inside[:, MARGIN:, :MARGIN].any((1, 2))
    assert 0 < top.sum() < 40
    assert 0 < left.sum() < 40
    assert (crops[top][:, :MARGIN] == 128).all()
    below = slice(MARGIN + 1, None)
    first = crops[left][:, MARGIN:-1, MARGIN : MARGIN + 1]
    assert (crops[left][:, below, :MARGIN] == first).all()


def test_photos_smaller_than_a_crop_are_named() -> None:
    with pytest.raises(ValueError, match="give larger ones"):
        Sampler([np.zeros((30, 30, 3), np.uint8)], ContextConfig())


def test_screens_are_drawn_as_their_seed_says_and_differ() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    drawn = [screen(photo, np.random.default_rng(i)) for i in range(20)]
    again = [screen(photo, np.random.default_rng(i)) for i in range(20)]
    assert all((a == b).all() for a, b in zip(drawn, again, strict=True))
    assert len({a.tobytes() for a in drawn}) == 20
    repeated = [(a[:, 1:] == a[:, :-1]).all(-1).mean() for a in drawn]
    assert np.median(repeated) > 0.7  # flat content
    assert screen(photo[..., :1], np.random.default_rng(0)).shape == (256, 320, 1)


def test_a_network_for_screens_learns_and_ships(photos: Path, tmp_path: Path) -> None:
    config = json.dumps(SMALL | {"copies": 4, "matches": 2, "pattern": 12})
    data = ["--data", str(photos)]
    options = [*data, "--config", config, "--batch", "2", "--screens", "0.8", "--lr", "0.01", "--log-every", "5"]
    photo = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    held_out = [screen(photo, np.random.default_rng(i))[:64, :96] for i in range(2)]
    found = []
    for steps in (1, 20):
        circuit.main([*options, "--out", str(tmp_path / "s"), "--steps", str(steps)])
        tensors, sizes = circuit.averaged(tmp_path / "s")
        model = ContextNet(sizes)
        model.load_state_dict(tensors)
        found.append(sum(circuit.measure(model, p) for p in held_out))
    assert found[1] < found[0] - 0.3
    output = tmp_path / "w.safetensors"
    circuit_export.main(["--photo", str(tmp_path / "s"), *data, "-o", str(output)])
    assert load(output)["photo"].config.candidates == 6


def test_photos_that_want_the_same_change_come_together() -> None:
    rng = np.random.default_rng(0)
    model = ContextNet(ContextConfig(**SMALL))
    smooth = [np.full((80, 80, 3), 60 + 10 * i, np.uint8) for i in range(4)]
    rough = [rng.integers(0, 256, (80, 80, 3), dtype=np.uint8) for _ in range(4)]
    groups = experts.similar(model, smooth + rough, 2, rng)
    assert len(set(groups[:4])) == len(set(groups[4:])) == 1
    assert groups[0] != groups[4]


def test_experts_specialise_and_ship_and_resume(photos: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (96, 100, 3), dtype=np.uint8)
    Image.fromarray(noise).save(photos / "noise.png")
    train(photos, tmp_path / "base", 20, ["--lr", "0.01"])
    command = ["--init", str(tmp_path / "base"), "--data", str(photos), "--out", str(tmp_path / "experts")]
    command += ["--count", "2", "--rounds", "2", "--steps", "24", "--batch", "2", "--lr", "0.01"]
    experts.main(command)
    pictures = circuit.load_photos([str(photos)], grey=False)
    models = []
    for folder in ("base", "experts/0", "experts/1"):
        tensors, config = circuit.averaged(tmp_path / folder)
        models.append(ContextNet(config))
        models[-1].load_state_dict(tensors)
    each = experts.costs(models, pictures)
    assert each[:, 1:].min(1).mean() < each[:, 0].mean() - 0.1
    assert set(each[:, 1:].argmin(1)) == {0, 1}
    before = {k: v.clone() for k, v in models[1].state_dict().items()}
    experts.main(command)  # is over already
    after = circuit.averaged(tmp_path / "experts" / "0")[0]
    assert all((after[k] == v).all() for k, v in before.items())
    output = tmp_path / "w.safetensors"
    runs = [str(tmp_path / folder) for folder in ("base", "experts/0", "experts/1")]
    circuit_export.main(["--photo", *runs, "--data", str(photos), "-o", str(output)])
    assert list(load(output)) == ["photo", "photo-1", "photo-2"]
