"""The program's own parts before scripted upstreams, and a client: real sockets on both sides.

    async with fake_upstream(answer("@ 60 IN A 192.0.2.1")) as up, resolving(up) as here:
        reply = await here.ask("www.example.", "A")
    assert reply.rcode == "NOERROR"

What is not here is the process around them: sources, pages, signals.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from kubedns_py.assembly import Identity, assemble
from kubedns_py.cluster.objects import Object
from kubedns_py.cluster.resources import Resource
from kubedns_py.config.arguments import load
from kubedns_py.forwarding import Forwarding
from kubedns_py.resolver.view import Known, View
from kubedns_py.server.respond import Chances
from kubedns_py.upstream.upstreams import Upstreams
from tests.helpers import oracle
from tests.helpers.dnsclient import TcpClient, UdpClient
from tests.helpers.fake_upstream import Asked, FakeUpstream
from tests.helpers.served import HOST, opened
from tests.helpers.waiting import until

PAYLOAD = 1232


@dataclass(frozen=True, slots=True)
class Resolving:
    """The running parts.

    Attributes:
        forwarding: what asks upstreams.
        port: where clients ask, over UDP and TCP.
    """

    forwarding: Forwarding
    port: int

    async def ask(self, name: str, rtype: str = "A", *, tcp: bool = False) -> oracle.Reading:
        """Return the reply to a query with EDNS, as dnspython reads it."""
        return await self.send(oracle.query(name, rtype, edns=PAYLOAD), tcp=tcp)

    async def send(self, query: bytes, *, tcp: bool = False) -> oracle.Reading:
        """Return the reply to a query."""
        if not tcp:
            with UdpClient(HOST, self.port) as udp:
                return oracle.read(await udp.ask(query))
        async with TcpClient() as client:
            await client.connect(HOST, self.port)
            reply = await client.ask(query)
        assert reply is not None
        return oracle.read(reply)


@asynccontextmanager
async def resolving(
    *upstreams: FakeUpstream, flags: tuple[str, ...] = (), objects: tuple[Object, ...] = ()
) -> AsyncIterator[Resolving]:
    """Serve with these upstreams, which have answered or failed their first probes.

    Args:
        upstreams: who is asked for names outside the cluster.
        flags: further options.
        objects: Services of the cluster.
    """
    nameservers = ",".join(str(each.nameserver) for each in upstreams)
    options = ["--resolv-conf=", "--config-period=1s", f"--nameservers={nameservers}", *flags]
    config = load(options, {}, program="test").config
    made: list[Forwarding] = []

    def forward(view: View) -> Upstreams:
        made.append(Forwarding(config, view))
        return made[0].upstreams

    chances = Chances(asyncio.get_running_loop().time, lambda: 0)
    core = assemble(config, chances, identity=Identity("1", "a"), upstreams=forward)
    for each in objects:
        core.store.put(Resource.SERVICES, each)
    core.commit(0.0)
    core.view.known = Known.ALL
    (forwarding,) = made
    await forwarding.start(None)
    following = asyncio.create_task(forwarding.run())
    try:
        healths = forwarding.forwarder.servers
        await until(lambda: all(health.rtt_s or not health.is_up for health in healths))
        async with opened(core.responder.respond) as served:
            yield Resolving(forwarding, served.port)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await forwarding.aclose()


def questions(up: FakeUpstream, name: str) -> list[Asked]:
    """Return what an upstream was asked for a name, in any spelling."""
    return [asked for asked in up.asked if asked.name.lower() == name]
