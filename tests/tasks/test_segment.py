"""Segmentation by a model of the user's: intersections over unions of whole sets, on a model made here."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from codec.errors import CodecError
from codec.evaluate import ORIGINAL, Evaluator, Plan, find_items, summarise
from codec.evaluate.specs import Spec
from codec.tasks.segment import Segment

onnx = pytest.importorskip("onnx", reason="pip install onnx")
pytest.importorskip("onnxruntime", reason="pip install onnxruntime")

_COLOURS = np.array([[220, 40, 40], [40, 200, 60], [50, 60, 210]], np.float32)


def model(path: Path, size: tuple[int, int] | None = None) -> Path:
    """Three classes, each the colour that a pixel is most like: a 1 x 1 convolution."""
    from onnx import TensorProto, helper, numpy_helper

    colours = (_COLOURS / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    tensors = {"w": colours[:, :, None, None], "b": -(colours**2).sum(1) / 2}
    shape = [1, 3, *(size or ("h", "w"))]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w", "b"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, *shape[2:]])],
        [numpy_helper.from_array(v.astype(np.float32), k) for k, v in tensors.items()],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9)
    path.write_bytes(made.SerializeToString())
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures of coloured areas and their classes; a tenth of the second's label is wrong."""
    found = tmp_path / "pictures"
    found.mkdir()
    lines = ["file,mask"]
    for i in range(2):
        classes = np.zeros((50, 70), np.uint8)
        classes[:, 30:] = 1 + i
        Image.fromarray(_COLOURS[classes].astype(np.uint8)).save(found / f"{i}.png")
        label = classes.copy()
        label[:5] = 255
        if i:
            label[-5:, :] = 0
        Image.fromarray(label).save(found / f"{i}-classes.png")
        lines.append(f"{i}.png,{i}-classes.png")
    (found / "labels.csv").write_text("\n".join(lines) + "\n")
    return found


@pytest.mark.parametrize("size", [None, (25, 35)])
def test_iou_is_pooled_over_the_set_and_ignores_what_has_no_class(
    folder: Path, tmp_path: Path, size: tuple[int, int] | None
) -> None:
    weights = (("segment", model(tmp_path / "m.onnx", size)),)
    plan = Plan((Spec("png"), Spec("jpeg", "q", 1)), ("psnr",), ("segment",), weights)
    evaluator = Evaluator(plan, "image")
    items = find_items([folder], "image")
    assert [p.name for p in items] == ["0.png", "1.png"]
    summary = {r["codec"]: r for r in summarise([row for p in items for row in evaluator.rows(p)])}
    # Of 45 x 70 pixels in each: class 0 is 30 of 70 columns; in the second 5 rows of the label say 0 instead of 2.
    zero = (45 * 30 * 2) / (45 * 30 * 2 + 5 * 40)
    two = (40 * 40) / (45 * 40)
    tolerance = 1e-6 if size is None else 0.02
    for codec in (ORIGINAL, "png"):
        assert summary[codec]["task.segment.miou"] == pytest.approx((zero + 1 + two) / 3, abs=tolerance)
        assert summary[codec]["task.segment.miou_self"] == 1
    assert summary["jpeg:q=1"]["task.segment.miou_self"] < 1
    assert summary["jpeg:q=1"]["task.segment.miou_self.low"] < 0


def test_what_is_no_segmentation_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(CodecError, match=r"bad\.onnx: not a model"):
        Segment().load({"segment": tmp_path / "bad.onnx"})
    with pytest.raises(CodecError, match="--weights segment=FILE"):
        Segment().load({})


def test_a_mask_of_another_size_is_named(folder: Path, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(folder / "0-classes.png")
    plan = Plan((Spec("png"),), ("psnr",), ("segment",), (("segment", model(tmp_path / "m.onnx")),))
    rows = list(Evaluator(plan, "image").rows(folder / "0.png"))
    assert all("0-classes.png: is 9 x 9" in row["error"] for row in rows)
