"""Answers the requests of the demo's page, and refuses everything else."""

import json
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from mnist_classifier.demo.server import DemoServer

SMALLEST_SIDE, LARGEST_SIDE = 8, 1024  # pixels
_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
_BODY_TYPE = "application/octet-stream"


class RefusedError(Exception):
    """A request that is not answered; says why."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class DemoHandler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "demo", ""
    timeout = 30  # seconds: a client that sends nothing holds no thread for ever

    def do_GET(self) -> None:
        """The page."""
        self._respond(self._get)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        """``/predict?width=W&height=H`` with W · H bytes of grey."""
        self._respond(self._post)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: every stroke is many requests."""

    def _respond(self, answer: Any) -> None:
        try:
            self._check_origin()
            answer()
        except RefusedError as refusal:
            self.close_connection = True  # a body that was not read must not be taken for the next request
            self._send_json(refusal.status, {"error": str(refusal)})
        except ConnectionError:
            self.close_connection = True  # the page was closed in between

    def _check_origin(self) -> None:
        """A page of another site must not reach this server through a name that it points to this machine."""
        host = self.headers.get("Host", "")
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            name = None
        if name not in _LOOPBACK_NAMES:
            raise RefusedError(HTTPStatus.FORBIDDEN, "this server answers to localhost only")
        origin = self.headers.get("Origin")
        if origin is not None and origin != f"http://{host}":
            raise RefusedError(HTTPStatus.FORBIDDEN, "this server answers its own page only")

    def _get(self) -> None:
        if urlsplit(self.path).path != "/":
            raise RefusedError(HTTPStatus.NOT_FOUND, "there is one page, /")
        page = self._demo.page
        self._send(HTTPStatus.OK, "text/html; charset=utf-8", page.html, policy=page.policy)

    def _post(self) -> None:
        if urlsplit(self.path).path != "/predict":
            raise RefusedError(HTTPStatus.NOT_FOUND, "drawings go to /predict")
        width, height = (self._side(name) for name in ("width", "height"))
        pixels = self._read_body(width * height)
        try:
            answer = self._demo.predictor.answer(pixels, width, height)
        except Exception as error:
            print(f"demo: {type(error).__name__}: {error}", file=sys.stderr)
            message = "the model failed on this drawing; the reason is in the terminal"
            raise RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, message) from error
        self._send_json(HTTPStatus.OK, answer)

    def _side(self, name: str) -> int:
        values = parse_qs(urlsplit(self.path).query).get(name, [])
        text = values[0] if len(values) == 1 else ""
        is_whole = text.isascii() and text.isdigit() and len(text) <= 4
        if not is_whole or not SMALLEST_SIDE <= int(text) <= LARGEST_SIDE:
            message = f"{name} must be a whole number from {SMALLEST_SIDE} to {LARGEST_SIDE}, once"
            raise RefusedError(HTTPStatus.BAD_REQUEST, message)
        return int(text)

    def _read_body(self, num_bytes: int) -> bytes:
        if self.headers.get_content_type() != _BODY_TYPE or "Transfer-Encoding" in self.headers:
            raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"a drawing is sent as {_BODY_TYPE}")
        length = self.headers.get("Content-Length", "")
        if length != str(num_bytes):
            message = f"width · height is {num_bytes} bytes, the body has {length[:20] or 'no length'}"
            raise RefusedError(HTTPStatus.BAD_REQUEST, message)
        body = self.rfile.read(num_bytes)
        if len(body) != num_bytes:
            raise RefusedError(
                HTTPStatus.BAD_REQUEST, f"the body ended after {len(body)} of {num_bytes} bytes"
            )
        return body

    @property
    def _demo(self) -> "DemoServer":
        return cast("DemoServer", self.server)

    def _send_json(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(content).encode())

    def _send(
        self, status: HTTPStatus, kind: str, body: bytes, *, policy: str = "default-src 'none'"
    ) -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Content-Security-Policy", policy),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Cache-Control", "no-store"),
        ):
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
