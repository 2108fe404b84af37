"""Which addresses a file may be fetched from.

In: an address as it is declared, or as a redirect names it; an IP address. Out: the address in the one form in which it is asked
for, or AddressRefused; whether the IP address is a public one.
"""

from __future__ import annotations

import ipaddress
import unicodedata
import urllib.parse

from pipeline.ingest.fetch_errors import AddressRefused, shown, without_user


def checked_address(address: str, led_from: str) -> str:
    """The address without its fragment, in ASCII; `led_from` is the address whose redirect names it, or empty.

    Raises AddressRefused for one that is not plain http or https.
    """

    def refused(found: str, expected: str) -> AddressRefused:
        return AddressRefused(
            address=led_from or without_user(address),
            found=f"a redirect to {found}" if led_from else found,
            expected=expected,
            action="check the address in a browser, and enter the right one in source.yml",
        )

    if any(sign.isspace() or unicodedata.category(sign) == "Cc" for sign in address):
        raise refused(shown(address), "an address without blanks and control characters")
    try:
        parts = urllib.parse.urlsplit(urllib.parse.urljoin(led_from, address))
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError as problem:
        raise refused(f"{shown(address)} ({problem})", "http://host/path or https://host/path") from problem
    if parts.scheme not in ("http", "https") or not host:
        raise refused(shown(address), "http://host/path or https://host/path")
    if "@" in parts.netloc:
        raise refused(f"a user name or password for {host}", "an address that needs none")
    if parts.scheme == "http" and led_from.startswith("https:"):
        raise refused(shown(address), "https, as where it came from")
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
