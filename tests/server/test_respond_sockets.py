"""The catalogue of odd messages over real sockets: the replies of ``respond``, and one count each.

Reliability 2.1: each row is answered, or not, and counted once, whatever carries it.
"""

from __future__ import annotations

import contextlib

from kubedns_py.server.phases import Outcome
from tests.helpers import asking
from tests.helpers.asking import GOOD, TCP, UDP
from tests.helpers.dnsclient import TcpClient, UdpClient
from tests.helpers.messages import MESSAGES
from tests.helpers.scenario import SCENARIOS, LoadedScenario, load
from tests.helpers.served import HOST, Served, opened
from tests.helpers.waiting import until


def a_cluster() -> LoadedScenario:
    """Return the cluster of the target table, of which nothing was counted yet."""
    return load(SCENARIOS / "1.0_target_table", forwards=False)


def counted(cluster: LoadedScenario, served: Served) -> int:
    """Return how often a message or a datagram was counted, or ended its connection."""
    counts = cluster.core.tally.snapshot()
    assert counts.panics == 0
    found = (counts.responses, counts.drops, served.udp.counts)
    return sum(sum(each.values()) for each in found) + served.tcp.counts[Outcome.GARBAGE]


async def test_each_datagram_gets_its_reply_and_raises_one_counter() -> None:
    """M-01 to M-44: a silence is seen by the reply to the query after it."""
    cluster = a_cluster()
    wrong = []
    async with opened(cluster.respond) as served:
        for title, message in MESSAGES.items():
            expected = asking.CLUSTER.reply(message, UDP)
            before = counted(cluster, served)
            with UdpClient(HOST, served.port) as client:
                client.send(message)
                if expected is None:
                    client.send(GOOD)
                reply = await client.receive()
            rise = counted(cluster, served) - before
            if (reply, rise) != (
                (expected, 1) if expected else (asking.CLUSTER.reply(GOOD, UDP), 2)
            ):
                wrong.append(f"{title}: {rise} counted, reply {reply.hex()}")

    assert wrong == []


async def test_each_message_on_a_connection_gets_its_reply_and_raises_one_counter() -> None:
    """M-01 to M-44: what would be met with silence over UDP ends the connection."""
    cluster = a_cluster()
    wrong = []
    async with opened(cluster.respond) as served:
        for title, message in MESSAGES.items():
            expected = asking.CLUSTER.reply(message, TCP)
            before = counted(cluster, served)
            async with TcpClient() as client:
                await client.connect(HOST, served.port)
                reply = None
                with contextlib.suppress(ConnectionResetError):
                    reply = await client.ask(message)
                rise = counted(cluster, served) - before
                goes_on = reply is not None and await client.ask(GOOD) is not None
            await until(lambda: not served.tcp.connections)
            if reply is None:  # counted when the client has closed it too
                rise = counted(cluster, served) - before
            if (reply, rise, goes_on) != (expected, 1, expected is not None):
                wrong.append(f"{title}: {rise} counted, reply {reply and reply.hex()}")

    assert wrong == []


def test_every_row_of_the_catalogue_has_a_message() -> None:
    """A corpus without a row would say nothing of it; the last ones are about sources and time."""
    rows = {title.partition(" ")[0] for title in MESSAGES}

    assert {f"M-{row:02}" for row in range(1, 45)} - rows == {"M-42"}  # cookies of a server
