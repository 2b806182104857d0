"""The page in a real browser: curves are there, nothing complains, nothing hostile runs."""

import html as html_module
import json
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from mlcore.evaluator import write_evaluation
from mlcore.report import build_report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


def chromium(page: Path, profile: Path, *options: str) -> tuple[str, list[str]]:
    """Opens `page` from disk; returns what Chromium printed, and the messages of the page's console."""
    assert CHROMIUM is not None
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--enable-logging=stderr",
        f"--user-data-dir={profile}",
        *options,
        page.resolve().as_uri(),
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return result.stdout, [line for line in result.stderr.splitlines() if "CONSOLE" in line]


def dom(page: Path, profile: Path) -> tuple[str, list[str]]:
    return chromium(page, profile, "--dump-dom")


def title_of(html: str) -> str:
    found = re.search(r"<title>([^<]*)</title>", html)
    assert found is not None
    return found[1]


def test_the_page_works_from_disk_without_a_complaint(full_run: Path, tmp_path: Path) -> None:
    html, console = dom(build_report(full_run), tmp_path / "profile")
    assert console == []
    assert 'data-script="ready"' in html, "our script ran under the page's own policy"
    assert title_of(html) == "quickstart_20261121-004500 · report"
    assert len(re.findall(r'<path class="line (?:train|validation|raw)" d="M[\d. L]{50,}', html)) >= 10


def test_a_hostile_sample_does_not_run_even_without_the_policy(full_run: Path, tmp_path: Path) -> None:
    page = build_report(full_run)
    html = page.read_text(encoding="utf-8")
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    assert bare != html
    page.write_text(bare, encoding="utf-8")
    shown, console = dom(page, tmp_path / "profile")
    assert console == []
    assert 'data-script="ready"' in shown
    assert title_of(shown) == "quickstart_20261121-004500 · report"


def test_the_policy_stops_what_would_get_through_and_the_console_says_so(
    full_run: Path, tmp_path: Path, hostile_text: str
) -> None:
    page = build_report(full_run)
    html = page.read_text(encoding="utf-8")
    page.write_text(html.replace("<main>", f"<main>{hostile_text}", 1), encoding="utf-8")
    shown, console = dom(page, tmp_path / "profile")
    assert title_of(shown) == "quickstart_20261121-004500 · report"
    assert any("Content Security Policy" in line for line in console), "the console is really read"


@pytest.mark.parametrize(
    ("width", "dark", "paper", "curve"),
    [
        (1280, False, (252, 251, 249), (194, 87, 12)),
        (500, True, (19, 20, 23), (243, 155, 90)),
    ],
)
def test_curves_are_painted_light_and_dark_wide_and_narrow(
    full_run: Path, tmp_path: Path, width: int, dark: bool, paper: tuple[int, ...], curve: tuple[int, ...]
) -> None:
    import numpy as np
    from PIL import Image

    picture = tmp_path / "page.png"
    scheme = ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] if dark else []
    options = [f"--screenshot={picture}", f"--window-size={width},1600", *scheme]
    chromium(build_report(full_run), tmp_path / "profile", *options)
    pixels = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    assert pixels.shape[1] == width
    assert tuple(pixels[5, 5]) == paper
    painted = np.abs(pixels - np.array(curve)).sum(axis=-1) < 12
    columns = np.flatnonzero(painted.any(axis=0))
    assert painted.sum() > 300, "the validation curve"
    assert columns.max() - columns.min() > 0.6 * width, "it runs across the page"
    assert columns.max() < width - 10, "nothing runs over the edge"


# What only a browser knows: sizes of decoded pictures, what runs over the edge, contrast of text on its ground.
PROBE = """<script>window.addEventListener("load", function () {
  function channels(text) {
    var numbers = text.match(/[\\d.]+/g).map(Number);
    return text.startsWith("color(") ? numbers.slice(0, 3) : numbers.slice(0, 3).map(n => n / 255);
  }
  function luminance(text) {
    return channels(text).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
      .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  }
  function contrast(cell) {
    var style = getComputedStyle(cell), a = luminance(style.color), b = luminance(style.backgroundColor);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }
  var images = Array.from(document.images), root = document.documentElement;
  var cells = Array.from(document.querySelectorAll(".matrix td[class^=hit], .matrix td[class^=miss]"));
  parent.document.documentElement.dataset.probe = JSON.stringify({
    images: images.map(image => [image.naturalWidth, image.naturalHeight, image.clientWidth]),
    overflow: root.scrollWidth - root.clientWidth,
    width: root.clientWidth,
    contrasts: cells.map(contrast),
    cell_widths: cells.map(cell => cell.clientWidth),
    cut_off: cells.filter(cell => cell.scrollWidth > cell.clientWidth).map(cell => cell.textContent),
    grounds: Array.from(new Set(cells.map(cell => getComputedStyle(cell).backgroundColor))).length,
  });
});</script>"""


