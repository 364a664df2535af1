"""Commands on files behind URLs: in, out, whole folders of them, and what is refused."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.commands import QUICK, call, refused
from helpers.stores import site
from helpers.video_clips import moving, video_file
from PIL import Image

fsspec = pytest.importorskip("fsspec")
BUCKET = "memory://test-commands"


@pytest.fixture
def store() -> Iterator["fsspec.AbstractFileSystem"]:
    """fsspec's memory with two pictures in a folder."""
    store = fsspec.filesystem("memory")
    for number, name in enumerate(("a.png", "deep/b.png")):
        buffer = io.BytesIO()
        Image.linear_gradient("L").resize((32, 24 + number)).save(buffer, "PNG")
        store.pipe(f"/test-commands/in/{name}", buffer.getvalue())
    yield store
    store.rm("/test-commands", recursive=True)


def found(store: "fsspec.AbstractFileSystem", folder: str) -> list[str]:
    root = f"/test-commands/{folder}"
    return sorted(name.removeprefix(f"{root}/") for name in store.find(root))


def test_a_folder_there_and_back(store: "fsspec.AbstractFileSystem", here: Path) -> None:
    call("encode", "--lossless", "-e", 1, "-r", f"{BUCKET}/in", "-o", f"{BUCKET}/out")
    assert found(store, "out") == ["a.ncf", "deep/b.ncf"]
    local = here / "a.png"
    local.write_bytes(store.cat("/test-commands/in/a.png"))
    call("encode", "--lossless", "-e", 1, local)
    assert store.cat("/test-commands/out/a.ncf") == (here / "a.ncf").read_bytes()
    call("decode", "-r", f"{BUCKET}/out/", "-o", "back")
    assert sorted(p.name for p in Path("back").rglob("*.png")) == ["a.png", "b.png"]
    assert call("info", "-r", f"{BUCKET}/out").stdout.count("circuit") == 2
    lines = call("verify", "-r", f"{BUCKET}/out").stdout.splitlines()
    assert [line.partition(": ")[2][:5] for line in lines] == ["whole", "whole"]
    assert "the same as" in call("verify", f"{BUCKET}/out/a.ncf", "--against", f"{BUCKET}/in/a.png").stdout


def test_what_is_there_stays_is_left_out_or_is_replaced(store: "fsspec.AbstractFileSystem") -> None:
    batch = ("encode", "--lossless", "-e", 1, "-r", f"{BUCKET}/in", "-o", f"{BUCKET}/out")
    call(*batch)
    before = store.cat("/test-commands/out/a.ncf")
    assert "exists already" in call(*batch, code=1).stderr
    assert "0 encoded, 2 skipped" in call(*batch, "--skip-existing").stderr
    call(*batch, "-f")
    assert store.cat("/test-commands/out/a.ncf") == before
    store.pipe("/test-commands/out/a.ncf", b"somebody else's")
    assert "isn't codec's" in call(*batch, "-f", code=1).stderr
    assert store.cat("/test-commands/out/a.ncf") == b"somebody else's"


def test_a_bad_file_leaves_no_output(store: "fsspec.AbstractFileSystem") -> None:
    store.pipe("/test-commands/in/bad.png", store.cat("/test-commands/in/a.png")[:60])
    result = call("encode", "--lossless", "-e", 1, "-r", f"{BUCKET}/in", "-o", f"{BUCKET}/out", code=1)
    assert f"codec: {BUCKET}/in/bad.png: " in result.stderr
    assert found(store, "out") == ["a.ncf", "deep/b.ncf"]


def test_a_video_there_and_back(store: "fsspec.AbstractFileSystem", here: Path) -> None:
    clip = video_file(moving(count=4))
    store.pipe("/test-commands/clip.mkv", clip)
    (here / "clip.mkv").write_bytes(clip)
    call("encode", *QUICK, f"{BUCKET}/clip.mkv")
    call("encode", *QUICK, "clip.mkv")
    assert store.cat("/test-commands/clip.ncf") == Path("clip.ncf").read_bytes()
    call("decode", f"{BUCKET}/clip.ncf", "--frames", "1..2")
    assert store.cat("/test-commands/clip.mp4")[4:8] == b"ftyp"
    assert "URL" in refused("decode", f"{BUCKET}/clip.ncf", "--png", "-o", f"{BUCKET}/frames")
    assert "--resume" in refused("encode", *QUICK, f"{BUCKET}/clip.mkv", "-o", f"{BUCKET}/b.ncf", "--resume")


