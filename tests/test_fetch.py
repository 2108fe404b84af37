"""What a fetch promises, against a server on loopback that misbehaves in every way that we know of.

No test sends anything beyond loopback: where a public address is needed, the network is one that connects all of them to it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import gzip
import hashlib
import io
import ipaddress
import itertools
import socket
import ssl
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest import transfer
from pipeline.ingest.addresses import is_public
from pipeline.ingest.fetch import NotModified, fetch
from pipeline.ingest.fetch_errors import AddressRefused, AnswerRefused, DeadlinePassed, FetchError, SourceUnavailable
from pipeline.ingest.fetch_rules import FetchRules, Machine, Validators
from pipeline.ingest.file_kinds import file_name
from pipeline.ingest.transfer import Fetched
from pipeline.model import FraudlossError, UsageError
from tests import misbehaving_server as bad
from tests.misbehaving_server import MisbehavingServer

CSV = b"month,cases,loss\n2025-01,3,1200\n2025-02,4,900\n"
PAGE = b"<!DOCTYPE html>\n<html><head><title>Maintenance</title></head><body>Sorry</body></html>"
PUBLIC = "93.184.216.34"
PATIENT = FetchRules(allow_private=True, connect_timeout=1, read_timeout=1, deadline=5, attempts=4, first_wait=1)


class LoopbackNetwork(httpcore.SyncBackend):
    """Connects every address to loopback, and remembers which ones were asked for."""

    def __init__(self) -> None:
        self.connected: list[str] = []

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        self.connected.append(host)
        return super().connect_tcp("127.0.0.1", port, timeout, local_address, socket_options)


class Names:
    """A name service: for each name, one list of addresses after the other; the last one stays. Literals are themselves."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self._answers = {name.replace("_", "."): lists for name, lists in answers.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        if host not in self._answers:
            return [host]
        lists = self._answers[host]
        return lists.pop(0) if len(lists) > 1 else lists[0]


@pytest.fixture
def server() -> Iterator[MisbehavingServer]:
    with MisbehavingServer() as running:
        yield running


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "incoming"
    folder.mkdir()
    return folder


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def machine(waits: list[float]) -> Machine:
    """Ours, but for its patience: a wait is noted, not waited."""
    return Machine(sleep=waits.append)


def rules(**changes: Any) -> FetchRules:
    return dataclasses.replace(PATIENT, **changes)


def fetched(address: str, into: Path, machine: Machine, changed: FetchRules = PATIENT) -> Fetched:
    result = fetch(address, into, validators=None, rules=changed, machine=machine)
    assert isinstance(result, Fetched)
    assert list(into.iterdir()) == [result.path]
    return result


def refused(kind: type[FetchError], address: str, into: Path, machine: Machine, changed: FetchRules = PATIENT) -> FetchError:
    """The error, after the promises that hold for each of them."""
    with pytest.raises(kind) as caught:
        fetch(address, into, validators=None, rules=changed, machine=machine)
    assert list(into.iterdir()) == [], "a fetch that failed has left a file behind"
    error = caught.value
    assert isinstance(error, FraudlossError)
    for part in (error.address, error.found, error.expected, error.action):
        assert part
        assert part in str(error)
    return error


