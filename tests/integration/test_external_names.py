"""The real process: ExternalName Services, whose targets an upstream knows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import dns.rcode

from tests.helpers.fake_upstream import FakeUpstream, fake_upstream
from tests.helpers.process import LOOPBACK, ServerProcess, serving
from tests.helpers.upstream_script import answer, by_name, by_transport
from tests.integration.test_forwarding import Metrics, late_of

OUT = """\
apiVersion: v1
kind: Service
metadata: {name: out, namespace: shop}
spec: {type: ExternalName, externalName: big.example.org}
"""
NAME = "out.shop.svc.cluster.local."
TARGET = "big.example.org."


async def before(up: FakeUpstream, manifests: Path, use: Callable[[ServerProcess], None]) -> int:
    """Run the server before an upstream, and use it in a thread.

    Returns:
        How many questions were asked again because the upstream was late: on a busy machine, some.
    """
    (manifests / "out.yaml").write_text(OUT)

    def run() -> int:
        flags = [f"--manifests={manifests}", f"--nameservers={up.nameserver}"]
        with serving(manifests.parent, *flags) as server:
            server.wait_ready()
            use(server)
            return late_of(Metrics(server))

    return await asyncio.to_thread(run)


def transports(up: FakeUpstream) -> list[str]:
    """Return the ways that the target was asked for."""
    return [each.transport for each in up.asked if each.name == TARGET]


def are_once_each(expected: list[str], asked: list[str], late: int) -> bool:
    """Tell whether each was asked in order, and once but for those that were late."""
    return [each for each, _ in groupby(asked)] == expected and len(asked) <= len(expected) + late


def ask(server: ServerProcess, *, payload: int, tcp: bool = False) -> dns.message.Message:
    """Return the reply to a client that takes so many octets over UDP."""
    query = dns.message.make_query(NAME, "A", use_edns=0, payload=payload)
    send = dns.query.tcp if tcp else dns.query.udp
    return send(query, LOOPBACK, timeout=5, port=server.port)


def addresses(reply: dns.message.Message) -> list[str]:
    """Return the addresses of the answer, all at the target, behind one alias."""
    alias, *rest = reply.answer
    assert alias.to_text() == f"{NAME} 30 IN CNAME {TARGET}"
    assert {rrset.name.to_text() for rrset in rest} <= {TARGET}
    return sorted(rdata.address for rrset in rest for rdata in rrset)


async def test_what_an_upstream_truncates_is_had_over_tcp_and_said_to_clients_whole(
    manifests: Path,
) -> None:
    """EXT-16: TC of the upstream is not copied; the question is repeated over TCP, once for all."""
    few = [f"192.0.2.{n}" for n in range(1, 4)]
    whole = answer(*(f"@ 300 IN A {each}" for each in few))
    script = by_transport(udp=answer("@ 300 IN A 192.0.2.1", flags="TC"), stream=whole)

    def use(server: ServerProcess) -> None:
        for tcp in (False, True):
            reply = ask(server, payload=1232, tcp=tcp)
            assert addresses(reply) == few
            assert not reply.flags & dns.flags.TC
            assert reply.flags & dns.flags.AA

    async with fake_upstream(by_name({TARGET: script})) as up:
        late = await before(up, manifests, use)

        assert are_once_each(["udp", "tcp"], transports(up), late)


async def test_tc_is_said_only_where_the_answer_overflows_the_clients_datagram(
    manifests: Path,
) -> None:
    """EXT-16: by our own reckoning of the size, with the alias before it; all of it over TCP."""
    many = [f"192.0.2.{n}" for n in range(1, 61)]
    whole = answer(*(f"@ 300 IN A {each}" for each in many))
    script = by_transport(udp=answer(flags="TC"), stream=whole)

    def use(server: ServerProcess) -> None:
        small = ask(server, payload=512)
        assert small.flags & dns.flags.TC
        assert set(addresses(small)) < set(many)
        assert len(small.to_wire()) <= 512

        for large in (ask(server, payload=1232), ask(server, payload=512, tcp=True)):
            assert not large.flags & dns.flags.TC
            assert addresses(large) == sorted(many)

    async with fake_upstream(by_name({TARGET: script})) as up:
        late = await before(up, manifests, use)

        assert are_once_each(["udp", "tcp"], transports(up), late)


async def test_tc_is_handed_on_where_tcp_brings_nothing(manifests: Path) -> None:
    """EXT-16, C-12: then the client may try; over TCP, where nothing is left to try, SERVFAIL."""
    cut = answer("@ 300 IN A 192.0.2.1", flags="TC")

    def use(server: ServerProcess) -> None:
        over_udp = ask(server, payload=1232)
        assert over_udp.flags & dns.flags.TC
        assert addresses(over_udp) == ["192.0.2.1"]

        over_tcp = ask(server, payload=1232, tcp=True)
        assert over_tcp.rcode() == dns.rcode.SERVFAIL

    async with fake_upstream(by_name({TARGET: cut}), tcp=False) as up:
        await before(up, manifests, use)
