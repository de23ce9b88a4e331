"""What the size of a cluster costs: first sync, memory, a relist, a change.

Rules of this file:

- Both servers read the same API server. Its restart is what makes every client list anew: it no
  longer knows the version from which they want to go on.
- A moment counts when an answer shows it, not when a log line or a health page says so.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from functools import partial

from bench.changes import MARK, move, moved_address, wide_service
from bench.check import AddressAsker, wait_until_all_right
from bench.cluster import Cluster, Kind, Service
from bench.cores import Growth, Meter, peak_mib, pss_mib
from bench.figures import Figures
from bench.lookups import percentile
from bench.mixes import Question
from bench.plane import Plane
from bench.rounds import Scenario
from bench.servers import Server
from bench.stage import Bench, Stage, started

WIDTHS = (1, 10, 100, 1_000, 5_000)
"""Endpoints of the Services whose propagation is measured."""

_SAMPLE = 300
_SYNC_S = 120.0
_SETTLE_S = 5.0
_AFTER_S = 1.0
_CHANGES = 200
_COSTED_CHANGES = 400
_COSTED_WIDTH = 10
_BETWEEN_S = 0.005
"""Between a change and the question that makes a server show it."""


def wide_services() -> tuple[Service, ...]:
    """Return the Services whose propagation is measured, by their width."""
    return tuple(wide_service(number, width) for number, width in enumerate(WIDTHS))


def size_scenario(plane: Plane, cluster: Cluster) -> Scenario:
    """Return the scenario of a cluster that the control plane holds already."""
    size = len(cluster.services)
    return Scenario(
        f"size-{size}",
        f"First sync, memory and the cost of a change with {size:,} Services"
        f" and {cluster.endpoints:,} endpoints",
        "sync in at most 0.8 of CoreDNS's time and memory; a change costs the same in any size",
        partial(measure_size, plane, cluster),
    )


def sync_scenario(cluster: Cluster) -> Scenario:
    """Return the scenario of first syncs alone: one takes a second, and none is like another."""
    return Scenario(
        "first-sync",
        f"First sync with {len(cluster.services):,} Services and {cluster.endpoints:,} endpoints,"
        " over and over",
        "in at most 0.8 of CoreDNS's time",
        partial(measure_sync, cluster),
    )


def relist_scenario(plane: Plane, cluster: Cluster) -> Scenario:
    """Return the scenario of a restarted API server."""
    return Scenario(
        "relist",
        "Memory while everything is listed again after a restart of the API server",
        "at most 1.25 times what it was",
        partial(measure_relist, plane, cluster),
    )


def propagation_scenario(plane: Plane, cluster: Cluster) -> Scenario:
    """Return the scenario of single changes, one after the other."""
    return Scenario(
        "propagation",
        "From the API server's word that a slice is changed to the changed answer",
        "p50 at most 1.5 ms, p99 at most 5 ms, the same for 1 to 5,000 endpoints",
        partial(measure_propagation, plane, cluster),
    )


def measure_size(plane: Plane, cluster: Cluster, bench: Bench, server: Server) -> Figures:
    """Measure the first sync, memory after it, and processor time per change."""
    with started(bench, server, [], name=None) as at:
        figures = _first_sync(cluster, bench, at)
        time.sleep(_SETTLE_S)
        figures |= {"pss_mib": pss_mib(at.pid), "peak_mib": peak_mib(at.pid)}
        return figures | {"cpu_us_per_change": _cost_of_a_change(plane, bench, at)}


def measure_sync(cluster: Cluster, bench: Bench, server: Server) -> Figures:
    """Measure the first sync, and let what else comes with a start come to its end."""
    with started(bench, server, [], name=None) as at:
        figures = _first_sync(cluster, bench, at)
        time.sleep(_AFTER_S)
        return figures


def _first_sync(cluster: Cluster, bench: Bench, at: Stage) -> Figures:
    meter = Meter(at.pid, bench.cores)
    synced_s = wait_until_all_right(at.port, _sample(cluster), _SYNC_S) - at.started_s
    return {"first_sync_s": synced_s, "first_sync_cpu_s": meter.read().cpu_s}


def measure_relist(plane: Plane, cluster: Cluster, bench: Bench, server: Server) -> Figures:
    """Restart the API server and watch memory until everything has been listed again."""
    with _synced(cluster, bench, server) as at:
        time.sleep(_SETTLE_S)
        steady_mib, growth = pss_mib(at.pid), Growth(at.pid)
        plane.restart_apiserver()
        wait_for_change(plane, at)
        time.sleep(_SETTLE_S)
        most_mib = growth.most_mib()
        return {
            "steady_pss_mib": steady_mib,
            "peak_above_it_mib": most_mib,
            "peak_ratio": (steady_mib + most_mib) / steady_mib,
            "pss_afterwards_mib": pss_mib(at.pid),
        }


def measure_propagation(plane: Plane, cluster: Cluster, bench: Bench, server: Server) -> Figures:
    """Move an endpoint of Services of several widths, and ask until the answer shows it."""
    figures: Figures = {}
    with _synced(cluster, bench, server) as at:
        for service in wide_services():
            took_ms = []
            with _marked(service, at) as asker:
                for number in range(_CHANGES):
                    move(plane.control.admin, service, number)
                    accepted_s = time.monotonic()
                    took_ms.append((asker.wait(moved_address(number)) - accepted_s) * 1000)
                    time.sleep(4 * _BETWEEN_S)  # so that each finds the API server at rest
            words = f"{len(service.endpoints):,} endpoints"
            figures |= {f"{words}: p50_ms": percentile(took_ms, 0.5)}
            figures |= {f"{words}: p99_ms": percentile(took_ms, 0.99)}
    return figures


def wait_for_change(plane: Plane, at: Stage) -> None:
    """Return when a server shows a change that is made now: it has caught up until here."""
    service = wide_services()[0]
    with _marked(service, at) as asker:
        number = 0xFFFF & int(time.monotonic() * 10)
        move(plane.control.admin, service, number)
        asker.wait(moved_address(number))


def _cost_of_a_change(plane: Plane, bench: Bench, at: Stage) -> float:
    """Return the microseconds of processor time for a change and a question about it."""
    service = next(each for each in wide_services() if len(each.endpoints) == _COSTED_WIDTH)
    with _marked(service, at) as asker:
        meter = Meter(at.pid, bench.cores)
        for number in range(_COSTED_CHANGES):
            move(plane.control.admin, service, number)
            time.sleep(_BETWEEN_S)
            asker.ask()
        asker.wait(moved_address(_COSTED_CHANGES - 1))
        return meter.read().cpu_s / _COSTED_CHANGES * 1e6


@contextlib.contextmanager
def _synced(cluster: Cluster, bench: Bench, server: Server) -> Iterator[Stage]:
    with started(bench, server, [], name=None) as at:
        wait_until_all_right(at.port, _sample(cluster), _SYNC_S)
        yield at


@contextlib.contextmanager
def _marked(service: Service, at: Stage) -> Iterator[AddressAsker]:
    """Ask for the endpoint of a Service that moves."""
    asker = AddressAsker(at.port, f"{MARK}.{service.owner}", _SYNC_S)
    try:
        yield asker
    finally:
        asker.close()


def _sample(cluster: Cluster) -> list[Question]:
    """Return names from all over a cluster, which need Services or endpoints to be there."""
    services = [each for each in cluster.services if each.kind is not Kind.EXTERNAL_NAME]
    chosen = services[:: max(1, len(services) // _SAMPLE)]
    return [
        Question(each.owner, "A", len(each.endpoints) if each.kind is Kind.HEADLESS else 1)
        for each in chosen
        if each.kind is Kind.CLUSTER_IP or len(each.endpoints) < 25
    ]
