"""What comes while replies are made: what is known does not wait for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from kubedns_py.server.arrival import Arrival
from kubedns_py.server.batch import BURST
from kubedns_py.server.listen import open_listeners
from kubedns_py.server.udp import UdpServer
from tests.helpers.dnsclient import UdpClient, a_query, ident_of
from tests.helpers.tcpserver import no_panic, reply_to
from tests.helpers.waiting import until

KNOWN = a_query("known.test.")
FEW = 8
"""Replies that are made before what came meanwhile is looked at."""


class Known:
    """Knows one query."""

    is_settled = True

    def begin(self) -> None:
        """Do nothing."""

    def repeat(self, key: bytes) -> bytes | None:
        """Return the query as its reply."""
        return key if key == KNOWN[2:] else None

    def end(self, datagrams: int) -> None:
        """Do nothing."""

    def settle(self) -> None:
        """Do nothing."""


class House:
    """A server, and what happens at each reply that it makes.

    Attributes:
        made: IDs of the queries whose replies were made, in order.
        meanwhile: called before each, with how many there were before.
        turns: how many were made in each turn of the event loop.
    """

    def __init__(self, bind: str = "127.0.0.1") -> None:
        self.made: list[int] = []
        self.meanwhile: Callable[[int], None] = lambda _: None
        self.turns: list[int] = [0]
        self._listeners = open_listeners((bind,), 0)
        self._server = UdpServer(
            self._listeners.udp, self._respond, on_panic=no_panic, repeats=lambda _: Known()
        )
        self._clients: list[UdpClient] = []

    def _respond(self, message: bytes, arrival: Arrival) -> bytes | None:
        if not self.turns[-1]:
            asyncio.get_running_loop().call_soon(self.turns.append, 0)
        self.turns[-1] += 1
        self.meanwhile(len(self.made))
        self.made.append(ident_of(message))
        return reply_to(message, arrival)

    def client(self, host: str = "127.0.0.1") -> UdpClient:
        """Return one more client."""
        self._clients.append(UdpClient(host, self._listeners.port))
        return self._clients[-1]

    async def answer(self, count: int) -> None:
        """Answer what was sent until so many replies were made."""
        self._server.start()
        await until(lambda: len(self.made) >= count)

    def close(self) -> None:
        """End it."""
        self._server.close()
        self._listeners.close()
        for client in self._clients:
            client.__exit__(None, None, None)


@pytest.fixture(params=["127.0.0.1", "0.0.0.0"])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """Serve on one address, or on all."""
    made = House(request.param)
    yield made
    made.close()


def heard_by(client: UdpClient) -> list[int]:
    """Return the IDs of the replies that have come."""
    return list(map(ident_of, client.heard()))


def send_new(client: UdpClient, *idents: int) -> None:
    """Ask for names that are not known."""
    for ident in idents:
        client.send(a_query(f"a{ident}.test.", ident=ident))


async def test_what_is_known_does_not_wait_for_what_came_before_it(house: House) -> None:
    """L-03: names that nobody knows are not in the way of those that everybody asks."""
    first, other = house.client(), house.client()
    heard_at: dict[int, int] = {}

    def meanwhile(made: int) -> None:
        if made == 10:
            send_new(other, 501)
            other.send((500).to_bytes(2, "big") + KNOWN[2:])
        heard_at.update(dict.fromkeys(heard_by(other), made))

    house.meanwhile = meanwhile
    send_new(first, *range(40))
    await house.answer(41)

    assert set(heard_at) == {500}
    assert heard_at[500] <= 10 + FEW
    assert house.made == [*range(40), 501]
    assert heard_by(first) == list(range(40))
    assert heard_by(other) == [501]


async def test_a_full_batch_is_done_before_anything_else_is_read(house: House) -> None:
    """It costs more to go back and forth, and whoever is that busy has no time for it."""
    first, other = house.client(), house.client()

    def meanwhile(made: int) -> None:
        if made == 0:
            other.send((500).to_bytes(2, "big") + KNOWN[2:])
        if made < BURST:
            assert heard_by(other) == []

    house.meanwhile = meanwhile
    send_new(first, *range(BURST))
    await house.answer(BURST)
    await until(lambda: heard_by(other) == [500])
    assert house.turns[0] == BURST


async def test_however_much_comes_others_get_their_turn(house: House) -> None:
    """Less than two batches in one turn of the event loop, and nothing is lost."""
    client = house.client()
    most = 200

    def meanwhile(made: int) -> None:
        send_new(client, *range(4 * made + 4, min(4 * made + 8, most)))

    house.meanwhile = meanwhile
    send_new(client, *range(4))
    await house.answer(most)

    assert house.made == list(range(most))
    assert BURST <= max(house.turns) < 2 * BURST
    assert sorted(heard_by(client)) == house.made


async def test_little_is_read_ahead(house: House) -> None:
    """Three batches may wait for the first one: each has memory of its own."""
    client, other = house.client(), house.client()

    def meanwhile(made: int) -> None:
        if made in {1, 9, 17}:
            send_new(other, 100 + made)
        elif made == 25:
            other.send((500).to_bytes(2, "big") + KNOWN[2:])
        if made < 40:
            assert heard_by(other) == []

    house.meanwhile = meanwhile
    send_new(client, *range(40))
    await house.answer(43)

    assert house.turns[0] == 43
    assert house.made == [*range(40), 101, 109, 117]
    assert [ident_of(await other.receive()) for _ in range(4)] == [101, 109, 117, 500]
