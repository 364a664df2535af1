"""The PyTorch dataset: in workers as without them, from folders, files and shards; and what it refuses."""

import io
import pickle
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.places import PHOTO
from PIL import Image
from torch.utils.data import DataLoader

import codec
from codec.errors import CodecError
from codec.torch import Begun, Dataset, Recode, finish


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six .ncf files, and one that is no picture."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    (folder / "deep").mkdir()
    for number in range(6):
        smooth = np.add.outer(np.arange(24), np.arange(32) * (number + 1))[..., None] % 256
        picture = (smooth + rng.integers(0, 4, (24, 32, 3))).astype(np.uint8)
        path = folder / ("deep" if number % 2 else "") / f"{number}.ncf"
        path.write_bytes(codec.encode(picture, lossless=True, effort=1))
    (folder / "notes.txt").write_text("nothing")
    return folder


@pytest.fixture(scope="module")
def shard(folder: Path) -> Path:
    path = folder.parent / "shard-00.tar"
    with tarfile.open(path, "w") as tar:
        for number, file in enumerate(sorted(folder.rglob("*.ncf"))):
            for suffix, data in (("ncf", file.read_bytes()), ("cls", str(number).encode())):
                member = tarfile.TarInfo(f"train/{file.stem}.{suffix}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return path


def expected(path: Path) -> torch.Tensor:
    (frame,) = codec.decode(path).frames()
    return torch.from_numpy(frame.transpose(2, 0, 1))


def test_urls_of_folders_shards_and_files(folder: Path, shard: Path) -> None:
    store = pytest.importorskip("fsspec").filesystem("memory")
    store.put(str(folder), "/test-torch/pictures", recursive=True)
    store.put(str(shard), "/test-torch/shard-00.tar")
    url = "memory://test-torch"
    paths = (f"{url}/pictures", f"{url}/shard-00.tar", f"{url}/pictures/0.ncf")
    for path, local in zip(paths, (folder, shard, folder / "0.ncf"), strict=True):
        assert [one["key"] for one in Dataset(path)] == [one["key"] for one in Dataset(local)]
        assert torch.equal(Dataset(path)[-1]["image"], Dataset(local)[-1]["image"])
    with pytest.raises(FileNotFoundError):
        Dataset(f"{url}/none")
    store.rm("/test-torch", recursive=True)


@pytest.mark.parametrize("workers", [0, 2])
def test_all_files_of_a_folder_epoch_after_epoch(folder: Path, workers: int) -> None:
    data = Dataset(folder)
    assert torch.equal(data[0]["image"], expected(folder / "0.ncf"))  # used before it is forked
    loader = DataLoader(data, batch_size=2, num_workers=workers)
    for _ in range(2):
        batches = list(loader)
        assert [key for batch in batches for key in batch["key"]] == ["0", "2", "4", "deep/1", "deep/3", "deep/5"]
        for batch in batches:
            for key, image in zip(batch["key"], batch["image"], strict=True):
                assert torch.equal(image, expected(folder / f"{key}.ncf"))


@pytest.mark.parametrize("workers", [0, 2])
def test_shards_have_labels(folder: Path, shard: Path, workers: int) -> None:
    data = Dataset([shard])
    data[0]  # opens the shard, whose place workers must not share
    items = list(DataLoader(data, batch_size=None, num_workers=workers))
    files = sorted(folder.rglob("*.ncf"))
    assert [(item["key"], item["cls"]) for item in items] == [
        (f"train/{file.stem}", str(number).encode()) for number, file in enumerate(files)
    ]
    assert all(torch.equal(item["image"], expected(file)) for item, file in zip(items, files, strict=True))


def test_channels_transform_and_other_kinds(folder: Path, tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 6), 9, np.uint8)).save(tmp_path / "grey.png")
    data = Dataset([tmp_path / "grey.png", folder / "0.ncf"], transform=lambda image: image.float() / 255, channels=4)
    assert data[0]["image"].shape == (4, 4, 6) and data[1]["image"].shape == (4, 24, 32)
    assert data[0]["image"][0].eq(9 / 255).all() and data[0]["image"][3].eq(1).all()
    assert Dataset(folder, channels=1)[0]["image"].shape == (1, 24, 32)


@pytest.mark.parametrize("channels", [1, 3])
def test_deep_grey_is_rounded_to_8_bits(channels: int, tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 6), 40 * 257, np.uint16)).save(tmp_path / "deep.png")
    assert Dataset(tmp_path, channels=channels)[0]["image"].eq(40).all()


