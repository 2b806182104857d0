"""The page in a real browser: curves are there, nothing complains, nothing hostile runs."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
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
