"""The training loop: resumable to the step, in bounded parts, learning on pictures made here."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from codec.codecs.s2lic import image as s2lic_image
from codec.errors import CodecError
from codec.models.s2lic.model import S2LIC
from codec.output import alone
from codec.train import checkpoint, loop, photos, s2lic_export
from codec.train.loop import lr_factor
from codec.train.s2lic import main
from codec.train.s2lic_options import make_config, parse
from codec.train.trainer import Trainer, rates, take
from codec.train.validate import Validation

SMALL = json.dumps(
    {
        "stages": [[16, 1, 2], [16, 2, 2]], "slices": [8, 8], "hyper": 8, "hyper_widths": [8, 8, 8, 8], "hyper_out": 8,
        "parameter_widths": [8], "context_hidden": 8, "context_width": 8,
    }
)  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(4):
        small = Image.fromarray(rng.integers(0, 256, (8, 10, 3), dtype=np.uint8))
        small.resize((160, 128), Image.Resampling.BICUBIC).save(folder / f"{i}.png")
    return folder


def arguments(data: Path, out: Path, *more: str) -> list[str]:
    common = ["--crop", "64", "--batch", "2", "--overrides", SMALL, "--precision", "fp32", "--device", "cpu"]
    return ["--data", str(data), "--out", str(out), *common, "--log-every", "2", *more]


def test_a_stopped_and_resumed_run_equals_an_unbroken_one(data: Path, tmp_path: Path) -> None:
    torch.use_deterministic_algorithms(True)
    try:
        whole = Trainer(parse(arguments(data, tmp_path / "whole", "--steps", "6")))
        for _ in range(6):
            whole.train_step()
        first = Trainer(parse(arguments(data, tmp_path / "parts", "--steps", "6")))
        for _ in range(3):
            first.train_step()
        first.save()
        second = Trainer(parse(arguments(data, tmp_path / "parts", "--steps", "6")))
        assert second.step == 3
        for _ in range(3):
            second.train_step()
    finally:
        torch.use_deterministic_algorithms(False)
    averages = [(v.float(), second.average[k].float()) for k, v in whole.average.items()]
    for a, b in [*zip(whole.model.parameters(), second.model.parameters(), strict=True), *averages]:
        # Adam makes a step of a gradient that is nearly zero, whichever its sign.
        assert torch.isclose(a, b, rtol=1e-4, atol=1e-6).float().mean() > 0.99


def test_training_learns_logs_validates_and_exports(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    main(arguments(data, out, "--steps", "24", "--val", str(data), "--lr", "0.005", "--batch", "16"))
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    capsys.readouterr()
    losses = [r["loss"] for r in rows if "loss" in r]
    assert np.mean(losses[-4:]) < np.mean(losses[:4])
    validation = rows[-1]["val"]
    assert len(validation) == 5 and [p[0] for p in validation] == sorted(p[0] for p in validation)
    assert (out / "stable" / "state.json").exists()  # the start of the decay is kept
    assert max(p.stat().st_size for p in (out / "average").iterdir()) < 0.5 * 2**20
    export = [str(out), "-o", str(tmp_path / "w.safetensors"), "--description", "test", "--checkpoint", "average"]
    s2lic_export.main(export)
    assert json.loads(capsys.readouterr().out)["steps"] == 24
    with pytest.raises(CodecError, match="overwrite it with -f"):
        s2lic_export.main(export)
    s2lic_export.main([*export, "-f"])
    from codec.codecs.options import ImageOptions
    from codec.codecs.s2lic import image as s2lic

    opened = s2lic.S2licImages(tmp_path / "w.safetensors")
    from codec import media

    info, frames = media.from_array(np.full((40, 50, 3), 90, np.uint8))
    header, units = opened.encode(info, frames, ImageOptions(quality=50))
    assert next(opened.decode(header, units)).shape == (40, 50, 3)
    # The exported weights can start another run.
    main(arguments(data, tmp_path / "again", "--steps", "2", "--init", str(tmp_path / "w.safetensors")))


def test_a_grown_model_starts_with_the_function_that_it_grew_from(data: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    small = make_config(parse(arguments(data, tmp_path, "--steps", "1")))
    small = replace(small, stages=((16, 0, 1), (16, 0, 1)), filtered=False)
    model = S2LIC(small)
    for p in model.parameters():  # the identities at the start would hide what is missing
        p.data += 0.02 * torch.randn_like(p)
    wide = replace(
        small,
        convolutions=(3, 7),
        filtered=True,
        parameter_widths=(12,),
        context_hidden=12,
        hyper_widths=(8, 12, 12, 12),
        mlp=3,
    )
    grown = S2LIC(wide)
    assert 0.5 < take(grown, model.state_dict()) < 1
    torch.manual_seed(1)
    x, y, z, q = torch.rand(1, 3, 64, 128), torch.randn(1, 16, 4, 8), torch.randn(1, 8, 1, 2), torch.tensor([0.3])

    def parts(model: S2LIC) -> list[torch.Tensor]:
        """All that it computes, without any rounding between: a value near an edge may fall either way."""
        told: list[torch.Tensor] = []

        def quantize(i: int, cells: torch.Tensor, mu: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
            told.extend((mu, sigma))
            return y[:, small.channels(i)] * cells

        with torch.no_grad():
            model.entropy.decode(model.entropy.hyper(z, q), q, quantize)
            return [model.analyse(x, q), model.hyper_analysis(y, q), model.synthesise(y, q), *told]

    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(parts(model), parts(grown), strict=True))


def test_a_non_finite_step_is_skipped(data: Path, tmp_path: Path) -> None:
    trainer = Trainer(parse(arguments(data, tmp_path / "run", "--steps", "6")))
    trainer.crops.batch = lambda n, rng: torch.full((n, 3, 64, 64), float("nan"))  # type: ignore[method-assign]
    before = [p.clone() for p in trainer.model.parameters()]
    assert trainer.train_step() is None
    assert all(torch.equal(a, b) for a, b in zip(before, trainer.model.parameters(), strict=True))


def test_two_processes_train_one_model(data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "codec.train.s2lic"]
    done = subprocess.run(
        [*command, *arguments(data, tmp_path / "run", "--steps", "4")], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr[-800:]
    saved = checkpoint.load(tmp_path / "run" / "checkpoint")
    assert saved is not None and saved[1]["step"] == 4
    assert done.stderr.count('"step": 4') == 1  # one of them writes


def test_a_signal_ends_a_run_with_a_checkpoint(data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "codec.train.s2lic", *arguments(data, tmp_path / "run", "--hours", "1")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stderr
    while '"step": 2' not in process.stderr.readline():
        assert process.poll() is None
    process.terminate()
    assert process.wait(60) == 0
    process.stderr.close()
    saved = checkpoint.load(tmp_path / "run" / "checkpoint")
    assert saved is not None and saved[1]["step"] >= 2


def test_checkpoint_parts_are_bounded_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "PART_BYTES", 4000)
    tensors = {f"t{i}": torch.arange(300, dtype=torch.float32) * i for i in range(10)}
    checkpoint.save(tmp_path / "c", tensors, {"step": 1})
    checkpoint.save(tmp_path / "c", tensors, {"step": 2})
    parts = list((tmp_path / "c").glob("part-*"))
    assert len(parts) == 4 and max(p.stat().st_size for p in parts) < 6000
    saved = checkpoint.load(tmp_path / "c")
    assert saved is not None and saved[1] == {"step": 2}
    assert all(torch.equal(saved[0][k], v) for k, v in tensors.items())
    assert checkpoint.load(tmp_path / "none") is None


def test_rates_of_a_batch_cover_the_range() -> None:
    maps = rates(64, 2, np.random.default_rng(0))
    assert maps.shape == (64, 2, 2) and maps.min() >= 0 and maps.max() <= 1
    constant = (maps == maps[:, :1, :1]).all((1, 2))
    assert 20 < constant.sum() < 44
    eighths = (maps[constant, 0, 0] * 8).floor().clamp(max=7)
    assert set(eighths.tolist()) == set(range(8))


def test_learning_rate_warms_up_stays_and_falls_to_zero() -> None:
    assert lr_factor(0, 0.0, 0.35) == pytest.approx(1 / 30)
    assert lr_factor(1000, 0.6, 0.35) == 1
    assert lr_factor(1000, 0.825, 0.35) == pytest.approx(0.5)
    assert lr_factor(1000, 1.0, 0.35) == 0


def test_crops_are_reproducible_and_cover_tars_and_folders(data: Path, tmp_path: Path) -> None:
    import tarfile

    with tarfile.open(tmp_path / "photos.tar", "w") as tar:
        for f in sorted(data.iterdir()):
            tar.add(f, f.name)
    loaded = photos.load([data, tmp_path / "photos.tar"])
    assert len(loaded) == 8 and all(np.array_equal(a, b) for a, b in zip(loaded[:4], loaded[4:], strict=True))
    crops = photos.Crops(loaded, 64)
    a, b = (crops.batch(5, np.random.default_rng(7)) for _ in range(2))
    assert torch.equal(a, b) and a.shape == (5, 3, 64, 64) and a.min() >= 0 and a.max() <= 1


def test_principal_components_are_orthonormal_and_ordered(data: Path) -> None:
    basis, deviation = photos.principal_components(photos.load([data]), 20, seed=0)
    assert torch.allclose(basis @ basis.T, torch.eye(20), atol=1e-4)
    assert (deviation.diff() <= 0).all()


@pytest.mark.parametrize(
    "wrong",
    [
        ["--steps", "3", "--hours", "1"],
        [],
        ["--steps", "3", "--crop", "100"],
        ["--steps", "0"],
        ["--hours", "0"],
        ["--hours", "nan"],
        ["--steps", "3", "--decay", "1.5"],
        ["--steps", "3", "--log-every", "0"],
    ],
)
def test_wrong_arguments_are_usage_errors(wrong: list[str], data: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as e:
        parse([*arguments(data, tmp_path), *wrong])
    assert e.value.code == 2


def test_a_run_that_goes_on_says_so_keeps_its_precision_and_has_its_folder_alone(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = arguments(data, tmp_path / "run", "--steps", "2")
    call[call.index("fp32")] = "auto"
    first = Trainer(parse(call))
    first.precision = "bf16"  # as on a machine that is faster with it
    first.save()
    assert Trainer(parse(call)).precision == "bf16"
    call[call.index("auto")] = "fp32"
    capsys.readouterr()
    with alone(tmp_path / "run" / "checkpoint"), pytest.raises(CodecError, match="another process is writing"):
        main([*call, "--seed", "3"])
    told = capsys.readouterr().err
    assert "goes on from step 0 in fp32 (was bf16)" in told
    assert "goes on from step 0 with other options than before: seed 3 (was 0), precision fp32 (was auto)" in told
    main([*call, "--stop-after", "1e-9", "--log-every", "100"])
    assert "stopped at step 1, and wrote" in capsys.readouterr().err
    main([*call, "--log-every", "100"])
    assert "the schedule is over at step 2, and wrote" in capsys.readouterr().err
    log = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in log] == [1, 2]  # few as they are
    main(call)
    assert "the schedule is over at step 2: nothing to train; make it longer to go on" in capsys.readouterr().err


def test_what_there_is_nothing_of_is_one_line(data: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CodecError, match=r"no images in .*empty; give folders or tar files of photos"):
        photos.load([tmp_path / "empty"])
    (tmp_path / "text").write_text("no tar")
    with pytest.raises(CodecError, match=r"^[^:]*text: neither a folder nor a tar file"):
        photos.load([tmp_path / "text"])
    with pytest.raises(CodecError, match="no photo of at least 512 x 512 pixels"):
        photos.Crops(photos.load([data]), 512)
    with pytest.raises(CodecError, match="no checkpoint there; give the folder that --out named"):
        s2lic_export.export(tmp_path / "none", tmp_path / "new" / "a.safetensors", "")


@pytest.mark.parametrize("overrides", ["{bad", "[1]", '{"foo": 1}', '{"slices": {}, "none": 2}'])
def test_sizes_that_are_none_are_one_line(overrides: str, data: Path, tmp_path: Path) -> None:
    options = parse(arguments(data, tmp_path / "run", "--steps", "1", "--overrides", overrides))
    with pytest.raises(CodecError, match="none of this model's"):
        make_config(options)


def test_a_run_of_other_sizes_is_not_gone_on_with(data: Path, tmp_path: Path) -> None:
    main(arguments(data, tmp_path / "run", "--steps", "1"))
    other = json.dumps(json.loads(SMALL) | {"hyper": 16})
    with pytest.raises(CodecError, match="holds a run of other sizes"):
        main(arguments(data, tmp_path / "run", "--steps", "2", "--overrides", other))


def test_a_photo_that_is_none_is_named(data: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(CodecError, match=r"a\.png can't be read"):
        photos.load([tmp_path])
    with pytest.raises(CodecError, match="no held-out photo has 64 pixels"):
        Validation([np.zeros((40, 200, 3), np.uint8)])


@pytest.mark.parametrize("damage", ["cut part", "no part", "cut state", "no state", "[]", "{}"])
def test_a_damaged_checkpoint_is_one_line_and_stays(damage: str, data: Path, tmp_path: Path) -> None:
    call = arguments(data, tmp_path / "run", "--steps", "1")
    main(call)
    folder = tmp_path / "run" / "checkpoint"
    part, state = folder / "part-000.safetensors", folder / "state.json"
    if damage.endswith("part"):
        part.write_bytes(part.read_bytes()[:-9]) if damage == "cut part" else part.unlink()
    elif damage == "no state":
        state.unlink()
    else:
        state.write_text(state.read_text()[:-9] if damage == "cut state" else damage)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(CodecError, match="damaged checkpoint"):
        main([*call[:-1], "2"])
    with pytest.raises(CodecError, match="damaged checkpoint"):
        s2lic_export.main([str(tmp_path / "run"), "-o", str(tmp_path / "w.safetensors")])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_run_that_another_process_trained_meanwhile_is_left(data: Path, tmp_path: Path) -> None:
    call = arguments(data, tmp_path / "run", "--steps", "3")
    main([*call[:-1], "1"])
    slow = Trainer(parse(call))
    main([*call[:-1], "2"])
    with pytest.raises(CodecError, match="another process has trained it meanwhile"):
        loop.train(slow)
    saved = checkpoint.load(tmp_path / "run" / "checkpoint")
    assert saved is not None and saved[1]["step"] == 2


def test_weights_to_start_from_are_looked_at(data: Path, tmp_path: Path) -> None:
    main(arguments(data, tmp_path / "run", "--steps", "1"))
    made = tmp_path / "w.safetensors"
    s2lic_export.main([str(tmp_path / "run"), "-o", str(made)])
    tensors = load_file(made)
    (tmp_path / "cut.safetensors").write_bytes(made.read_bytes()[:-9])
    name = next(name for name, t in tensors.items() if t.is_floating_point())
    save_file(tensors | {name: tensors[name] * float("nan")}, tmp_path / "nan.safetensors")
    save_file({"other": torch.ones(3)}, tmp_path / "other.safetensors")
    for start, said in (("cut", "no weights can be read"), ("nan", "aren't finite"), ("other", "nothing in it is of")):
        with pytest.raises(CodecError, match=said):
            main(arguments(data, tmp_path / start, "--steps", "1", "--init", str(tmp_path / f"{start}.safetensors")))
    assert not (tmp_path / "nan" / "checkpoint").exists()
    metadata = {"codec": "s2lic", "config": json.dumps(checkpoint.load(tmp_path / "run" / "checkpoint")[1]["config"])}
    save_file(tensors | {name: tensors[name] * float("nan")}, tmp_path / "nan.safetensors", metadata)
    with pytest.raises(CodecError, match="aren't finite"):
        s2lic_image.load(tmp_path / "nan.safetensors")


def test_a_run_without_finite_steps_ends(data: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    run = Trainer(parse(arguments(data, tmp_path / "run", "--steps", "3")))
    for p in run.model.parameters():
        p.data.fill_(float("nan"))
    with pytest.raises(CodecError, match="the last 3 steps had no finite gradient"):
        loop.train(run)
    assert not (tmp_path / "run" / "checkpoint").exists()


def test_a_checkpoint_outlives_two_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One between its two renames, and one while the next is written."""
    folder, ones = tmp_path / "checkpoint", {"a": torch.ones(3)}
    checkpoint.save(folder, ones, {"step": 1})
    rename = os.replace

    def killed(source: Path, target: Path) -> None:
        if source.suffix == ".new":
            raise KeyboardInterrupt
        rename(source, target)

    for step in (2, 3):
        monkeypatch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            checkpoint.save(folder, ones, {"step": step})
        monkeypatch.setattr(os, "replace", rename)
        found = checkpoint.load(folder)
        assert found is not None and found[1]["step"] == 1
