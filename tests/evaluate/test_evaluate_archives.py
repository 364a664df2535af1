"""Videos evaluated as sessions of one archive: what each takes, what is shared, that none has changed afterwards."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.commands import call
from helpers.filter_clips import drawn
from helpers.video_clips import moving, video_file

from codec import archive
from codec.cli.evaluate import evaluate as command
from codec.evaluate import Row, known, log, sequence, sessions
from codec.evaluate.specs import parse
from codec.report import build, collect, markdown_table, page

SPEC = "archive-nirvana-x264-e1:q=30"
ALONE = "nirvana-x264-e1:q=30"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of clips (the second goes on from the first, the third is the second again), with the rows of a run and
    what it kept."""
    folder = tmp_path_factory.mktemp("sequence")
    frames = drawn(16, (48, 64))
    for name, planes in (("a", frames[:8]), ("b", frames[8:]), ("c", frames[8:])):
        (folder / f"{name}.mkv").write_bytes(video_file(planes))
    run(folder, "--codec", ALONE, "--codec", SPEC, "--keep", str(folder / "kept"))
    return folder


def run(folder: Path, *arguments: str, code: int = 0, files: Sequence[str] = "abc") -> str:
    paths = [str(folder / f"{name}.mkv") for name in files]
    more = ["-o", str(folder / "rows.jsonl"), "--device", "cpu", "--metric", "psnr-y"]
    result = CliRunner().invoke(command, [*paths, *arguments, *more])
    assert result.exit_code == code, result.output
    return result.output


def rows_of(folder: Path, spec: str = SPEC) -> list[Row]:
    return [row for row in log.read([folder / "rows.jsonl"]) if row["codec"] == spec]


def test_bytes_are_those_of_one_archive(made: Path) -> None:
    rows = rows_of(made)
    (kept,) = {Path(row["kept"]) for row in rows}
    assert sum(row["bytes"] for row in rows) == kept.stat().st_size
    with archive.opened(kept) as found:
        for row, one in zip(rows, found.entries, strict=True):
            assert row["archive.number"] == one.entry.number and Path(row["file"]).stem in one.entry.name
            size = row["archive.content_bytes"] + row["archive.entry_bytes"]
            assert size == one.end - one.start == row["bytes"] - (13 if one.entry.number == 0 else 0)
    first, alone = rows[0], rows_of(made, ALONE)[0]
    assert first["psnr-y"] == alone["psnr-y"]  # a session with none before it is coded as by itself


def test_what_is_shared_is_counted(made: Path) -> None:
    a, b, c = rows_of(made)
    assert [row["archive.taken"] for row in (a, b, c)] == [0, 0, 8]
    assert c["bytes"] < 200 and c["psnr-y"] == b["psnr-y"]
    assert a["archive.begun"] == c["archive.begun"] == 0 < b["archive.begun"]
    assert 0 < b["archive.kept"] <= b["archive.weights"]


def test_info_says_where_networks_begin(made: Path) -> None:
    (_, row, _) = rows_of(made)
    (line,) = call("archive", "info", row["kept"], "1 b", "--json").stdout.splitlines()
    begins = json.loads(line)["begins"]
    assert sum(len(one["networks"]) for one in begins) == row["archive.begun"]
    assert all(one["session"] == "0 a" and one["unit"] == 0 and one["from"] in (0, 1) for one in begins)
    text = call("archive", "info", row["kept"]).stdout
    assert text.count("networks ") == len(begins)
    assert f"{begins[0]['networks']} of unit 0 from unit {begins[0]['from']} of 0 a" in text


def test_no_session_changes(made: Path) -> None:
    rows = rows_of(made)
    assert [row["archive.backward"] for row in rows] == [[0.0] * number for number in range(3)]
    assert all(row["archive.changed"] == [] for row in rows)


