"""One request on a connection of its own: to no machine but one that was judged, and never beyond the deadline.

In: a `Hop`, one address on the way to the file, and the validators of the file that is held. Out: the head of the `Answer`, and
its body, which the caller reads. What httpcore and the network raise becomes a `FetchError`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import ssl
import urllib.parse
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore

from pipeline.ingest.addresses import is_public
from pipeline.ingest.fetch_errors import AddressRefused, AnswerRefused, DeadlinePassed, SourceUnavailable, shown
from pipeline.ingest.fetch_rules import FetchRules, Machine, Validators


@dataclasses.dataclass(frozen=True)
class Hop:
    """One request on the way from the address that was asked for to the file."""

    asked: str
    address: str
    rules: FetchRules
    machine: Machine
    ends: float

    @property
    def label(self) -> str:
        """How messages name it."""
        return self.asked if self.address == self.asked else f"{self.asked} (which leads to {self.address})"

    @contextlib.contextmanager
    def within(self, timeout: float | None) -> Iterator[float]:
        """The seconds that an operation may take. Raises DeadlinePassed where it is the deadline that cuts it off."""
        left = self.ends - self.machine.clock()
        if left <= 0:
            raise self._deadline_passed()
        try:
            yield left if timeout is None else min(timeout, left)
        except httpcore.TimeoutException as problem:
            if self.machine.clock() >= self.ends:
                raise self._deadline_passed() from problem
            raise

    def _deadline_passed(self) -> DeadlinePassed:
        return DeadlinePassed(
            address=self.label,
            found=f"a transfer that is not at its end after {self.rules.deadline:g} seconds",
            expected="the whole file before the deadline",
            action="run again when the connection is better, or raise the source's deadline",
        )


@dataclasses.dataclass(frozen=True)
class Answer:
    """The head of an answer; its body is read by `pipeline.ingest.transfer`."""

    hop: Hop
    status: int
    headers: dict[str, str]
    stream: _WatchedStream

    def refused(self, found: str, expected: str, action: str) -> AnswerRefused:
        """The error for an answer that is not the file that was promised."""
        return AnswerRefused(address=self.hop.label, found=found, expected=expected, action=action)

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def content_encoding(self) -> str:
        return self.headers.get("content-encoding", "identity").strip().lower()

    @property
    def length(self) -> int | None:
        """The promised number of bytes on the wire; h11 has refused what is no number, and numbers that differ."""
        if "transfer-encoding" in self.headers or "content-length" not in self.headers:
            return None
        return int(self.headers["content-length"].partition(",")[0])

    @property
    def validators(self) -> Validators:
        return Validators(self.headers.get("etag", ""), self.headers.get("last-modified", ""))


class _JudgedNetwork(httpcore.NetworkBackend):
    """Connects to no machine but one that was judged, and lets no connection outlive the deadline."""

    def __init__(self, hop: Hop) -> None:
        self._hop = hop

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        problem: Exception = httpcore.ConnectError(f"{host} has no address")
        for ip in self._judged(host, port):
            # An IP address, not the name: what was judged is what is connected to.
            try:
                with self._hop.within(timeout) as seconds:
                    stream = self._hop.machine.network.connect_tcp(ip, port, seconds, local_address, socket_options)
                return _WatchedStream(stream, self._hop)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem

    def _judged(self, host: str, port: int) -> list[str]:
        try:
            addresses = self._hop.machine.addresses_of(host, port)
        except OSError as problem:
            raise httpcore.ConnectError(f"the name {host} cannot be resolved: {problem}") from problem
        hidden = [ip for ip in addresses if not is_public(ip)]
        if hidden and not self._hop.rules.allow_private:
            raise AddressRefused(
                address=self._hop.label,
                found=f"{host} at {', '.join(hidden)}, which is not a public address",
                expected="a publisher on the public network",
                action="check the address; for a publisher within your own network, allow private addresses for the source",
            )
        return addresses


class _WatchedStream(httpcore.NetworkStream):
    """A connection that ends at the deadline, and remembers enough to tell whether more came than was promised."""

    _HEAD = 1 << 18  # h11 refuses longer heads

    def __init__(self, inner: httpcore.NetworkStream, hop: Hop) -> None:
        self._inner, self._hop = inner, hop
        self._received = 0
        self._head = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with self._hop.within(timeout) as seconds:
            data = self._inner.read(max_bytes, seconds)
        self._received += len(data)
        if len(self._head) < self._HEAD:
            self._head += data
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with self._hop.within(timeout) as seconds:
            self._inner.write(buffer, seconds)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            with self._hop.within(timeout) as seconds:
                inner = self._inner.start_tls(ssl_context, server_hostname, seconds)
        except httpcore.ConnectError as problem:
            if isinstance(problem.__cause__, ssl.SSLCertVerificationError):
                raise AddressRefused(
                    address=self._hop.label,
                    found=f"a certificate that is not to be trusted ({problem.__cause__.verify_message})",
                    expected=f"one for {server_hostname}",
                    action="open the address in a browser; the publisher, or a device in between, presents a wrong certificate",
                ) from problem
            raise
        return _WatchedStream(inner, self._hop)

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def surplus(self, length: int) -> bool:
        """Whether more than `length` bytes came after the head. `Connection: close` was asked for, so nothing may follow."""
        start = _body_start(self._head)
        if start is None:
            return False
        if self._received > start + length:
            return True
        try:
            return bool(self.read(1, timeout=0.2))
        except (httpcore.TimeoutException, httpcore.NetworkError):
            return False


_HEAD_END = re.compile(rb"\n\r?\n")


def _body_start(head: bytes) -> int | None:
    """Where the body begins in the bytes received: after the first head that is not an interim one (1xx)."""
    start = 0
    while match := _HEAD_END.search(head, start):
        if not re.match(rb"HTTP/1\.[01] 1\d\d", head[start : start + 16]):
            return match.end()
        start = match.end()
    return None


@contextlib.contextmanager
def answered(hop: Hop, validators: Validators) -> Iterator[tuple[Answer, Iterator[bytes]]]:
    """Head and body of the answer to one request on a connection of its own.

    While the block lasts, httpcore's errors become ours: SourceUnavailable for what may pass by itself, else AddressRefused.
    """
    parts = urllib.parse.urlsplit(hop.address)
    url = httpcore.URL(
        scheme=parts.scheme.encode(),
        host=(parts.hostname or "").encode(),
        port=parts.port,
        target=urllib.parse.urlunsplit(("", "", parts.path, parts.query, "")).encode(),
    )
    rules = hop.rules
    timeouts = {"connect": rules.connect_timeout, "read": rules.read_timeout, "write": rules.read_timeout}
    tls = hop.machine.tls() if parts.scheme == "https" else None
    with (
        _as_our_errors(hop.label),
        httpcore.ConnectionPool(ssl_context=tls, max_connections=1, network_backend=_JudgedNetwork(hop)) as pool,
        pool.stream("GET", url, headers=_request_headers(hop, validators), extensions={"timeout": timeouts}) as response,
    ):
        yield Answer(hop, response.status, _headers(response), response.extensions["network_stream"]), response.iter_stream()


def _request_headers(hop: Hop, validators: Validators) -> list[tuple[bytes, bytes]]:
    headers = {
        "Host": urllib.parse.urlsplit(hop.address).netloc,
        "User-Agent": hop.rules.user_agent,
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "If-None-Match": validators.etag,
        "If-Modified-Since": validators.last_modified,
    }
    return [(name.encode(), value.encode()) for name, value in headers.items() if value]


@contextlib.contextmanager
def _as_our_errors(address: str) -> Iterator[None]:
    def unavailable(found: str, problem: Exception) -> SourceUnavailable:
        return SourceUnavailable(
            address=address,
            found=f"{found} ({shown(str(problem)) if str(problem) else type(problem).__name__})",
            expected="the whole file",
            action="run again later; if it stays, open the address in a browser",
        )

    try:
        yield
    except (httpcore.ConnectError, httpcore.ConnectTimeout) as problem:
        raise unavailable("no connection", problem) from problem
    except httpcore.TimeoutException as problem:
        raise unavailable("silence for longer than allowed", problem) from problem
    except (httpcore.NetworkError, httpcore.RemoteProtocolError) as problem:
        raise unavailable(
            "a connection that ended, or an answer that broke off, before the whole file was here", problem
        ) from problem
    except httpcore.LocalProtocolError as problem:
        raise AddressRefused(
            address=address,
            found=f"a request that cannot be written ({shown(str(problem))})",
            expected="an address and validators without strange characters",
            action="check the address in source.yml, and remove the validators that were kept for it",
        ) from problem


def _headers(response: httpcore.Response) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers:
        name, value = raw_name.decode("ascii").lower(), _decoded(raw_value)
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
