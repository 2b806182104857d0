"""The demo in a real browser: digits drawn with mouse, finger and keyboard, and what the page then shows."""

import gzip
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from demo_strokes import DIGITS, Strokes
from mnist_classifier.demo import DemoServer, serve
from mnist_classifier.demo.preprocessing import to_network_image

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


class Classifier:
    """Nearest neighbours over images of digits; remembers every question and answer."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self._neighbours = KNeighborsClassifier(5, weights="distance").fit(
            images.reshape(len(images), -1), labels
        )
        self.asked: list[tuple[Tensor, list[float]]] = []

    def __call__(self, image: Tensor) -> list[float]:
        answer = self._neighbours.predict_proba(image.reshape(1, -1).numpy())[0].tolist()
        self.asked.append((image, answer))
        return answer


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    """Knows scikit-learn's handwritten digits, brought to 28×28 as drawings are."""
    digits = load_digits()
    drawings = torch.from_numpy((digits.images * 255 / 16).round().astype(np.uint8))
    return Classifier(torch.cat([to_network_image(drawing) for drawing in drawings]).numpy(), digits.target)


@pytest.fixture
def server(classifier: Classifier) -> Iterator[DemoServer]:
    classifier.asked.clear()
    with serve(
        classifier, tuple("0123456789"), title="neighbours_1", details="98.8 % of 360 digits"
    ) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


class Complaints:
    """What must be empty at the end: console messages, errors, requests to other machines."""

    def __init__(self, context: BrowserContext) -> None:
        self.texts: list[str] = []
        self.num_requests = 0
        context.on("console", lambda message: self.texts.append(f"console: {message.text}"))
        context.on("weberror", lambda error: self.texts.append(f"error: {error.error}"))
        context.on("request", self._look_at)

    def _look_at(self, request: object) -> None:
        self.num_requests += 1
        address = urlsplit(request.url)  # type: ignore[attr-defined]
        if address.scheme != "data" and address.hostname != "127.0.0.1":
            self.texts.append(f"request: {address.geturl()}")


@pytest.fixture
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    settings = getattr(request, "param", {"viewport": {"width": 1200, "height": 800}})
    with browser.new_context(**settings) as made:
        complaints = Complaints(made)
        yield made
        if "gone" not in request.node.name:  # there the browser itself reports the lost connection
            assert complaints.texts == []
        assert complaints.num_requests > 0


@pytest.fixture
def page(context: BrowserContext, server: DemoServer) -> Page:
    opened = context.new_page()
    opened.goto(server.url)
    return opened


def corner_and_size(page: Page) -> tuple[float, float, float, float]:
    box = page.locator("#paper").bounding_box()
    assert box is not None
    return box["x"], box["y"], box["width"], box["height"]


def draw(page: Page, strokes: Strokes) -> None:
    left, top, width, height = corner_and_size(page)
    for stroke in strokes:
        points = [(left + x * width, top + y * height) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=2)
        page.mouse.up()
    settle(page)


def settle(page: Page) -> None:
    """Wait until the page shows the answer to its newest drawing."""
    page.wait_for_selector("body[data-state=settled]")


def shown_pixels(page: Page) -> list[int]:
    """The red channel of the picture that the network sees."""
    script = (
        "() => Array.from(document.querySelector('#seen').getContext('2d').getImageData(0, 0, 28, 28).data)"
    )
    return page.evaluate(script)[::4]


def bar_widths(page: Page) -> list[float]:
    """Of every bar, as a share of its track."""
    script = "bars => bars.map(bar => bar.style.width)"
    return [float(width.removesuffix("%")) / 100 for width in page.eval_on_selector_all(".bars i", script)]


def assert_page_shows(page: Page, image: Tensor, answer: list[float]) -> None:
    best = int(np.argmax(answer))
    percents = [f"{100 * value:.1f} %" for value in answer]
    assert page.inner_text("#prediction") == str(best)
    assert page.inner_text("#confidence") == percents[best]
    assert page.locator(".bars .value").all_inner_texts() == percents
    assert page.locator(".bars .best .name").all_inner_texts() == [str(best)]
    assert bar_widths(page) == pytest.approx(answer, abs=1e-5)
    assert shown_pixels(page) == (image * 255).round().int().flatten().tolist()