def probe(page: Path, profile: Path, width: int, *options: str) -> dict[str, Any]:
    """Measures a page of `width` pixels from inside.

    It lies in a frame, because Chromium's windows are never narrower than 500 pixels. The policy would stop the
    measuring script and goes; so does lazy loading, so that the load event waits for every picture.
    """
    html = page.read_text(encoding="utf-8").replace(' loading="lazy"', "")
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html, count=1)
    framed = html_module.escape(html.replace("</body>", f"{PROBE}</body>"))
    frame = page.with_name("frame.html")
    frame.write_text(
        f'<!doctype html><iframe width="{width}" height="9000" style="border:0" srcdoc="{framed}"></iframe>'
    )
    shown, _ = chromium(frame, profile, "--dump-dom", *options)
    found = re.search(r'data-probe="([^"]*)"', shown)
    assert found is not None, "the page was never measured"
    return json.loads(html_module.unescape(found[1]))


def test_the_page_of_a_classifier_works_from_disk_without_a_complaint(
    classifier_run: Path, tmp_path: Path
) -> None:
    html, console = dom(build_report(classifier_run), tmp_path / "profile")
    assert console == [], "no picture is stopped by the policy either"
    assert 'data-script="ready"' in html
    assert title_of(html) == "baseline_fc_20261121-004500 · report"


DARK = ("--force-dark-mode", "--blink-settings=preferredColorScheme=0")


@pytest.mark.parametrize(("width", "scheme"), [(1200, ()), (400, ()), (1200, DARK)])
def test_a_classifiers_page_fits_its_pictures_decode_and_its_matrix_is_readable(
    classifier_run: Path, tmp_path: Path, width: int, scheme: tuple[str, ...]
) -> None:
    found = probe(build_report(classifier_run), tmp_path / "profile", width, *scheme)
    assert found["width"] == width
    assert found["overflow"] <= 0, "nothing runs over the edge"
    assert [tuple(image[:2]) for image in found["images"]] == [(1152, 720), (576, 576), (576, 576)]
    assert all(0 < image[2] < width for image in found["images"])
    assert min(found["contrasts"]) > 4.5, "WCAG 2.2, level AA"
    assert found["grounds"] >= 5, "shares of different size have different colours"
    assert max(found["cell_widths"]) - min(found["cell_widths"]) <= 1
    assert found["cut_off"] == []


def test_long_class_names_do_not_push_the_page_over_the_edge(
    classifier_run: Path, classifiers: ModuleType, tmp_path: Path
) -> None:
    names = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag"]
    evaluation = classifiers.evaluation_of_digits([*names, "a" * 60])
    write_evaluation(classifier_run, **evaluation)
    found = probe(build_report(classifier_run), tmp_path / "profile", 400)
    assert found["overflow"] <= 0


@pytest.mark.parametrize(("dark", "train"), [(False, (43, 108, 176)), (True, (116, 174, 240))])
def test_the_accuracy_curve_is_painted_beside_the_loss(
    classifier_run: Path, tmp_path: Path, dark: bool, train: tuple[int, ...]
) -> None:
    import numpy as np
    from PIL import Image

    picture = tmp_path / "page.png"
    options = [f"--screenshot={picture}", "--window-size=1200,1300", *(DARK if dark else ())]
    chromium(build_report(classifier_run), tmp_path / "profile", *options)
    pixels = np.asarray(Image.open(picture).convert("RGB")).astype(int)[760:1120]  # the height of the charts
    painted = (np.abs(pixels - np.array(train)).sum(axis=-1) < 12).any(axis=0)
    for side in (slice(160, 560), slice(680, 1080)):
        assert painted[side].mean() > 0.5, "the training curve runs across the chart"
