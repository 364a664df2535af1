"""The report: its numbers are those of the rows, its page holds no more than it should, its gates hold."""

import base64
import csv
import hashlib
import io
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from helpers.report_rows import FILES, HOSTILE, SETTINGS, Row, audio_rows, image_rows, jpeg_rows, write
from PIL import Image

from codec.cli.report import report as command
from codec.errors import CodecError
from codec.evaluate import log
from codec.metrics import psnr
from codec.metrics.statistics import bd_rate_of, interval
from codec.report import build, collect, csv_table, markdown_table, page, parse_gate, read_published


def embedded(html: str, name: str = "data") -> Any:
    """What the page's script is given."""
    return json.loads(re.findall(rf'<script type="application/json" id="{name}">(.*?)</script>', html, re.S)[0])


def data(rows: list[Row], **options: Any) -> Any:
    return embedded(page(build(rows, **options)))


def measure(section: Any, name: str) -> Any:
    return next(m for m in section["measures"] if m["name"] == name)


def against(section: Any, name: str) -> Any:
    """The BD-rates by a measure against the section's anchor."""
    return measure(section, name)["bd"][section["anchor"]]


def mean(rows: list[Row], codec: str, name: str) -> float:
    return float(np.mean([r[name] for r in rows if r["codec"] == codec]))


def call(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(a) for a in arguments])


def test_curves_are_the_means_of_the_rows() -> None:
    rows = image_rows()
    (section,) = data(rows)["sections"]
    for name in ("psnr", "ms-ssim", "task.classify.kl"):
        points = measure(section, name)["points"]
        assert list(points) == ["jpeg", "webp"]
        for p in (p for line in points.values() for p in line):
            assert p["value"] == pytest.approx(mean(rows, p["spec"], name), rel=1e-12)
            assert p["rate"] == pytest.approx(mean(rows, p["spec"], "bpp"), rel=1e-12)
            assert p["low"] < p["value"] < p["high"]


def test_means_are_over_the_files_that_all_have() -> None:
    rows = [r for r in image_rows() if (r["file"], r["codec"]) != ("in/3.png", "jpeg:q=50")]
    (section,) = data(rows)["sections"]
    common = [r for r in rows if r["file"] != "in/3.png"]
    assert section["files"] == 12 and section["common"] == 11
    assert measure(section, "psnr")["points"]["webp"][0]["value"] == pytest.approx(mean(common, "webp:q=10", "psnr"))


def test_scores_have_paired_intervals_and_flips() -> None:
    rows = image_rows()
    found = measure(data(rows)["sections"][0], "task.classify.agree")
    point = next(p for p in found["points"]["jpeg"] if p["spec"] == "jpeg:q=50")
    coded = [
        [r["task.classify.agree"]] for f in sorted(FILES) for r in rows if (r["file"], r["codec"]) == (f, "jpeg:q=50")
    ]
    change, low, high = interval(coded, np.ones((12, 1)), "mean")
    assert found["top"] == [1, 1, 1]
    assert point["change"] == pytest.approx([change, low, high])
    assert (point["low"], point["high"]) == pytest.approx((1 + low, 1 + high))
    assert point["flips"][:2] == [12 - sum(map(sum, coded)), 0]


def test_error_rates_are_pooled_and_kept_at_equal_rates() -> None:
    rows = audio_rows()
    (section,) = data(rows)["sections"]
    assert (section["media"], section["rate"], section["anchor"]) == ("audio", "kbps", "mp3")
    found = measure(section, "task.speech.wer")
    own = [r for r in rows if r["codec"] == "mp3:kbps=8"]
    wanted = sum(r["task.speech.err"] for r in own) / sum(r["task.speech.words"] for r in own)
    assert found["points"]["mp3"][0]["value"] == pytest.approx(wanted)
    (equal,) = [e for e in found["equal"] if (e["codec"], e["share"]) == ("opus", 0.95)]
    assert equal["score"] == pytest.approx(0.05)  # 95 % of the words right
    assert 6 < equal["rate"] < 24
    (saved,) = [e for e in build(rows).sections[0].equal[found["name"]] if (e.codec, e.share) == ("opus", 0.95)]
    assert saved.rate == equal["rate"] and saved.saving is not None and saved.saving < 0


