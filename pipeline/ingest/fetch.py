"""One file from a publisher's address into a folder: the whole file, as promised, or nothing.

In: an address, an empty folder, what the publisher said about the file last time (`Validators`), and `FetchRules`. Out:
`Fetched`, whose file is complete, or `NotModified`. Whatever goes wrong ends in a `FetchError` and leaves no file in the folder.

What holds, in the order in which it is checked:
- the address is http or https, without a user name; so is every address that it leads to, and https never leads to http;
- the machine behind it is a public one (unless `allow_private`): the name is resolved once for a connection, every address that
  it gives is judged, and the connection is made to a judged address, so that a second answer of the name service changes nothing;
- the answer comes in time and is no longer than allowed, packed and unpacked; what may pass by itself is tried again;
- the file has the length, the kind and the sha256 that were promised by the server, the file's name, and the source.

No credential, cookie or proxy is ever used, so there is none that a redirect could carry off. A proxy would also take the choice
of the machine out of our hands. The `identity` encoding is asked for, so that length and ETag speak of the file itself.
"""

from __future__ import annotations

import contextlib
import dataclasses
import email.utils
import hashlib
import ipaddress
import os
import re
import socket
import ssl
import time
import unicodedata
import urllib.parse
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import httpcore
import tenacity

from pipeline.ingest.file_kinds import KIND_IN_WORDS, KIND_OF_ENDING, KINDS_OF_MEDIA_TYPE, file_name, kind_of, kind_of_name
from pipeline.model import FraudlossError, RefusedInput, UsageError

# ---------------------------------------------------------------------------------------------------------------- errors


class FetchError(FraudlossError):
    """A file that was not taken in. Says address, what was found, what was expected, what to do."""

    def __init__(self, *, address: str, found: str, expected: str, action: str) -> None:
        self.address, self.found, self.expected, self.action = address, found, expected, action
        super().__init__(f"{address}: found {found}; expected {expected}. What to do: {action}")


class AddressRefused(FetchError):
    """The address, or one that it leads to, is none that we connect to."""


class AnswerRefused(FetchError):
    """The server answered, with something else than the file that was promised."""


class DeadlinePassed(FetchError):
    """The whole fetch, its repetitions included, took longer than allowed."""


class SourceUnavailable(FetchError):
    """No usable answer, for a reason that may pass by itself: it is tried again before it reaches the caller."""

    def __init__(self, *, address: str, found: str, expected: str, action: str, wait: float | None = None) -> None:
        super().__init__(address=address, found=found, expected=expected, action=action)
        self.wait = wait  # seconds that the server asks us to wait


# --------------------------------------------------------------------------------------------------- what goes in and out


@dataclasses.dataclass(frozen=True)
class Validators:
    """What a server says to tell one state of a file from another; kept by the caller until the next fetch."""

    etag: str = ""
    last_modified: str = ""


@dataclasses.dataclass(frozen=True)
class FetchRules:
    """How far a fetch may go. Times are in seconds, sizes in bytes. Raises UsageError for an unknown ending in `expects`."""

    allow_private: bool = False  # addresses that are not public: for a publisher within one's own network, and for tests
    expects: tuple[str, ...] = ()  # endings of what the source takes ("csv", "zip"); empty: what the file's name says
    sha256: str = ""
    max_bytes: int = 500_000_000
    connect_timeout: float = 10.0
    read_timeout: float = 30.0  # of silence
    deadline: float = 900.0  # for everything; a question to the name service is bounded by the system's own limit
    attempts: int = 4
    first_wait: float = 1.0  # doubled with every further attempt
    longest_wait: float = 120.0  # a server that asks for more is not waited for
    redirects: int = 5
    user_agent: str = "fraudloss"

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.expects) - set(KIND_OF_ENDING)):
            raise UsageError(f"unknown kind of file {', '.join(unknown)}. Known: {', '.join(KIND_OF_ENDING)}.")


@dataclasses.dataclass(frozen=True)
class Fetched:
    """A complete file. `path` lies in the caller's folder; `address` is where it came from after all redirects."""

    path: Path
    address: str
    media_type: str
    size_bytes: int
    sha256: str
    validators: Validators


@dataclasses.dataclass(frozen=True)
class NotModified:
    """The publisher's file is still the one that the validators were given for."""

    address: str
    validators: Validators