@pytest.mark.parametrize("digit", ["0", "1", "7"])
def test_a_digit_drawn_with_the_mouse_is_recognised_and_shown(
    digit: str, page: Page, classifier: Classifier
) -> None:
    draw(page, DIGITS[digit])
    assert page.inner_text("#prediction") == digit
    assert_page_shows(page, *classifier.asked[-1])


@pytest.mark.data
@pytest.mark.slow
def test_images_of_drawings_are_such_that_mnist_recognises_all_ten_digits(page: Page, data_dir: Path) -> None:
    """The proof of pen width and preprocessing: a model that has seen only MNIST knows what was drawn."""
    images, labels = (
        np.frombuffer(
            gzip.decompress((data_dir / "mnist" / f"train-{kind}-ubyte.gz").read_bytes()),
            np.uint8,
            offset=offset,
        )
        for kind, offset in (("images-idx3", 16), ("labels-idx1", 8))
    )
    knowing_mnist = Classifier(images.reshape(-1, 784)[:5000] / 255, labels[:5000])
    recognised = []
    with serve(knowing_mnist, tuple("0123456789"), title="mnist") as server:
        page.goto(server.url)
        for strokes in DIGITS.values():
            draw(page, strokes)
            recognised.append(page.inner_text("#prediction"))
            page.click("#clear")
            settle(page)
    assert recognised == list(DIGITS)


def test_the_page_names_run_and_accuracy_and_invites(page: Page) -> None:
    assert page.inner_text("h1") == "neighbours_1"
    assert page.inner_text(".details") == "98.8 % of 360 digits"
    assert page.is_visible("#invitation")
    assert page.inner_text("#prediction") == "–"
    assert page.locator(".bars .name").all_inner_texts() == list("0123456789")


def test_the_answer_is_live_while_the_hand_still_draws(page: Page, classifier: Classifier) -> None:
    left, top, width, height = corner_and_size(page)
    page.mouse.move(left + 0.5 * width, top + 0.1 * height)
    page.mouse.down()
    page.mouse.move(left + 0.5 * width, top + 0.9 * height, steps=8)
    settle(page)
    assert not page.is_visible("#invitation")
    assert_page_shows(page, *classifier.asked[-1])
    page.mouse.up()


@pytest.mark.parametrize("way", ["button", "key"])
def test_clearing_takes_everything_away(way: str, page: Page) -> None:
    draw(page, DIGITS["4"])
    page.click("#clear") if way == "button" else page.keyboard.press("Escape")
    settle(page)
    assert page.inner_text("#prediction") == "–"
    assert page.inner_text("#confidence") == ""
    assert set(page.locator(".bars .value").all_inner_texts()) == {"–"}
    assert set(bar_widths(page)) == {0}
    assert not any(shown_pixels(page))
    assert page.is_visible("#invitation")
    draw(page, DIGITS["1"])
    assert page.inner_text("#prediction") == "1", "nothing of the old drawing is left"


@pytest.mark.parametrize("way", ["button", "z", "Control+z"])
def test_undo_takes_the_last_stroke_away(way: str, page: Page, classifier: Classifier) -> None:
    first, second = DIGITS["4"]
    draw(page, [first])
    before = classifier.asked[-1][0]
    draw(page, [second])
    assert not torch.equal(classifier.asked[-1][0], before)
    page.click("#undo") if way == "button" else page.keyboard.press(way)
    settle(page)
    assert torch.equal(classifier.asked[-1][0], before)
    page.keyboard.press("z")
    page.keyboard.press("z")  # once more than there are strokes
    settle(page)
    assert page.inner_text("#prediction") == "–"


