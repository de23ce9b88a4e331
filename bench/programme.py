"""The order of a run: the cluster grows, and what changes it comes last.

What was measured is written after every part, so a run that is ended early leaves what it has.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.build import programs
from bench.cluster import Cluster, a_cluster
from bench.cluster_scenarios import Mixes, a_runs_mixes, throughput_scenarios, workers_scenario
from bench.cluster_servers import coredns_kubernetes, coredns_uncached, knot, knows, ours
from bench.cores import Cores
from bench.goals import goal_lines
from bench.latency_scenarios import churn_scenario, flood_scenario
from bench.objects import write_manifests
from bench.plane import Plane, running_plane
from bench.plots import draw
from bench.report import as_json, as_markdown, keep, machine
from bench.rounds import Round, Run, Scenario, take_turns
from bench.scale_scenarios import (
    propagation_scenario,
    relist_scenario,
    size_scenario,
    sync_scenario,
    wide_services,
)
from bench.servers import OURS, Server
from bench.stage import Bench
from bench.zonefile import write_zones

KINDS = ("sizes", "sync", "warm", "cold", "workers", "flood", "relist", "propagation", "churn")
"""Kinds of scenarios, in the order in which they are measured."""

_NAME = "cluster"  # of the files of a report
_WITHOUT_A_PLANE = frozenset({"warm", "cold", "workers"})
_SLOW_ROUNDS = 3
_FIRST_WIDTHS = 2  # Services of these widths are there from the start; wider ones would weigh


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of a run: see the flags of ``python -m bench``."""

    servers: Sequence[str]
    scenarios: Sequence[str]
    services: int
    endpoints: int
    sizes: Sequence[int]
    seed: int
    rounds: int
    seconds: int
    patience: float
    manifests: bool
    results: Path | None

    @property
    def kinds_of_a_plane(self) -> set[str]:
        """The kinds that need an API server."""
        return set(self.scenarios) - _WITHOUT_A_PLANE


@dataclass(slots=True)
class _Record:
    """What has been measured so far."""

    options: Options
    bench: Bench
    facts: dict[str, str]
    notes: list[str] = field(default_factory=list)
    scenarios: list[Scenario] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    rounds: list[Round] = field(default_factory=list)
    wanted: int = 0

    def measure(
        self,
        kind: str,
        scenario: Scenario,
        servers: Sequence[Server],
        rounds: int | None = None,
    ) -> None:
        """Measure a scenario if it is asked for, and write what there is then.

        Args:
            kind: of the scenario.
            scenario: what is measured.
            servers: in the order of their turns; nothing is measured without any.
            rounds: how many; by default few, as of what takes long.
        """
        if kind not in self.options.scenarios or not servers:
            return
        count = min(self.options.rounds, _SLOW_ROUNDS) if rounds is None else rounds
        patience_s = self.options.patience
        part = take_turns(self.bench, servers, [scenario], rounds=count, patience_s=patience_s)
        self.scenarios.append(scenario)
        self.versions |= part.servers
        self.rounds += part.rounds
        self.wanted += count * len(servers)
        self.keep()

    def keep(self) -> None:
        """Write the report, its figures and its pictures, where they are wanted."""
        folder = self.options.results
        if folder is None:
            return
        run = self.run()
        keep(folder, _NAME, self.text(), as_json(run, self.facts))
        try:
            pictures = draw(run, folder, _NAME)
        except ImportError as error:
            sys.stderr.write(f"bench: no plots: {error}\n")
            return
        shown = "".join(f"\n![{each.stem}]({each.name})\n" for each in pictures)
        (folder / f"{_NAME}.md").write_text(self.text() + shown)

    def run(self) -> Run:
        """Return all rounds; ours stands last among the servers."""
        ordered = sorted(self.versions.items(), key=lambda each: each[0].startswith(OURS))
        return Run(dict(ordered), self.bench.seconds, self.rounds)

    def text(self) -> str:
        """Return the report."""
        run, title = self.run(), "Cluster names, measured"
        text = as_markdown(title, run, self.facts, self.scenarios, goal_lines(run))
        return text + "".join(f"\n{note}\n" for note in self.notes)


