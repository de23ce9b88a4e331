"""What known names' answers take while something else goes on.

Rules of this file:

- Known names are those of the warm mix, each asked before. Everybody asks at a fixed rate.
- What is compared is one server with itself: alone, and meanwhile.
"""

from __future__ import annotations

import itertools
import time
from functools import partial
from pathlib import Path

from bench.asking import Pace, ask, asking
from bench.changes import moving
from bench.cluster import Cluster
from bench.cluster_scenarios import Mixes, prime, serving
from bench.cores import Meter
from bench.figures import Figures, used
from bench.mixes import random_names, write_questions
from bench.plane import Plane
from bench.rounds import Scenario
from bench.servers import Server
from bench.stage import Bench

_CHURN_RATE = 20_000
_CHANGES_PER_S = 100
_BEFORE_S = 3.0
_AFTER_S = 10.0  # a client waits a few seconds before it tries a restarted API server again
_LONGEST_S = 120.0
_FLOOD_RATE = 20_000
_KNOWN_RATE = 2_000


def churn_scenario(mixes: Mixes, plane: Plane, cluster: Cluster) -> Scenario:
    """Return the scenario of changes and a relist under load."""
    return Scenario(
        "churn",
        f"Known names at {_CHURN_RATE:,} a second while {_CHANGES_PER_S} slices a second change"
        f" and {cluster.endpoints:,} endpoints are listed again",
        "p99 at most 5 ms",
        partial(measure_churn, mixes, plane, cluster),
    )


def flood_scenario(mixes: Mixes, cluster: Cluster) -> Scenario:
    """Return the scenario of a flood of names that do not exist."""
    return Scenario(
        "flood",
        f"Known names at {_KNOWN_RATE:,} a second while {_FLOOD_RATE:,} random names of the cluster"
        " are asked a second",
        "p99 at most twice what it is without them",
        partial(measure_flood, mixes, cluster),
    )


def measure_churn(
    mixes: Mixes, plane: Plane, cluster: Cluster, bench: Bench, server: Server
) -> Figures:
    """Ask without changes, with changes, and with a restart of the API server among them."""
    api = plane.control.client(plane.control.users.admin)
    with serving(mixes, bench, server) as at:
        prime(mixes, bench, at)
        idle = ask(_program(bench), at.port, Pace(mixes.warm_file, _CHURN_RATE, bench.seconds))
        pace = Pace(mixes.warm_file, _CHURN_RATE, _LONGEST_S)
        with (
            moving(api, cluster, _CHANGES_PER_S) as mover,
            asking(_program(bench), at.port, pace) as ended,
        ):
            meter = Meter(at.pid, bench.cores)
            time.sleep(_BEFORE_S)
            with mover.paused():
                stopped_s = time.monotonic()
                plane.restart_apiserver()
                outage_s = time.monotonic() - stopped_s
            meanwhile = ended(_AFTER_S)
            usage = meter.read()
            changes_per_s = mover.made / (usage.seconds - outage_s)
        changes = {"changes_per_s": changes_per_s, "outage_s": outage_s}
    api.close()
    return {**idle.figures("idle"), **meanwhile.figures("meanwhile"), **changes, **used(usage)}


def measure_flood(mixes: Mixes, cluster: Cluster, bench: Bench, server: Server) -> Figures:
    """Ask known names alone, and while somebody asks names that nobody has asked before."""
    known = Pace(mixes.warm_file, _KNOWN_RATE, bench.seconds)
    with serving(mixes, bench, server) as at:
        flood_file = at.folder / "flood.txt"
        names = random_names(cluster.namespaces)
        length_s = bench.seconds + 2
        write_questions(flood_file, itertools.islice(names, _FLOOD_RATE * length_s))
        prime(mixes, bench, at)
        idle = ask(_program(bench), at.port, known)
        with asking(
            _program(bench), at.port, Pace(flood_file, _FLOOD_RATE, length_s, once=True)
        ) as (ended):
            time.sleep(1)
            meter = Meter(at.pid, bench.cores)
            flooded = ask(_program(bench), at.port, known)
            usage = meter.read()
            flood = ended(length_s)
    ratio = flooded.ms["p99"] / idle.ms["p99"] if idle.ms["p99"] else 0.0
    figures = {**idle.figures("idle"), **flooded.figures("flooded"), "p99_ratio": ratio}
    answered = {"flood: asked_per_s": flood.asked_per_s, "flood: lost": flood.lost}
    return {**figures, **answered, **used(usage)}


def _program(bench: Bench) -> Path:
    if bench.programs.asker is None:
        raise ValueError("the asker was not built")
    return bench.programs.asker
