"""How a message came in, and the shape of what answers it.

The seam between sockets and answers. ``udp.py`` and ``tcp.py`` consume ``Respond``;
``respond.py`` implements it; neither side knows more of the other than stands here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Protocol

from kubedns_py.structs import Struct

if TYPE_CHECKING:
    from kubedns_py.cluster.objects import Address

IPV4 = 1
"""Address family number of IPv4 (IANA Address Family Numbers)."""
IPV6 = 2
"""Address family number of IPv6 (IANA Address Family Numbers)."""


class Arrival(Struct, frozen=True):
    """The way a message came in, as far as an answer may depend on it.

    Attributes:
        proto: ``udp`` or ``tcp``.
        family: 1 for IPv4, 2 for IPv6 (``IPV4``, ``IPV6``).
        local: the address that the query was sent to, 4 or 16 octets; ``b""`` when unknown.
    """

    proto: Literal["udp", "tcp"]
    family: int
    local: Address


Deliver = Callable[[bytes | None], None]
"""Takes a reply that was waited for, or None when there must be none; raises nothing."""


class Deferred(Protocol):
    """A reply that somebody else has to be asked for."""

    def begin(self, client: str, deliver: Deliver) -> None:
        """Ask.

        Args:
            client: the address that the query came from, as text without its port; what one client
                may have in flight is bounded.
            deliver: called exactly once, perhaps before this returns, unless ``abandon`` comes
                first. The reply is a whole message, as ``Respond`` returns it.
        """

    def abandon(self) -> None:
        """Forget the client: ``deliver`` is not called any more. Twice is harmless."""


class Respond(Protocol):
    """Answers one DNS message."""

    def __call__(self, message: bytes, arrival: Arrival, /) -> bytes | Deferred | None:
        """Return the reply to ``message``, or None when there must be none.

        Args:
            message: one DNS message as received, without the length prefix of TCP; untrusted,
                0 to 65,535 octets.
            arrival: how it came in.

        Returns:
            A whole DNS message, never larger than the transport and the client allow; at most
            65,535 octets. None: the message is dropped. A Deferred: whoever asked begins it.

        Raises:
            Nothing: it is total. The servers count what escapes all the same.
        """


class Repeats(Protocol):
    """Replies to queries that were answered before, for a burst of datagrams at a time."""

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to settle."""

    def begin(self) -> None:
        """Begin a burst."""

    def repeat(self, text: bytes, /) -> bytes | None:
        """Return the reply to a query, or None when ``Respond`` has to make it; see there.

        Both are without their ID: the octets after the first two.
        """

    def end(self, datagrams: int) -> None:
        """End a burst of one or more datagrams, all of them answered."""

    def settle(self) -> None:
        """Count what was repeated, which ``repeat`` leaves for later."""


OnPanic = Callable[[Exception], None]
"""Counts and says an exception that should not have been possible; raises nothing."""


def guarded(respond: Respond, on_panic: OnPanic) -> Respond:
    """Return ``respond`` with a last guard: what escapes it is handed over, the message dropped.

    No network input ends the process, and none takes a socket out of the event loop.
    """

    def respond_or_drop(message: bytes, arrival: Arrival) -> bytes | Deferred | None:
        try:
            return respond(message, arrival)
        except Exception as error:  # noqa: BLE001 - counted and said by on_panic
            on_panic(error)
            return None

    return respond_or_drop