def test_a_digit_can_be_drawn_from_the_keyboard_alone(page: Page, classifier: Classifier) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "paper"
    for _ in range(10):
        page.keyboard.press("ArrowUp")
    assert classifier.asked == [], "the pen is up"
    page.keyboard.press(" ")
    for _ in range(20):
        page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    page.keyboard.press("ArrowLeft")
    settle(page)
    assert page.inner_text("#prediction") == "1"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "undo"
    page.keyboard.press("Enter")
    settle(page)
    assert page.inner_text("#prediction") == "–"


PHONE = {
    "viewport": {"width": 400, "height": 860},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}


@pytest.mark.parametrize("context", [PHONE], indirect=True)
def test_a_finger_draws_on_a_phone_without_scrolling_and_a_second_one_is_ignored(
    page: Page, context: BrowserContext, classifier: Classifier
) -> None:
    left, top, width, height = corner_and_size(page)
    touch = context.new_cdp_session(page)

    def at(x: float, y: float, finger: int = 0) -> dict:
        return {"x": left + x * width, "y": top + y * height, "id": finger}

    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [at(0.5, 0.1)]})
    palm = at(0.95, 0.9, finger=1)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [at(0.5, 0.1), palm]})
    for step in range(1, 9):
        points = [at(0.5, 0.1 + 0.1 * step), palm]
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    settle(page)
    assert page.inner_text("#prediction") == "1"
    assert_page_shows(page, *classifier.asked[-1])
    assert page.evaluate("window.scrollY") == 0


@pytest.mark.parametrize("context", [PHONE, {"viewport": {"width": 320, "height": 600}}], indirect=True)
def test_a_narrow_page_has_no_sideways_scrolling(page: Page) -> None:
    draw(page, DIGITS["0"])
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("context", [PHONE], indirect=True)
def test_drawing_and_answer_fit_on_a_phone_together(page: Page) -> None:
    for place in ("#paper", "#prediction", ".bars li:last-child"):
        box = page.locator(place).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 860


@pytest.mark.parametrize("context", [{"color_scheme": "dark"}], indirect=True)
def test_a_dark_page_sends_the_same_white_ink_on_black(page: Page, classifier: Classifier) -> None:
    draw(page, DIGITS["0"])
    dark = classifier.asked[-1][0]
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(background) == "rgb(19, 20, 23)"
    page.emulate_media(color_scheme="light")
    assert page.evaluate(background) == "rgb(252, 251, 249)"
    page.click("#clear")
    draw(page, DIGITS["0"])
    assert torch.equal(classifier.asked[-1][0], dark)


def test_everything_has_a_name_for_a_screen_reader(page: Page) -> None:
    draw(page, DIGITS["1"])
    snapshot = page.locator("main").aria_snapshot()
    for part in (
        'application "Drawing area"',
        'button "Undo',
        'button "Clear',
        'list "Probability of every class"',
        'img "The image of 28 by 28 pixels that the network sees"',
    ):
        assert part in snapshot
    page.wait_for_selector("#announcement:has-text('1, ')", state="attached")


def test_a_server_that_is_gone_is_said_in_words(page: Page, server: DemoServer) -> None:
    draw(page, DIGITS["1"])
    server.close()
    draw(page, DIGITS["7"])
    assert page.inner_text("#trouble") == "No answer. Does the command still run?"


def test_an_answer_that_comes_after_clearing_is_not_shown(browser: Browser) -> None:
    may_answer = threading.Event()

    def slow(image: Tensor) -> list[float]:
        may_answer.wait(60)
        return [1.0, 0.0]

    with serve(slow, ("first", "second"), title="slow") as server, browser.new_context() as context:
        page = context.new_page()
        page.goto(server.url)
        left, top, width, height = corner_and_size(page)
        page.mouse.click(left + width / 2, top + height / 2)
        page.wait_for_selector("body[data-state=asking]")
        page.click("#clear")
        may_answer.set()
        settle(page)
        assert page.inner_text("#prediction") == "–"
        page.mouse.click(left + width / 2, top + height / 2)
        settle(page)
        assert page.inner_text("#prediction") == "first"