def test_bd_rates_are_those_of_the_mean_curves_and_state_their_range() -> None:
    rows = image_rows()
    (found,) = against(data(rows, anchor="jpeg")["sections"][0], "psnr")
    lines = [[mean(rows, f"{c}:q={q}", n) for q in SETTINGS] for c in ("webp", "jpeg") for n in ("bpp", "psnr")]
    wanted = bd_rate_of(*lines)
    assert found["value"] == pytest.approx(wanted.value) and found["value"] < -10
    assert found["overlap"] == pytest.approx([lines[1][0], lines[3][-1]])
    assert found["low"] < found["value"] < found["high"]


def test_every_codec_can_be_the_anchor_and_the_other_way_round_is_the_inverse() -> None:
    first, second = (data(image_rows(), anchor=name)["sections"][0] for name in ("jpeg", "webp"))
    for name in ("psnr", "ms-ssim", "task.classify.kl"):
        found = measure(first, name)["bd"]
        assert found == measure(second, name)["bd"] and set(found) == {"jpeg", "webp"}
        (webp,), (jpeg,) = found["jpeg"], found["webp"]
        assert (webp["codec"], jpeg["codec"]) == ("webp", "jpeg") and webp["overlap"] == jpeg["overlap"]
        assert (1 + webp["value"] / 100) * (1 + jpeg["value"] / 100) == pytest.approx(1)
        assert jpeg["low"] < jpeg["value"] < jpeg["high"]
    lines = [[mean(image_rows(), f"{c}:q={q}", n) for q in SETTINGS] for c in ("jpeg", "webp") for n in ("bpp", "psnr")]
    (jpeg,) = measure(second, "psnr")["bd"]["webp"]
    assert jpeg["value"] == pytest.approx(bd_rate_of(*lines).value)


def test_bd_rates_are_refused_where_curves_do_not_overlap() -> None:
    rows = image_rows()
    for r in rows:
        r["psnr"] += 50 * r["codec"].startswith("webp")
    found = build(rows, anchor="jpeg")
    (refused,) = against(embedded(page(found))["sections"][0], "psnr")
    assert refused["value"] is None and refused["why"] == "curves don't overlap"
    assert "n/a: curves don't overlap" in markdown_table(found)


def test_bd_rates_say_when_they_stand_on_few_points() -> None:
    rows = image_rows()
    (found,) = against(data(rows, anchor="jpeg")["sections"][0], "psnr")
    assert found["points"] == 5 and not found["thin"]
    few = [r for r in rows if r["codec"] not in ("webp:q=10", "webp:q=30", "webp:q=90")]
    (thin,) = against(data(few, anchor="jpeg")["sections"][0], "psnr")
    assert thin["value"] < -10 and thin["points"] == 2 and thin["thin"]
    assert "2 points only" in markdown_table(build(few, anchor="jpeg"))
    assert "points only" not in markdown_table(build(rows, anchor="jpeg"))


def test_ranges_of_distances_are_given_as_they_are() -> None:
    rows = [r | {"deep.efflite0": 40 / r["psnr"] - 0.9} for r in image_rows()]
    section = data(rows, anchor="jpeg")["sections"][0]
    (found,) = against(section, "deep.efflite0")
    assert found["value"] < 0  # webp is better, and this is better lower
    assert 0 < found["overlap"][0] < found["overlap"][1]


def test_shards_are_one_run_and_a_row_twice_counts_once(tmp_path: Path) -> None:
    rows = image_rows()
    whole = log.read([write(tmp_path / "all", rows)])
    shards = [write(tmp_path / f"{i}", rows[i::2] + rows[:3]) for i in range(2)]
    first, second = (page(build(sorted(r, key=lambda r: rows.index(r)))) for r in (whole, log.read(shards)))
    assert first == second


def test_errors_are_listed_and_in_no_mean(tmp_path: Path) -> None:
    rows = image_rows()
    bad = {"file": "in/<b>.png", "codec": "jpeg:q=10", "media": "image", "error": "is no image"}
    found = data([*rows, bad])
    assert found["errors"] == [{k: bad[k] for k in ("file", "codec", "error")}]
    assert found["sections"] == data(rows)["sections"]
    result = call(write(tmp_path / "rows", [*rows, bad]), "-o", tmp_path / "o.html")
    assert result.exit_code == 0 and "1 row is an error" in result.stderr


