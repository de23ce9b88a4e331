"""Turns of servers, with nothing that is measured."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import rounds
from bench.build import Programs
from bench.cores import Cores
from bench.figures import Figures
from bench.rounds import Run, Scenario, take_turns
from bench.servers import Job, Server
from bench.stage import Bench

BENCH = Bench(Programs(Path("dnsperf"), Path("upstream")), Cores(0, 1), 5)


class Host:
    """A host of the machine, which takes these shares of its time, one for each measurement."""

    def __init__(self, *shares: float) -> None:
        self.shares: Iterator[float] = iter(shares)

    def share(self) -> float:
        """Return what it took."""
        return next(self.shares)


@pytest.fixture(autouse=True)
def _as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process run where it does, and wait for nothing."""
    monkeypatch.setattr(rounds, "pinned", lambda _core: contextlib.nullcontext())
    monkeypatch.setattr(rounds, "wait_quiet", lambda _cores, _patience_s: None)


def a_server(name: str) -> Server:
    """Return a server that is never started."""

    def prepare(job: Job) -> list[str]:
        raise NotImplementedError(job)

    return Server(name, "1", prepare)


def turns(host: Host, monkeypatch: pytest.MonkeyPatch, *, count: int = 1) -> Run:
    """Let two servers take turns; each measurement's figure is its number."""
    numbers = iter(range(1, 100))
    monkeypatch.setattr(rounds, "Theft", lambda: host)

    def measure(_bench: Bench, _server: Server) -> Figures:
        return {"number": next(numbers)}

    scenario = Scenario("some", "Some", "none", measure)
    return take_turns(
        BENCH, [a_server("one"), a_server("other")], [scenario], rounds=count, patience_s=0
    )


def found(run: Run) -> list[tuple[str, int, float]]:
    """Return the server, the round and which measurement counts, in their order."""
    return [(each.server, each.number, each.figures["number"]) for each in run.rounds]


def test_servers_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other, round after round, where nobody disturbs."""
    run = turns(Host(0, 0.01, 0, 0), monkeypatch, count=2)

    assert found(run) == [("one", 1, 1), ("other", 1, 2), ("one", 2, 3), ("other", 2, 4)]


def test_what_the_host_disturbed_is_measured_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the less disturbed one counts, for each server by the same rule."""
    run = turns(Host(0.2, 0.05, 0.02, 0.03), monkeypatch)

    assert found(run) == [("one", 1, 2), ("other", 1, 3)]
    assert [each.figures["machine_stolen"] for each in run.rounds] == [0.05, 0.02]
