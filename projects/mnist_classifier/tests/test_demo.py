"""The demo without a browser: what becomes of a drawing, and what the server answers and refuses."""

import base64
import gzip
import hashlib
import http.client
import json
import re
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mnist_classifier.demo import DemoError, DemoServer, serve
from mnist_classifier.demo.preprocessing import to_network_image

DIGITS = tuple("0123456789")


def ring(size: int, top: int, left: int, height: int, width: int) -> Tensor:
    """A drawn zero: an ellipse's outline in a square canvas."""
    row, column = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    y, x = (row - top - height / 2 + 0.5) / (height / 2), (column - left - width / 2 + 0.5) / (width / 2)
    radius = x**2 + y**2
    return ((radius <= 1) & (radius >= 0.6)).to(torch.uint8) * 255


def seven(size: int) -> Tensor:
    canvas = torch.zeros(size, size, dtype=torch.uint8)
    thick = size // 10
    canvas[size // 5 : size // 5 + thick, size // 4 : 3 * size // 4] = 255
    canvas[size // 5 : 4 * size // 5, 3 * size // 4 - thick : 3 * size // 4] = 255
    return canvas


def centre_of_mass(image: Tensor) -> tuple[float, float]:
    return ndimage.center_of_mass(image[0, 0].numpy())


def sides(image: Tensor) -> tuple[int, int]:
    rows, columns = (image[0, 0].any(dim).nonzero().flatten() for dim in (1, 0))
    return int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1)


def mnist_images(data_dir: Path, name: str) -> np.ndarray:
    content = gzip.decompress((data_dir / "mnist" / f"{name}-images-idx3-ubyte.gz").read_bytes())
    return np.frombuffer(content, np.uint8, offset=16).reshape(-1, 28, 28)


@pytest.mark.data
def test_a_digit_of_mnist_stays_as_it_is(data_dir: Path) -> None:
    images = torch.from_numpy(mnist_images(data_dir, "t10k")[::5].copy())
    ours = torch.cat([to_network_image(image) for image in images])[:, 0]
    peaks = images.amax((1, 2), keepdim=True)
    assert int(peaks.min()) >= 250, "MNIST's brightest pixels are (almost) white: ours are scaled to 1"
    is_same = (ours - images / peaks).abs().amax((1, 2)) < 1e-6
    assert is_same.float().mean() > 0.995


@pytest.mark.data
def test_a_digit_of_mnist_that_was_moved_comes_back(data_dir: Path) -> None:
    for image in mnist_images(data_dir, "t10k")[:50]:
        canvas = torch.zeros(60, 80, dtype=torch.uint8)
        canvas[30:58, 5:33] = torch.from_numpy(image.copy())
        expected = torch.from_numpy(image / image.max()).float()
        difference = (to_network_image(canvas)[0, 0] - expected).abs().mean()
        assert difference < 1e-3


@pytest.mark.data
def test_images_have_the_statistics_of_mnist(data_dir: Path) -> None:
    """The facts that preprocessing.py states about MNIST's files, and that our images share."""
    images = mnist_images(data_dir, "t10k")[:2000]
    measured = [ndimage.center_of_mass(image) for image in images]
    assert np.min(measured) >= 13.5
    assert np.max(measured) < 14.5
    longer = [max(sides(torch.from_numpy(image.copy())[None, None])) for image in images]
    assert np.mean(np.array(longer) == 20) > 0.99


@pytest.mark.parametrize(
    "drawing", [ring(280, 20, 60, 200, 130), ring(97, 3, 9, 44, 80), seven(280), seven(50)]
)
def test_a_drawing_fills_a_box_of_20_pixels_with_its_mass_in_the_middle(drawing: Tensor) -> None:
    image = to_network_image(drawing)
    assert (image.shape, image.dtype) == ((1, 1, 28, 28), torch.float32)
    assert (float(image.min()), float(image.max())) == (0, 1)
    assert max(sides(image)) == 20
    for coordinate in centre_of_mass(image):
        assert 13.5 - 1e-4 <= coordinate <= 14.5 + 1e-4


def test_size_and_place_of_a_drawing_do_not_matter() -> None:
    large, small = ring(280, 10, 20, 240, 180), ring(280, 150, 160, 80, 60)
    assert (to_network_image(large) - to_network_image(small)).abs().mean() < 0.03
    for shift in ((1, 0), (0, 1), (37, 11)):
        moved = torch.roll(small, shift, (0, 1))
        assert torch.equal(to_network_image(moved), to_network_image(small))


def test_scaling_equals_pillows_antialiased_resize() -> None:
    drawing = ring(280, 40, 70, 200, 120)
    cut = Image.fromarray(drawing[40:240, 70:190].numpy()).resize((12, 20), Image.Resampling.BILINEAR)
    expected = np.asarray(cut) / np.asarray(cut).max()
    image = to_network_image(drawing)[0, 0]
    rows, columns = (image.any(dim).nonzero().flatten() for dim in (1, 0))
    ours = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    np.testing.assert_allclose(ours, expected, atol=1.01 / 255)


def test_proportions_are_kept_and_a_line_does_not_vanish() -> None:
    line = torch.zeros(280, 280, dtype=torch.uint8)
    line[20:260, 100:103] = 255
    assert sides(to_network_image(line)) == (20, 1)
    assert sides(to_network_image(line.T)) == (1, 20)
    dot = torch.zeros(280, 280, dtype=torch.uint8)
    dot[5, 9] = 1
    assert sides(to_network_image(dot)) == (20, 20)


def test_a_drawing_heavy_at_one_end_stays_inside_the_field() -> None:
    hammer = torch.zeros(280, 280, dtype=torch.uint8)
    hammer[20:80, 20:260] = 255
    hammer[80:260, 138:142] = 255
    image = to_network_image(hammer)
    assert sides(image) == (20, 20), "nothing is cut off"
    assert bool(image[0, 0, -1].any()), "as near to the middle as it goes"


def test_an_empty_drawing_is_an_empty_image() -> None:
    assert not to_network_image(torch.zeros(280, 280, dtype=torch.uint8)).any()


@pytest.mark.parametrize("wrong", [torch.zeros(28, 28), torch.zeros(1, 28, 28, dtype=torch.uint8)])
def test_another_shape_or_type_is_refused(wrong: Tensor) -> None:
    with pytest.raises(ValueError, match=r"a drawing is uint8 \(H, W\)"):
        to_network_image(wrong)


class Oracle:
    """A classifier that keeps what it was asked."""

    def __init__(self) -> None:
        self.images: list[Tensor] = []
        self.answer: object = [0.05] * 3 + [0.55] + [0.05] * 6

    def __call__(self, image: Tensor) -> list[float]:
        self.images.append(image)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[return-value]


@pytest.fixture
def oracle() -> Oracle:
    return Oracle()


@pytest.fixture
def server(oracle: Oracle) -> Iterator[DemoServer]:
    with serve(oracle, DIGITS, title="cnn <b>1</b>", details="99.5 % & more") as running:
        yield running


class Reply:
    def __init__(self, reply: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.body = reply.status, reply.headers, reply.read()

    @property
    def json(self) -> dict:
        return json.loads(self.body)


def ask(
    server: DemoServer, method: str, path: str, body: bytes | None = None, **headers: str | None
) -> Reply:
    """One request; header names are given with underscores, None leaves a header out."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is not None:
        named = {"Content-Type": "application/octet-stream", "Content-Length": str(len(body)), **named}
    named.setdefault("Host", f"127.0.0.1:{server.server_port}")
    connection.putrequest(method, path, skip_host=True)
    for name, value in named.items():
        if value is not None:
            connection.putheader(name, value)
    connection.endheaders(body)
    reply = Reply(connection.getresponse())
    connection.close()
    return reply


def test_a_drawing_is_answered_with_the_image_and_the_probabilities(
    server: DemoServer, oracle: Oracle
) -> None:
    drawing = ring(100, 10, 20, 80, 60)[:, :90]
    reply = ask(server, "POST", "/predict?width=90&height=100", drawing.numpy().tobytes())
    assert reply.status == 200
    (image,) = oracle.images
    assert torch.equal(image, to_network_image(drawing))
    assert reply.json == {
        "image": (image * 255).round().int().flatten().tolist(),
        "probabilities": oracle.answer,
        "prediction": 3,
    }


def test_an_empty_drawing_is_answered_without_asking_the_model(server: DemoServer, oracle: Oracle) -> None:
    reply = ask(server, "POST", "/predict?width=10&height=10", bytes(100))
    assert (reply.status, reply.json["prediction"], reply.json["probabilities"]) == (200, None, None)
    assert oracle.images == []


def test_numbers_of_torch_and_numpy_are_probabilities_too(server: DemoServer, oracle: Oracle) -> None:
    for answer in (torch.full((10,), 0.1), np.full(10, 0.1, dtype=np.float32)):
        oracle.answer = answer
        reply = ask(server, "POST", "/predict?width=10&height=10", bytes([255]) * 100)
        assert reply.json["probabilities"] == pytest.approx([0.1] * 10)


def test_the_page_stands_alone_under_a_policy_that_names_its_own_parts(server: DemoServer) -> None:
    reply = ask(server, "GET", "/")
    html, policy = reply.body.decode(), reply.headers["Content-Security-Policy"]
    assert reply.status == 200
    assert "cnn &lt;b&gt;1&lt;/b&gt;" in html
    assert "99.5 % &amp; more" in html
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert not re.findall(r"(?:src|href)=\"(?!data:)", html)
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "Python" not in reply.headers["Server"]


def test_head_gives_the_headers_alone(server: DemoServer) -> None:
    reply = ask(server, "HEAD", "/")
    assert (reply.status, reply.body) == (200, b"")
    assert int(reply.headers["Content-Length"]) > 1000


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "", "[", None]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_name_that_is_not_this_machine_is_refused(
    host: str | None, method: str, server: DemoServer, oracle: Oracle
) -> None:
    name = None if host is None else host.format(port=server.server_port)
    path = "/" if method == "GET" else "/predict?width=10&height=10"
    reply = ask(server, method, path, bytes([255]) * 100 if method == "POST" else None, Host=name)
    assert (reply.status, reply.json) == (403, {"error": "this server answers to localhost only"})
    assert oracle.images == []


@pytest.mark.parametrize("host", ["localhost:{port}", "127.0.0.1", "[::1]:{port}", "LOCALHOST:9000"])
def test_every_name_of_this_machine_is_answered_also_through_a_forwarded_port(
    host: str, server: DemoServer
) -> None:
    assert ask(server, "GET", "/", Host=host.format(port=server.server_port)).status == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
def test_a_page_of_another_origin_is_refused(origin: str, server: DemoServer, oracle: Oracle) -> None:
    reply = ask(server, "POST", "/predict?width=10&height=10", bytes([255]) * 100, Origin=origin)
    assert (reply.status, reply.json["error"]) == (403, "this server answers its own page only")
    assert oracle.images == []


BODY = bytes([255]) * 100


@pytest.mark.parametrize(
    ("path", "headers", "num_bytes", "status", "message"),
    [
        ("/predict", {}, 100, 400, "width must be a whole number from 8 to 1024"),
        ("/predict?width=10", {}, 100, 400, "height must be"),
        ("/predict?width=10&height=10&height=10", {}, 100, 400, "height must be"),
        ("/predict?width=7&height=10", {}, 70, 400, "width must be"),
        ("/predict?width=99999999999999999999&height=1", {}, 100, 400, "width must be"),
        ("/predict?width=-10&height=10", {}, 100, 400, "width must be"),
        ("/predict?width=1e1&height=10", {}, 100, 400, "width must be"),
        ("/predict?width=%D9%A1%D9%A0&height=10", {}, 100, 400, "width must be"),
        ("/predict?width=10&height=10", {}, 99, 400, "is 100 bytes, the body has 99"),
        ("/predict?width=10&height=10", {}, 101, 400, "is 100 bytes, the body has 101"),
        ("/predict?width=10&height=10", {"Content_Length": None}, 100, 400, "no length"),
        ("/predict?width=10&height=10", {"Content_Length": "-100"}, 100, 400, "the body has -100"),
        (
            "/predict?width=10&height=10",
            {"Content_Type": "text/plain"},
            100,
            415,
            "sent as application/octet-stream",
        ),
        ("/predict?width=10&height=10", {"Transfer_Encoding": "chunked"}, 100, 415, "sent as"),
        ("/other", {}, 100, 404, "drawings go to /predict"),
    ],
)
def test_nonsense_is_refused_with_a_message(
    path: str, headers: dict, num_bytes: int, status: int, message: str, server: DemoServer, oracle: Oracle
) -> None:
    reply = ask(server, "POST", path, bytes(num_bytes), **headers)
    assert reply.status == status
    assert message in reply.json["error"]
    assert oracle.images == []
    assert ask(server, "POST", "/predict?width=10&height=10", BODY).status == 200, "the server goes on"


def test_a_body_that_is_too_large_is_refused_unread(server: DemoServer) -> None:
    reply = ask(server, "POST", "/predict?width=1024&height=1024", BODY, Content_Length=str(10**12))
    assert reply.status == 400
    assert reply.headers["Connection"] == "close"


def test_a_body_that_ends_early_holds_nobody_up(server: DemoServer) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as line:
        line.sendall(
            b"POST /predict?width=10&height=10 HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/octet-stream\r\nContent-Length: 100\r\n\r\nabc"
        )
        line.shutdown(socket.SHUT_WR)
        assert b"the body ended after 3 of 100 bytes" in b"".join(iter(lambda: line.recv(4096), b""))


@pytest.mark.parametrize("path", ["/index.html", "/..%2f..%2fetc/passwd", "/predict", "/favicon.ico"])
def test_there_is_one_page_and_no_file(path: str, server: DemoServer) -> None:
    assert ask(server, "GET", path).status == 404


@pytest.mark.parametrize(
    "answer", [RuntimeError("weights are gone"), [0.1] * 9, [float("nan")] * 10, ["seven"] * 10]
)
def test_a_model_that_fails_is_reported_here_and_there_and_may_work_again(
    answer: object, server: DemoServer, oracle: Oracle, capfd: pytest.CaptureFixture[str]
) -> None:
    works, oracle.answer = oracle.answer, answer
    reply = ask(server, "POST", "/predict?width=10&height=10", BODY)
    assert (reply.status, reply.json["error"]) == (
        500,
        "the model failed on this drawing; the reason is in the terminal",
    )
    assert capfd.readouterr().err.startswith("demo: ")
    oracle.answer = works
    assert ask(server, "POST", "/predict?width=10&height=10", BODY).status == 200


def test_the_model_is_asked_by_one_thread_at_a_time() -> None:
    busy, overlaps, pause = threading.Lock(), [], threading.Event()

    def predict(image: Tensor) -> list[float]:
        if not busy.acquire(blocking=False):
            overlaps.append(image)
        pause.wait(0.02)
        busy.release()
        return [0.5, 0.5]

    with serve(predict, ("a", "b"), title="x") as server:
        threads = [
            threading.Thread(target=ask, args=(server, "POST", "/predict?width=10&height=10", BODY))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert overlaps == []


def test_it_listens_on_this_machine_only_and_gives_the_port_back(oracle: Oracle) -> None:
    server = serve(oracle, DIGITS, host="localhost", title="x")
    assert server.socket.getsockname()[0] == "127.0.0.1"
    assert server.url == f"http://127.0.0.1:{server.server_port}/"
    server.close()
    server.close()
    server.wait()
    with pytest.raises(ConnectionRefusedError):
        ask(server, "GET", "/")
    with serve(oracle, DIGITS, port=server.server_port, title="x") as again:
        assert again.server_port == server.server_port


@pytest.mark.parametrize("host", ["0.0.0.0", "", "192.168.1.5", "example.org", "::"])
def test_another_host_than_this_machine_is_refused(host: str, oracle: Oracle) -> None:
    with pytest.raises(DemoError, match="this machine only") as caught:
        serve(oracle, DIGITS, host=host, title="x")
    assert caught.value.exit_code == 2


def test_a_port_that_is_taken_or_impossible_is_refused_in_one_line(
    server: DemoServer, oracle: Oracle
) -> None:
    with pytest.raises(
        DemoError, match=f"port {server.server_port} cannot be had: .*; port 0 takes any free one"
    ):
        serve(oracle, DIGITS, port=server.server_port, title="x")
    with pytest.raises(DemoError, match="port must be from 0"):
        serve(oracle, DIGITS, port=70_000, title="x")
