"""A web server on the loopback whose folders answer in their own ways, most of them badly."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


def whole(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def cut_at(place: int, *, told: bool = True) -> Answer:
    """Closes the connection after `place` bytes; `told`: the length was announced."""

    def answer(handler: BaseHTTPRequestHandler, content: bytes) -> None:
        handler.send_response(200)
        if told:
            handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[:place])

    return answer


def error(code: int) -> Answer:
    return lambda handler, _content: handler.send_error(code)


def corrupt(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    whole(handler, content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])


def page(handler: BaseHTTPRequestHandler, _content: bytes) -> None:
    whole(handler, b"<html>please log in</html>")


def endless(handler: BaseHTTPRequestHandler, _content: bytes) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(bytes(1 << 16))
    except OSError:
        pass


def redirect_to_a_file(handler: BaseHTTPRequestHandler, _content: bytes) -> None:
    handler.send_response(302)
    handler.send_header("Location", "file:///etc/hostname")
    handler.end_headers()


def nonsense(handler: BaseHTTPRequestHandler, _content: bytes) -> None:
    handler.wfile.write(b"this is no HTTP\r\n\r\n")


class Mirrors:
    """A server whose folders answer differently, and a record of what they were asked for."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        self.contents, self.answers, self.asked = contents, dict[str, Answer](), list[str]()
        mirrors = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirrors.asked.append(self.path)
                _, folder, name = self.path.split("/")
                mirrors.answers[folder](self, mirrors.contents[name])

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def url(self, folder: str, answer: Answer) -> str:
        self.answers[folder] = answer
        return f"http://127.0.0.1:{self.server.server_address[1]}/{folder}/"