def test_members_of_a_shard_do_not_take_the_place_of_the_picture(folder: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(folder / "0.ncf", "a.ncf")
        for suffix in ("image", "key"):
            tar.addfile(tarfile.TarInfo(f"a.{suffix}"))
    item = Dataset(tmp_path / "a.tar")[0]
    assert item["key"] == "a" and item["image"].shape == (3, 24, 32)


def test_threads_read_a_shard_at_the_same_time(shard: Path) -> None:
    data = Dataset(shard)
    parts = [part for _, _, more in data.items for part in more.values()]
    expected = [data._read(part) for part in parts]
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: [data._read(part) for part in parts], range(400)):
            assert found == expected


def test_a_dataset_goes_to_processes_that_are_started(shard: Path) -> None:
    data = Dataset(shard)
    first = data[0]["image"]
    assert torch.equal(pickle.loads(pickle.dumps(data))[0]["image"], first)


def test_what_is_refused_names_the_file(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(codec.CodecError, match="no pictures in"):
        Dataset(tmp_path)
    with pytest.raises(codec.CodecError, match="no such file or folder"):
        Dataset(tmp_path / "nothere")
    with pytest.raises(codec.CodecError, match="2 channels"):
        Dataset(folder, channels=2)
    (tmp_path / "cut.tar").write_bytes(b"no tar" * 100)
    with pytest.raises(codec.CodecError, match=r"cut\.tar: not a whole, uncompressed tar"):
        Dataset(tmp_path / "cut.tar")
    (tmp_path / "cut.ncf").write_bytes((folder / "0.ncf").read_bytes()[:-9])
    with pytest.raises(codec.CodecError, match=r"cut\.ncf: .*get a whole copy"):
        Dataset(tmp_path)[0]


def test_recoding_loses_the_more_the_lower_the_quality() -> None:
    image = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 64, 96), np.uint8))
    errors = [(Recode(q)(image).float() - image.float()).abs().mean().item() for q in (5, 90)]
    assert errors[0] > errors[1] > 0
    torch.manual_seed(0)
    drawn = [Recode((5, 90))(image) for _ in range(2)]
    assert not torch.equal(*drawn) and drawn[0].shape == image.shape and drawn[0].dtype == torch.uint8


@pytest.fixture(scope="module")
def lossy(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lossy pictures of two sizes, at several rates, and others among them."""
    lossy = tmp_path_factory.mktemp("lossy")
    with Image.open(PHOTO) as photo:
        pictures: list[tuple[tuple[int, int, int, int], dict[str, Any]]] = [
            ((0, 0, 150, 100), {"quality": 10}),
            ((9, 9, 129, 73), {"quality": 60}),
            ((50, 20, 200, 120), {"quality": 90}),
            ((0, 40, 150, 140), {"quality": 30, "tune": "ssim"}),
        ]
        for number, (box, options) in enumerate(pictures):
            (lossy / f"{number}.ncf").write_bytes(codec.encode(photo.crop(box), **options))
        photo.crop((0, 0, 40, 30)).convert("L").save(lossy / "4.png")
        (lossy / "5.ncf").write_bytes(codec.encode(photo.crop((0, 0, 90, 70)).convert("L"), quality=50))
    (lossy / "6.ncf").write_bytes((folder / "0.ncf").read_bytes())
    return lossy


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_are_finished_as_pictures_are_decoded(lossy: Path, workers: int) -> None:
    loader = DataLoader(Dataset(lossy, whole=False), batch_size=4, num_workers=workers, collate_fn=list)
    images = [item["image"] for batch in loader for item in batch]
    assert [isinstance(image, Begun) for image in images] == [True] * 4 + [False] * 3
    for image, whole in zip(finish(images), Dataset(lossy), strict=True):
        wanted = whole["image"]
        assert image.shape == wanted.shape and image.dtype == torch.uint8
        assert (image.int() - wanted.int()).abs().max() <= 1


def test_what_is_finished_later_has_no_transform(lossy: Path) -> None:
    refused: tuple[dict[str, Any], ...] = ({"transform": Recode()}, {"channels": 1}, {"device": "cuda"})
    for options in refused:
        with pytest.raises(CodecError, match="after finish"):
            Dataset(lossy, whole=False, **options)


def test_damage_is_told_of_pictures_that_are_begun(lossy: Path, tmp_path: Path) -> None:
    data = bytearray((lossy / "0.ncf").read_bytes())
    data[-20] ^= 1
    (tmp_path / "bad.ncf").write_bytes(data)
    with pytest.raises(CodecError, match=r"bad\.ncf"):
        Dataset(tmp_path, whole=False)[0]


def test_recode_refuses_what_is_no_quality_or_no_picture() -> None:
    wrong: tuple[Any, ...] = (500, (0, 200), "x", (60, 20), (1, 2, 3))
    for quality in wrong:
        with pytest.raises(CodecError):
            Recode(quality)
    for shape, kind in (((8, 8), torch.uint8), ((2, 3, 8, 8), torch.uint8), ((3, 8, 8), torch.float32)):
        with pytest.raises(CodecError, match="no picture to recode"):
            Recode()(torch.zeros(shape, dtype=kind))
