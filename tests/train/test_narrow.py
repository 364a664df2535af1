"""Narrower context networks: the units that matter, and nothing that the wider one doesn't have."""

from pathlib import Path

import pytest
import torch

from codec.codecs.circuit.scales import CEILING, dequantise
from codec.codecs.circuit.weights import load
from codec.errors import CodecError
from codec.models.circuit.context_net import ContextNet
from codec.models.circuit.shape import ContextConfig
from codec.train.narrow import narrowed

WEIGHTS = Path(__file__).parents[2] / "assets" / "circuit-s.safetensors"
SMALLER = {"hidden": 20, "trunk": 12, "feature_hidden": 10, "features": 6, "stage": 8}


def test_of_the_same_width_it_is_the_same() -> None:
    photo = load(WEIGHTS)["photo"]
    same, expected = narrowed(WEIGHTS, photo.config), dequantise(photo.config, photo.tensors)
    assert same.keys() == expected.keys() and all(torch.equal(same[k], expected[k]) for k in same)


@pytest.mark.parametrize("channels", [1, 3])
def test_units_that_later_layers_hardly_read_go_first(channels: int) -> None:
    config = ContextConfig(channels=channels, **SMALLER)
    state = narrowed(WEIGHTS, config)
    ContextNet(config, CEILING).load_state_dict(state)
    wide = next(n for n in load(WEIGHTS).values() if n.config.channels == channels)
    read = dequantise(wide.config, wide.tensors)["feature2.weight"].square().sum(0)
    kept = {tuple(row.tolist()) for row in state["feature1.weight"]}
    all_rows = dequantise(wide.config, wide.tensors)["feature1.weight"]
    assert kept == {tuple(all_rows[i].tolist()) for i in read.topk(SMALLER["feature_hidden"]).indices}


def test_wider_ones_can_not_be_made() -> None:
    with pytest.raises(CodecError, match="no network of these sizes"):
        narrowed(WEIGHTS, ContextConfig(hidden=1000))