def test_nothing_but_errors_is_said() -> None:
    with pytest.raises(CodecError, match="all 1 rows are errors, the first: broken"):
        build([{"file": "a", "codec": "jpeg:q=1", "error": "broken"}])


def test_every_row_is_in_the_table_of_files() -> None:
    rows = image_rows()
    items = data(rows)["sections"][0]["items"]
    assert len(items["rows"]) == len(rows)
    for values, row in zip(items["rows"], rows, strict=True):
        assert (items["files"][values[0]], items["specs"][values[1]]) == (row["file"], row["codec"])
        shown = dict(zip(items["columns"], values[2:], strict=True))
        assert shown["psnr"] == ("inf" if math.isinf(row["psnr"]) else row["psnr"])
        assert shown["encode_s"] == row.get("encode_s")


def test_names_can_not_leave_their_data() -> None:
    html = page(build(image_rows(), title="</title><script>alert(1)</script>"))
    assert html.count("<script") == html.count("</script>") == 3
    assert "<img" not in html and "alert(1)</script" not in html
    assert HOSTILE in embedded(html)["sections"][0]["items"]["files"]
    assert "&lt;/title&gt;" in html


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_refers_to_nothing_outside_itself() -> None:
    html = page(build([*image_rows(), *audio_rows(), *jpeg_rows()]))
    elements = Elements(html).found
    assert [tag for tag, _ in elements if tag in ("base", "iframe", "object", "embed", "form", "audio", "video")] == []
    led = [(tag, v) for tag, a in elements for k, v in a.items() if k in ("src", "href", "srcset", "action", "poster")]
    assert set(led) == {("link", "data:,"), ("a", "#main")}
    assert not [k for _, a in elements for k in a if k.startswith("on")]
    ids = [a["id"] for _, a in elements if "id" in a]
    assert len(ids) == len(set(ids)) and {"main", "data", "pictures"} <= set(ids)
    style = html.partition("<style>")[2].partition("</style>")[0]
    assert "@import" not in style and "url(" not in style and "prefers-color-scheme: dark" in style
    script = html.rpartition("<script>")[2]
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|EventSource|importScripts|innerHTML|eval)\b", script)


def test_what_is_missing_has_a_reason() -> None:
    rows = image_rows()
    small, other = rows[1], rows[2]
    small["ms-ssim"] = None
    del other["ms-ssim"]
    items = data(rows)["sections"][0]["items"]
    width = len(items["columns"])
    reasons = {cell: reason for reason, cells in items["gaps"].items() for cell in cells}
    missing = {i * width + j for i, r in enumerate(items["rows"]) for j, v in enumerate(r[2:]) if v is None}
    assert set(reasons) == missing and len(missing) == 2 * len(FILES) + 2
    place = items["columns"].index("ms-ssim")
    assert reasons[1 * width + place] == "MS-SSIM needs sides of 161 pixels at least"
    assert reasons[2 * width + place].startswith("not measured")
    assert reasons[items["columns"].index("encode_s")] == "the original is not coded"


def test_numbers_that_no_file_has_are_still_a_page() -> None:
    rows = [*image_rows(), *jpeg_rows()]
    rows[1]["bpp"], rows[2]["bpp"], rows[-1]["pixels"], rows[-2]["encode_s"] = math.inf, -1.0, 0, "soon"
    found = data(rows)
    assert found["sections"][0]["items"]["rows"][1][2:].count("inf") == 1 and found["jpegs"]["whole"]["files"] == 10
    assert csv_table(build(rows)) and markdown_table(build(rows))


def test_every_version_that_rows_name_is_kept() -> None:
    rows = [r | {"device": "cpu"} for r in image_rows()]
    rows[1]["settings"] = "jpeg 2.0"
    codecs = data(rows)["sections"][0]["codecs"]
    assert codecs[0] == {"name": "jpeg", "settings": ["jpeg 2.0", "jpeg 1.0"], "devices": ["cpu"]}
    assert codecs[1] == {"name": "webp", "settings": ["webp 1.0"], "devices": ["cpu"]}
    assert f"numpy {np.__version__}" in data(rows)["made"]


