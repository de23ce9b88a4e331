"""The real process: private addresses in what the outside says (C-08)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import dns.edns

from tests.helpers.fake_upstream import FakeUpstream, fake_upstream
from tests.helpers.process import ServerProcess, serving, wait_until
from tests.helpers.upstream_script import answer, by_name
from tests.integration.test_forwarding import Metrics, late_of

EVIL, MIXED, OURS = "rebind.example.", "mixed.example.", "service.example."
OUTSIDE = by_name(
    {
        EVIL: answer("@ 60 IN A 10.0.0.1", "@ 60 IN A 127.0.0.1", "@ 60 IN A 169.254.169.254"),
        MIXED: answer("@ 60 IN A 192.168.0.1", "@ 60 IN A 192.0.2.7"),
        OURS: answer("@ 60 IN A 198.51.100.1"),
    }
)
CORP = answer("@ 60 IN A 10.0.0.5")


async def before(
    outside: FakeUpstream,
    corp: FakeUpstream,
    folder: Path,
    flags: list[str],
    use: Callable[[ServerProcess], None],
) -> int:
    """Run the server before upstreams and a stub domain's server, and use it in a thread.

    Returns:
        How many questions were asked again because an upstream was late: on a busy machine, some.
    """
    manifests, config = folder / "manifests", folder / "config"
    config.mkdir()
    stubs = {"corp.example": [str(corp.nameserver)]}
    (config / "stubDomains").write_text(json.dumps(stubs))

    def run() -> int:
        always = [f"--manifests={manifests}", f"--config-dir={config}"]
        always.append(f"--nameservers={outside.nameserver}")
        with serving(folder, *always, *flags) as server:
            server.wait_ready()
            use(server)
            return late_of(Metrics(server))

    return await asyncio.to_thread(run)


def addresses(server: ServerProcess, name: str) -> list[str]:
    """Return the addresses of a name, or the rcode's name without any."""
    return sorted(line.rpartition(" ")[2] for line in server.lines(name))


async def test_by_default_whatever_upstreams_say_passes(manifests: Path) -> None:
    """C-08."""

    def use(server: ServerProcess) -> None:
        assert addresses(server, EVIL) == ["10.0.0.1", "127.0.0.1", "169.254.169.254"]
        assert addresses(server, MIXED) == ["192.0.2.7", "192.168.0.1"]
        assert addresses(server, OURS) == ["198.51.100.1"]
        assert Metrics(server).values("forward_rebinding_total") == [0]

    async with fake_upstream(OUTSIDE) as outside, fake_upstream(CORP) as corp:
        await before(outside, corp, manifests.parent, [], use)


async def test_with_protection_names_outside_have_no_address_inside(manifests: Path) -> None:
    """C-08: --rebind-protection; stub domains are not touched, and what is taken out is counted."""
    flags = ["--rebind-protection", "--local-cidrs=198.51.100.0/24", "--negative-ttl=60"]

    def use(server: ServerProcess) -> None:
        for _ in range(2):
            reply = server.ask(EVIL)
            assert (reply.rcode(), reply.answer) == (0, [])
            (soa,) = reply.authority
            assert soa.to_text().startswith(". 60 IN SOA ns.dns.cluster.local. ")
            (error,) = reply.options
            assert isinstance(error, dns.edns.EDEOption)
            assert error.code == dns.edns.EDECode.FILTERED
        assert addresses(server, MIXED) == ["192.0.2.7"]
        assert addresses(server, OURS) == ["NOERROR"]
        assert addresses(server, "db.corp.example.") == ["10.0.0.5"]
        assert addresses(server, "web.shop.svc.cluster.local.") == ["10.96.0.10"]
        wait_until(lambda: Metrics(server).values("forward_rebinding_total") == [3])

    async with fake_upstream(OUTSIDE) as outside, fake_upstream(CORP) as corp:
        late = await before(outside, corp, manifests.parent, flags, use)

        assert 1 <= [asked.name for asked in outside.asked].count(EVIL) <= 1 + late
