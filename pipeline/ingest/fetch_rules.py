"""What a fetch is given: how far it may go, what the server said last time, and the machine that it runs on.

In: what `source.yml` declares under `fetch`, and what was kept of the last answer. Out: `FetchRules`, `Validators` and `Machine`.
"""

from __future__ import annotations

import dataclasses
import socket
import ssl
import time
from collections.abc import Callable

import httpcore

from pipeline.ingest.file_kinds import KIND_OF_ENDING
from pipeline.model import UsageError


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
