"""What a run shows beside what ours is to reach: one line for each goal that was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.rounds import Run
from bench.servers import OURS

COREDNS = "CoreDNS"
UNCACHED = "CoreDNS uncached"
KNOT = "Knot DNS"
ONE_WORKER = f"{OURS} --workers 1"
TWO_WORKERS = f"{OURS} --workers 2"

_RATE = "answers_per_s"
_CPU = "cpu_us_per_query"


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure of ours and what it is to be.

    Attributes:
        figure: in words.
        goal: in words.
        reached: tells whether a value is good enough.
        value: the number that counts, or None where it was not measured.
        said: the number with what belongs to it, in words.
    """

    figure: str
    goal: str
    reached: Callable[[float], bool]
    value: Callable[[Run], float | None]
    said: Callable[[Run, float], str]


def middle(run: Run, scenario: str, server: str, figure: str) -> float | None:
    """Return the median over the rounds, or None where there are none."""
    found = [
        each.figures[figure]
        for each in run.rounds
        if each.scenario == scenario and each.server == server and figure in each.figures
    ]
    return median(found) if found else None


def sizes(run: Run) -> list[int]:
    """Return the sizes of cluster that were measured, in Services, the smallest first."""
    names = {each.scenario for each in run.rounds if each.scenario.startswith("size-")}
    return sorted(int(name.removeprefix("size-")) for name in names)


def goal_lines(run: Run) -> list[str]:
    """Return a Markdown table of the goals that the run can speak of; empty without any."""
    rows = []
    for goal in GOALS:
        value = goal.value(run)
        if value is not None:
            verdict = "yes" if goal.reached(value) else "**no**"
            rows.append(f"| {goal.figure} | {goal.goal} | {goal.said(run, value)} | {verdict} |")
    heads = ["| figure | goal | measured | reached |", "| --- | --- | --- | --- |"]
    return [*heads, *rows] if rows else []


def _ratio(run: Run, scenario: str, pair: Sequence[str], figure: str) -> float | None:
    """Return the first server's median as a multiple of the second's."""
    first, second = (middle(run, scenario, server, figure) for server in pair)
    return first / second if first is not None and second else None


def _times(scenario: str, peer: str, figure: str) -> Callable[[Run], float | None]:
    return lambda run: _ratio(run, scenario, (OURS, peer), figure)


def _at_largest(figure: str) -> Callable[[Run], float | None]:
    def value(run: Run) -> float | None:
        measured = sizes(run)
        if not measured:
            return None
        return _ratio(run, f"size-{measured[-1]}", (OURS, UNCACHED), figure)

    return value


def _own(scenario: str, figure: str) -> Callable[[Run], float | None]:
    return lambda run: middle(run, scenario, OURS, figure)


def _slowest(ending: str) -> Callable[[Run], float | None]:
    """Return what finds the largest of our propagation figures with this ending."""

    def value(run: Run) -> float | None:
        names = {
            name
            for each in run.rounds
            if each.scenario == "propagation"
            for name in each.figures
            if name.endswith(ending)
        }
        found = [middle(run, "propagation", OURS, name) for name in names]
        return max((each for each in found if each is not None), default=None)

    return value


def _growth(run: Run) -> float | None:
    """Return what a change costs in the largest cluster, as a multiple of the smallest's."""
    measured = sizes(run)
    if len(measured) < 2:
        return None
    ends = (middle(run, f"size-{measured[place]}", OURS, "cpu_us_per_change") for place in (-1, 0))
    largest, smallest = ends
    return largest / smallest if largest is not None and smallest else None


def _multiple(_run: Run, value: float) -> str:
    return f"{value:.2f} times"


def _rates(scenario: str, peer: str) -> Callable[[Run, float], str]:
    """Return what adds the ratio by processor time, which dnsperf does not limit."""

    def said(run: Run, value: float) -> str:
        cpu = _ratio(run, scenario, (peer, OURS), _CPU)
        return f"{value:.2f} times by rate, {cpu or 0.0:.2f} times by CPU time"

    return said


def _beside(scenario: str, figure: str, unit: str) -> Callable[[Run, float], str]:
    """Return what adds CoreDNS's own figure."""

    def said(run: Run, value: float) -> str:
        found = (middle(run, scenario, peer, figure) for peer in (COREDNS, UNCACHED))
        peers = [f"; CoreDNS {each:,.2f}{unit}" for each in found if each is not None]
        return f"{value:,.2f}{unit}{''.join(peers)}"

    return said


def _milliseconds(_run: Run, value: float) -> str:
    return f"{value:.2f} ms at any width"


def _at_least(bound: float) -> Callable[[float], bool]:
    return lambda value: value >= bound


def _at_most(bound: float) -> Callable[[float], bool]:
    return lambda value: value <= bound


GOALS = (
    Goal(
        "warm mix against CoreDNS with cache",
        "≥ 3.0 times",
        _at_least(3.0),
        _times("warm", COREDNS, _RATE),
        _rates("warm", COREDNS),
    ),
    Goal(
        "warm mix against Knot DNS",
        "≥ 0.9 times",
        _at_least(0.9),
        _times("warm", KNOT, _RATE),
        _rates("warm", KNOT),
    ),
    Goal(
        "cold mix against CoreDNS with cache",
        "≥ 2.0 times",
        _at_least(2.0),
        _times("cold", COREDNS, _RATE),
        _rates("cold", COREDNS),
    ),
    Goal(
        "CPU time per query, warm, beside CoreDNS's",
        "≤ 0.4 times",
        _at_most(0.4),
        _times("warm", COREDNS, _CPU),
        _multiple,
    ),
    Goal(
        "p99 while slices change and everything is listed again",
        "≤ 5 ms",
        _at_most(5.0),
        _own("churn", "meanwhile: p99_ms"),
        _beside("churn", "meanwhile: p99_ms", " ms"),
    ),
    Goal(
        "p99 of known names in a flood of random ones, beside idle",
        "≤ 2 times",
        _at_most(2.0),
        _own("flood", "p99_ratio"),
        _beside("flood", "p99_ratio", " times"),
    ),
    Goal(
        "first sync of the largest cluster, beside CoreDNS's",
        "≤ 0.8 times",
        _at_most(0.8),
        _times("first-sync", UNCACHED, "first_sync_s"),
        _multiple,
    ),
    Goal(
        "memory (PSS) after it, beside CoreDNS's",
        "≤ 0.8 times",
        _at_most(0.8),
        _at_largest("pss_mib"),
        _multiple,
    ),
    Goal(
        "peak of memory during a relist, beside before it",
        "≤ 1.25 times",
        _at_most(1.25),
        _own("relist", "peak_ratio"),
        _beside("relist", "peak_ratio", " times"),
    ),
    Goal(
        "slice change to changed answer, p50",
        "≤ 1.5 ms",
        _at_most(1.5),
        _slowest("p50_ms"),
        _milliseconds,
    ),
    Goal(
        "slice change to changed answer, p99",
        "≤ 5 ms",
        _at_most(5.0),
        _slowest("p99_ms"),
        _milliseconds,
    ),
    Goal(
        "CPU time of a change in the largest cluster, beside the smallest",
        "≤ 1.3 times",
        _at_most(1.3),
        _growth,
        _multiple,
    ),
    Goal(
        "CPU time per query with two workers, beside one",
        "≤ 1.1 times",
        _at_most(1.1),
        lambda run: _ratio(run, "workers", (TWO_WORKERS, ONE_WORKER), _CPU),
        _multiple,
    ),
)