def zipped(contents: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return packed.getvalue()


# --------------------------------------------------------------------------------------------------------- sound answers


def test_a_sound_file_arrives_whole_under_its_own_name(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    address = server.serve(bad.good(CSV, "text/csv; charset=utf-8", ETag='"v1"', Last_Modified="Mon, 03 Feb 2025 00:00:00 GMT"))
    result = fetched(address, into, machine)
    assert result.path == into / "data.csv"
    assert result.path.read_bytes() == CSV
    assert result == Fetched(
        path=result.path,
        address=address,
        media_type="text/csv",
        size_bytes=len(CSV),
        sha256=hashlib.sha256(CSV).hexdigest(),
        validators=Validators('"v1"', "Mon, 03 Feb 2025 00:00:00 GMT"),
    )


def test_a_chunked_file_arrives_whole(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    assert fetched(server.serve(bad.chunked(CSV[:10], CSV[10:])), into, machine).path.read_bytes() == CSV


def test_a_zip_without_a_length_is_taken_because_it_shows_its_own_end(
    server: MisbehavingServer, into: Path, machine: Machine
) -> None:
    body = zipped({"a.csv": CSV})
    address = server.serve(bad.without_length(body, "application/zip"), path="/data.zip")
    assert fetched(address, into, machine).path.read_bytes() == body


def test_a_body_packed_against_our_wish_is_unpacked(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    address = server.serve(bad.good(gzip.compress(CSV), Content_Encoding="gzip"))
    assert fetched(address, into, machine).path.read_bytes() == CSV


def test_the_expected_sha256_is_checked(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    address = server.serve(bad.good(CSV))
    error = refused(AnswerRefused, address, into, machine, rules(sha256="0" * 64))
    assert hashlib.sha256(CSV).hexdigest() in error.found
    fetched(address, into, machine, rules(sha256=hashlib.sha256(CSV).hexdigest()))


def test_the_name_that_the_server_gives_is_taken(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    disposition = "attachment; filename*=UTF-8''..%2F..%2F%E4%BB%A4%E5%92%8C7%E5%B9%B4.csv"
    address = server.serve(bad.good(CSV, Content_Disposition=disposition), path="/download?id=7")
    assert fetched(address, into, machine).path == into / "令和7年.csv"


# ------------------------------------------------------------------------------------------------- conditional requests


@pytest.mark.parametrize(
    "known", [Validators(etag='W/"v1"'), Validators(last_modified="Mon, 03 Feb 2025 00:00:00 GMT")], ids=["etag", "last_modified"]
)
def test_a_file_that_is_still_the_same_is_not_sent_again(
    server: MisbehavingServer, into: Path, machine: Machine, known: Validators
) -> None:
    address = server.serve(bad.conditional(CSV, etag=known.etag, last_modified=known.last_modified))
    result = fetch(address, into, validators=known, rules=PATIENT, machine=machine)
    assert result == NotModified(address, known)
    assert list(into.iterdir()) == []


def test_a_changed_etag_brings_the_new_file_and_the_new_etag(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    address = server.serve(bad.conditional(CSV, etag='"v2"'))
    result = fetch(address, into, validators=Validators('"v1"'), rules=PATIENT, machine=machine)
    assert isinstance(result, Fetched)
    assert result.validators == Validators('"v2"')
    assert server.requests[0].headers["if-none-match"] == '"v1"'


def test_not_modified_without_a_question_is_refused(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    assert "304" in refused(AnswerRefused, server.serve(bad.status(304)), into, machine).found


def test_validators_cannot_write_headers(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    with pytest.raises(AddressRefused):
        fetch(server.serve(bad.good(CSV)), into, validators=Validators('"a"\r\nX: y'), rules=PATIENT, machine=machine)
    assert server.requests == []


# ------------------------------------------------------------------------------------------------------- slow and broken


def test_silence_ends_in_a_timeout(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    error = refused(SourceUnavailable, server.serve(bad.silent(2)), into, machine, rules(read_timeout=0.1, attempts=2))
    assert "attempt 2 of 2" in error.found
    assert len(server.requests) == 2


def test_a_head_that_drips_ends_at_the_deadline(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    refused(DeadlinePassed, server.serve(bad.drips_its_head(3)), into, machine, rules(deadline=0.3))


def test_the_deadline_cuts_off_a_wait_that_would_be_allowed_to_be_longer(
    server: MisbehavingServer, into: Path, machine: Machine
) -> None:
    refused(DeadlinePassed, server.serve(bad.silent(3)), into, machine, rules(read_timeout=3, deadline=0.2))


def test_nothing_is_begun_after_the_deadline(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    ticks = itertools.count(step=10)
    late = dataclasses.replace(machine, clock=lambda: next(ticks))
    refused(DeadlinePassed, server.serve(bad.good(CSV)), into, late, rules(deadline=5))
    assert server.requests == []


def test_a_body_that_stalls_ends_in_a_timeout(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    address = server.serve(bad.stalls_mid_body(CSV, 2))
    assert "silence" in refused(SourceUnavailable, address, into, machine, rules(read_timeout=0.1, attempts=1)).found


def test_a_body_that_stalls_once_is_fetched_again_from_its_beginning(
    server: MisbehavingServer, into: Path, machine: Machine, waits: list[float]
) -> None:
    address = server.serve(bad.stalls_mid_body(CSV, 2), bad.good(CSV))
    assert fetched(address, into, machine, rules(read_timeout=0.1)).path.read_bytes() == CSV
    assert waits == [1]


def test_a_dropped_connection_leaves_nothing(server: MisbehavingServer, into: Path, machine: Machine, waits: list[float]) -> None:
    error = refused(SourceUnavailable, server.serve(bad.of_declared_length(CSV[:20], len(CSV))), into, machine)
    assert "ended" in error.found
    assert waits == [1, 2, 4], "waits double"


def test_chunks_without_their_end_leave_nothing(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    refused(SourceUnavailable, server.serve(bad.chunked(CSV, complete=False)), into, machine)


def test_nobody_listening_is_an_error_that_may_pass(into: Path, machine: Machine, waits: list[float]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/data.csv"
        error = refused(SourceUnavailable, address, into, machine)
    assert "no connection" in error.found
    assert len(waits) == 3


def test_an_unknown_name_is_an_error_that_may_pass(into: Path) -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    nowhere = Machine(addresses_of=unknown, sleep=lambda _: None)
    assert "cannot be resolved" in refused(SourceUnavailable, "http://publisher.example/data.csv", into, nowhere).found


def test_a_machine_that_is_down_is_passed_over_for_the_next_address_of_the_name(server: MisbehavingServer, into: Path) -> None:
    class HalfDown(LoopbackNetwork):
        def connect_tcp(self, host: str, *arguments: Any, **more: Any) -> httpcore.NetworkStream:
            if host == "93.184.216.1":
                raise httpcore.ConnectError("down")
            return super().connect_tcp(host, *arguments, **more)

    network = HalfDown()
    names = Names(publisher_example=[["93.184.216.1", PUBLIC]])
    address = server.serve(bad.good(CSV), host="publisher.example")
    fetched(address, into, Machine(addresses_of=names, network=network), rules(allow_private=False))
    assert network.connected == [PUBLIC]


# --------------------------------------------------------------------------------------------------------- wrong lengths


def test_more_than_the_declared_length_is_refused(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    error = refused(AnswerRefused, server.serve(bad.of_declared_length(CSV, 17)), into, machine)
    assert "more than 17 bytes" in error.found


def test_a_surplus_that_comes_late_is_refused(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    refused(AnswerRefused, server.serve(bad.with_late_surplus(CSV, b"2025-03,9,9\n")), into, machine)


def test_less_than_the_declared_length_is_never_a_file(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    refused(SourceUnavailable, server.serve(bad.of_declared_length(CSV, len(CSV) + 1)), into, machine)


def test_a_table_whose_end_nothing_shows_is_refused(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    assert "without a length" in refused(AnswerRefused, server.serve(bad.without_length(CSV)), into, machine).found


def test_an_empty_file_is_refused(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    assert "empty" in refused(AnswerRefused, server.serve(bad.good(b"")), into, machine).found


def test_an_endless_body_stops_at_the_size_limit(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    error = refused(AnswerRefused, server.serve(bad.endless()), into, machine, rules(max_bytes=200_000))
    assert "200,000" in error.expected


def test_a_declared_length_over_the_limit_is_refused_before_the_body(
    server: MisbehavingServer, into: Path, machine: Machine
) -> None:
    address = server.serve(bad.of_declared_length(b"", 10**12))
    assert "1,000,000,000,000" in refused(AnswerRefused, address, into, machine).found


def test_a_gzip_bomb_stops_at_the_size_limit(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    bomb = gzip.compress(b"0,0,0\n" * 2_000_000)
    assert len(bomb) < 100_000
    address = server.serve(bad.good(bomb, Content_Encoding="gzip"))
    refused(AnswerRefused, address, into, machine, rules(max_bytes=1_000_000))


def test_gzip_that_is_cut_off_is_refused(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    address = server.serve(bad.good(gzip.compress(CSV)[:-9], Content_Encoding="gzip"))
    assert "too early" in refused(AnswerRefused, address, into, machine).found


def test_an_unknown_content_encoding_is_refused(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    refused(AnswerRefused, server.serve(bad.good(CSV, Content_Encoding="br")), into, machine)


@given(pieces=st.lists(st.binary(min_size=1, max_size=40).map(lambda seed: seed * 3_000), max_size=4), step=st.integers(1, 500))
def test_gzip_unpacks_to_the_same_bytes_however_it_is_cut_into_chunks(pieces: list[bytes], step: int) -> None:
    packed = b"".join(gzip.compress(piece) for piece in [*pieces, b""])
    chunks = [packed[start : start + step] for start in range(0, len(packed), step)]
    assert b"".join(transfer._gunzipped(None, chunks)) == b"".join(pieces)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------------------------- status


def test_a_server_error_that_passes_is_waited_out(
    server: MisbehavingServer, into: Path, machine: Machine, waits: list[float]
) -> None:
    fetched(server.serve(bad.status(500), bad.status(503), bad.good(CSV)), into, machine)
    assert waits == [1, 2]


def test_a_server_error_that_stays_ends_after_the_last_attempt(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    error = refused(SourceUnavailable, server.serve(bad.status(500)), into, machine)
    assert "status 500 (attempt 4 of 4)" in error.found
    assert len(server.requests) == 4


def test_a_server_that_asks_us_to_wait_is_obeyed(
    server: MisbehavingServer, into: Path, machine: Machine, waits: list[float]
) -> None:
    answers = bad.status(429, Retry_After="7"), bad.retry_at_date(9), bad.good(CSV)
    fetched(server.serve(*answers), into, machine, rules(deadline=60))
    assert waits == [7, 9]


def test_a_server_that_asks_for_more_than_the_longest_wait_is_left_alone(
    server: MisbehavingServer, into: Path, machine: Machine, waits: list[float]
) -> None:
    error = refused(SourceUnavailable, server.serve(bad.status(429, Retry_After="86400")), into, machine, rules(deadline=1e6))
    assert "86,400 seconds" in error.found
    assert (len(server.requests), waits) == (1, [])


def test_nothing_is_waited_for_beyond_the_deadline(
    server: MisbehavingServer, into: Path, machine: Machine, waits: list[float]
) -> None:
    refused(SourceUnavailable, server.serve(bad.status(503, Retry_After="30")), into, machine, rules(deadline=20))
    assert waits == []


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410])
def test_what_the_publisher_refuses_is_not_asked_for_again(
    server: MisbehavingServer, into: Path, machine: Machine, code: int
) -> None:
    assert str(code) in refused(AnswerRefused, server.serve(bad.status(code)), into, machine).found
    assert len(server.requests) == 1


@pytest.mark.parametrize("code", [201, 204, 206, 300])
def test_a_status_that_is_not_the_file_is_refused(server: MisbehavingServer, into: Path, machine: Machine, code: int) -> None:
    refused(AnswerRefused, server.serve(bad.status(code)), into, machine)


# ------------------------------------------------------------------------------------------------------------- redirects


def test_a_redirect_is_followed_and_the_name_that_was_asked_for_kept(
    server: MisbehavingServer, into: Path, machine: Machine
) -> None:
    address = server.serve(bad.redirect("/storage/0f3a#part", 301))
    end = server.serve(bad.good(CSV), path="/storage/0f3a")
    result = fetched(address, into, machine)
    assert (result.path.name, result.address) == ("data.csv", end)


def test_redirects_that_go_in_a_circle_are_refused(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    server.serve(bad.redirect("/data.csv"), path="/b")
    assert "without an end" in refused(AnswerRefused, server.serve(bad.redirect("/b")), into, machine).found
    assert len(server.requests) == 2


def test_redirects_are_bounded_in_number(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    address = server.serve(bad.redirect("/1"))
    for step in range(1, 9):
        server.serve(bad.redirect(f"/{step + 1}"), path=f"/{step}")
    refused(AnswerRefused, address, into, machine, rules(redirects=3))
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/passwd",
        "ftp://publisher.example/data.csv",
        "gopher://127.0.0.1:70/_x",
        "data:text/csv,a",
        "javascript:x",
    ],
)
def test_a_redirect_to_another_scheme_is_refused(server: MisbehavingServer, into: Path, machine: Machine, target: str) -> None:
    error = refused(AddressRefused, server.serve(bad.redirect(target)), into, machine)
    assert target in error.found
    assert len(server.requests) == 1


@pytest.mark.parametrize("target", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "[::1]", "[fd00::1]", "inside.example"])
def test_a_redirect_to_a_private_address_is_refused_before_any_connection(
    server: MisbehavingServer, into: Path, target: str
) -> None:
    network = LoopbackNetwork()
    names = Names(publisher_example=[[PUBLIC]], inside_example=[["192.168.1.1"]])
    address = server.serve(bad.redirect(f"http://{target}:{server.port}/secret"), host="publisher.example")
    error = refused(AddressRefused, address, into, Machine(addresses_of=names, network=network), rules(allow_private=False))
    assert address in error.address, "the address that was asked for is named beside the one that it leads to"
    assert network.connected == [PUBLIC]


def test_a_password_in_an_address_is_refused_and_not_shown(into: Path, server: MisbehavingServer, machine: Machine) -> None:
    error = refused(AddressRefused, f"http://user:hunter2@127.0.0.1:{server.port}/data.csv", into, machine)
    assert "hunter2" not in str(error)
    error = refused(AddressRefused, server.serve(bad.redirect("http://user:hunter2@127.0.0.1/data.csv")), into, machine)
    assert "hunter2" not in str(error)


def test_no_credential_or_cookie_is_ever_sent(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    address = server.serve(bad.status(302, Location="/end.csv", Set_Cookie="session=1"))
    server.serve(bad.good(CSV), path="/end.csv")
    fetched(address, into, machine)
    for request in server.requests:
        assert set(request.headers) == {"host", "user-agent", "accept", "accept-encoding", "connection"}


# ------------------------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "127.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "192.168.0.1",
        "100.64.0.1",
        "224.0.0.251",
        "255.255.255.255",
        "[::1]",
        "[fe80::1]",
        "[ff02::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "2130706433",
        "0x7f.1",
        "localhost",
    ],
)
def test_an_address_that_is_not_public_is_refused_before_any_connection(into: Path, host: str) -> None:
    network = LoopbackNetwork()
    error = refused(AddressRefused, f"http://{host}/latest", into, Machine(network=network), rules(allow_private=False))
    assert "not a public address" in error.found
    assert network.connected == []


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "ftp://publisher.example/a", "publisher.example/a.csv", "http:///a", "http://[::1/a", "http://a:99999/",
     "http://publisher.example/a b.csv", "http://publisher.example/a\r\nX: y", ""],
)  # fmt: skip
def test_an_address_that_is_not_plain_http_is_refused(into: Path, machine: Machine, address: str) -> None:
    with pytest.raises(AddressRefused):
        fetch(address, into, validators=None, rules=PATIENT, machine=machine)


def test_one_hidden_address_among_public_ones_is_enough_to_refuse(into: Path) -> None:
    network = LoopbackNetwork()
    names = Names(publisher_example=[[PUBLIC, "10.0.0.1"]])
    elsewhere = Machine(addresses_of=names, network=network)
    refused(AddressRefused, "http://publisher.example/data.csv", into, elsewhere, rules(allow_private=False))
    assert network.connected == []


def test_the_address_that_was_judged_is_the_one_connected_to(server: MisbehavingServer, into: Path) -> None:
    """A name service that answers differently the second time (DNS rebinding) is not asked a second time."""
    network = LoopbackNetwork()
    names = Names(publisher_example=[[PUBLIC], ["127.0.0.1"]])
    address = server.serve(bad.good(CSV), host="publisher.example")
    fetched(address, into, Machine(addresses_of=names, network=network), rules(allow_private=False))
    assert names.asked == ["publisher.example"]
    assert network.connected == [PUBLIC]
    assert server.requests[0].headers["host"] == f"publisher.example:{server.port}"


def test_every_connection_is_judged_anew(server: MisbehavingServer, into: Path) -> None:
    network = LoopbackNetwork()
    names = Names(publisher_example=[[PUBLIC], ["127.0.0.1"]])
    address = server.serve(bad.redirect("/again.csv"), host="publisher.example")
    refused(AddressRefused, address, into, Machine(addresses_of=names, network=network), rules(allow_private=False))
    assert network.connected == [PUBLIC]


def test_proxies_of_the_environment_are_not_used(
    server: MisbehavingServer, into: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    fetched(server.serve(bad.good(CSV)), into, machine)


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_known_as_such(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_in_every_ipv6_disguise(ip: ipaddress.IPv4Address) -> None:
    disguises = [f"::ffff:{ip}", f"64:ff9b::{ip}", str(ipaddress.IPv6Address((0x2002 << 112) | (int(ip) << 80)))]
    assert {is_public(disguise) for disguise in disguises} == {is_public(str(ip))}


# ------------------------------------------------------------------------------------------------------------------- TLS


def _certificate(folder: Path) -> Path:
    """A certificate of publisher.example that nobody has signed, with its key, in one file."""
    x509 = pytest.importorskip("cryptography.x509", reason="cryptography comes with the scheduler")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "publisher.example")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2120, 1, 1, tzinfo=dt.UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("publisher.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return _certificate(tmp_path)


@pytest.fixture
def secure_server(certificate: Path) -> Iterator[MisbehavingServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with MisbehavingServer(context) as running:
        yield running


@pytest.fixture
def trusting(certificate: Path, waits: list[float]) -> Machine:
    return Machine(
        addresses_of=Names(publisher_example=[[PUBLIC]], other_example=[[PUBLIC]]),
        network=LoopbackNetwork(),
        tls=lambda: ssl.create_default_context(cafile=str(certificate)),
        sleep=waits.append,
    )


def test_https_is_verified_against_the_name_though_an_ip_address_is_connected_to(
    secure_server: MisbehavingServer, into: Path, trusting: Machine
) -> None:
    address = secure_server.serve(bad.good(CSV), host="publisher.example")
    assert fetched(address, into, trusting, rules(allow_private=False)).path.read_bytes() == CSV


@pytest.mark.parametrize("trusts", [True, False], ids=["of another name", "of nobody we trust"])
def test_a_wrong_certificate_is_refused_and_not_tried_again(
    secure_server: MisbehavingServer, into: Path, trusting: Machine, waits: list[float], trusts: bool
) -> None:
    machine = trusting if trusts else dataclasses.replace(trusting, tls=httpcore.default_ssl_context)
    address = secure_server.serve(bad.good(CSV), host="other.example" if trusts else "publisher.example")
    assert "certificate" in refused(AddressRefused, address, into, machine).found
    assert waits == []


def test_https_never_leads_to_http(
    secure_server: MisbehavingServer, server: MisbehavingServer, into: Path, trusting: Machine
) -> None:
    target = server.serve(bad.good(CSV), host="publisher.example")
    address = secure_server.serve(bad.redirect(target), host="publisher.example")
    assert "https" in refused(AddressRefused, address, into, trusting).expected
    assert server.requests == []


# ----------------------------------------------------------------------------------------------------- kinds of content


@pytest.mark.parametrize("media_type", ["text/html", "text/csv", "application/octet-stream"])
@pytest.mark.parametrize("path", ["/data.csv", "/data.zip", "/download?id=7"])
def test_an_error_page_with_status_200_is_not_a_file_of_figures(
    server: MisbehavingServer, into: Path, machine: Machine, media_type: str, path: str
) -> None:
    error = refused(AnswerRefused, server.serve(bad.good(PAGE, media_type), path=path), into, machine)
    assert "HTML" in error.found


def test_the_servers_own_name_does_not_turn_an_error_page_into_a_file(
    server: MisbehavingServer, into: Path, machine: Machine
) -> None:
    page = bad.good(PAGE, "text/html", Content_Disposition="inline; filename=error.html")
    refused(AnswerRefused, server.serve(page, path="/download?id=7"), into, machine)


def test_a_page_is_taken_where_a_page_is_what_the_source_takes(server: MisbehavingServer, into: Path, machine: Machine) -> None:
    address = server.serve(bad.good(PAGE, "text/html; charset=utf-8"), path="/release/7")
    fetched(address, into, machine, rules(expects=("html",)))


@pytest.mark.parametrize(
    ("body", "media_type", "expects"),
    [
        (CSV, "application/zip", ()),
        (CSV, "", ("zip",)),
        (b'{"error": "quota"}', "application/json", ("csv",)),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "application/xml", ("csv", "zip")),
        (b"%PDF-1.7 ...", "application/octet-stream", ("csv",)),
        (b"a,b\n1,\x00\n", "text/csv", ()),
        (zipped({"a.csv": CSV}), "text/csv", ()),
        (zipped({"a.csv": CSV}), "application/octet-stream", ("xlsx",)),
    ],
)
def test_a_file_of_another_kind_than_promised_is_refused(
    server: MisbehavingServer, into: Path, machine: Machine, body: bytes, media_type: str, expects: tuple[str, ...]
) -> None:
    address = server.serve(bad.good(body, media_type), path="/download?id=7")
    refused(AnswerRefused, address, into, machine, rules(expects=expects))


@pytest.mark.parametrize(
    ("body", "media_type", "path"),
    [
        (CSV, "application/vnd.ms-excel", "/a.csv"),
        ("\ufeff年,件数\n".encode(), "text/plain", "/a.csv"),
        ("年,件数\n".encode("cp932"), "application/octet-stream", "/a.csv"),
        ("年,件数\n".encode("utf-16"), "text/csv", "/a.csv"),
        (zipped({"a.csv": CSV}), "application/x-zip-compressed", "/a.zip"),
        (zipped({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}), "application/octet-stream", "/a.xlsx"),
    ],
)
def test_files_as_publishers_really_declare_them_are_taken(
    server: MisbehavingServer, into: Path, machine: Machine, body: bytes, media_type: str, path: str
) -> None:
    assert fetched(server.serve(bad.good(body, media_type), path=path), into, machine).path.read_bytes() == body


def test_a_zip_that_is_cut_off_is_refused_though_its_length_is_as_declared(
    server: MisbehavingServer, into: Path, machine: Machine
) -> None:
    body = zipped({"a.csv": CSV * 1_000})[:-40]
    error = refused(AnswerRefused, server.serve(bad.good(body, "application/zip"), path="/data.zip"), into, machine)
    assert "zip" in error.found


def test_an_unknown_kind_in_the_rules_is_a_wrong_use() -> None:
    with pytest.raises(UsageError, match="spreadsheet"):
        FetchRules(expects=("spreadsheet",))


# ----------------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("disposition", "addresses", "name"),
    [
        ("", ["https://a.example/x/Report%202025.csv?v=2"], "Report_2025.csv"),
        ("", ["https://a.example/download.php", "https://b.example/x.zip"], "x.zip"),
        ("", ["https://a.example/"], "download"),
        ('attachment; filename="../../etc/passwd"', ["https://a.example/"], "passwd"),
        (r'attachment; filename="C:\\evil\\data.csv"', ["https://a.example/"], "data.csv"),
        ('attachment; filename=".bashrc"', ["https://a.example/"], "bashrc"),
        ("attachment; filename*=UTF-8''%00%0Adata%E2%80%AE.csv", ["https://a.example/"], "data.csv"),
        ('attachment; filename="' + "x" * 500 + '.csv"', ["https://a.example/"], "x" * 116 + ".csv"),
    ],
)
def test_file_names_are_what_a_person_would_call_them(disposition: str, addresses: list[str], name: str) -> None:
    assert file_name(disposition, *addresses) == name


@given(st.text(), st.text())
def test_no_name_leaves_the_folder_or_hides_in_it(given_name: str, path: str) -> None:
    for disposition in (f'attachment; filename="{given_name}"', f"attachment; filename*=UTF-8''{given_name}", given_name):
        name = file_name(disposition, "https://a.example/" + path.replace("[", "").replace("]", ""))
        assert name
        assert not set(name) & set('/\\:<>"|?*\x00\n\r')
        assert not name.startswith(".")
        assert len(name.encode()) <= 120
