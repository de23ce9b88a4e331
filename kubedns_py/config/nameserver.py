"""An upstream as operators write it: ``ip``, ``ip:port``, a host name, ``tls://ip:port#name``.

Rules of this file:

- What is accepted is one value in one spelling: shortest address, folded name, explicit port.
- An address that can never be a server's, such as a multicast one, is refused where it is written
  and not found out by every question that times out.
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from kubedns_py.config.values import PORT, Kind, fold_host_name, quoted
from kubedns_py.errors import UsageError

DNS_PORT = 53
DNS_OVER_TLS_PORT = 853

_TLS = "tls://"
_FORMS = "10.0.0.1, 10.0.0.1:5353, [fd00::1]:53 or tls://1.1.1.1#one.one.one.one"
_HOST_FORMS = f"{_FORMS.replace(' or', ',')} or ns.corp.example:53"
_BROADCAST = ipaddress.IPv4Address("255.255.255.255")


class Nameserver(NamedTuple):
    """Where a question can be sent.

    Attributes:
        host: an IP address in its shortest spelling, or a host name that is resolved again and
            again (stub domains only).
        port: 1 to 65535.
        tls_name: the name that the server's certificate must have, for DNS over TLS (RFC 7858);
            empty for plain DNS.
    """

    host: str
    port: int = DNS_PORT
    tls_name: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        text = f"{host}:{self.port}"
        return f"{_TLS}{text}#{self.tls_name}" if self.tls_name else text


def parse_nameserver(text: str, *, host_names: bool) -> Nameserver:
    """Return the upstream that a text names.

    dnsmasq's ``10.0.0.1#5353`` is understood too: kube-dns handed stub domains to dnsmasq as they
    were written, so ConfigMaps have it.

    Args:
        text: as written, without blanks around it.
        host_names: whether a host name may stand for an address. Not for the servers that all
            names depend on: nobody could resolve theirs.

    Raises:
        UsageError: with what is wrong, in one line.
    """
    if text[: len(_TLS)].lower() == _TLS:
        return _over_tls(text)
    if "://" in text:
        raise UsageError(f"{quoted(text)} has a scheme that is not known; there is {_TLS} only")
    host, port = _split(text)
    number = _port(text, port) if port is not None else DNS_PORT
    return Nameserver(_host(text, host, host_names=host_names), number)


def _over_tls(text: str) -> Nameserver:
    where, hash_sign, name = text[len(_TLS) :].partition("#")
    if not hash_sign or not name:
        raise UsageError(
            f"{quoted(text)} does not say whose certificate to expect; "
            "give it as tls://1.1.1.1#one.one.one.one"
        )
    host, port = _split(where)
    number = _port(text, port) if port is not None else DNS_OVER_TLS_PORT
    return Nameserver(_host(text, host, host_names=False), number, _certificate_name(text, name))


def _certificate_name(text: str, name: str) -> str:
    """Return the name to check a certificate for; some are issued for addresses (RFC 8738)."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return _name(text, name)


def _split(text: str) -> tuple[str, str | None]:
    """Return host and port as texts, without brackets; None where no port is given."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        if not rest:
            return (host, None) if text.endswith("]") else (text, None)
        return (host, rest[1:]) if rest[0] in ":#" else (text, None)
    host, hash_sign, port = text.rpartition("#")
    if hash_sign:
        return host, port
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return host, port
    return text, None


def _port(text: str, port: str) -> int:
    try:
        number: int = PORT.read(port)
    except UsageError as error:
        raise UsageError(f"{quoted(text)}: port {error}") from None
    return number


def _host(text: str, host: str, *, host_names: bool) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if _is_meant_as_address(host) or not host_names:
            forms = _HOST_FORMS if host_names else _FORMS
            raise UsageError(
                f"{quoted(text)} is not the address of a server; give one like {forms}"
            ) from None
        return _name(text, host)
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None or address.is_link_local:
            raise UsageError(f"{quoted(text)}: an address of one link only cannot be forwarded to")
        address = address.ipv4_mapped or address
    fault = _fault(address)
    if fault:
        raise UsageError(f"{quoted(text)}: {fault} is not the address of a server")
    return str(address)


def _is_meant_as_address(host: str) -> bool:
    """Tell whether a text that is no address was to be one: no top-level domain is a number."""
    last = host.removesuffix(".").rpartition(".")[2]
    return ":" in host or not last or last.isdigit()


def _fault(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    if address.is_unspecified:
        return "the unspecified address"
    if address.is_multicast:
        return "a multicast address"
    return "the broadcast address" if address == _BROADCAST else ""


def _name(text: str, part: str) -> str:
    try:
        return fold_host_name(part)
    except UsageError as error:
        raise UsageError(f"{quoted(text)}: {error}") from None


NAMESERVER = Kind(
    "SERVER",
    "ip, ip:port or tls://ip:port#name-in-certificate",
    lambda text: parse_nameserver(text, host_names=False),
)
