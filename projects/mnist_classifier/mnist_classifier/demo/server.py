"""The demo's web server: this machine only, one page and one question, ``POST /predict``."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Sequence
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from mlcore.errors import UserError
from torch import Tensor

from mnist_classifier.demo.handler import DemoHandler
from mnist_classifier.demo.page import render_page
from mnist_classifier.demo.prediction import Predictor

_LOOPBACK = ("127.0.0.1", "localhost")


class DemoError(UserError):
    """The server cannot be started as asked."""

    exit_code = 2


class DemoServer(ThreadingHTTPServer):
    """A running demo. A context manager; ``wait()`` blocks until somebody closes it.

    Attributes:
        page: what ``GET /`` answers.
        predictor: what answers ``POST /predict``.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, predictor: Predictor, title: str, details: str) -> None:
        self.page = render_page(title, details, predictor.classes)
        self.predictor = predictor
        self._closed = threading.Event()
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), DemoHandler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.1,), name="demo", daemon=True)
        self._thread.start()

    def server_bind(self) -> None:
        """Bind without looking up the machine's name, which takes seconds on some systems."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Note the connection: a browser keeps it for its next question, and the server must be able to end it."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that has ended."""
        self._connections.discard(request)
        super().shutdown_request(request)

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self.server_port}/"

    def wait(self) -> None:
        """Block until the server is closed, or Ctrl-C."""
        while not self._closed.wait(0.5):
            pass

    def close(self) -> None:
        """Stop serving and give the port back; a second call does nothing."""
        if not self._closed.is_set():
            self._closed.set()
            self.shutdown()
            self._thread.join()
            self.server_close()
            for connection in list(self._connections):
                with contextlib.suppress(OSError):  # it has ended in between
                    connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def serve(
    predict: Callable[[Tensor], Sequence[float]],
    classes: Sequence[str],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    title: str,
    details: str = "",
) -> DemoServer:
    """Start the demo in the background.

    Args:
        predict: probabilities of the classes for an image, float32 (1, 1, 28, 28) from 0 to 1, not normalised. It is
            called by one thread at a time.
        classes: their names, in the order of the probabilities.
        host: this machine: 127.0.0.1 or localhost.
        port: 0 for any free one.
        title: heading of the page: the run's name.
        details: a line below it: the test accuracy, for instance.

    Raises:
        DemoError: another host than this machine, or a port that cannot be had.
    """
    if host not in _LOOPBACK:
        raise DemoError(
            f"the demo serves this machine only: host must be 127.0.0.1 or localhost, got {host!r}"
        )
    if not 0 <= port <= 65_535:
        raise DemoError(f"port must be from 0 (any free one) to 65535, got {port}")
    try:
        return DemoServer(port, Predictor(predict, tuple(classes)), title, details)
    except OSError as error:
        reason = error.strerror or str(error)
        raise DemoError(f"port {port} cannot be had: {reason}; port 0 takes any free one") from error