def test_the_page_allows_its_own_script_and_no_load() -> None:
    html = page(build(image_rows()))
    script = html.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in html
    assert set(re.findall(r"https?://[^\s\"']+", html)) == {"http://www.w3.org/2000/svg"}


def published(path: Path, **results: Any) -> Path:
    path.write_text(json.dumps({"name": "VTM", "description": "", "results": results}))
    return path


def test_published_curves_are_drawn_along_and_can_be_the_anchor(tmp_path: Path) -> None:
    file = published(
        tmp_path / "vtm.json", **{"bpp": [4, 2, 1], "psnr-rgb": [38, 34, 30], "ms-ssim-db-rgb": [30, 20, 10]}
    )
    found = build(image_rows(), read_published([file]), anchor="VTM")
    (section,) = embedded(page(found))["sections"]
    assert measure(section, "psnr")["published"] == [{"name": "VTM", "points": [[1, 30], [2, 34], [4, 38]]}]
    assert measure(section, "ms-ssim")["published"][0]["points"][0] == [1, pytest.approx(0.9)]
    assert [b["codec"] for b in against(section, "psnr")] == ["jpeg", "webp"]
    assert data([], published=read_published([file]))["sections"][0]["measures"][0]["published"]


def test_published_curves_of_one_name_get_their_files_names(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    files = [published(tmp_path / f"{n}.json", bpp=[1, 2], psnr=[3, 4]) for n in ("cpu", "cuda", "other/cpu")]
    (section,) = build([], read_published(files)).sections
    assert [p.name for p in section.published] == ["VTM (cpu)", "VTM (cuda)", "VTM (other/cpu)"]
    rows = [r | {"codec": r["codec"].replace("webp", "VTM")} for r in image_rows()]
    (section,) = build(rows, read_published(files[:1])).sections
    assert [p.name for p in section.published] == ["VTM (cpu)"] and "VTM (cpu)" in section.against["psnr"]


def test_published_curves_of_planes_stand_with_videos(tmp_path: Path) -> None:
    file = published(tmp_path / "v.json", **{"bpp": [1, 2], "psnr-ycbcr": [30, 34]})
    assert [s.media for s in build(image_rows(), read_published([file])).sections] == ["image", "video"]


@pytest.mark.parametrize(
    "results", [{"bpp": [1, 2], "psnr": [3]}, {"bpp": [0, 1], "psnr": [3, 4]}, {"psnr": [1]}, {"bpp": 3}]
)
def test_what_is_no_published_curve_is_refused(tmp_path: Path, results: Row) -> None:
    with pytest.raises(CodecError, match=r"x\.json"):
        read_published([published(tmp_path / "x.json", **results)])


def test_an_anchor_that_is_not_there_is_refused() -> None:
    with pytest.raises(CodecError, match="no codec 'heic' to be the anchor; choose one of jpeg, webp"):
        build(image_rows(), anchor="heic")


def test_gates_pass_and_fail(tmp_path: Path) -> None:
    rows = write(tmp_path / "rows", image_rows())
    best = mean(image_rows(), "webp:q=90", "psnr")
    rate = mean(image_rows(), "webp:q=90", "bpp")
    passing = [f"psnr>={best - 0.01}", f"webp:psnr>={best - 0.01}@bpp<={rate + 0.01}", "jpeg:task.classify.kl<=0.5"]
    for gate in passing:
        assert call(rows, "-f", "-o", tmp_path / "o.html", "--gate", gate).exit_code == 0, gate
    for gate in (
        f"psnr>={best + 0.01}",
        f"webp:psnr>={best - 0.01}@bpp<={rate - 0.01}",
        f"jpeg:psnr>={best}",
        "psnr>=1@bpp<=0.01",
    ):
        result = call(rows, "-f", "-o", tmp_path / "o.html", "--gate", gate)
        assert result.exit_code == 1 and f"gate {gate}: failed, " in result.stderr


@pytest.mark.parametrize("text", ["psnr", "psnr>30", "psnr>=high", "psnr>=30@bpp>=1", ""])
def test_texts_that_are_no_gates_are_refused(text: str) -> None:
    with pytest.raises(CodecError, match="NAME>=VALUE"):
        parse_gate(text)


def test_a_gate_on_what_rows_do_not_have_is_an_error(tmp_path: Path) -> None:
    result = call(write(tmp_path / "rows", image_rows()), "-o", tmp_path / "o.html", "--gate", "ssim>=0.9")
    assert isinstance(result.exception, CodecError) and "no ssim" in str(result.exception)


def test_csv_has_the_means_and_intervals() -> None:
    rows = image_rows()
    lines = list(csv.DictReader(io.StringIO(csv_table(build(rows)))))
    assert [line["codec"] for line in lines] == [f"{c}:q={q}" for c in ("jpeg", "webp") for q in SETTINGS]
    for line in lines:
        for name in ("bpp", "psnr", "encode_s", "task.classify.agree"):
            assert float(line[name]) == pytest.approx(mean(rows, line["codec"], name))
        assert float(line["psnr.low"]) < float(line["psnr"]) < float(line["psnr.high"]) and line["files"] == "12"


def test_markdown_has_tables_that_names_can_not_break() -> None:
    rows = [*image_rows(), {"file": "a|b\n<i>.png", "codec": "jpeg:q=10", "error": "is | no image"}]
    text = markdown_table(build(rows, anchor="jpeg"))
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) >= 4
    for lines in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    assert "\\<i\\>" in text and f"{mean(rows[:-1], 'webp:q=10', 'psnr'):.4g}" in text


