"""A publisher's web server on loopback that does what real ones do on their bad days.

In: for each path, a list of answers (functions of this module), one a request, the last of them for all that follow. Out: a
server on a port of its own, and the requests that reached it. Every answer is bounded in bytes and time, and leaving the `with`
block ends them all.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import ssl
import threading
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

ENDLESS_MEANS = 32_000_000  # bytes, for a client that never stops reading
_NAP = 0.02


@dataclasses.dataclass
class Request:
    """What reached the server: the path with its query, and the headers with lower-case names."""

    path: str
    headers: dict[str, str]


class MisbehavingServer:
    """Serves `answers` until the `with` block ends."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.requests: list[Request] = []
        self.stopping = threading.Event()
        self._tls = tls

    def __enter__(self) -> MisbehavingServer:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        if self._tls:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": _NAP})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()  # waits for the answers under way
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def address(self, path: str = "/data.csv", host: str = "127.0.0.1") -> str:
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def serve(self, *answers: Answer, path: str = "/data.csv", host: str = "127.0.0.1") -> str:
        """Gives these answers to the requests for `path`, in turn; the address to ask."""
        self.answers[path] = list(answers)
        return self.address(path, host)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = False
    owner: MisbehavingServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what most of these answers are about."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5
    server: _Server

    def do_GET(self) -> None:
        owner = self.server.owner
        owner.requests.append(Request(self.path, {name.lower(): value for name, value in self.headers.items()}))
        answers = owner.answers.get(self.path, [status(404)])
        with contextlib.suppress(OSError):
            (answers.pop(0) if len(answers) > 1 else answers[0])(self)
            self.wfile.flush()
        self.close_connection = True

    def head(self, code: int, headers: dict[str, str]) -> None:
        self.send_response_only(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def nap(self, seconds: float) -> None:
        """Sleeps, unless the server is told to stop."""
        self.server.owner.stopping.wait(seconds)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing: a test's output is for its failures."""


Answer = Callable[[_Handler], None]


# ----------------------------------------------------------------------------------------------------------------- sound


def good(body: bytes, media_type: str = "text/csv", **headers: str) -> Answer:
    """The whole body with its length. Underscores in the names of headers are dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(handler: _Handler) -> None:
        handler.head(200, {"Content-Type": media_type, "Content-Length": str(len(body)), **named})
        handler.wfile.write(body)

    return answer


def chunked(*chunks: bytes, complete: bool = True) -> Answer:
    """The chunks; without the last, empty one if not `complete`."""

    def answer(handler: _Handler) -> None:
        handler.head(200, {"Content-Type": "text/csv", "Transfer-Encoding": "chunked"})
        for chunk in (*chunks, *([b""] if complete else [])):
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))

    return answer


def conditional(body: bytes, *, etag: str = "", last_modified: str = "") -> Answer:
    """304 for who knows this state of the body, else the body."""

    def answer(handler: _Handler) -> None:
        same = (etag and handler.headers.get("If-None-Match") == etag) or (
            last_modified and handler.headers.get("If-Modified-Since") == last_modified
        )
        headers = {name: value for name, value in (("ETag", etag), ("Last-Modified", last_modified)) if value}
        if same:
            handler.head(304, headers)
        else:
            good(body, **headers)(handler)

    return answer


# ------------------------------------------------------------------------------------------------------------------ slow


def silent(seconds: float) -> Answer:
    """Accepts the request and says nothing for a while."""
    return lambda handler: handler.nap(seconds)


def drips_its_head(seconds: float) -> Answer:
    """A header that never ends, a byte at a time: no single read is slow."""

    def answer(handler: _Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        for _ in range(int(seconds / _NAP)):
            handler.wfile.write(b"x")
            handler.nap(_NAP)

    return answer


def stalls_mid_body(body: bytes, seconds: float) -> Answer:
    """Half of the body, then nothing."""

    def answer(handler: _Handler) -> None:
        handler.head(200, {"Content-Type": "text/csv", "Content-Length": str(len(body))})
        handler.wfile.write(body[: len(body) // 2])
        handler.wfile.flush()
        handler.nap(seconds)

    return answer


# ----------------------------------------------------------------------------------------------------------- not as said


def of_declared_length(body: bytes, length: int) -> Answer:
    """The body, with another length declared; the connection ends after it."""

    def answer(handler: _Handler) -> None:
        handler.head(200, {"Content-Type": "text/csv", "Content-Length": str(length)})
        handler.wfile.write(body)

    return answer


def with_late_surplus(body: bytes, surplus: bytes) -> Answer:
    """The body as declared, and a moment later more of it."""

    def answer(handler: _Handler) -> None:
        good(body)(handler)
        handler.wfile.flush()
        handler.nap(0.05)
        handler.wfile.write(surplus)

    return answer


def without_length(body: bytes, media_type: str = "text/csv") -> Answer:
    """The body up to the end of the connection, as HTTP/1.0 did."""

    def answer(handler: _Handler) -> None:
        handler.head(200, {"Content-Type": media_type})
        handler.wfile.write(body)

    return answer


def endless(piece: bytes = b"1,2,3\n" * 10_000) -> Answer:
    """Chunks without an end, as far as a test can tell."""

    def answer(handler: _Handler) -> None:
        handler.head(200, {"Content-Type": "text/csv", "Transfer-Encoding": "chunked"})
        for _ in range(ENDLESS_MEANS // len(piece)):
            if handler.server.owner.stopping.is_set():
                return
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    return answer


def status(code: int, **headers: str) -> Answer:
    """A bare status. Underscores in the names of headers are dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: handler.head(code, {"Content-Length": "0", **named})


def redirect(target: str, code: int = 302) -> Answer:
    return status(code, Location=target)


def retry_at_date(seconds: int, server_clock: int = 1_700_000_000) -> Answer:
    """429 with a date to come back at, by a server whose clock is years off."""
    return status(429, Date=formatdate(server_clock, usegmt=True), Retry_After=formatdate(server_clock + seconds, usegmt=True))
