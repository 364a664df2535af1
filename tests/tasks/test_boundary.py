"""Boundaries and regions: scores of maps that are known, the head's training, and the task on generated pictures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from codec.errors import CodecError
from codec.requirements import missing
from codec.tasks.boundary import Boundary
from codec.tasks.regions import covering, drawn, matches, regions

_MISSING = missing("boundary", [need for need in Boundary.needs if need.module])
pytestmark = pytest.mark.skipif(bool(_MISSING), reason="; ".join(_MISSING))


def blobs(height: int, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture of discs on a background, uint8, and the region that each pixel belongs to."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    number = np.zeros((height, width), np.uint8)
    for k in range(1, 5):
        cy, cx = rng.integers(20, height - 20), rng.integers(20, width - 20)
        number[np.hypot(y - cy, x - cx) < rng.integers(12, 30)] = k
    colours = rng.permutation(np.linspace(20, 235, 15).astype(np.uint8)).reshape(5, 3)
    noise = rng.normal(0, 4, (height, width, 3))
    return (colours[number] + noise).clip(0, 255).astype(np.uint8), number


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pictures, two people's segmentations of each: the discs, and the discs without the last one."""
    folder = tmp_path_factory.mktemp("segmentation")
    rows = ["image,segmentation"]
    for seed in range(4):
        frame, number = blobs(97, 128, seed)
        Image.fromarray(frame).save(folder / f"{seed}.png")
        for person, seen in enumerate((number, np.where(number == 4, 0, number))):
            Image.fromarray(seen).save(folder / f"{seed}_{person}.png")
            rows.append(f"{seed}.png,{seed}_{person}.png")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def head(folder: Path) -> Path:
    from codec.train.boundary import main

    path = folder / "head.safetensors"
    main(["--data", str(folder), "-o", str(path), "--epochs", "40"])
    return path


@pytest.fixture(scope="module")
def task(head: Path) -> Boundary:
    task = Boundary()
    task.load({"boundary": head})
    return task


def test_a_drawn_line_is_where_regions_meet() -> None:
    number = np.zeros((7, 8), np.uint8)
    number[:, 3:] = 1
    grid, line = drawn(number)
    assert grid.shape == line.shape == (4, 4)
    assert np.array_equal(line, np.tile([False, True, False, False], (4, 1)))


def test_lines_match_within_reach_and_not_beyond() -> None:
    probability = np.zeros((40, 40), np.float32)
    probability[:, 20] = 1
    line = np.zeros((40, 40), bool)
    line[:, 22] = True
    assert matches(probability, [line]) == {"p_hit": 40, "p_all": 40, "r_hit": 40, "r_all": 40}
    far = np.roll(line, 1, 1)
    assert matches(probability, [far]) == {"p_hit": 0, "p_all": 40, "r_hit": 0, "r_all": 40}
    # Anybody's line makes a found cell right; everybody's must be found.
    assert matches(probability, [line, far]) == {"p_hit": 40, "p_all": 40, "r_hit": 40, "r_all": 80}


def test_nothing_found_and_nothing_drawn_have_no_hits() -> None:
    flat, none = np.zeros((8, 8), np.float32), np.zeros((8, 8), bool)
    assert matches(flat, [none]) == {"p_hit": 0, "p_all": 0, "r_hit": 0, "r_all": 0}
    assert matches(flat, [~none])["r_hit"] == 0 and matches(flat + 1, [none])["p_hit"] == 0


def test_covering_is_the_area_weighted_best_overlap() -> None:
    halves = np.repeat([0, 7], 8).reshape(1, 16)
    assert covering(halves, halves + 3) == 1
    assert covering(halves, np.zeros_like(halves)) == pytest.approx(0.5)
    assert covering(np.zeros_like(halves), halves) == pytest.approx(0.5)
    quarter = np.repeat([0, 1, 1, 1], 4).reshape(1, 16)
    assert covering(quarter, halves) == pytest.approx((4 * 4 / 8 + 12 * 8 / 12) / 16)


def test_regions_grow_up_to_the_line_between_them() -> None:
    probability = np.zeros((30, 30), np.float32)
    probability[:, 15] = 1
    found = regions(probability)
    assert len(np.unique(found)) == 2
    assert found[0, 0] == found[-1, 12] != found[0, 29] == found[-1, 18]
    assert len(np.unique(regions(np.ones_like(probability)))) == 1


