"""JPEG files made smaller, in the report: sums by folder and kind, in no curve of pictures, gaps with their reasons."""

from pathlib import Path

import pytest
from helpers.report_rows import image_rows, jpeg_rows
from PIL import Image

from codec.media.jpeg_bits import kind_of
from codec.report import build, csv_table, markdown_table
from codec.report.plain import as_json


def test_bytes_are_summed_by_folder_and_kind() -> None:
    rows = jpeg_rows()
    found = build(rows).jpegs
    assert found is not None and found.whole is not None and build(rows).sections == []
    assert [(g.folder, g.kind, g.files) for g in found.groups] == [
        ("phone", "sequential, 4:2:0, quality 75", 4),
        ("scans", "", 2),
        ("scans", "sequential, 4:4:4, quality 95", 4),
    ]
    for group in [*found.groups, found.whole]:
        own = [
            r
            for r in rows
            if group is found.whole or (f"/{group.folder}/" in r["file"] and r["file_kind"] == group.kind)
        ]
        for kept in group.codecs:
            mine = [r for r in own if r["codec"] == kept.codec]
            sums = [sum(r[k] for r in mine) for k in ("bytes", "file_bytes")]
            assert len(mine) == group.files and (kept.bytes, group.file_bytes) == tuple(sums)
            assert kept.change == pytest.approx(100 * sums[0] / sums[1] - 100) and kept.low < kept.change < kept.high
        assert group.bpp == pytest.approx(8 * group.file_bytes / (10000 * group.files))


def test_they_leave_the_curves_of_pictures_as_they_are() -> None:
    both, alone = (as_json(build(rows)) for rows in (image_rows() + jpeg_rows(), image_rows()))
    assert both["sections"] == alone["sections"] and alone["jpegs"] is None
    assert both["jpegs"]["files"] == 10 and [c["name"] for c in both["jpegs"]["codecs"]] == ["jpeg-file", "lepton"]


def test_a_jpeg_that_a_codec_does_not_take_is_in_no_sum_but_in_the_files() -> None:
    rows = [r for r in jpeg_rows() if (r["file"], r["codec"]) != ("jpegs/phone/0.jpg", "lepton")]
    found = build(rows).jpegs
    assert found is not None and found.whole is not None and (found.whole.files, found.groups[0].files) == (9, 3)
    assert len(as_json(build(rows))["jpegs"]["items"]["rows"]) == len(rows) == 19
    nothing = build([r for r in jpeg_rows() if (r["codec"] == "lepton") == ("scans" in r["file"])]).jpegs
    assert nothing is not None and nothing.whole is None and nothing.groups == []


def test_tables_have_them() -> None:
    text = markdown_table(build(jpeg_rows()))
    assert "## JPEG files" in text and "quality 95" in text and "all together" in text
    lines = [line.split(",") for line in csv_table(build(jpeg_rows())).splitlines()]
    percent = lines[0].index("file_percent")
    assert [line[:3] for line in lines[1:]] == [["jpeg", c, "10"] for c in ("jpeg-file", "lepton")]
    assert float(lines[1][percent]) < float(lines[2][percent]) < 0


def test_the_kind_of_a_jpeg_is_read_from_its_head(tmp_path: Path, picture: Image.Image) -> None:
    path = tmp_path / "a.jpg"
    picture.save(path, quality=83, subsampling="4:2:2", progressive=True)
    data = path.read_bytes()
    assert kind_of(data) == "progressive, 4:2:2, quality 83"
    assert kind_of(data[:20]) == kind_of(b"no JPEG") == kind_of(b"") == ""
