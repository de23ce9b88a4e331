"""The last guard between what arrives and the event loop."""

from kubedns_py.cluster.objects import Address
from kubedns_py.server.arrival import IPV4, Arrival, guarded

ARRIVAL = Arrival("udp", IPV4, Address(b"\x7f\0\0\1"))


def test_an_exception_is_handed_over_and_the_message_dropped() -> None:
    """Reliability, 0.5: no network input ends the process."""
    seen: list[Exception] = []

    def failing(message: bytes, _arrival: Arrival) -> bytes | None:
        raise KeyError(message)

    reply = guarded(failing, seen.append)(b"query", ARRIVAL)

    assert reply is None
    assert [repr(error) for error in seen] == ["KeyError(b'query')"]


def test_a_reply_passes_the_guard_unchanged() -> None:
    """And the guard hands over nothing."""
    seen: list[Exception] = []

    reply = guarded(lambda message, _arrival: message + b"!", seen.append)(b"query", ARRIVAL)

    assert reply == b"query!"
    assert seen == []