def test_existing_outputs_are_left_alone(tmp_path: Path) -> None:
    rows, out, table = write(tmp_path / "rows", image_rows()), tmp_path / "o.html", tmp_path / "t.csv"
    table.write_text("mine")
    result = call(rows, "-o", out, "--csv", table)
    assert isinstance(result.exception, CodecError) and "overwrite it with -f" in str(result.exception)
    assert not out.exists() and table.read_text() == "mine"
    assert call(rows, "-o", out, "--csv", table, "-f").exit_code == 0
    assert table.read_text() == csv_table(build(image_rows())) and "</html>" in out.read_text()
    result = call(rows, "-o", rows, "-f")
    assert isinstance(result.exception, CodecError) and "is the input" in str(result.exception)


@pytest.fixture
def kept(tmp_path: Path, picture: Image.Image) -> list[Row]:
    """Rows of two pictures with their encoded files in tmp_path/kept."""
    (tmp_path / "kept").mkdir()
    rows: list[Row] = []
    for i in range(2):
        picture.rotate(180 * i).save(tmp_path / f"{i}.png")
        for q in (5, 90):
            name = f"{i}.jpeg-q={q}.jpg"
            picture.rotate(180 * i).save(tmp_path / "kept" / name, quality=q)
            size = (tmp_path / "kept" / name).stat().st_size
            row = {"file": str(tmp_path / f"{i}.png"), "codec": f"jpeg:q={q}", "bytes": size, "pixels": 6144}
            rows.append(row | {"media": "image", "bpp": 8 * size / 6144, "psnr": 30.0 + q, "kept": f"elsewhere/{name}"})
    return rows


