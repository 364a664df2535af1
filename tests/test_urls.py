"""Files behind URLs: read by ranges, written whole or not at all, and what is told where that can't be."""

import io
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.containers import VIDEO
from helpers.stored import stored
from helpers.stores import Site, site

import codec
from codec import container, urls
from codec.container import Unit
from codec.errors import CodecError

fsspec = pytest.importorskip("fsspec")
BUCKET = "memory://test-urls"


@pytest.fixture
def server() -> Iterator[Site]:
    pytest.importorskip("aiohttp")
    with site() as found:
        yield found


@pytest.fixture(autouse=True)
def emptied() -> Iterator[None]:
    yield
    store = fsspec.filesystem("memory")
    if store.exists("/test-urls"):
        store.rm("/test-urls", recursive=True)


def test_what_is_a_url() -> None:
    for one in ("s3://a/b.png", "memory://a", "zip://a.png::s3://b/c.zip", "simplecache::https://a/b"):
        assert urls.is_url(one)
    for one in ("a.png", "/a/b", "a::b.png", "a:b", "-", "C:\\a", "file:///a", "a b://c", "", Path("a"), b"s3://a"):
        assert not urls.is_url(one)


def test_names_of_one_place_are_the_same() -> None:
    assert urls.identity("memory://a/b") == urls.identity("memory:///a//b") != urls.identity("memory://a/c")
    assert urls.plain("local:///tmp/a") == urls.plain("file:///tmp/a") == "/tmp/a"


def test_any_part_is_read_in_any_order(server: Site) -> None:
    data = random.Random(0).randbytes(300_000)
    server.files["a"] = data
    with urls.whole(f"{BUCKET}/a") as fp:
        fp.write(data)
    for url in (f"{BUCKET}/a", f"{server.url}/a"):
        draw = random.Random(1)
        with urls.opened(url) as fp:
            for _ in range(40):
                start, count = draw.randrange(len(data) + 10), draw.randrange(30_000)
                fp.seek(start)
                assert fp.read(count) == data[start : start + count]
                assert fp.read(5) == data[start + count :][:5]
            fp.seek(7)
            assert fp.read() == data[7:] and fp.read(1) == b""


def test_reading_on_fetches_more_each_time_and_a_jump_little(server: Site) -> None:
    server.files["a"] = bytes(8_000_000)
    with urls.opened(f"{server.url}/a") as fp:
        for _ in range(100):
            fp.read(1000)
        assert server.sent < 300_000
        before = server.sent
        fp.seek(6_000_000)
        fp.read(10)
        assert server.sent - before < 40_000


def test_a_server_without_ranges_serves_too(server: Site) -> None:
    server.ranges, server.files["a"] = False, bytes(range(256)) * 400
    with urls.opened(f"{server.url}/a") as fp:
        fp.seek(1000)
        assert fp.read(3) == bytes([232, 233, 234])
        assert fp.seek(0, io.SEEK_END) == 102_400


def test_a_server_without_ranges_is_asked_once(server: Site) -> None:
    server.ranges, server.files["a"] = False, bytes(6 * 2**20)
    with urls.opened(f"{server.url}/a") as fp:
        before = server.sent
        for place in (0, 5 * 2**20, 100):
            fp.seek(place)
            fp.read(20)
    assert server.sent - before < 7 * 2**20


