"""What the main process and its workers say to each other."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from kubedns_py.server.channel import (
    PACKET_OCTETS,
    Alive,
    Counted,
    Entered,
    Forgot,
    HandedOver,
    Left,
    Said,
    Told,
    Used,
    encoded,
    packets,
    read_said,
    read_told,
)
from tests.helpers.entries import content, facts

if TYPE_CHECKING:
    from collections.abc import Sequence


def test_what_a_worker_is_told_arrives_as_it_was() -> None:
    """Octets, an end that never comes, and numbers beyond 32 bits."""
    told: Sequence[Told] = (
        Forgot(),
        Counted((1, 2**32 - 1)),
        Entered(2**40, b"\0\xffkey", content(b"one", b"two", until=inf)),
        Left((1, 2**40)),
    )

    ((packet, count),) = packets(map(encoded, told))

    assert (read_told(packet), count) == (list(told), 4)


def test_what_a_worker_says_arrives_as_it_was() -> None:
    """Sources of both families, and the largest datagram."""
    said: Sequence[Said] = (
        HandedOver(0, ("10.1.2.3", 40000), b"", b"\0" * 65507),
        HandedOver(1, ("fe80::1", 40000, 0, 2), bytes(20), b""),
        Used(7, facts(), 3, 0.5),
        Alive(9, {"odd_port": 1}),
    )

    found = [each for packet, _ in packets(map(encoded, said)) for each in read_said(packet)]

    assert found == list(said)


def test_messages_share_packets_up_to_a_size() -> None:
    """In order, none lost; one that is larger goes alone."""
    large = Entered(100, bytes(50_000), content(b"large"))
    told: list[Told] = [Entered(each, bytes(each), content(bytes(1000))) for each in range(100)]
    told.append(large)

    made = packets(map(encoded, told))

    assert 4 < len(made) < 20
    assert [count for _, count in made][-1] == 1
    assert max(len(packet) for packet, _ in made[:-1]) <= PACKET_OCTETS + 5
    assert sum(count for _, count in made) == 101
    assert [each for packet, _ in made for each in read_told(packet)] == told