def opened(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB"))


def test_pictures_are_those_that_were_decoded(tmp_path: Path, kept: list[Row]) -> None:
    (section,) = build(kept).sections
    found = collect(section, tmp_path / "kept", 10**7)
    assert [Path(i["file"]).name for i in found.images] == ["0.png", "1.png"] and not found.missing
    image = found.images[1]
    assert image["crop"] == [0, 0, 96, 64] and image["size"] == [96, 64]
    decoded = np.asarray(Image.open(tmp_path / "kept" / "1.jpeg-q=5.jpg").convert("RGB"))
    original = np.asarray(Image.open(tmp_path / "1.png"))
    shown = opened(image["versions"]["jpeg:q=5"])
    assert psnr(decoded, shown) > 38 > psnr(original, shown)
    assert psnr(original, opened(image["versions"]["original"])) > 38
    names = {"original": "{}.png", "jpeg:q=5": "kept/{}.jpeg-q=5.jpg", "jpeg:q=90": "kept/{}.jpeg-q=90.jpg"}
    losses = [
        psnr(np.asarray(Image.open(tmp_path / name.format(i)).convert("RGB")), opened(image["versions"][codec]))
        for i, image in enumerate(found.images)
        for codec, name in names.items()
    ]
    assert min(found.decibels) == pytest.approx(min(losses)) and found.decibels[0] > min(losses)


def test_pictures_keep_to_their_budget(tmp_path: Path, kept: list[Row]) -> None:
    (section,) = build(kept).sections
    best = len(json.dumps(collect(section, tmp_path / "kept", 10**7).images))
    seen = set()
    for budget in (best, best // 2, best // 4, 1000):
        found = collect(section, tmp_path / "kept", budget)
        assert len(json.dumps(found.images)) <= budget
        assert len(found.images) + found.left_out == 2
        seen.add(found.left_out)
    assert seen == {0, 1, 2}


def test_pictures_that_are_not_there_are_told_of(tmp_path: Path, kept: list[Row]) -> None:
    (tmp_path / "kept" / "0.jpeg-q=5.jpg").unlink()
    (tmp_path / "1.png").unlink()
    (tmp_path / "secret.jpg").write_bytes((tmp_path / "kept" / "0.jpeg-q=90.jpg").read_bytes())
    kept[1]["kept"] = "../secret.jpg"
    (section,) = build(kept).sections
    found = collect(section, tmp_path / "kept", 10**7)
    assert [list(i["versions"]) for i in found.images] == [["original"]]
    assert len(found.missing) == 3 and "0.png, jpeg:q=5" in found.missing[0]


def test_a_url_in_rows_is_never_opened(tmp_path: Path, kept: list[Row]) -> None:
    store = pytest.importorskip("fsspec").filesystem("memory")
    store.pipe("/test-report/0.png", (tmp_path / "0.png").read_bytes())
    for row in kept:
        row["file"] = "memory://test-report/0.png"
    (section,) = build(kept[:2]).sections
    found = collect(section, tmp_path / "kept", 10**7)
    store.rm("/test-report", recursive=True)
    assert found.images == [] and len(found.missing) == 1


def test_the_command_puts_pictures_in_the_page(tmp_path: Path, kept: list[Row]) -> None:
    result = call(write(tmp_path / "rows", kept), "-o", tmp_path / "o.html", "--pictures", tmp_path / "kept")
    assert result.exit_code == 0, result.stderr
    assert len(embedded((tmp_path / "o.html").read_text(), "pictures")["image"]["images"]) == 2


def test_scores_over_classes_are_pooled_and_no_columns() -> None:
    rows = [r | {"task.segment.model": "net@1"} for r in image_rows() if r["codec"] != "original"]
    for r in rows:
        for kind in ("", "_self"):
            r |= {f"task.segment.inter{kind}.{c}": 3 - c for c in range(2)}
            r |= {f"task.segment.union{kind}.{c}": 4 for c in range(2)}
    (section,) = data(rows)["sections"]
    found = measure(section, "task.segment.miou_self")
    assert found["points"]["jpeg"][0]["value"] == pytest.approx((3 / 4 + 2 / 4) / 2)
    assert not any(".inter" in name or ".union" in name for name in section["items"]["columns"])


def test_draws_of_a_score_have_an_uncompressed_score_of_their_own() -> None:
    """Curves that stay as far below it as they are, whatever files are drawn: every draw has a BD-rate."""
    rng, rows = np.random.default_rng(2), []
    for n in range(50):
        easy = float(rng.uniform() < 0.5)  # pictures that are right as they are
        base = {"file": f"{n}.png", "media": "image", "pixels": 100, "task.classify.model": "net@1"}
        rows.append(base | {"codec": "original", "bytes": 1, "bpp": 16.0, "task.classify.top1": easy})
        for codec, lost in (("jpeg", (0.5, 0.3, 0.1, 0.04, 0.02)), ("webp", (0.4, 0.2, 0.08, 0.03, 0.015))):
            for q, share in zip(SETTINGS, lost, strict=True):
                rows.append(
                    base | {"codec": f"{codec}:q={q}", "bpp": q / 100, "task.classify.top1": easy * (1 - share)}
                )
    (found,) = build(rows, anchor="jpeg").sections[0].bd["task.classify.top1"]
    assert found.value is not None and found.low <= found.value <= found.high