def test_http_is_read_and_not_written(store: "fsspec.AbstractFileSystem", here: Path) -> None:
    pytest.importorskip("aiohttp")
    with site() as server:
        server.files["a.png?size=1"] = store.cat("/test-commands/in/a.png")
        call("encode", "--lossless", "-e", 1, f"{server.url}/a.png?size=1", "-o", "out/")
        assert Path("out/a.ncf").is_file()
        assert "not written" in refused("encode", f"{server.url}/a.png?size=1")
        assert "no such file" in refused("decode", f"{server.url}/none.ncf", "-o", "none.png")


def test_a_url_of_a_file_on_the_disk_is_its_path(store: "fsspec.AbstractFileSystem", here: Path) -> None:
    (here / "a b.png").write_bytes(store.cat("/test-commands/in/a.png"))
    call("encode", "--lossless", "-e", 1, f"file://{here}/a%20b.png", "-o", f"file://{here}/c.ncf")
    assert (here / "c.ncf").is_file()


def test_what_is_no_place_for_an_output(store: "fsspec.AbstractFileSystem") -> None:
    assert "is a folder; add -r" in refused("encode", f"{BUCKET}/in/", "-o", f"{BUCKET}/a.ncf")
    assert "by the name of another" in refused("encode", f"{BUCKET}/in/a.png", "-o", f"{BUCKET}/in/a.png", code=2)
    assert "name the output with -o" in refused("encode", f"zip://a.png::{BUCKET}/in.zip", code=2)
    assert "grows where it stands" in refused("archive", "add", f"{BUCKET}/all.ncf", "clip.mp4", code=2)


def test_rows_of_pictures_behind_urls_are_those_of_files(store: "fsspec.AbstractFileSystem", here: Path) -> None:
    store.get("/test-commands/in/", str(here / "in"), recursive=True)
    store.pipe("/test-commands/in/bad.png", b"\x89PNG\r\n\x1a\n")
    specs = ("--codec", "png", "--codec", "jpeg:q=50", "--metric", "psnr")
    call("evaluate", f"{BUCKET}/in/", *specs, "-o", "urls.jsonl", "--keep", "kept", code=1)
    call("evaluate", "in", *specs, "-o", "files.jsonl")
    texts = [Path(name).read_text().replace(f"{BUCKET}/", "") for name in ("urls.jsonl", "files.jsonl")]
    rows = [[json.loads(line) for line in text.splitlines()] for text in texts]
    rows = [[{k: v for k, v in row.items() if k[-2:] != "_s" and k != "kept"} for row in found] for found in rows]
    bad = [row for row in rows[0] if row["file"] == "in/bad.png"]
    assert len(bad) == 2 and all("error" in row for row in bad)
    assert [row for row in rows[0] if row not in bad] == rows[1] and len(rows[1]) == 4
    before = Path("urls.jsonl").read_text()
    call("evaluate", f"{BUCKET}/in/", *specs, "-o", "urls.jsonl", code=1)
    assert Path("urls.jsonl").read_text().startswith("".join(before.splitlines(keepends=True)[:2]))


def test_an_archive_is_read(store: "fsspec.AbstractFileSystem", here: Path) -> None:
    golden = Path(__file__).parents[1] / "golden" / "archives" / "all.ncf"
    store.pipe("/test-commands/all.ncf", golden.read_bytes())
    assert (
        call("archive", "list", f"{BUCKET}/all.ncf").stdout.partition("  ")[2]
        == (call("archive", "list", golden).stdout.partition("  ")[2])
    )
    call("archive", "extract", f"{BUCKET}/all.ncf", "stream", "--no-audio", "-o", "url.mkv")
    call("archive", "extract", golden, "stream", "--no-audio", "-o", "file.mkv")
    assert Path("url.mkv").read_bytes() == Path("file.mkv").read_bytes()


def test_a_dry_run_reads_the_first_bytes_and_writes_nothing(here: Path) -> None:
    pytest.importorskip("aiohttp")
    noise = Image.effect_noise((500, 400), 80)
    with site() as server:
        buffer = io.BytesIO()
        noise.save(buffer, "PNG")
        server.files["a.png"] = buffer.getvalue()
        assert "a.png" in call("encode", f"{server.url}/a.png", "-o", "a.ncf", "--dry-run").stderr
        assert server.sent < len(buffer.getvalue()) and not Path("a.ncf").exists()