def test_a_change_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = archive.open_session

    def darker(found: archive.Archive, number: int, **options: object) -> archive.Session:
        session = shown(found, number, device="cpu")
        if number == 0 and len(found.sessions) > 1:
            pictures = [p._replace(planes=(p.planes[0] // 2, *p.planes[1:])) for p in session.pictures()]
            monkeypatch.setattr(session, "pictures", lambda: iter(pictures))
        return session

    monkeypatch.setattr(archive, "open_session", darker)
    for name, count in (("a", 3), ("b", 5)):
        (tmp_path / f"{name}.mkv").write_bytes(video_file(moving(24, 40, count)))
    text = run(tmp_path, "--codec", SPEC, files="ab")
    (row,) = rows_of(tmp_path)[1:]
    assert row["archive.backward"][0] < -10 and row["archive.changed"] == [0]
    (first, _) = sessions(rows_of(tmp_path))[SPEC]
    assert first["backward"] == row["archive.backward"][0] and first["changed"] == 1
    assert "sessions of one archive" in text and "kept" not in row


def test_rows_hold_together_or_not_at_all(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> list[Row]:
        raise AssertionError("made again")

    def new(_: object, spec: object, files: Sequence[Path]) -> list[Row]:
        same = {"codec": str(spec), "bytes": 1, "bpp": 1.0, "encode_s": 0, "decode_s": 0}
        return [{"file": str(file), **same} for file in files]

    for name in ("a.mkv", "b.mkv", "c.mkv", "rows.jsonl"):
        shutil.copy(made / name, tmp_path)
    text = (tmp_path / "rows.jsonl").read_text().replace(str(made), str(tmp_path))
    (tmp_path / "rows.jsonl").write_text(text)
    with monkeypatch.context() as patch:
        patch.setattr(sequence, "rows", none)
        assert "again" not in run(tmp_path, "--codec", SPEC, files="abc")
    assert (tmp_path / "rows.jsonl").read_text() == text
    monkeypatch.setattr(sequence, "rows", new)
    assert "made again from the first video" in run(tmp_path, "--codec", SPEC, files="bac")  # another order
    assert {row["bytes"] for row in rows_of(tmp_path)} == {1} and len(rows_of(tmp_path)) == 3
    assert len(rows_of(tmp_path, ALONE)) == 3  # others stay


def test_a_bad_file_is_no_session_and_shards_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mkv").write_bytes(b"no video")
    (tmp_path / "c.mkv").write_bytes(video_file(moving(24, 40, 3)))
    run(tmp_path, "--codec", SPEC, files="ac", code=1)
    bad, good = rows_of(tmp_path)
    assert "error" in bad and good["archive.number"] == 0 and good["archive.backward"] == []
    assert "leave one of the two out" in run(tmp_path, "--codec", SPEC, "--shard", "1/2", files="ac", code=2)


def test_reports_have_the_sessions_and_their_pictures(made: Path) -> None:
    rows = log.read([made / "rows.jsonl"])
    report = build(rows)
    (section,) = report.sections
    lines = section.archives[SPEC]
    alone = [row["bytes"] for row in rows_of(made, ALONE)]
    assert [line["alone_bytes"] for line in lines] == alone
    assert [line["backward"] for line in lines] == [0, 0, None] and lines[2]["changed"] is None
    table = markdown_table(report).partition("Sessions of")[2]
    assert all(f"| {line['bytes']:,} |" in table for line in lines)
    assert f'"archives":{{"{SPEC}":[{{"session":0' in page(report)
    assert {c.partition(":")[0] for c in section.curves[0].items} == {c.partition(":")[0] for c in (SPEC, ALONE)}
    found = collect(section, made / "kept", 10**7)
    assert not found.missing and all(SPEC in image["versions"] for image in found.images)


def test_rows_of_anybody_make_no_report_fail() -> None:
    odd = {"file": "a", "codec": SPEC, "media": "video", "bpp": 1.0, "psnr-y": 30.0, "archive.number": 0}
    worse = {**odd, "file": "b", "archive.number": 1, "archive.backward": ["x"], "archive.changed": 3}
    report = build([odd, worse, {**odd, "file": "c", "archive.number": "2"}])
    assert [line["backward"] for line in report.sections[0].archives[SPEC]] == [None, None]
    assert markdown_table(report) and page(report)


def test_lists_of_numbers_are_rows_as_well() -> None:
    text = log.dumps({"archive.backward": [float("inf"), -float("inf"), 0.0, None]})
    assert text == '{"archive.backward": [1e999, -1e999, 0.0, null]}'
    assert np.isinf(json.loads(text)["archive.backward"][:2]).all()


def test_every_codec_of_ours_has_its_archive() -> None:
    names = known("video")
    assert {"archive-nirvana", "archive-nirvana-x265-e1", "archive-pfnr-tiny", "archive-s2lic"} <= names.keys()
    assert not any(name.startswith("archive-base") for name in names) and "archive-s2lic" not in known("image")
    assert [str(s) for s in parse("archive-nirvana:q=10,20", names)] == ["archive-nirvana:q=10", "archive-nirvana:q=20"]
