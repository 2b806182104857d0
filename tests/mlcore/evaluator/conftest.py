"""A real HTTP server on 127.0.0.1 that plays Anthropic's API, well or badly, as each test wants it."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

CANARY = "sk-ant-canary-0123456789abcdef-DO-NOT-LEAK"
SCORES = {"grammar": 4, "coherence": 3, "creativity": 2}


class JudgeCall:
    """One request that arrived, taken apart, and the ways to answer it."""

    def __init__(self, handler: BaseHTTPRequestHandler, content: bytes) -> None:
        self.handler = handler
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.body: dict[str, Any] = json.loads(content)
        self.user: str = self.body["messages"][0]["content"]
        match = re.fullmatch(r"<data-(\w+)>\n(.*)\n</data-\1>", self.user)
        assert match, f"not exactly one line of data between its marks: {self.user!r}"
        self.code, self.data = match[1], json.loads(match[2])

    def verdict(self, **changes: Any) -> str:
        return json.dumps({"receipt": self.code, "remark": "a plain story", **SCORES, **changes})

    def message(self, text: str | None = None, **changes: Any) -> dict[str, Any]:
        """A well-formed reply holding `text` (a good verdict if None)."""
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": self.body["model"],
            "content": [{"type": "text", "text": self.verdict() if text is None else text}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 100, "output_tokens": 20},
            **changes,
        }

    def send(self, body: bytes | str, status: int = 200, length: int | None = None, **headers: str) -> None:
        body = body.encode() if isinstance(body, str) else body
        self.handler.send_response(status)
        headers = {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        for name, value in headers.items():
            self.handler.send_header(name, value)
        self.handler.send_header("content-length", str(len(body) if length is None else length))
        self.handler.end_headers()
        self.handler.wfile.write(body)

    def reply(self, text: str | None = None, **changes: Any) -> None:
        self.send(json.dumps(self.message(text, **changes)))

    def error(self, status: int, kind: str = "api_error", **headers: str) -> None:
        content = {
            "type": "error",
            "error": {"type": kind, "message": f"no, {self.headers.get('authorization')}"},
        }
        self.send(json.dumps(content), status, **headers)

    def drip(self, content: bytes, pause: float = 0.03) -> None:
        """One byte now and then: every read timeout starts anew with each."""
        for byte in content:
            self.handler.wfile.write(bytes([byte]))
            self.handler.wfile.flush()
            time.sleep(pause)

    def reset(self) -> None:
        """Break the connection with a RST."""
        connection = self.handler.connection
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        self.handler.close_connection = True


Behaviour = Callable[[JudgeCall], None]


class ClaudeServer:
    """`behave` is called with every request; `calls` keeps them all."""

    def __init__(self) -> None:
        self.behave: Behaviour = JudgeCall.reply
        self.calls: list[JudgeCall] = []
        self.problems: list[BaseException] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or every answer waits 40 ms for a delayed acknowledgement

            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["content-length"]))
                try:
                    call = JudgeCall(self, content)
                except BaseException as error:
                    server.problems.append(error)
                    raise
                server.calls.append(call)
                try:
                    server.behave(call)
                except OSError:  # the client has gone: that is often the point
                    self.close_connection = True

            def log_message(self, *_: Any) -> None: ...

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self._http.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture(scope="module")
def _running_server() -> Iterator[ClaudeServer]:
    server = ClaudeServer()
    yield server
    server.close()


@pytest.fixture
def claude_server(_running_server: ClaudeServer) -> Iterator[ClaudeServer]:
    """The server, well-behaved and without memory at the start of every test."""
    _running_server.behave = JudgeCall.reply
    _running_server.calls = []
    _running_server.problems = []
    yield _running_server
    assert not _running_server.problems


@pytest.fixture(scope="module")
def claude_client(_running_server: ClaudeServer) -> Iterator[Any]:
    """A real client of the library whose base URL is the server. Its own retries must never be used."""
    import anthropic

    with anthropic.Anthropic(api_key=CANARY, base_url=_running_server.url, max_retries=9) as client:
        yield client


@pytest.fixture(autouse=True)
def _no_real_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here may reach the real API."""
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")


@pytest.fixture(scope="session")
def canary() -> str:
    return CANARY
