"""The node's nameservers, as ``resolv.conf`` has them (resolv.conf(5)).

Rules of this file:

- Whatever a file holds is a value, often an empty one; what cannot be used is a notice. No
  nameserver at all is one too: names outside the cluster are answered with SERVFAIL then, and
  those of the cluster as ever (row F-31).
- A file that goes away leaves what it said in force: it is being replaced, or will be back.
- It is looked at again while we run; CoreDNS reads it once (row FWD-12).
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from kubedns_py.config.dynamic import MAX_UPSTREAM_NAMESERVERS
from kubedns_py.config.nameserver import Nameserver, parse_nameserver
from kubedns_py.config.values import quoted
from kubedns_py.dns.name import Name, from_text
from kubedns_py.errors import BadName, UsageError
from kubedns_py.sources.configuration import Kept
from kubedns_py.sources.polling import Found, Polled, Unreadable, without_waiting

_MAX_OCTETS = 65_536
_MAX_SEARCH = 32
"""As Kubernetes allows a pod (dnsConfig)."""

_DEFAULT_NDOTS = 1
_MAX_NDOTS = 15
"""glibc's RES_MAXNDOTS."""


@dataclass(frozen=True, slots=True)
class ResolvConf:
    """What a file says.

    Attributes:
        nameservers: in the order given, at most 15; port 53.
        search: domains to try a name in; the last line with some counts. The root is left out.
        ndots: from how many dots on a name is tried as it is first, 0 to 15.
        notices: what was passed over, one line each; it does not make two values differ.
    """

    nameservers: tuple[Nameserver, ...] = ()
    search: tuple[Name, ...] = ()
    ndots: int = _DEFAULT_NDOTS
    notices: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return f"nameservers: {' '.join(map(str, self.nameservers)) or 'none'}"


def resolv_conf(
    path: str, *, period_s: float, on_change: Callable[[ResolvConf], None]
) -> Polled[str, ResolvConf]:
    """Return what follows ``--resolv-conf``; ``start`` or ``run`` makes it look.

    Args:
        path: the file.
        period_s: seconds between looks.
        on_change: takes each value that differs from the one before, an empty one at first.
    """
    kept = Kept(f"--resolv-conf {path}", ResolvConf(), read_resolv_conf, on_change=on_change)
    return Polled(lambda: read_file(path), kept, period_s=period_s)


def read_file(path: str) -> Found[str] | Unreadable:
    """Return a file's text; octets that are no UTF-8 are escaped. Blocks on the disk."""
    try:
        with open(path, "rb", opener=without_waiting) as file:
            content = file.read(_MAX_OCTETS + 1) or b""
    except OSError as error:
        return Unreadable(f"it cannot be read: {error.strerror}")
    if len(content) > _MAX_OCTETS:
        return Unreadable(f"it is larger than {_MAX_OCTETS // 1024} KiB")
    return Found(content.decode(errors="backslashreplace"), hashlib.sha256(content).hexdigest())


def read_resolv_conf(text: str) -> ResolvConf:
    """Return what the text of a file says. Total: lines that say nothing to us are passed over."""
    notices: list[str] = []
    nameservers: dict[Nameserver, None] = {}
    search: tuple[Name, ...] = ()
    ndots = _DEFAULT_NDOTS
    for keyword, words in _lines(text):
        match keyword:
            case "nameserver":
                found = _nameserver(words[0], notices)
                nameservers |= {found: None} if found else {}
            case "search" | "domain":
                search = tuple(_search(words, notices))
            case "options":
                ndots = _ndots(words, ndots)
    kept = tuple(nameservers)[:MAX_UPSTREAM_NAMESERVERS]
    if len(kept) < len(nameservers):
        notices.append(f"only the first {len(kept)} nameservers are used")
    if not kept:
        notices.append(
            "no nameserver that can be forwarded to; names outside the cluster are answered with "
            "SERVFAIL unless --nameservers or upstreamNameservers names one"
        )
    return ResolvConf(kept, search, ndots, tuple(notices))


def _lines(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the keyword and the words of each line that has both; comments begin a line."""
    for line in text.split("\n"):
        keyword, *words = line.split() or [""]
        if words and not keyword.startswith(("#", ";")):
            yield keyword, words


def _nameserver(text: str, notices: list[str]) -> Nameserver | None:
    try:
        address = ipaddress.ip_address(text)
        server = parse_nameserver(text, host_names=False)
    except (ValueError, UsageError) as error:
        reason = f"{error}" if isinstance(error, UsageError) else f"{quoted(text)} is no address"
        notices.append(f"nameserver {reason}; it is passed over")
        return None
    if address.is_loopback:
        # resolv.conf of a pod is its node's, and loopback is the pod's own
        notices.append(
            f"nameserver {text} is this machine's own and is passed over; "
            f"where a server listens there, give --nameservers={text}"
        )
        return None
    return server


def _search(words: Iterable[str], notices: list[str]) -> Iterator[Name]:
    for text in list(words)[:_MAX_SEARCH]:
        try:
            name = from_text(text)
        except BadName as error:
            notices.append(f"search: {error}; it is passed over")
            continue
        if name:
            yield name


def _ndots(words: Iterable[str], ndots: int) -> int:
    for word in words:
        option, _, number = word.partition(":")
        if option == "ndots" and number.isascii() and number.isdecimal():
            ndots = min(int(number[:9]), _MAX_NDOTS)
    return ndots
