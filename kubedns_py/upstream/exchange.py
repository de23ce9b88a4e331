"""One question to one server, and the one reply that is taken: the seam under the forwarder.

``datagrams.py`` and ``streams.py`` implement ``Exchanges``; ``forwarder.py`` uses it and knows no
socket. An exchange has no time limit of its own: whoever began it ends it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Protocol

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.ask import Ask
from kubedns_py.dns.response import Response


class Failure(enum.StrEnum):
    """Why an exchange ended without a reply. The words are labels of metrics."""

    UNREACHABLE = enum.auto()  # the network or the host said no: ICMP, RST, no route
    SUSPICIOUS = enum.auto()  # ten replies that were not to this question: somebody guesses (C-03)
    BROKEN = enum.auto()  # a stream that ended or sent what is no message
    NO_SOCKET = enum.auto()  # no descriptor or no port left
    UNTRUSTED = enum.auto()  # the certificate is not that of the name (RFC 7858, 4.2)


Done = Callable[[Response | Failure], None]
"""Takes the end of an exchange: called once, never before ``begin`` has returned, never after
``cancel``."""


class Exchange(Protocol):
    """One that was begun."""

    @property
    def mismatches(self) -> int:
        """Replies that were passed over so far: not to this question, or unreadable."""

    def cancel(self) -> None:
        """End it without a word. After its end, or twice, harmless."""


class Exchanges(Protocol):
    """Begins exchanges over one transport."""

    def begin(self, server: Nameserver, ask: Ask, done: Done, *, edns: bool) -> Exchange:
        """Send ``ask`` to ``server`` and wait for the reply.

        Args:
            server: its ``host`` is an IP address.
            ask: what to ask.
            done: what to call at the end.
            edns: whether the query has an OPT record.
        """
