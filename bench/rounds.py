"""Servers take turns, round after round, so that a change of the machine meets all of them.

Rules of this file:

- What fails is said and left out; a run that lacks a round says so by its exit code.
- Where the host of a virtual machine takes much of its cores' time, a measurement is made once
  more, and of both that one counts in which it took less, whatever it found.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.cores import Theft, pinned, wait_quiet
from bench.figures import Figures
from bench.servers import Server
from bench.stage import Bench


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way to load a server. ``goal`` is what ours is to reach, in words."""

    name: str
    title: str
    goal: str
    measure: Callable[[Bench, Server], Figures]


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement of one server."""

    scenario: str
    server: str
    number: int
    figures: Figures


@dataclass(frozen=True, slots=True)
class Run:
    """All of them.

    Attributes:
        servers: name to version, ours last.
        seconds: length of a load.
        rounds: in the order in which they were made.
    """

    servers: dict[str, str]
    seconds: int
    rounds: Sequence[Round]


_MOST_STOLEN = 0.01
"""Share of the cores' time above which a measurement is made once more: 10 ms of each second of one
core, in which a question waits for twice the 5 ms that are the limit of several goals."""


def take_turns(
    bench: Bench,
    servers: Sequence[Server],
    scenarios: Sequence[Scenario],
    *,
    rounds: int,
    patience_s: float,
) -> Run:
    """Measure every scenario with every server.

    Args:
        bench: where.
        servers: in the order of their turns.
        scenarios: one after another.
        rounds: of each.
        patience_s: how long to wait for a quiet machine before each measurement.
    """
    if not bench.cores.apart:
        sys.stderr.write("bench: one core only: the server shares it, and rates are too low\n")
    made = []
    with pinned(bench.cores.client):
        for scenario in scenarios:
            for number in range(1, rounds + 1):
                for server in servers:
                    sys.stderr.write(f"bench: {scenario.name}, round {number}, {server.name}\n")
                    try:
                        figures = _measured(bench, server, scenario, patience_s)
                    except (OSError, ValueError, subprocess.SubprocessError) as error:
                        sys.stderr.write(f"bench: that failed: {_words(error)}\n")
                        continue
                    made.append(Round(scenario.name, server.name, number, figures))
    return Run({each.name: each.version for each in servers}, bench.seconds, made)


def _measured(bench: Bench, server: Server, scenario: Scenario, patience_s: float) -> Figures:
    """Measure a server, once more if the host disturbed it."""
    first = _measured_once(bench, server, scenario, patience_s)
    share = first["machine_stolen"]
    if share <= _MOST_STOLEN:
        return first
    sys.stderr.write(f"bench: others had {share:.0%} of this machine's cores: once more\n")
    again = _measured_once(bench, server, scenario, patience_s)
    return min(first, again, key=lambda each: each["machine_stolen"])


def _measured_once(bench: Bench, server: Server, scenario: Scenario, patience_s: float) -> Figures:
    wait_quiet(bench.cores, patience_s)
    theft = Theft()
    figures = scenario.measure(bench, server)
    return {**figures, "machine_stolen": theft.share()}


def _words(error: Exception) -> str:
    return "; ".join([str(error), *getattr(error, "__notes__", [])])
