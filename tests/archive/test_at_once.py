"""An archive that several read at once, in threads and processes, and one that changes while a video is added."""

import os
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from helpers.archived import add, options, shown
from helpers.coded_videos import equal
from helpers.video_clips import BT601, RATE, moving, pictures

from codec import archive
from codec.archive.window import Window
from codec.errors import CodecError, MediaError
from codec.media import Info
from codec.media.video import Picture, Planes, Video
from codec.video import File

TURNS = 4


def test_threads_read_one_archive_and_one_session(path: Path) -> None:
    wanted = {name: shown(path, name) for name in ("clip", "half")}
    wrong: list[object] = []
    with archive.opened(path) as found:
        one = archive.open_session(found, found.number("half"), device="cpu")

        def work(name: str, session: archive.Session | None) -> None:
            try:
                for _ in range(TURNS):
                    opened = session or archive.open_session(found, found.number(name), device="cpu")
                    if not equal(list(opened.pictures()), wanted[name]):
                        wrong.append(name)
            except CodecError as error:
                wrong.append(error)

        jobs = [("clip", None), ("half", None), ("half", one), ("half", one)]
        threads = [threading.Thread(target=work, args=job) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


def test_runs_of_one_session_are_read_in_turns(path: Path) -> None:
    """What one call has begun to read isn't what another goes on with."""
    whole = shown(path, "half")
    with archive.opened(path) as found:
        session = archive.open_session(found, found.number("half"), device="cpu")
        late = session.pictures(3, len(whole) - 1)
        some = [next(late), next(late)]
        early = session.pictures(0, 4)
        first = [next(early)]
        assert equal(some + list(late), whole[3:])
        assert equal(first + list(early), whole[:5])


def test_a_chain_is_decoded_once_for_segments_that_go_to_and_fro(
    path: Path, clip: list[Planes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a few bytes would have it decoded a thousand times."""
    frames = [clip[n] for n in (8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3) * 5]
    assert len(add(path, "to and fro", frames).entry.segments) == 15
    begun = []
    pictures = File.pictures

    def counted(file: File, first: int = 0, last: int | None = None) -> Iterator[Picture]:
        begun.append(first)
        return pictures(file, first, last)

    monkeypatch.setattr(File, "pictures", counted)
    assert len(shown(path, "to and fro")) == 60
    assert len(begun) == 1


@pytest.mark.skipif(not hasattr(os, "pread"), reason="there all share a place in the file")
def test_a_window_is_read_wherever_others_have_the_file(path: Path) -> None:
    """As after a fork, when processes share the place too."""
    with path.open("rb", buffering=0) as fp:
        window = Window(fp, 13, 200)
        window.seek(105)
        fp.seek(3)
        assert window.read(10) == path.read_bytes()[113:123]
        assert fp.tell() == 3


def video(frames: Callable[[], list[Planes]]) -> Video:
    return Video(Info(48, 32, frames=0, rate=RATE, color=BT601), [], 9, lambda: iter(pictures(frames())))


@pytest.mark.parametrize("counts", [(6, 9), (9, 6)])
def test_a_source_that_grows_or_shrinks_meanwhile_is_refused(path: Path, counts: tuple[int, int]) -> None:
    before, reads = path.read_bytes(), count()
    changing = video(lambda: [(y + 50, u, v) for y, u, v in moving(32, 48, counts[next(reads) > 0])])
    with (
        archive.writing(path, device="cpu") as writer,
        path.with_name("part").open("w+b") as part,
        pytest.raises(MediaError, match="nothing writes to it"),
    ):
        writer.add("new", changing, part, options=options())
    assert path.read_bytes() == before


def test_another_file_that_has_got_its_name_stays_as_it_is(path: Path, clip: list[Planes]) -> None:
    other = path.with_name("other.ncf")
    other.write_bytes(path.read_bytes())
    with archive.writing(path, device="cpu") as writer, path.with_name("part").open("w+b") as part:
        os.replace(other, path)
        before = path.read_bytes()
        with pytest.raises(CodecError, match="changed meanwhile"):
            writer.add("new", video(lambda: clip), part, options=options())
    assert path.read_bytes() == before


def test_a_hard_link_is_the_same_archive(path: Path, clip: list[Planes]) -> None:
    pytest.importorskip("fcntl")
    link = path.with_name("link.ncf")
    os.link(path, link)
    other = archive.writing(link)
    with archive.writing(path), pytest.raises(CodecError, match=f"another process is writing {link}"), other:
        pass
    add(link, "new", clip[:5])
    assert shown(path, "new")
