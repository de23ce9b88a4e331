"""The real process before an upstream: what the metrics say of names that are not ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import parser

from tests.helpers.fake_upstream import FakeUpstream, fake_upstream
from tests.helpers.process import ServerProcess, serving, wait_until
from tests.helpers.upstream_script import answer

HERE = answer("@ 60 IN A 192.0.2.1")


class Metrics:
    """The metrics page as it is now."""

    def __init__(self, server: ServerProcess) -> None:
        text = server.page("/metrics")[1]
        families = parser.text_string_to_metric_families(text)
        self.samples = [sample for family in families for sample in family.samples]

    def values(self, name: str, **labels: str) -> list[float]:
        """Return the values of a metric whose series have these labels, and maybe others."""
        return [
            sample.value
            for sample in self.samples
            if sample.name == f"kubedns_{name}" and labels.items() <= sample.labels.items()
        ]

    def upstreams(self) -> list[str]:
        """Return who is asked."""
        return [each.labels["to"] for each in self.samples if each.name == "kubedns_upstream_up"]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return the directory of a ConfigMap without keys."""
    folder = tmp_path / "config"
    folder.mkdir()
    return folder


async def before(
    up: FakeUpstream, use: Callable[[ServerProcess], None], *, manifests: Path, config: Path
) -> int:
    """Run the server before an upstream, and use it in a thread.

    Returns:
        How many questions were asked again because the upstream was late: on a busy machine, some.
    """

    def run() -> int:
        flags = [f"--manifests={manifests}", f"--config-dir={config}", "--config-period=1s"]
        with serving(config.parent, f"--nameservers={up.nameserver}", *flags) as server:
            server.wait_ready()
            use(server)
            return late_of(Metrics(server))

    return await asyncio.to_thread(run)


def late_of(page: Metrics) -> int:
    """Return how many questions were asked again because an upstream was late."""
    return int(sum(page.values("forward_retries_total", reason="late")))


async def test_a_name_asked_twice_is_a_miss_and_a_hit_and_one_reply_of_the_upstream(
    manifests: Path, config: Path
) -> None:
    """Behaviour 2.2.4: cache and proxy, as dashboards read them; ecosystem 6.3."""

    def use(server: ServerProcess) -> None:
        for _ in range(2):
            assert server.lines("www.example.org.")[0].endswith(" IN A 192.0.2.1")
        page = Metrics(server)

        cache = {"server": f"dns://:{server.port}", "zones": ".", "view": ""}
        assert page.values("cache_requests_total", **cache) == [2]
        assert page.values("cache_misses_total", **cache) == [1]
        assert page.values("cache_hits_total", type="success", **cache) == [1]
        assert page.values("cache_entries", type="success", **cache) == [1]
        proxy = {"proxy_name": "forward", "to": str(up.nameserver)}
        (replies,) = page.values("proxy_request_duration_seconds_count", **proxy)
        assert 1 <= replies <= 1 + late_of(page)
        assert len(page.values("proxy_healthcheck_failures_total", **proxy)) == 1
        assert page.values("upstream_up", to=str(up.nameserver)) == [1]
        assert 0 < page.values("upstream_rtt_seconds", to=str(up.nameserver))[0] < 5
        assert page.values("forward_in_flight") == page.values("forward_waiting") == [0]
        assert page.values("dns_waiting") == [0, 0]
        assert page.values("config_valid") == [1]

    async with fake_upstream(HERE) as up:
        late = await before(up, use, manifests=manifests, config=config)

        assert 1 <= [asked.name for asked in up.asked].count("www.example.org.") <= 1 + late


async def test_a_config_map_that_is_bad_or_names_others_is_seen(
    manifests: Path, config: Path
) -> None:
    """F-29: config_valid within 10 s; who is asked no more is gone from the page."""

    def write(value: str) -> None:
        new = config.parent / "new"
        new.write_text(value)
        new.replace(config / "upstreamNameservers")  # in one step, as a mounted one changes

    def use(server: ServerProcess) -> None:
        write('["not an ip"]')
        wait_until(lambda: Metrics(server).values("config_valid") == [0])
        page = Metrics(server)
        assert page.values("config_refusals_total") == [1]
        assert page.upstreams() == [str(up.nameserver)]
        before_it = page.values("config_generation")[0]

        write(f'["{other.nameserver}"]')
        wait_until(lambda: Metrics(server).values("config_valid") == [1])
        page = Metrics(server)
        assert page.values("config_generation") == [before_it + 1]
        assert page.upstreams() == [str(other.nameserver)]

    async with fake_upstream(HERE) as up, fake_upstream(HERE) as other:
        await before(up, use, manifests=manifests, config=config)


def test_without_forwarding_nothing_of_it_is_on_the_page(manifests: Path, tmp_path: Path) -> None:
    """--forward=false."""
    with serving(tmp_path, f"--manifests={manifests}", "--forward=false") as server:
        server.wait_ready()
        page = Metrics(server)

    rooms = {each.name.split("_")[1] for each in page.samples if each.name.startswith("kubedns_")}
    assert "services" in rooms
    assert not rooms & {"cache", "proxy", "forward", "upstream", "loop", "config"}
