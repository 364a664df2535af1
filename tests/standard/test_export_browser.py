"""An exported stream plays in a real browser: a frame of it is drawn, and it is the one that we decode."""

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.video_clips import BT601, video_file

from codec import video
from codec.cli.main import cli
from codec.media import yuv

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytest.importorskip("selenium", reason='pip install "selenium>=4.20"')
if not CHROMIUM or not DRIVER:
    pytest.skip("apt-get install chromium chromium-driver", allow_module_level=True)

from selenium import webdriver  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

PAGE = """<video id=v muted src="data:video/mp4;base64,DATA"></video><canvas id=c width=160 height=96></canvas><script>
const v = document.getElementById('v'), c = document.getElementById('c').getContext('2d');
v.onerror = () => { document.title = 'error ' + v.error.code; };
v.onloadeddata = () => { v.currentTime = 0.5; };
v.onseeked = () => { c.drawImage(v, 0, 0); document.title = 'drawn'; };
</script>"""


@pytest.fixture
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.binary_location = str(CHROMIUM)
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    yield driver
    driver.quit()


@pytest.mark.parametrize("base", ["svt-av1", "x264"])  # Debian's Chromium has no H.265
def test_an_exported_mp4_plays(browser: webdriver.Chrome, tmp_path: Path, base: str) -> None:
    y, x = np.mgrid[:96, :160]
    planes = (
        ((x + y) * 200 // 256 + 20).astype(np.uint8),
        np.full((48, 80), 90, np.uint8),
        np.full((48, 80), 170, np.uint8),
    )
    (tmp_path / "clip.mkv").write_bytes(video_file([planes] * 30, sound=True))
    for command in (("encode", "-q", "80", "--base", base, "clip.mkv"), ("export", "clip.ncf")):
        done = CliRunner().invoke(cli, [*command[:-1], str(tmp_path / command[-1])], catch_exceptions=False)
        assert done.exit_code == 0, done.output
    data = base64.b64encode((tmp_path / "clip.mp4").read_bytes()).decode()  # a file beside it would taint the canvas
    (tmp_path / "page.html").write_text(PAGE.replace("DATA", data))
    browser.set_page_load_timeout(60)
    browser.get((tmp_path / "page.html").as_uri())
    WebDriverWait(browser, 60).until(lambda b: b.title)
    assert browser.title == "drawn"
    script = "return JSON.stringify(Array.from(c.getImageData(0, 0, 160, 96).data))"
    drawn = np.array(json.loads(browser.execute_script(script)), np.uint8).reshape(96, 160, 4)[..., :3]
    with (tmp_path / "clip.ncf").open("rb") as fp:
        shown = next(video.open_file(fp, base=True).pictures(12, 12))
    assert np.abs(drawn.astype(int) - yuv.to_rgb(shown.planes, BT601)).mean() < 6
