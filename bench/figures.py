"""What was measured, as figures: a name that carries its unit, and a number."""

from __future__ import annotations

from bench import dnsperf
from bench.cores import Meter, Usage, peak_mib
from bench.dnsperf import Answered, Load
from bench.lookups import Lookups, percentile
from bench.stage import Bench, Stage

Figures = dict[str, float]

HISTOGRAM_MS = (10, 20, 50, 100, 500, 1000, 2500, 5000)
"""Upper edges of the latency classes; what is slower, or lost, is in a last one."""


def loaded(bench: Bench, at: Stage, load: Load) -> Figures:
    """Put a load on a server and return what it did and what it used."""
    meter = Meter(at.pid, bench.cores)
    answered = dnsperf.run(bench.programs.dnsperf, at.port, load)
    usage = meter.read()
    return {
        **throughput(answered),
        "cpu_us_per_query": usage.cpu_s / max(1, answered.completed) * 1e6,
        **used(usage),
        "peak_mib": peak_mib(at.pid),
    }


def throughput(answered: Answered) -> Figures:
    """Return what a load got."""
    return {
        "answers_per_s": answered.rate,
        "mean_ms": answered.mean_ms,
        "lost": answered.sent - answered.completed,
        "failed": answered.completed - answered.good,
    }


def used(usage: Usage) -> Figures:
    """Return how busy the cores were."""
    return {
        "server_core_busy": usage.busy,
        "server_core_foreign": usage.foreign,
        "server_waited_for_core": max(0.0, usage.waited_s) / usage.seconds,
        "client_core_busy": usage.clients,
    }


def latencies(words: str, found: Lookups) -> Figures:
    """Return what lookups took, each figure beginning with ``words``."""
    every_ms = found.answered_ms + found.refused_ms
    return {
        f"{words}: lookups": found.count,
        f"{words}: p50_ms": percentile(every_ms, 0.5),
        f"{words}: p99_ms": percentile(every_ms, 0.99),
        f"{words}: max_ms": max(every_ms, default=0.0),
        f"{words}: over_100_ms": sum(ms > 100 for ms in every_ms) + found.lost,
        f"{words}: failed": found.failed,
    }


def histogram(words: str, found: Lookups) -> Figures:
    """Return how many lookups each latency class has; the last class has the lost ones too."""
    all_ms = found.answered_ms + found.refused_ms + [float("inf")] * found.lost
    figures: Figures = {}
    below = 0
    for edge in HISTOGRAM_MS:
        within = sum(ms <= edge for ms in all_ms)
        figures[f"{words}: ≤ {edge} ms"] = within - below
        below = within
    figures[f"{words}: slower or lost"] = len(all_ms) - below
    return figures
