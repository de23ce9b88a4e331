"""The real process and pods that walk their search lists: what a lookup costs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.fake_upstream import Asked, FakeUpstream, Turn, fake_upstream
from tests.helpers.process import ServerProcess, serving, wait_until
from tests.helpers.stub_resolver import StubResolver
from tests.helpers.upstream_script import answer
from tests.integration.test_forwarding import Metrics, late_of

LOOKUPS = 50
SEARCH = ("shop.svc.cluster.local", "svc.cluster.local", "cluster.local")
SHOP = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {kubedns-py/search-completion: enabled}}
"""
NOTHING = answer(authority=["example.org. 300 IN SOA ns.example.org. admin.example.org. 1 2 3 4 5"])
"""No such data."""


def ipv4(number: int) -> str:
    """Return the IPv4 address of a name outside."""
    return f"192.0.2.{number}"


def ipv6(number: int) -> list[str]:
    """Return the IPv6 address of a name outside: each second one has none."""
    return [f"2001:db8::{number}"] if number % 2 else []


async def outside(turn: Turn) -> None:
    """Know ``host<number>.example.org``, of both types."""
    host, _, domain = turn.asked.name.partition(".")
    if domain != "example.org." or turn.asked.rtype not in {"A", "AAAA"}:
        await answer(rcode="REFUSED")(turn)
        return
    number = int(host.removeprefix("host"))
    found = [ipv4(number)] if turn.asked.rtype == "A" else ipv6(number)
    records = [f"@ 300 IN {turn.asked.rtype} {each}" for each in found]
    await (answer(*records) if records else NOTHING)(turn)


def of_pods(up: FakeUpstream) -> list[Asked]:
    """Return what the upstream was asked but for the server's own questions."""
    return [asked for asked in up.asked if asked.rtype in {"A", "AAAA"}]


async def before(
    up: FakeUpstream, manifests: Path, flags: list[str], use: Callable[[ServerProcess], None]
) -> int:
    """Run the server before an upstream, and use it in a thread.

    Returns:
        How many questions were asked again because the upstream was late: on a busy machine, some.
    """
    (manifests / "shop.yaml").write_text(SHOP)

    def run() -> int:
        always = [f"--manifests={manifests}", f"--nameservers={up.nameserver}"]
        with serving(manifests.parent, *always, *flags) as server:
            server.wait_ready()
            use(server)
            return late_of(Metrics(server))

    return await asyncio.to_thread(run)


@pytest.mark.parametrize(
    ("flags", "queries"),
    [
        pytest.param([], 8, id="four names, two types"),
        pytest.param(["--search-completion"], 2, id="completed at the first name"),
    ],
)
async def test_a_lookup_of_a_pod_succeeds_once_and_costs_so_many_queries(
    manifests: Path, flags: list[str], queries: int
) -> None:
    """L-06: lookups are counted as clients see them; ndots:5, three suffixes, A and AAAA.

    What is asked outside is the same: the name itself, once for each type.
    """

    def use(server: ServerProcess) -> None:
        stub = StubResolver(server.port, search=SEARCH)
        for number in range(LOOKUPS):
            before_it = stub.queries
            assert stub.look_up(f"host{number}.example.org") == [ipv4(number), *ipv6(number)]
            assert stub.queries - before_it == queries

        total = LOOKUPS * queries
        assert stub.queries == total
        wait_until(lambda: sum(Metrics(server).values("dns_requests_total")) == total)
        rcodes = {
            rcode: sum(Metrics(server).values("dns_responses_total", rcode=rcode))
            for rcode in ("NOERROR", "NXDOMAIN")
        }
        assert rcodes == {"NOERROR": 2 * LOOKUPS, "NXDOMAIN": total - 2 * LOOKUPS}

    async with fake_upstream(outside) as up:
        late = await before(up, manifests, flags, use)

        names = [f"host{number}.example.org." for number in range(LOOKUPS)]
        asked = [(each.name, each.rtype) for each in of_pods(up)]
        assert set(asked) == {(name, rtype) for name in names for rtype in ("A", "AAAA")}
        assert len(asked) <= 2 * LOOKUPS + late


async def test_a_service_of_the_pods_namespace_costs_the_same_either_way(manifests: Path) -> None:
    """L-06: the first name of the walk is the right one, and nobody outside is asked."""

    def use(server: ServerProcess) -> None:
        stub = StubResolver(server.port, search=SEARCH)
        assert stub.look_up("web") == ["10.96.0.10"]
        assert stub.queries == 2
        assert stub.look_up("web.shop") == ["10.96.0.10"]
        assert stub.queries == 2 + 4

    async with fake_upstream(outside) as up:
        await before(up, manifests, ["--search-completion"], use)

        assert of_pods(up) == []