def _addresses_of(host: str, port: int) -> list[str]:
    return list(dict.fromkeys(str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


@dataclasses.dataclass(frozen=True)
class Machine:
    """What a fetch needs of the machine that it runs on; tests put other things in its place."""

    addresses_of: Callable[[str, int], list[str]] = _addresses_of
    network: httpcore.NetworkBackend = dataclasses.field(default_factory=httpcore.SyncBackend)
    tls: Callable[[], ssl.SSLContext] = httpcore.default_ssl_context
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic


# ----------------------------------------------------------------------------------------------------------------- fetch


def fetch(
    address: str,
    into: Path,
    *,
    validators: Validators | None,
    rules: FetchRules,
    machine: Machine | None = None,
) -> Fetched | NotModified:
    """The file at `address`, complete, in the folder `into`; or NotModified, where the publisher's validators still hold.

    Connection errors, timeouts, broken transfers and the statuses 429 and 5xx are tried again, `rules.attempts` times in all.

    Raises AddressRefused, AnswerRefused, SourceUnavailable or DeadlinePassed, each of them a FetchError; then `into` holds no
    file of ours.
    """
    machine = machine or Machine()
    ends = machine.clock() + rules.deadline

    def wait(state: tenacity.RetryCallState) -> float:
        asked = _failure(state).wait
        return asked if asked is not None else min(rules.first_wait * 2 ** (state.attempt_number - 1), rules.longest_wait)

    def enough(state: tenacity.RetryCallState) -> bool:
        pause = wait(state)
        return state.attempt_number >= rules.attempts or pause > rules.longest_wait or machine.clock() + pause >= ends

    def give_up(state: tenacity.RetryCallState) -> Fetched | NotModified:
        last = _failure(state)
        found = f"{last.found} (attempt {state.attempt_number} of {rules.attempts})"
        raise SourceUnavailable(
            address=last.address, found=found, expected=last.expected, action=last.action, wait=last.wait
        ) from last

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(SourceUnavailable),
        wait=wait,
        stop=enough,
        sleep=machine.sleep,
        retry_error_callback=give_up,
    )
    return retrying(_attempt, address, into, validators or Validators(), rules, machine, ends)


def _failure(state: tenacity.RetryCallState) -> SourceUnavailable:
    problem = state.outcome.exception() if state.outcome else None
    if not isinstance(problem, SourceUnavailable):
        raise RuntimeError("only SourceUnavailable is tried again")
    return problem


def _attempt(
    asked: str, into: Path, validators: Validators, rules: FetchRules, machine: Machine, ends: float
) -> Fetched | NotModified:
    """One walk along the redirects to the file."""
    address, visited = _checked_address(asked, ""), set[str]()
    while len(visited) <= rules.redirects:
        visited.add(address)
        hop = _Hop(asked, address, rules, machine, ends)
        with _answer(hop, validators) as (response, stream):
            answer = _Answer(hop, response.status, _headers(response), stream)
            if answer.status == 304 and validators != Validators():
                return NotModified(address, _newer(validators, answer))
            if answer.status == 200:
                return _received(answer, response.iter_stream(), into)
            address = _redirect_target(answer)
        if address in visited:
            break
    raise AnswerRefused(
        address=asked,
        found=f"redirects without an end: after {len(visited)} of them it leads to {_shown(address)}",
        expected=f"the file after at most {rules.redirects} redirects, none of them twice",
        action="open the address in a browser; enter the one that it ends at as the source's address",
    )


@dataclasses.dataclass(frozen=True)
class _Hop:
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
class _Answer:
    """The head of an answer; its body is read by `_received`."""

    hop: _Hop
    status: int
    headers: dict[str, str]
    stream: _WatchedStream

    def refused(self, found: str, expected: str, action: str) -> AnswerRefused:
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


def _newer(kept: Validators, answer: _Answer) -> Validators:
    """A 304 may leave out what did not change."""
    return Validators(answer.validators.etag or kept.etag, answer.validators.last_modified or kept.last_modified)


def _redirect_target(answer: _Answer) -> str:
    """Where a redirect leads, checked. Raises for every other status: SourceUnavailable where it may pass by itself."""
    if answer.status in (301, 302, 303, 307, 308) and "location" in answer.headers:
        return _checked_address(answer.headers["location"], answer.hop.address)
    if answer.status == 429 or answer.status >= 500:
        wait = _retry_after(answer)
        raise SourceUnavailable(
            address=answer.hop.label,
            found=f"status {answer.status}" + (f", to be asked again in {wait:,.0f} seconds" if wait is not None else ""),
            expected="status 200",
            action="run again later; if it stays, look at the publisher's page",
            wait=wait,
        )
    raise answer.refused(
        f"status {answer.status}",
        "status 200 and the file",
        "open the address in a browser; if the publisher has moved the file, enter its new address in source.yml",
    )


def _retry_after(answer: _Answer) -> float | None:
    """Seconds to wait. A date is taken against the server's own clock, which may differ from ours."""
    asked = answer.headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked[:9])  # more digits are longer than any wait allowed
    try:
        then = email.utils.parsedate_to_datetime(asked)
        return max(0.0, (then - email.utils.parsedate_to_datetime(answer.headers.get("date", ""))).total_seconds())
    except (TypeError, ValueError):
        return None


