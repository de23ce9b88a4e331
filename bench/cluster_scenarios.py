"""The scenarios of a cluster's names: one function each, from a server to figures.

Rules of this file:

- What it puts on a server is bounded in time and number and stays on loopback.
- A server is started anew for each measurement, and checked: one that answers wrongly has none.
- A figure's name carries its unit.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import dnsperf
from bench.check import expect_right, wait_until_all_right
from bench.cluster import Cluster
from bench.dnsperf import Load
from bench.figures import Figures, loaded
from bench.mixes import Question, cold_mix, warm_mix, write_questions
from bench.rounds import Scenario
from bench.servers import Server
from bench.stage import Bench, Stage, started

_BURST = 240  # questions at once that a socket buffer of the usual size takes
_WARM = 10_000
_COLD_PER_SECOND = 150_000  # more than any of the servers answers
_SAMPLE = 500
_MANY_CLIENTS = 16  # where the kernel ties each to one worker, of four one worker may get none
_SYNC_S = 120.0


@dataclass(frozen=True, slots=True)
class Mixes:
    """The questions of a run.

    Attributes:
        warm: asked over and over; ``warm_file`` has them as dnsperf reads them.
        cold: each asked once; likewise.
        first: the one that a server is waited for with.
    """

    warm: Sequence[Question]
    warm_file: Path
    cold: Sequence[Question]
    cold_file: Path
    first: str


def a_runs_mixes(cluster: Cluster, seconds: int, folder: Path) -> Mixes:
    """Make the mixes of a run with loads of so many seconds, and their files."""
    warm = warm_mix(cluster, _WARM, cluster.seed)
    cold = cold_mix(cluster, _COLD_PER_SECOND * seconds, cluster.seed)
    mixes = Mixes(warm, folder / "warm.txt", cold, folder / "cold.txt", _known(warm).name)
    write_questions(mixes.warm_file, warm)
    write_questions(mixes.cold_file, cold)
    return mixes


def throughput_scenarios(mixes: Mixes) -> tuple[Scenario, ...]:
    """Return the scenarios that measure what a server does at most."""
    return (
        Scenario(
            "warm",
            "Warm mix: the same names over and over",
            "at least 3.0 times CoreDNS and 0.9 times Knot DNS; CPU at most 0.4 of CoreDNS",
            partial(warm_load, mixes),
        ),
        Scenario(
            "cold",
            "Cold mix: every name once",
            "at least 2.0 times CoreDNS",
            partial(cold_load, mixes),
        ),
    )


def workers_scenario(mixes: Mixes) -> Scenario:
    """Return the warm load again, for servers that differ in their workers."""
    return Scenario(
        "workers",
        "Warm mix, by workers; all of them share the server's core",
        "CPU per query with two workers at most 1.1 times that with one",
        partial(warm_load, mixes, clients=_MANY_CLIENTS),
    )


def warm_load(mixes: Mixes, bench: Bench, server: Server, *, clients: int = 4) -> Figures:
    """Ask the warm mix over and over, after each of its questions was asked once."""
    with serving(mixes, bench, server) as at:
        prime(mixes, bench, at)
        load = Load(
            [mixes.warm_file], bench.seconds, outstanding=_BURST, clients=clients, denials=True
        )
        return loaded(bench, at, load)


def prime(mixes: Mixes, bench: Bench, at: Stage) -> None:
    """Check the answers to the warm mix, and ask each of its questions once."""
    expect_right(at.port, mixes.warm[:_SAMPLE])
    once = Load([mixes.warm_file], outstanding=20, denials=True)
    dnsperf.run(bench.programs.dnsperf, at.port, once)


def cold_load(mixes: Mixes, bench: Bench, server: Server) -> Figures:
    """Ask the cold mix of a server that was just started."""
    with serving(mixes, bench, server) as at:
        load = Load([mixes.cold_file], bench.seconds, outstanding=_BURST, once=True, denials=True)
        figures = loaded(bench, at, load)
        expect_right(at.port, mixes.cold[:_SAMPLE])
        return figures


@contextlib.contextmanager
def serving(mixes: Mixes, bench: Bench, server: Server) -> Iterator[Stage]:
    """Start a server and wait until it knows the names of every kind in the warm mix."""
    with started(bench, server, [], name=mixes.first) as at:
        kinds = {(each.qtype, each.answers): each for each in mixes.warm}
        wait_until_all_right(at.port, kinds.values(), _SYNC_S)
        yield at


def _known(questions: Sequence[Question]) -> Question:
    return next(each for each in questions if each.qtype == "A" and each.answers)