def test_training_finds_the_lines_of_its_own_pictures(task: Boundary, folder: Path) -> None:
    labels = task.labels(folder)
    total = dict.fromkeys(("p_hit", "p_all", "r_hit", "r_all"), 0.0)
    for name, label in labels.items():
        frame = np.asarray(Image.open(folder / name))
        fields = task.score(frame, label, task.reference(frame, label))
        total = {k: v + fields[k] for k, v in total.items()}
        assert 0 < fields["covering"] <= 1
    assert total["p_hit"] > 0.7 * total["p_all"] and total["r_hit"] > 0.7 * total["r_all"]


def test_an_equal_picture_scores_perfectly(task: Boundary, folder: Path) -> None:
    frame = np.asarray(Image.open(folder / "0.png"))
    assert task.score(frame.copy(), None, task.reference(frame, None)) == {"self_covering": 1.0, "correlation": 1.0}


def test_a_blurred_picture_scores_worse(task: Boundary, folder: Path) -> None:
    image = Image.open(folder / "1.png")
    frame = np.asarray(image)
    label = task.labels(folder)["1.png"]
    reference = task.reference(frame, label)
    blurred = np.asarray(image.resize((16, 12)).resize(image.size, Image.Resampling.BICUBIC))
    good, bad = task.score(frame, label, reference), task.score(blurred, label, reference)
    assert bad["r_hit"] < good["r_hit"] and bad["correlation"] < 0.9 and bad["self_covering"] < 1


def test_the_map_equals_that_of_the_layers_in_plain_order(task: Boundary, head: Path, folder: Path) -> None:
    import torch
    import torch.nn.functional as F

    from codec.perception.classifiers import LITE0, load, tensor
    from codec.tasks.head import probability, read_head

    frame = np.asarray(Image.open(folder / "2.png"))
    tensors, _ = read_head(head)
    padded = np.pad(frame, ((0, 128 - 97), (0, 0), (0, 0)), mode="edge")
    with torch.inference_mode():
        taps = load(LITE0).taps(tensor(padded))
        maps = torch.cat([F.interpolate(t, size=taps[0].shape[2:], mode="bilinear") for t in taps], 1)
        x = (maps[0].permute(1, 2, 0) - tensors["mean"]) / tensors["std"]
        hidden = (x @ tensors["w1"].T + tensors["b1"]).relu()
        plain = (hidden @ tensors["w2"].T + tensors["b2"]).sigmoid()[:49, :, 0].numpy()
    assert np.abs(probability(load(LITE0), tensors, frame) - plain).max() < 1e-4


def test_arrays_of_numpy_are_read_as_a_head(task: Boundary, head: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    from codec.tasks.head import read_head

    np.savez(tmp_path / "head.npz", **load_file(head))
    for name, tensor in read_head(tmp_path / "head.npz")[0].items():
        assert np.array_equal(tensor.numpy(), load_file(head)[name])


@pytest.mark.parametrize("name", ["head.npz", "head.safetensors"])
def test_what_is_no_head_is_refused(tmp_path: Path, name: str) -> None:
    task = Boundary()
    with pytest.raises(CodecError, match="--weights boundary=FILE"):
        task.load({})
    with pytest.raises(CodecError, match="can't be read"):
        task.load({"boundary": tmp_path / name})
    (tmp_path / name).write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(CodecError, match="not a head"):
        task.load({"boundary": tmp_path / name})
    arrays = {"mean": np.zeros(512, np.float32), "b1": np.zeros(4, np.float32)}
    if name.endswith(".npz"):
        np.savez(tmp_path / name, **arrays)
    else:
        from safetensors.numpy import save_file

        save_file(arrays, tmp_path / name)
    with pytest.raises(CodecError, match="no tensor std"):
        task.load({"boundary": tmp_path / name})


def test_a_segmentation_of_another_size_is_refused(task: Boundary, folder: Path) -> None:
    frame = np.asarray(Image.open(folder / "0.png"))[:90]
    with pytest.raises(CodecError, match="one region number for each pixel of 128x90"):
        task.reference(frame, task.labels(folder)["0.png"])


def test_a_segmentation_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("image,segmentation\na.png,a_0.png\n")
    with pytest.raises(CodecError, match=r"line 2: a_0\.png isn't in the folder"):
        Boundary().labels(tmp_path)
