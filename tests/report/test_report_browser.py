"""The report's page in a real browser: opened from disk, used by key and pointer, its numbers those of the rows."""

import csv
import io
import json
import math
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.report_rows import Row, jpeg_rows, video_rows
from PIL import Image

from codec.metrics import decibels, ms_ssim, psnr
from codec.peers import PEERS
from codec.report import build, collect, page, read_published

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytest.importorskip("selenium", reason='pip install "selenium>=4.20"')
if not CHROMIUM or not DRIVER:
    pytest.skip("apt-get install chromium chromium-driver", allow_module_level=True)

from selenium import webdriver  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402

NAMES = ["a\"b'<img src=x onerror=alert(1)>.png", "two.png"]
SETTINGS = (10, 40, 80)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory, picture: Image.Image) -> list[Row]:
    """Two pictures as jpeg and webp at three settings each, really coded, the files kept."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "kept").mkdir()
    rows: list[Row] = []
    for i, name in enumerate(NAMES):
        frame = np.asarray(picture.resize((288, 192)).rotate(180 * i))
        Image.fromarray(frame).save(folder / name)
        base = {"file": str(folder / name), "media": "image", "pixels": 288 * 192, "task.classify.model": "net@1"}
        rows.append(base | {"codec": "original", "bytes": 9, "bpp": 9.5, "psnr": math.inf, "task.classify.agree": 1})
        for codec in ("jpeg", "webp"):
            for q in SETTINGS:
                data = PEERS[codec].encode(frame, q)
                decoded = PEERS[codec].decode(data)
                kept = f"{i}.{codec}-{q}"
                (folder / "kept" / kept).write_bytes(data)
                rows.append(
                    base
                    | {"codec": f"{codec}:q={q}", "bytes": len(data), "bpp": 8 * len(data) / (288 * 192)}
                    | {
                        "encode_s": 0.1,
                        "decode_s": 0.1,
                        "encode_cpu_s": q / 100,
                        "decode_cpu_s": 0.2,
                        "psnr": psnr(frame, decoded),
                        "kept": kept,
                    }
                    | {"ms-ssim": ms_ssim(frame, decoded), "task.classify.agree": int(q + 30 * i > 40)}
                )
    return rows


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> Path:
    folder = tmp_path_factory.mktemp("page")
    rates, values = ([mean(rows, f"jpeg:q={q}", name) for q in SETTINGS] for name in ("bpp", "psnr"))
    results = {"bpp": [0.8 * r for r in rates], "psnr-rgb": values}
    (folder / "vtm.json").write_text(json.dumps({"name": "VTM", "results": results}))
    report = build(rows, read_published([folder / "vtm.json"]), anchor="jpeg", title="What machines see")
    pictures = collect(report.sections[0], Path(rows[0]["file"]).parent / "kept", 10**7)
    (folder / "report.html").write_text(page(report, {"image": pictures}))
    return folder / "report.html"


@pytest.fixture(scope="module")
def driver() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # Everything is named here, so that selenium looks for nothing and fetches nothing.
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    yield driver
    driver.quit()


@pytest.fixture
def browser(driver: webdriver.Chrome, path: Path) -> webdriver.Chrome:
    """The page, freshly opened, 1280 pixels wide."""
    emulate(driver)
    resize(driver, 1280)
    driver.get(path.as_uri())
    return driver


def emulate(driver: webdriver.Chrome, scheme: str = "light", media: str = "") -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features, "media": media})


def resize(driver: webdriver.Chrome, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def find(browser: webdriver.Chrome, selector: str) -> Any:
    return browser.find_element(By.CSS_SELECTOR, selector)


def texts(browser: webdriver.Chrome, selector: str) -> list[str]:
    return [e.text for e in browser.find_elements(By.CSS_SELECTOR, selector)]


def labelled(browser: webdriver.Chrome, section: str, label: str) -> Select:
    """The list of choices in a section with this label."""
    return Select(
        browser.find_element(By.XPATH, f"//section[@id='{section}']//label[starts-with(., '{label}')]//select")
    )


def press(browser: webdriver.Chrome, selector: str, *keys: str) -> None:
    browser.execute_script("arguments[0].focus()", find(browser, selector))
    ActionChains(browser).send_keys(*keys).perform()


def mean(rows: list[Row], codec: str, name: str) -> float:
    return float(np.mean([r[name] for r in rows if r["codec"] == codec]))


def numbers(text: str) -> list[float]:
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", text.replace("\u2212", "-").replace(",", ""))]


def test_it_opens_from_disk_without_errors_and_loads_nothing(browser: webdriver.Chrome, path: Path) -> None:
    browser.get_log("performance")
    browser.refresh()
    messages = [json.loads(e["message"])["message"] for e in browser.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert path.as_uri() in asked
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
    assert [url for url in asked if url.startswith("file:")] == [path.as_uri()]
    assert [e for e in browser.get_log("browser") if e["level"] == "SEVERE"] == []
    assert browser.title == "What machines see" == find(browser, "h1").text
    assert texts(browser, "h2") == [
        "At a glance", "Rate and distortion", "Time and quality", "Classification", "Viewer", "Settings", "Files",
        "Versions", "Notes",
    ]  # fmt: skip


# All that the page's buttons save, by the label of their table, with what the table shows: [heads, cells, CSV, JSON].
SAVED = """
const done = arguments[0], blobs = [];
URL.createObjectURL = (blob) => { blobs.push(blob); return '#'; };
HTMLAnchorElement.prototype.click = () => {};
const found = [...document.querySelectorAll('.table')].map(async (table) => {
  const mine = [...table.querySelectorAll('.save')].map((button) => { button.click(); return blobs.at(-1); });
  const line = (row) => [...row.cells].map((cell) => cell.textContent.trim());
  const [csv, json] = await Promise.all(mine.map((blob) => blob.text()));
  return [table.querySelector('[role=region]').getAttribute('aria-label'), line(table.querySelector('thead tr')), [...table.querySelectorAll('tbody tr')].map(line), csv, json];
});
Promise.all(found).then(done);
"""  # noqa: E501


def same(cell: str, value: str) -> bool:
    """Whether a cell shows a value of an export."""
    if not value or value == "inf":
        return bool(re.fullmatch(r"\u2013\d+", cell) if not value else cell == "\u221e")
    try:
        wanted = float(value)
    except ValueError:
        return bool(cell) and value.endswith(cell)  # a codec, or a file without its folders
    return numbers(cell)[0] == pytest.approx(wanted, rel=6e-4, abs=6e-4)


def test_every_table_can_be_saved_and_what_is_saved_is_the_table(browser: webdriver.Chrome, rows: list[Row]) -> None:
    tables = {label: rest for label, *rest in browser.execute_async_script(SAVED)}
    assert {"At a glance", "BD-rate by psnr against jpeg", "Every setting", "Every file", "Versions"} <= set(tables)
    for label, (heads, cells, text, listed) in tables.items():
        lines = list(csv.reader(io.StringIO(text)))
        records = json.loads(listed)
        assert len(lines) - 1 == len(records) == len(cells) > 0 and {len(line) for line in lines} == {len(lines[0])}, (
            label
        )
        for line, record in zip(lines[1:], records, strict=True):
            assert list(record) == lines[0]
            assert [v in ("", str(record[k])) or float(v) == record[k] for k, v in zip(lines[0], line, strict=True)]
            assert [not v for v in line] == [record[k] is None for k in lines[0]]
        if label in ("Every setting", "Every file"):  # each column is a field
            assert len(lines[0]) == len(heads)
            for shown, line in zip(cells, lines[1:], strict=True):
                assert [same(*pair) for pair in zip(shown, line, strict=True)] == [True] * len(heads), (shown, line)
    files = list(csv.DictReader(io.StringIO(tables["Every file"][2])))
    assert [(f["file"], f["codec"]) for f in files] == [(r["file"], r["codec"]) for r in rows]
    assert [float(f["psnr"]) for f in files] == [r["psnr"] for r in rows]


def test_a_formula_in_a_name_is_text_in_what_is_saved(browser: webdriver.Chrome) -> None:
    text = browser.execute_script("return csvText([{'a': '=1+1', 'b': 'x,\"y', 'c': -2.5, 'd': null, 'e': '-inf'}])")
    assert next(csv.DictReader(io.StringIO(text))) == {"a": "'=1+1", "b": 'x,"y', "c": "-2.5", "d": "", "e": "-inf"}


def test_dashes_have_reasons(browser: webdriver.Chrome) -> None:
    found = browser.execute_script(
        "return [...document.querySelectorAll('.gap')].map((g) => [g.textContent, g.title, g.closest('.table').querySelector('.gaps').textContent])"  # noqa: E501
    )
    assert any("the original is not coded" in title for _, title, _ in found)
    assert any("4 are needed" in title for _, title, _ in found)
    for text, title, notes in found:
        assert text[0] == "\u2013" and f"{text[1:]} {title}" in notes
    assert (
        browser.execute_script("return [...document.querySelectorAll('td')].filter((t) => !t.textContent).length") == 0
    )


def test_any_codec_can_be_the_anchor(browser: webdriver.Chrome) -> None:
    before = find(browser, "#rate-and-distortion tbody td").text
    labelled(browser, "at-a-glance", "Anchor").select_by_value("webp")
    assert find(browser, "#rate-and-distortion caption").text == "BD-rate against webp"
    for section in ("rate-and-distortion", "time-and-quality", "task-classify"):
        assert labelled(browser, section, "Anchor").first_selected_option.text == "webp"
    after = dict(
        zip(
            texts(browser, "#rate-and-distortion tbody th"),
            texts(browser, "#rate-and-distortion tbody td"),
            strict=True,
        )
    )
    assert set(after) == {"jpeg", "VTM"} and numbers(after["jpeg"])[0] > 0 and before != after["jpeg"]
    glance = dict(
        zip(texts(browser, "#at-a-glance tbody th"), texts(browser, "#at-a-glance td:nth-child(3)"), strict=True)
    )
    assert glance["webp"] == "anchor" and numbers(glance["jpeg"])[0] == numbers(after["jpeg"])[0]
    labelled(browser, "time-and-quality", "Anchor").select_by_value("VTM")
    assert "webp" in texts(browser, "#at-a-glance tbody th") and "VTM" in find(browser, "#at-a-glance .lede").text


def test_time_stands_against_quality(browser: webdriver.Chrome, rows: list[Row]) -> None:
    place = "#time-and-quality"
    press(browser, f"{place} .chart", Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    text = find(browser, f"{place} .readout").text
    assert text.startswith("webp: ") and "CPU seconds to encode" in text and "bits against jpeg" in text
    assert numbers(text)[0] == pytest.approx(sum(SETTINGS) / 300, rel=6e-3)
    press(browser, f"{place} input[value=rate]", Keys.SPACE)
    rate = float(labelled(browser, "time-and-quality", "Rate").first_selected_option.get_attribute("value") or "nan")
    cells = dict(zip(texts(browser, f"{place} tbody th"), texts(browser, f"{place} td:nth-child(4)"), strict=True))
    for codec in ("jpeg", "webp"):
        line = [[mean(rows, f"{codec}:q={q}", name) for q in SETTINGS] for name in ("bpp", "psnr")]
        assert line[0][0] <= rate <= line[0][-1]
        assert numbers(cells[codec])[0] == pytest.approx(np.interp(np.log(rate), np.log(line[0]), line[1]), abs=0.006)


def test_sizes_are_matched_in_the_viewer(browser: webdriver.Chrome, rows: list[Row]) -> None:
    size = {(r["file"].rpartition("/")[2], r["codec"]): r["bytes"] for r in rows}
    labelled(browser, "viewer", "Left").select_by_value("jpeg:q=40")
    labelled(browser, "viewer", "Right").select_by_value("webp:q=10")
    press(browser, ".wipe", "m")
    for _ in NAMES:
        name = Select(find(browser, ".step select")).first_selected_option.text
        left, right = (
            labelled(browser, "viewer", side).first_selected_option.get_attribute("value") for side in ("Left", "Right")
        )
        near = min(
            (f"webp:q={q}" for q in SETTINGS), key=lambda c: abs(math.log(size[name, c] / size[name, "jpeg:q=40"]))
        )
        assert (left, right) == ("jpeg:q=40", near)
        assert numbers(find(browser, ".sized").text)[:2] == [size[name, left], size[name, right]]
        press(browser, ".wipe", "]")
    assert len(labelled(browser, "viewer", "Right").options) == 2  # one setting of each codec
    press(browser, ".wipe", "m")
    assert len(labelled(browser, "viewer", "Right").options) == 7


def test_bands_of_curves_over_each_other_stay_apart(browser: webdriver.Chrome) -> None:
    press(browser, "#rate-and-distortion input[value=interval]", Keys.SPACE)
    assert len(browser.find_elements(By.CSS_SELECTOR, "#rate-and-distortion .bars")) == 2
    heights = [b.rect["height"] for b in browser.find_elements(By.CSS_SELECTOR, "#rate-and-distortion .bars")]
    press(browser, "#rate-and-distortion input[value=spread]", Keys.SPACE)
    wider = [b.rect["height"] for b in browser.find_elements(By.CSS_SELECTOR, "#rate-and-distortion .bars")]
    assert len(wider) == len(heights) == 2
    chart = "#rate-and-distortion .chart"
    press(browser, chart, Keys.ARROW_RIGHT)
    shown = "return [...document.querySelectorAll('#rate-and-distortion .band')].map((b) => [b.parentNode.dataset.series, Number(getComputedStyle(b).fillOpacity), Number(getComputedStyle(b.parentNode).opacity)])"  # noqa: E501
    (first, second) = browser.execute_script(shown)
    assert first[0] == "jpeg" and first[1] > second[1] and first[2] == 1 > second[2]
    press(browser, chart, Keys.ESCAPE)
    assert {opacity for *_, opacity in browser.execute_script(shown)} == {1}


def test_no_name_of_a_file_becomes_markup(browser: webdriver.Chrome) -> None:
    assert browser.execute_script("return document.querySelectorAll('img[src=x]').length") == 0
    assert NAMES[0] in texts(browser, "#files tbody th")


def test_figures_read_their_points_out(browser: webdriver.Chrome, rows: list[Row]) -> None:
    chart = "#rate-and-distortion .chart"
    assert set(texts(browser, f"{chart} .label")) == {"jpeg", "webp", "VTM"}
    press(browser, chart, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    codec, _, rest = find(browser, "#rate-and-distortion .readout").text.partition(": ")
    assert codec == "jpeg:q=40"
    rate, value = numbers(rest)[:2]
    assert rate == pytest.approx(mean(rows, codec, "bpp"), abs=0.0006)
    assert value == pytest.approx(mean(rows, codec, "psnr"), abs=0.006)
    press(browser, chart, Keys.ARROW_DOWN)
    assert find(browser, "#rate-and-distortion .readout").text.startswith("webp:q=40")


def test_the_metric_can_be_switched(browser: webdriver.Chrome, rows: list[Row]) -> None:
    before = find(browser, "#rate-and-distortion table").text
    labelled(browser, "rate-and-distortion", "Metric").select_by_visible_text("MS-SSIM")
    assert find(browser, "#rate-and-distortion .title").text == "MS-SSIM (dB)"
    press(browser, "#rate-and-distortion .chart", Keys.ARROW_RIGHT)
    text = find(browser, "#rate-and-distortion .readout").text.partition(": ")[2].replace("MS-SSIM", "")
    similarity = mean(rows, "jpeg:q=10", "ms-ssim")
    assert numbers(text)[1:3] == pytest.approx([similarity, decibels(similarity)], abs=0.006)
    assert find(browser, "#rate-and-distortion table").text != before


def test_scales_and_curves_can_be_chosen(browser: webdriver.Chrome) -> None:
    marks = [m.rect["x"] for m in browser.find_elements(By.CSS_SELECTOR, "#rate-and-distortion .mark")]
    press(browser, "#rate-and-distortion input[value=linear]", Keys.ARROW_RIGHT)
    moved = [m.rect["x"] for m in browser.find_elements(By.CSS_SELECTOR, "#rate-and-distortion .mark")]
    assert len(moved) == len(marks) == 6 and moved != marks
    press(browser, "#rate-and-distortion .chip input", Keys.SPACE)
    assert len(browser.find_elements(By.CSS_SELECTOR, "#rate-and-distortion .mark")) == 3
    assert "jpeg" not in texts(browser, "#rate-and-distortion .chart .label")


def test_scores_have_bands_and_the_uncompressed_line(browser: webdriver.Chrome) -> None:
    assert texts(browser, "#task-classify .toplabel") == ["uncompressed 1.000"] * 2
    assert len(browser.find_elements(By.CSS_SELECTOR, "#task-classify .band")) == 2
    assert texts(browser, "#task-classify .chart > g:first-of-type > text:nth-last-of-type(2)")[1] == "PSNR (dB)"


def test_the_slider_moves_by_key_and_by_pointer(browser: webdriver.Chrome) -> None:
    place = "return parseFloat(document.querySelector('.bar').style.left)"
    shown = "return document.querySelectorAll('.frame img')[1].style.clipPath"
    assert browser.execute_script(place) == 50
    press(browser, ".wipe", Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert browser.execute_script(place) == 51 and "49%" in browser.execute_script(shown)
    frame = find(browser, ".frame")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", frame)
    width = frame.size["width"]
    ActionChains(browser).move_to_element(frame).click_and_hold().move_by_offset(-width // 4, 0).release().perform()
    assert browser.execute_script(place) == pytest.approx(25, abs=1)
    assert float(find(browser, ".wipe").get_property("value")) == pytest.approx(25, abs=1)


def test_the_viewer_shows_the_numbers_of_the_row(browser: webdriver.Chrome, rows: list[Row]) -> None:
    labelled(browser, "viewer", "Right").select_by_value("webp:q=40")
    row = next(r for r in rows if r["codec"] == "webp:q=40" and r["file"].endswith(NAMES[0]))
    for name in ("bytes", "bpp", "psnr", "ms-ssim", "task.classify.agree"):
        (value,) = numbers(find(browser, f".numbers [data-name='{name}']").text)
        assert value == pytest.approx(row[name], rel=6e-4)
    press(browser, ".wipe", "]", ".")
    row = next(r for r in rows if r["codec"] == "webp:q=80" and r["file"].endswith(NAMES[1]))
    assert numbers(find(browser, ".numbers [data-name=bytes]").text) == [row["bytes"]]
    assert find(browser, ".numbers").text.count("\n") > 8


DIFFERENCE = """
const canvas = document.querySelector('.frame canvas');
const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
return [canvas.width, canvas.height, data.filter((v, i) => i % 4 < 3).reduce((a, b) => a + b, 0)];
"""


def settled(browser: webdriver.Chrome) -> tuple[int, int, int]:
    """Size and sum of the difference picture, which is drawn when both images are decoded."""
    browser.execute_async_script(
        "const done = arguments[0]; Promise.all([...document.querySelectorAll('.frame img')].map((i) => i.decode()))"
        ".then(() => setTimeout(done, 100))"
    )
    width, height, total = browser.execute_script(DIFFERENCE)
    return width, height, total


def test_the_difference_is_amplified_and_nothing_between_equals(browser: webdriver.Chrome) -> None:
    press(browser, ".wipe", "d")
    assert find(browser, ".frame canvas").is_displayed() and not find(browser, ".wipe").is_displayed()
    width, height, total = settled(browser)
    assert (width, height) == (288, 192)
    (said,) = numbers(find(browser, ".sides span:last-child").text.partition(" of ")[0])
    assert total == pytest.approx(8 * said * width * height * 3, rel=0.15)  # at 8 times, some clipped
    labelled(browser, "viewer", "Right").select_by_value("original")
    assert settled(browser)[2] == 0


def test_zoom_scrolls_inside_its_frame(browser: webdriver.Chrome) -> None:
    press(browser, ".wipe", "z", "z")
    assert find(browser, ".frame").size == {"width": 4 * 288, "height": 4 * 192}
    assert (
        browser.execute_script("return getComputedStyle(document.querySelector('.frame img')).imageRendering")
        == "pixelated"
    )
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")


def test_files_are_sorted_filtered_and_opened_in_the_viewer(browser: webdriver.Chrome, rows: list[Row]) -> None:
    head = browser.find_element(By.XPATH, "//section[@id='files']//th[.='psnr']")
    place = texts(browser, "#files thead th").index("psnr") + 1
    for order, reverse in (("descending", True), ("ascending", False)):
        head.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
        assert head.get_attribute("aria-sort") == order
        shown = texts(browser, f"#files tbody td:nth-child({place})")
        wanted = sorted((r["psnr"] for r in rows), reverse=reverse)
        assert [math.inf if t == "\u221e" else numbers(t)[0] for t in shown] == pytest.approx(wanted, rel=6e-4)
    find(browser, "#files input[type=search]").send_keys("two")
    assert len(texts(browser, "#files tbody tr")) == len(rows) // 2
    labelled(browser, "files", "Codec").select_by_value("webp:q=40")
    (button,) = browser.find_elements(By.CSS_SELECTOR, "#files tbody .link")
    button.send_keys(Keys.ENTER)
    assert labelled(browser, "viewer", "Right").first_selected_option.get_attribute("value") == "webp:q=40"
    assert Select(find(browser, ".step select")).first_selected_option.text == "two.png"


CONTRAST = """
const luminance = (text) => {
  const [r, g, b] = text.match(/[\\d.]+/g).slice(0, 3).map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ratio = (a, b) => { const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
const paper = getComputedStyle(document.body).backgroundColor, probe = document.createElement('i');
document.body.append(probe);
const of = (name) => { probe.style.color = `var(--${name})`; return getComputedStyle(probe).color; };
const found = [paper, ['ink', 'soft', 'accent', 'better', 'worse'].map((n) => ratio(of(n), paper)), [0, 1, 2, 3, 4, 5, 6, 7].map((i) => ratio(of(`c${i}`), paper))];
probe.remove();
return found;
"""  # noqa: E501


def test_dark_and_light_are_both_readable(browser: webdriver.Chrome) -> None:
    papers = set()
    for scheme in ("light", "dark"):
        emulate(browser, scheme)
        paper, words, curves = browser.execute_script(CONTRAST)
        papers.add(paper)
        assert min(words) >= 4.5 and min(curves) >= 3, scheme
    assert len(papers) == 2


def test_print_drops_controls_and_opens_what_is_folded(browser: webdriver.Chrome) -> None:
    emulate(browser, "dark", "print")
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert not find(browser, "nav").is_displayed() and not find(browser, "#viewer select").is_displayed()
    assert find(browser, "#task-classify details table").is_displayed()
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_a_narrow_window_does_not_scroll_sideways(browser: webdriver.Chrome) -> None:
    resize(browser, 390)
    browser.refresh()
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    assert find(browser, "#rate-and-distortion .chart").rect["width"] <= 390
    boxes = "return [...document.querySelectorAll('.scroll')].filter((b) => b.clientWidth).map((b) => { b.scrollLeft = 60; return [b.getBoundingClientRect().right, b.scrollLeft, b.firstChild.className, b.getBoundingClientRect().left - b.querySelector('tbody th').getBoundingClientRect().left]; })"  # noqa: E501
    found = browser.execute_script(boxes)
    assert max(right for right, *_ in found) <= 390 and sum(left > 0 for _, left, *_ in found) >= 3
    assert all(abs(off) <= 2 for _, left, name, off in found if left > 0 and "sticky" in name)
    assert all("sticky" in name for _, left, name, _ in found if left > 0)


def test_jpegs_made_smaller_have_a_part_of_their_own(driver: webdriver.Chrome, tmp_path: Path) -> None:
    rows = [r | {"file": r["file"].replace("scans", "<img src=x>")} for r in jpeg_rows()]
    report = build(rows)
    assert report.jpegs is not None and report.jpegs.whole is not None
    (tmp_path / "report.html").write_text(page(report))
    emulate(driver)
    driver.get((tmp_path / "report.html").as_uri())
    assert [e for e in driver.get_log("browser") if e["level"] == "SEVERE"] == []
    assert texts(driver, "h2") == ["JPEG files", "Versions", "Notes"]
    assert driver.execute_script("return document.querySelectorAll('img').length") == 0
    sizes = "#jpeg-files [aria-label='JPEG files made smaller']"
    assert texts(driver, f"{sizes} thead th") == ["JPEGs", "files", "bytes", "jpeg-file", "lepton"]
    lines = texts(driver, f"{sizes} tbody tr")
    assert len(lines) == 4 and any(line.startswith("<img src=x>: ") for line in lines)
    whole = [kept.change for kept in report.jpegs.whole.codecs]
    found = [numbers(cell)[0] for cell in texts(driver, f"{sizes} tbody tr:last-child td:nth-child(n+4)") if cell]
    assert found == pytest.approx(whole, abs=0.06)
    assert len(driver.find_elements(By.CSS_SELECTOR, "#jpeg-files .mark")) == 6


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Row]]:
    """The page of a clip, and its rows."""
    folder = tmp_path_factory.mktemp("film")
    rows = video_rows(folder)
    report = build(rows)
    pictures = collect(report.sections[0], folder / "kept", 10**7)
    (folder / "report.html").write_text(page(report, {"video": pictures}))
    return folder / "report.html", rows


def test_frames_of_a_video_are_compared_in_colour(driver: webdriver.Chrome, film: tuple[Path, list[Row]]) -> None:
    path, rows = film
    emulate(driver)
    resize(driver, 1280)
    driver.get(path.as_uri())
    assert [e for e in driver.get_log("browser") if e["level"] == "SEVERE"] == []
    assert texts(driver, "#viewer .step option") == [f"frame {n}, waves.mkv" for n in (1, 3, 5)]
    labelled(driver, "viewer", "Right").select_by_value("nirvana-e1:q=30")
    (value,) = numbers(find(driver, ".numbers [data-name=psnr-u]").text)
    assert value == pytest.approx(next(r["psnr-u"] for r in rows if r["codec"] == "nirvana-e1:q=30"), rel=6e-4)
    press(driver, ".wipe", "s")
    left, right = (driver.find_elements(By.CSS_SELECTOR, ".frame img")[i].rect for i in (1, 0))
    assert left["x"] + left["width"] < right["x"] and left["width"] == right["width"] == 177
    assert find(driver, ".frame").rect["height"] == 163
    press(driver, "#viewer input[value=beside]", "d", "]")
    assert Select(find(driver, ".step select")).first_selected_option.text == "frame 3, waves.mkv"
    assert settled(driver)[:2] == (177, 163) and settled(driver)[2] > 0


def test_videos_have_bd_rates_at_a_glance(driver: webdriver.Chrome, film: tuple[Path, list[Row]]) -> None:
    driver.get(film[0].as_uri())
    heads = texts(driver, "#at-a-glance thead th")
    assert heads[2:-2] == ["PSNR, YCbCr 6:1:1", "PSNR, luma", "PSNR, U", "PSNR, V", "SSIM", "MS-SSIM"]
    found = dict(
        zip(texts(driver, "#at-a-glance tbody th"), texts(driver, "#at-a-glance td:nth-child(3)"), strict=True)
    )
    cell = next(text for name, text in found.items() if "nirvana-e1" in name)
    assert "%" in cell and "2 points only" in cell
