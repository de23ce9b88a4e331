"""The metrics page, read back with the client's own parsers."""

import asyncio
import threading

import pytest
from prometheus_client import parser
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics import parser as openmetrics

from kubedns_py import __version__
from kubedns_py.admin.exposition import Exposition, Format, accepted
from kubedns_py.admin.metrics import METRICS
from kubedns_py.server.tally import DROPPED, Counts, Tally
from kubedns_py.structs import replace
from tests.admin.forward_numbers import FakeForwarding, busy_forwarding
from tests.admin.numbers import FakeStatus, some_sources
from tests.helpers.work import lines_run

PLAIN = False
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


def busy() -> Tally:
    """Return the tally of a server that has answered each kind of question once."""
    tally = Tally()
    for zone in ("cluster.local.", "in-addr.arpa.", "ip6.arpa.", DROPPED):
        for proto in ("udp", "tcp"):
            for family in (1, 2):
                for qtype in range(300):
                    record = (zone, qtype, PLAIN, 60, 120, qtype % 6, "service", 0.0001)
                    tally.record(proto, family, *record)
    tally.programmed("cluster_ip", 0.3)
    return tally


def read(page: bytes, form: Format) -> dict[str, Family]:
    """Return the families of a page by name."""
    text = page.decode()
    if form is Format.OPENMETRICS:
        families = openmetrics.text_string_to_metric_families(text)  # type: ignore[no-untyped-call] # untyped there
    else:
        families = parser.text_string_to_metric_families(text)
    return {family.name: family for family in families}


@pytest.mark.parametrize("form", Format)
def test_every_declared_metric_is_on_the_page_in_both_formats(form: Format) -> None:
    """Ecosystem 3.2: text/plain and OpenMetrics."""
    sources = some_sources(busy(), {"services": FakeStatus()}, forwarding=busy_forwarding())
    page = Exposition(sources).render(form).decode()

    for metric in METRICS:
        family = metric.name.removesuffix("_total").removesuffix("_info")
        shown = family if form is Format.OPENMETRICS else metric.name
        assert page.count(f"# TYPE kubedns_{shown} ") == 1, metric.name
    assert page.endswith("# EOF\n") == (form is Format.OPENMETRICS)


@pytest.mark.parametrize("form", Format)
def test_what_the_server_does_not_do_is_not_on_the_page(form: Format) -> None:
    """Issue 3, metrics: nothing of forwarding with --forward=false, of a ConfigMap without one."""
    without = Exposition(some_sources()).render(form).decode()
    with_it = Exposition(some_sources(forwarding=FakeForwarding())).render(form).decode()

    for family in ("cache_", "proxy_", "forward_", "upstream_", "loop_"):
        assert f"kubedns_{family}" not in without
        assert f"kubedns_{family}" in with_it
    assert "kubedns_config_" not in without + with_it


@pytest.mark.parametrize("form", Format)
def test_a_histogram_is_cumulative_and_ends_with_its_count(form: Format) -> None:
    """Prometheus: le="+Inf" equals _count."""
    tally = Tally()
    for seconds in (0.0001, 0.0003, 100.0):
        tally.record("udp", 1, "cluster.local.", 1, PLAIN, 60, 120, 0, "service", seconds)

    family = read(Exposition(some_sources(tally)).render(form), form)[
        "kubedns_dns_request_duration_seconds"
    ]
    buckets = {
        sample.labels["le"]: sample.value for sample in family.samples if "le" in sample.labels
    }
    others = {sample.name: sample.value for sample in family.samples if "le" not in sample.labels}

    assert buckets["0.00025"] == 1
    assert buckets["0.0005"] == buckets["8.192"] == 2
    assert buckets["+Inf"] == 3
    assert len(buckets) == 17
    assert others == {
        "kubedns_dns_request_duration_seconds_count": 3,
        "kubedns_dns_request_duration_seconds_sum": pytest.approx(100.0004),
    }


def test_the_version_is_said_and_no_path_or_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reliability 4.2: info in /metrics; behaviour 2.2.4: build_info."""
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    page = Exposition(some_sources()).render(Format.PLAIN).decode()

    assert f'kubedns_build_info{{version="{__version__}"}} 1.0\n' in page
    assert "process_resident_memory_bytes " in page
    assert "python_gc_collections_total" in page
    assert "hunter2" not in page
    assert "/" not in page.replace("dns://", "")


def test_the_number_of_series_does_not_depend_on_what_clients_ask() -> None:
    """Reliability 4.2 (CVE-2026-40011): random types and names, constant count."""
    tally = busy()
    exposition = Exposition(some_sources(tally))
    before = exposition.render(Format.PLAIN).count(b"\n")

    for qtype in range(65536):
        tally.record("udp", 1, DROPPED, qtype, PLAIN, 60, 120, qtype % 6, "service", 0.0001)

    assert exposition.render(Format.PLAIN).count(b"\n") == before


def test_the_largest_page_costs_no_more_than_its_lines() -> None:
    """Reliability 4.2: 500 series take 20 ms at most: 110 lines of Python for one of the page."""
    exposition = Exposition(
        some_sources(busy(), {"services": FakeStatus()}, forwarding=busy_forwarding())
    )
    page = exposition.render(Format.PLAIN)

    assert page.count(b"\n") > 1600
    assert lines_run(lambda: exposition.render(Format.PLAIN)) < 160 * page.count(b"\n")


@pytest.mark.parametrize(
    ("header", "form"),
    [
        (PROMETHEUS, Format.OPENMETRICS),
        ("application/openmetrics-text", Format.OPENMETRICS),
        ("Application/OpenMetrics-Text; version=0.0.1", Format.OPENMETRICS),
        ("text/plain;version=0.0.4;q=0.3,*/*;q=0.2", Format.PLAIN),
        ("", Format.PLAIN),
        ("application/openmetrics-text-not", Format.PLAIN),
        (",;=\x00,", Format.PLAIN),
    ],
)
def test_the_format_follows_the_accept_header(header: str, form: Format) -> None:
    """Ecosystem 3.2: by Accept header, and nothing of it comes back."""
    assert accepted(header) is form


async def test_the_page_is_kept_for_a_second() -> None:
    """Ecosystem 3.2: many scrapers cost one rendering a second."""
    now = [1000.0]
    tally = Tally()
    exposition = Exposition(some_sources(tally, clock=lambda: now[0]))
    first = await exposition.page(Format.PLAIN)
    tally.panic()

    now[0] = 1000.9
    assert await exposition.page(Format.PLAIN) is first
    assert b"kubedns_panics_total 1.0" in await exposition.page(Format.OPENMETRICS)
    now[0] = 1001.0
    assert b"kubedns_panics_total 1.0" in await exposition.page(Format.PLAIN)


async def test_rendering_runs_beside_the_event_loop_and_once_for_all_who_wait() -> None:
    """Reliability 4.2: a scrape must not block DNS."""
    threads = []

    def counts() -> Counts:
        threads.append(threading.current_thread())
        return Tally().snapshot()

    exposition = Exposition(replace(some_sources(), counts=counts))

    pages = await asyncio.gather(*(exposition.page(Format.PLAIN) for _ in range(10)))

    assert len(set(pages)) == 1
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()