def test_a_server_that_says_no_sizes_is_read_up_to_a_limit(server: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    server.ranges, server.says, server.files["a"] = False, False, bytes(range(256)) * 400
    with urls.opened(f"{server.url}/a") as fp:
        assert fp.read() == server.files["a"]
    monkeypatch.setattr(urls, "_UNSAID", 100_000)
    with pytest.raises(CodecError, match="/a doesn't say its size, and is over"):
        urls.opened(f"{server.url}/a")


def test_a_server_that_refuses_or_never_answers_is_told_of(server: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    server.refuses = 500
    with pytest.raises(OSError, match=r"can't be had \(the server says 500"):
        urls.opened(f"{server.url}/a")
    server.mute = threading.Event()
    monkeypatch.setattr(urls, "_SILENCE", 0.2)
    fsspec.filesystem("http").clear_instance_cache()
    with pytest.raises(OSError, match="can't be reached"):
        urls.opened(f"{server.url}/b")
    server.mute.set()


def test_header_index_and_a_unit_take_a_twentieth_of_a_file(server: Site) -> None:
    draw = random.Random(0)
    header = VIDEO
    units = [Unit(i, 0, 0, draw.randbytes(30_000), 3) for i in range(100)]
    buffer = io.BytesIO()
    container.write(buffer, header, units)
    server.files["a.ncf"] = buffer.getvalue()
    assert codec.info(f"{server.url}/a.ncf") == header
    assert server.sent < len(buffer.getvalue()) / 100
    server.sent = 0
    with urls.opened(f"{server.url}/a.ncf") as fp:
        index = container.read_index(fp)
        assert container.read_unit(fp, index, 60) == units[60]
    assert server.sent < len(buffer.getvalue()) / 20


def test_a_rectangle_of_a_picture_takes_its_unit_and_little_else(server: Site) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2048, 4096, 1), np.uint8)
    server.files["a.ncf"] = data = stored(noise)
    found = next(codec.decode(f"{server.url}/a.ncf", region=(1100, 1500, 64, 48)).frames())
    assert (found == noise[1500:1548, 1100:1164]).all()
    index = container.read_index(io.BytesIO(data))
    assert len(index.lengths) == 4 and server.sent < 1.1 * max(index.lengths)


def test_the_library_takes_urls(server: Site) -> None:
    picture = np.add.outer(np.arange(24), np.arange(32)).astype(np.uint8)
    png = io.BytesIO()
    from PIL import Image

    Image.fromarray(picture).save(png, "PNG")
    server.files["a.png"] = png.getvalue()
    data = codec.encode(f"{server.url}/a.png", lossless=True, effort=1)
    assert data == codec.encode(png.getvalue(), lossless=True, effort=1)
    with urls.whole(f"{BUCKET}/a.ncf") as fp:
        fp.write(data)
    assert codec.info(f"{BUCKET}/a.ncf").width == 32
    assert (next(codec.decode(f"{BUCKET}/a.ncf").frames())[..., 0] == picture).all()


def test_what_fails_leaves_nothing() -> None:
    with pytest.raises(RuntimeError), urls.whole(f"{BUCKET}/sub/a") as fp:
        fp.write(b"half")
        raise RuntimeError
    assert not urls.exists(f"{BUCKET}/sub/a")


def test_nothing_is_replaced_unless_it_may_be() -> None:
    for text in (b"one", b"two"):
        with urls.whole(f"{BUCKET}/a") as fp:
            fp.write(text)
    with pytest.raises(FileExistsError), urls.whole(f"{BUCKET}/a", replace=False) as fp:
        fp.write(b"three")
    with urls.opened(f"{BUCKET}/a") as fp:
        assert fp.read() == b"two"


def test_what_is_not_there_and_who_is_not_known(server: Site) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        urls.opened(f"{BUCKET}/none")
    assert missing.value.filename == f"{BUCKET}/none"
    with pytest.raises(FileNotFoundError):
        urls.opened(f"{server.url}/none")
    with pytest.raises(CodecError, match="give a path, or a URL that fsspec knows"):
        urls.opened("nonsense://a")
    with pytest.raises(CodecError, match="can be read and not written"), urls.whole(f"{server.url}/a"):
        pass
    with pytest.raises(OSError, match="can't be reached"):
        urls.opened("http://127.0.0.1:1/a")


def test_without_fsspec_a_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(CodecError, match=r"memory:// needs .*pip install 'neural-codec\[fsspec\]'"):
        urls.opened(f"{BUCKET}/a")


def test_paths_load_no_fsspec(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    code = "import sys; from codec import urls; urls.opened(sys.argv[1]).read(); print('fsspec' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "a"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