# ------------------------------------------------------------------------------------------------------------- addresses


def _checked_address(address: str, led_from: str) -> str:
    """The address without its fragment, in ASCII; `led_from` is the address whose redirect names it, or empty.

    Raises AddressRefused for one that is not plain http or https.
    """

    def refused(found: str, expected: str) -> AddressRefused:
        return AddressRefused(
            address=led_from or _without_user(address),
            found=f"a redirect to {found}" if led_from else found,
            expected=expected,
            action="check the address in a browser, and enter the right one in source.yml",
        )

    if any(sign.isspace() or unicodedata.category(sign) == "Cc" for sign in address):
        raise refused(_shown(address), "an address without blanks and control characters")
    try:
        parts = urllib.parse.urlsplit(urllib.parse.urljoin(led_from, address))
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError as problem:
        raise refused(f"{_shown(address)} ({problem})", "http://host/path or https://host/path") from problem
    if parts.scheme not in ("http", "https") or not host:
        raise refused(_shown(address), "http://host/path or https://host/path")
    if "@" in parts.netloc:
        raise refused(f"a user name or password for {host}", "an address that needs none")
    if parts.scheme == "http" and led_from.startswith("https:"):
        raise refused(_shown(address), "https, as where it came from")
    network_location = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    path = urllib.parse.quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    query = urllib.parse.quote(parts.query, safe="/%:@!$&'()*+,;=~?")
    return urllib.parse.urlunsplit((parts.scheme, network_location, path, query, ""))


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: IPv4 for networks that speak IPv6 only


def is_public(address: str) -> bool:
    """Whether an IP address may be reached from everywhere: not private, loopback, link-local, multicast or reserved.

    An IPv6 address that carries an IPv4 address is judged by that.
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        carried = ip.ipv4_mapped or ip.sixtofour or (ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)
        if carried is not None:
            return is_public(str(carried))
        if ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


def _without_user(address: str) -> str:
    """The address as it may be shown: a password in it stays out of logs."""
    return re.sub(r"//[^/?#]*@", "//…@", address)


def _shown(text: str) -> str:
    """A stranger's text for a message: one line, no control characters, not long."""
    return ascii(_without_user(text)[:200])


# ------------------------------------------------------------------------------------------------------------ connection


class _JudgedNetwork(httpcore.NetworkBackend):
    """Connects to no machine but one that was judged, and lets no connection outlive the deadline."""

    def __init__(self, hop: _Hop) -> None:
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

    def __init__(self, inner: httpcore.NetworkStream, hop: _Hop) -> None:
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
def _answer(hop: _Hop, validators: Validators) -> Iterator[tuple[httpcore.Response, _WatchedStream]]:
    """The answer to one request on a connection of its own; while the block lasts, httpcore's errors become ours."""
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
        yield response, response.extensions["network_stream"]


def _request_headers(hop: _Hop, validators: Validators) -> list[tuple[bytes, bytes]]:
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
            found=f"{found} ({_shown(str(problem)) if str(problem) else type(problem).__name__})",
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
            found=f"a request that cannot be written ({_shown(str(problem))})",
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


# ------------------------------------------------------------------------------------------------------------------ body


_PIECE = 1 << 16


def _received(answer: _Answer, chunks: Iterable[bytes], into: Path) -> Fetched:
    """The body as a file, which gets its name when everything about it has been checked."""
    if answer.length is not None and answer.length > answer.hop.rules.max_bytes:
        raise _too_long(answer, f"a file of {answer.length:,} bytes")
    name = file_name(answer.headers.get("content-disposition", ""), answer.hop.asked, answer.hop.address)
    partial = into / f"{name}.partial"
    try:
        with partial.open("wb") as file:
            size, sha256 = _written(answer, chunks, file)
            file.flush()
            os.fsync(file.fileno())
        _require_promised(answer, partial, name, size, sha256)
        path = partial.replace(into / name)
    finally:
        partial.unlink(missing_ok=True)
    _sync_folder(into)
    return Fetched(path, answer.hop.address, answer.media_type, size, sha256, answer.validators)


def _written(answer: _Answer, chunks: Iterable[bytes], file: BinaryIO) -> tuple[int, str]:
    """Writes the unpacked body; its size and sha256. Every count is taken before the bytes are written."""
    size, digest = 0, hashlib.sha256()
    for piece in _unpacked(answer, _counted(answer, chunks)):
        size += len(piece)
        if size > answer.hop.rules.max_bytes:
            raise _too_long(answer, f"more than {answer.hop.rules.max_bytes:,} bytes")
        digest.update(piece)
        file.write(piece)
    return size, digest.hexdigest()


