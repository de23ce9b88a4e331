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
    handed_over,
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
    """The largest datagram, and one that is empty."""
    said: Sequence[Said] = (
        HandedOver(0, bytes(28), b"", [b"\0" * 65507]),
        HandedOver(1, bytes(56), bytes(40), [b"", b"\xff"]),
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


def test_what_is_handed_over_shares_packets_up_to_a_size() -> None:
    """Each datagram with its own source and destination; one that is larger goes alone."""
    messages = [b"small", bytes(20_000), bytes(20_000), bytes(50_000), b"last"]
    names = [bytes([number]) * 28 for number in range(5)]
    infos = [bytes([number]) * 12 for number in range(5)]

    made = handed_over(3, names, infos, messages)
    said = [each for packet, _ in made for each in read_said(packet)]

    assert said == [
        HandedOver(3, b"".join(names[run]), b"".join(infos[run]), messages[run])
        for run in (slice(2), slice(2, 3), slice(3, 4), slice(4, 5))
    ]
    assert [count for _, count in made] == [2, 1, 1, 1]
    assert handed_over(3, [], [], []) == []


def test_a_batch_of_usual_datagrams_is_one_packet() -> None:
    """A system call for each would cost more than all else of it."""
    ((_, count),) = handed_over(0, [bytes(28)] * 64, [b""] * 64, [bytes(100)] * 64)

    assert count == 64
