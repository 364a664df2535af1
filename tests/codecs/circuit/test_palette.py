"""Palettes: the list comes back, pictures come back, and knowing the colours saves bits."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from codec.codecs.circuit.network import Network
from codec.codecs.circuit.palette import MOST, Palette, code_colours, colours_of
from codec.codecs.circuit.wavefront import code_tiles
from codec.entropy import Decoder, Encoder
from codec.errors import FormatError
from codec.models.circuit.context_net import ContextNet
from codec.models.circuit.shape import ContextConfig
from codec.train.circuit_export import integers

SMALL = {"hidden": 12, "trunk": 8, "feature_hidden": 6, "features": 4, "stage": 6, "mixtures": 3}


@pytest.fixture(scope="module", params=[{}, {"copies": 4, "matches": 2, "pattern": 12}], ids=["plain", "copies"])
def network(request: pytest.FixtureRequest) -> Network:
    torch.manual_seed(0)
    model = ContextNet(ContextConfig(**SMALL, **request.param)).eval()
    return Network(model.config, integers(model, [np.zeros((24, 24, 3), np.uint8)]))


def picture(colours: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 256, (colours, 3), dtype=np.uint8)
    return table[rng.integers(0, colours, (21, 26))]


def there_and_back(network: Network, tiles: list[np.ndarray], palette: Palette | None) -> int:
    encoder = Encoder()
    code_tiles(network, encoder, tiles, False, 8, palette)
    data = encoder.finish()
    decoder = Decoder(data)
    back = [np.empty_like(t) for t in tiles]
    code_tiles(network, decoder, back, True, 8, palette)
    decoder.finish()
    assert all((a == b).all() for a, b in zip(tiles, back, strict=True))
    return len(data)


@given(st.sets(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=60))
def test_every_list_of_colours_comes_back(colours: set[tuple[int, int, int]]) -> None:
    listed = np.array(sorted(colours))
    encoder = Encoder()
    code_colours(encoder, listed, 3)
    decoder = Decoder(encoder.finish())
    assert (code_colours(decoder, None, 3) == listed).all()
    decoder.finish()


@pytest.mark.parametrize("colours", [1, 2, 3, 40, 500])
def test_pictures_of_few_colours_come_back_in_fewer_bytes(network: Network, colours: int) -> None:
    tiles = [picture(colours), picture(colours)[:3], picture(colours)[:, :1]]
    palette = Palette(colours_of(tiles))
    assert there_and_back(network, tiles, palette) < 0.8 * there_and_back(network, tiles, None)


def test_a_random_picture_of_few_colours_costs_at_most_one_index_a_pixel_and_what_was_not_foreseen() -> None:
    # Without a trained network the choice among 16 colours costs more than 4 bits, but far less than 24.
    torch.manual_seed(0)
    model = ContextNet(ContextConfig(**SMALL)).eval()
    tile = picture(16)
    net = Network(model.config, integers(model, [tile]))
    assert there_and_back(net, [tile], Palette(colours_of([tile]))) * 8 < 12 * tile.size / 3


def test_with_two_colours_what_is_no_copy_is_the_other_colour(network: Network) -> None:
    tile = picture(2)
    palette = Palette(colours_of([tile]))
    excluded = palette.find(np.array([[7.0, 7.0], [7.0, 8.0]]))
    assert (excluded == -1).all()
    first = float(tile[0, 0].astype(np.int64) @ 65536 ** np.arange(3))
    assert (palette.find(np.array([[first, first]])) >= 0).tolist() == [[True, False]]


def test_grey_palettes_make_two_channels_free(network: Network) -> None:
    tile = picture(30)[..., :1].repeat(3, 2)
    grey = there_and_back(network, [tile], Palette(colours_of([tile])))
    colour = there_and_back(network, [picture(30)], Palette(colours_of([picture(30)])))
    assert grey < colour * 1.2
    assert all(v.shape[1] == 1 for v in Palette(colours_of([tile])).values[1:])


def test_too_many_colours_are_no_palette() -> None:
    n = MOST + 1
    tile = np.stack([np.arange(n) % 256, np.arange(n) // 256, np.zeros(n)], -1).astype(np.uint8)[None]
    assert colours_of([tile]) is None
    assert len(colours_of([tile[:, :-1]])) == MOST  # type: ignore[arg-type]


@pytest.mark.parametrize("colours", [[[3, 0, 0], [2, 0, 0]], [[1, 2, 3], [1, 2, 3]], [[300, 0, 0]]])
def test_colours_out_of_order_or_range_are_refused(colours: list[list[int]]) -> None:
    encoder = Encoder()
    with pytest.raises(FormatError, match="palette is damaged"):
        code_colours(encoder, np.array(colours), 3)