def _counted(answer: _Answer, chunks: Iterable[bytes]) -> Iterator[bytes]:
    received = 0
    for chunk in chunks:
        received += len(chunk)
        if received > answer.hop.rules.max_bytes:
            raise _too_long(answer, f"more than {answer.hop.rules.max_bytes:,} bytes")
        yield chunk
    if answer.length is not None and (received != answer.length or answer.stream.surplus(answer.length)):
        more = f"{received:,} bytes" if received != answer.length else f"more than {received:,} bytes"
        raise answer.refused(
            more,
            f"{answer.length:,}, as the server had said",
            "run again later; if it stays, tell the publisher that its server cuts the file off",
        )


def _unpacked(answer: _Answer, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The body without its content encoding, in bounded pieces: some servers pack what was asked for unpacked."""
    if answer.content_encoding in ("", "identity"):
        yield from chunks
    elif answer.content_encoding in ("gzip", "x-gzip"):
        yield from _gunzipped(answer, chunks)
    else:
        raise answer.refused(f"content encoding {_shown(answer.content_encoding)}", "identity or gzip", "fetch the file by hand")


def _gunzipped(answer: _Answer, chunks: Iterable[bytes]) -> Iterator[bytes]:
    def damaged(found: str) -> AnswerRefused:
        return answer.refused(found, "a complete gzip stream", "run again later; if it stays, fetch the file by hand")

    decoder = zlib.decompressobj(wbits=31)
    try:
        for chunk in chunks:
            while chunk:
                if decoder.eof:
                    decoder = zlib.decompressobj(wbits=31)
                yield decoder.decompress(chunk, _PIECE)
                chunk = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
    except zlib.error as problem:
        raise damaged(f"gzip that cannot be unpacked ({problem})") from problem
    if not decoder.eof:
        raise damaged("gzip that ends too early")


def _too_long(answer: _Answer, found: str) -> AnswerRefused:
    return answer.refused(
        found,
        f"at most {answer.hop.rules.max_bytes:,}",
        "look at what the address gives; if the file is right, raise the source's size limit",
    )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# -------------------------------------------------------------------------------------------------------------- promises


def _require_promised(answer: _Answer, path: Path, name: str, size: int, sha256: str) -> None:
    """The file against what the server, its name and the source promised. Raises AnswerRefused."""
    promised_sha256 = answer.hop.rules.sha256.lower()
    if size == 0:
        raise answer.refused("an empty file", "a file with content", "run again later; if it stays, ask the publisher")
    if promised_sha256 and sha256 != promised_sha256:
        action = "find out whether the publisher has replaced the file; if so, enter the new sha256"
        raise answer.refused(f"a file of sha256 {sha256}", promised_sha256, action)
    try:
        kind = kind_of(path)
    except RefusedInput as problem:
        raise answer.refused(
            f"a zip whose directory is not there ({problem.found})", problem.expected, problem.action
        ) from problem
    by_hand = "open the address in a browser; if the file is right after all, bring it by hand"
    said = KINDS_OF_MEDIA_TYPE.get(answer.media_type)
    if said and kind not in said:
        raise answer.refused(KIND_IN_WORDS[kind], f"{answer.media_type}, as the server had said", by_hand)
    expected = _kinds_promised(answer, name)
    if expected and kind not in expected:
        words = " or ".join(sorted(KIND_IN_WORDS[kind] for kind in expected))
        raise answer.refused(KIND_IN_WORDS[kind], f"{words}, for {name}", by_hand)
    if not expected and kind == "html":
        raise answer.refused(KIND_IN_WORDS[kind], "a file of figures", by_hand)
    if not _is_provably_whole(answer, kind):
        raise answer.refused(
            "an answer without a length, whose end nothing shows",
            "Content-Length, or chunks",
            "enter the file's sha256 in source.yml, or bring the file by hand",
        )


def _kinds_promised(answer: _Answer, name: str) -> set[str]:
    """By the source, else by the address that was asked for, else by the server's name: which excuses no HTML page."""
    if answer.hop.rules.expects:
        return {KIND_OF_ENDING[ending] for ending in answer.hop.rules.expects}
    asked = kind_of_name(urllib.parse.urlsplit(answer.hop.asked).path)
    return ({asked} if asked else {kind_of_name(name)} - {"html"}) - {""}


def _is_provably_whole(answer: _Answer, kind: str) -> bool:
    """Without a length, a dropped connection looks like the end of the file, unless the file itself shows its end."""
    if answer.length is not None or "transfer-encoding" in answer.headers or answer.hop.rules.sha256:
        return True
    return kind in ("zip", "xlsx") or answer.content_encoding not in ("", "identity")