def run(options: Options, cores: Cores, folder: Path, stack: contextlib.ExitStack) -> int:
    """Measure everything that is asked for and print it; return the exit code."""
    peers = {"coredns": "coredns", "knot": "knotd"}
    asker = ["asker"] if options.kinds_of_a_plane else []
    found = programs(*asker, *(peers[each] for each in options.servers if each in peers))
    cluster = a_cluster(options.services, options.endpoints, options.seed)
    facts = machine()
    facts["cluster"] = f"{len(cluster.services):,} Services, {cluster.endpoints:,} endpoints"
    record = _Record(options, Bench(found, cores, options.seconds), facts)
    mixes = a_runs_mixes(cluster, options.seconds, folder)
    if options.manifests:
        write_manifests(cluster, folder / "manifests")
        source = ["--manifests", str(folder / "manifests")]
        _throughput(record, mixes, _static(record, cluster, folder), source)
    else:
        plane = stack.enter_context(running_plane(cores))
        facts["control plane"] = f"Kubernetes {plane.version}"
        _with_a_plane(record, plane, cluster, mixes, folder)
    sys.stdout.write(record.text())
    return 0 if len(record.rounds) == record.wanted else 1


def _with_a_plane(
    record: _Record, plane: Plane, cluster: Cluster, mixes: Mixes, folder: Path
) -> None:
    own = [ours([])] if OURS in record.options.servers else []
    coredns = record.bench.programs.coredns
    cached = [coredns_kubernetes(coredns)] if coredns else []
    uncached = [coredns_uncached(coredns)] if coredns else []
    wide = wide_services()
    for each in wide[:_FIRST_WIDTHS]:
        plane.add(each)
    for size in [*sorted(record.options.sizes), len(cluster.services)]:
        if "sizes" in record.options.scenarios or size == len(cluster.services):
            plane.fill(cluster.first(size))
            record.measure("sizes", size_scenario(plane, cluster.first(size)), uncached + own)
    often = 2 * record.options.rounds + 1
    record.measure("sync", sync_scenario(cluster), uncached + own, often)
    static = _static(record, cluster, folder)
    _throughput(record, mixes, cached + static, [])
    rounds = record.options.rounds
    record.measure("flood", flood_scenario(mixes, cluster), cached + static + own, rounds)
    record.measure("relist", relist_scenario(plane, cluster), uncached + own)
    if "propagation" in record.options.scenarios:
        for each in wide[_FIRST_WIDTHS:]:
            plane.add(each)
    record.measure("propagation", propagation_scenario(plane, cluster), uncached + own, rounds)
    record.measure("churn", churn_scenario(mixes, plane, cluster), cached + own, rounds)


def _throughput(
    record: _Record, mixes: Mixes, peers: Sequence[Server], source: Sequence[str]
) -> None:
    own = [ours(source)] if OURS in record.options.servers else []
    for scenario in throughput_scenarios(mixes):
        record.measure(scenario.name, scenario, [*peers, *own], record.options.rounds)
    if not own or "workers" not in record.options.scenarios:
        return
    if not knows("--workers"):
        record.notes.append("Left out: workers; this tree's server has no `--workers`.")
        return
    counts = [ours(source, "--workers", n, name=f"{OURS} --workers {n}") for n in ("1", "2")]
    often = 2 * record.options.rounds + 1  # the difference is a twentieth
    record.measure("workers", workers_scenario(mixes), counts, often)


def _static(record: _Record, cluster: Cluster, folder: Path) -> list[Server]:
    """Return the servers that have the records in files."""
    knotd = record.bench.programs.knotd
    return [knot(knotd, write_zones(cluster, folder))] if knotd else []
