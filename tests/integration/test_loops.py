"""Two real processes that are each other's upstream, each on an address of its own (C-22)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.edns
import dns.message
import dns.query
import dns.rcode

from tests.helpers.config_volume import Volume
from tests.helpers.fake_upstream import fake_upstream
from tests.helpers.ports import free_port
from tests.helpers.process import DEADLINE_S, ServerProcess, serving, wait_until
from tests.helpers.upstream_script import answer
from tests.integration.test_forwarding import Metrics

FIRST, SECOND = "127.0.0.11", "127.0.0.12"
"""Questions to either come from 127.0.0.1, as from behind a translation of addresses."""

OURS = "web.shop.svc.cluster.local."


@dataclass(frozen=True, slots=True)
class Peer:
    """One of the two."""

    server: ServerProcess
    host: str
    port: int

    def ask(self, name: str) -> dns.message.Message:
        """Return the reply to a question of type A."""
        query = dns.message.make_query(name, "A", use_edns=0)
        return dns.query.udp(query, self.host, timeout=DEADLINE_S, port=self.port)

    def addresses(self, name: str) -> list[str]:
        """Return the addresses of a name."""
        return [rdata.address for rrset in self.ask(name).answer for rdata in rrset]

    @property
    def loops_found(self) -> float:
        """How often it has seen a question of its own come back."""
        return Metrics(self.server).values("loop_detected_total")[0]

    @property
    def has_upstream(self) -> bool:
        """Whether its upstream is up."""
        return Metrics(self.server).values("upstream_up") == [1]

    def refuses(self, name: str) -> bool:
        """Tell whether it says that there is a loop, which it says where it asks nobody."""
        reply = self.ask(name)
        texts = [each.text for each in reply.options if isinstance(each, dns.edns.EDEOption)]
        return reply.rcode() == dns.rcode.SERVFAIL and texts == [
            "all upstreams of . are down or send questions back to us"
        ]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the two are: their ports, by their addresses, and what they read."""

    folder: Path
    manifests: Path
    ports: dict[str, int]

    def upstreams(self, *others: str) -> str:
        """Return the value of ``upstreamNameservers``."""
        return json.dumps([f"{host}:{self.ports[host]}" for host in others])

    @contextmanager
    def peer(self, host: str, other: str) -> Iterator[tuple[Peer, Volume]]:
        """Run the one whose upstream is the other; the volume has its upstreams."""
        config = Volume(self.folder / host)
        config.path.mkdir()
        config.write(upstreamNameservers=self.upstreams(other))
        port = self.ports[host]
        flags = [f"--dns-bind-address={host}", f"--dns-port={port}", "--config-period=1s"]
        flags += [f"--manifests={self.manifests}", f"--config-dir={config.path}"]
        with serving(self.folder, *flags) as server:
            server.wait_ready()
            yield Peer(server, host, port), config


def circle(place: Place, good: str) -> None:
    """See two find out that they are each other's upstream, and one get another one."""
    with ExitStack() as running:
        first, config = running.enter_context(place.peer(FIRST, SECOND))
        wait_until(lambda: not first.has_upstream)
        second, _ = running.enter_context(place.peer(SECOND, FIRST))
        both = (first, second)

        def is_found() -> bool:
            for peer in both:
                assert peer.addresses(OURS) == ["10.96.0.10"]
            return all(peer.loops_found for peer in both)

        wait_until(is_found)
        for peer in both:
            assert peer.refuses(f"www.{peer.port}.example.")
            assert peer.addresses(OURS) == ["10.96.0.10"]
            assert peer.server.process.poll() is None
            assert peer.server.is_ready()

        config.write(upstreamNameservers=json.dumps([good]))
        wait_until(lambda: first.addresses("www.back.example.") == ["192.0.2.1"])


async def test_two_that_are_each_others_upstream_see_it_whoever_starts_first(
    manifests: Path, tmp_path: Path
) -> None:
    """C-22, FWD-8: the second is there when the first has it marked down; none ends."""
    place = Place(tmp_path, manifests, {FIRST: free_port(), SECOND: free_port()})

    async with fake_upstream(answer("@ 60 IN A 192.0.2.1")) as up:
        await asyncio.to_thread(circle, place, str(up.nameserver))
