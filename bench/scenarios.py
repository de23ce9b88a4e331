"""The scenarios of the forwarding benchmark: one function each, from a server to figures.

Rules of this file:

- What it puts on a server is bounded in time and number and stays on loopback.
- A figure's name carries its unit.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator, Sequence

from bench import dnsperf
from bench.cores import Meter, peak_mib
from bench.dnsperf import Load
from bench.figures import Figures, histogram, latencies, loaded, used
from bench.lookups import Pace, look_up, percentile
from bench.names import (
    CLUSTER_NAMES,
    cluster_name,
    cluster_questions,
    new_questions,
    write_external,
    write_new,
)
from bench.rounds import Scenario
from bench.running import running
from bench.servers import Server
from bench.stage import Bench, Stage, started

_BURST = 240  # questions at once that a socket buffer of the usual size takes
_MOST_WAITING = 20_000
_NEW_PER_SECOND = 60_000  # names in a file: more than any of the servers forwards
_FLOOD_PER_SECOND = 5_000
_FLOOD_RAMP_S = 3
_FLOOD_END_S = 20
_DEAD_S = 10


def cached(bench: Bench, server: Server) -> Figures:
    """Ask 1,000 external names for A and AAAA, over and over, after each was asked once."""
    with started(bench, server, [[]], most_waiting=_MOST_WAITING) as at:
        questions = at.folder / "external.txt"
        write_external(questions)
        dnsperf.run(bench.programs.dnsperf, at.port, Load([questions], outstanding=20, timeout_s=5))
        return loaded(bench, at, Load([questions], bench.seconds, outstanding=_BURST))


def uncached(bench: Bench, server: Server) -> Figures:
    """Ask names that are all new, with an upstream that answers at once."""
    return _all_new(bench, server, [], files=1)


def uncached_slow(bench: Bench, server: Server) -> Figures:
    """Ask names that are all new, with an upstream that takes 20 ms."""
    return _all_new(bench, server, ["--delay", "20ms"], files=4)


def silent_upstream(bench: Bench, server: Server) -> Figures:
    """Ask cluster names, alone and while a flood of external names meets a silent upstream."""
    quiet = Pace(bench.seconds, window=1_000, rate=1_000, timeout_s=2)
    with started(bench, server, [["--silent"]], name=cluster_name(0)) as at:
        once = Pace(30, window=10, rate=1e6, timeout_s=5, most=CLUSTER_NAMES)
        look_up(at.port, cluster_questions(), once)
        idle = look_up(at.port, cluster_questions(), quiet)
        with _flood(bench, at, _FLOOD_RAMP_S + bench.seconds) as flood:
            time.sleep(_FLOOD_RAMP_S)  # until as many wait for the upstream as ever will
            meter = Meter(at.pid, bench.cores)
            flooded = look_up(at.port, cluster_questions(), quiet)
            usage = meter.read()
        return {
            **flood,
            **latencies("idle", idle),
            **latencies("loaded", flooded),
            "p99_ratio": percentile(flooded.answered_ms, 0.99) / percentile(idle.answered_ms, 0.99),
            **used(usage),
            "peak_mib": peak_mib(at.pid),
        }


def dead_upstream(bench: Bench, server: Server) -> Figures:
    """Ask new names of three upstreams, one of which is silent, right after the start."""
    upstreams = [["--delay", "5ms"], ["--silent"], ["--delay", "5ms"]]
    figures: Figures = {}
    for words, window, rate in (("one by one", 1, 1e6), ("50 at a time", 50, 2_000.0)):
        with started(bench, server, upstreams, name=cluster_name(0)) as at:
            found = look_up(at.port, new_questions(), Pace(_DEAD_S, window, rate, timeout_s=10))
            figures |= latencies(words, found)
            figures |= histogram(words, found)
    return figures


SCENARIOS = (
    Scenario("cached", "Cached external answers", "at least 2.5 times CoreDNS", cached),
    Scenario("uncached", "Every name new, upstream 0 ms", "at least CoreDNS", uncached),
    Scenario("uncached-20ms", "Every name new, upstream 20 ms", "at least CoreDNS", uncached_slow),
    Scenario(
        "silent-upstream",
        "Cluster names while 5,000 external names/s meet a silent upstream",
        "p99 at most twice the idle p99",
        silent_upstream,
    ),
    Scenario(
        "dead-upstream",
        "New names with one silent upstream among three",
        "at most one slow lookup, then none",
        dead_upstream,
    ),
)


def _all_new(bench: Bench, server: Server, upstream: Sequence[str], *, files: int) -> Figures:
    with started(bench, server, [upstream], most_waiting=_MOST_WAITING) as at:
        questions = [at.folder / f"new-{number}.txt" for number in range(files)]
        for path in questions:
            write_new(path, _NEW_PER_SECOND * bench.seconds // files)
        load = Load(questions, bench.seconds, outstanding=_BURST, once=True)
        return loaded(bench, at, load)


@contextlib.contextmanager
def _flood(bench: Bench, at: Stage, seconds: int) -> Iterator[Figures]:
    """Ask new names at a fixed rate meanwhile; the figures are there when the context has ended."""
    words = [str(each) for each in (at.port, _FLOOD_PER_SECOND, seconds)]
    log = at.folder / "flood.log"
    figures: Figures = {}
    with running([sys.executable, "-m", "bench.flood", *words], bench.cores.client, log) as flood:
        yield figures
        flood.wait(seconds + _FLOOD_END_S)
    figures |= {f"flood: {name}": float(n) for name, n in json.loads(log.read_text()).items()}
