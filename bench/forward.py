"""``python -m bench.forward``: forwarding and caching of ours and of CoreDNS, side by side.

The servers take turns, round after round, each with one core for itself; clients and upstreams are
on the other. Prints Markdown; ``--results DIR`` keeps it, and JSON with every round.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.build import MissingError, Programs, programs
from bench.cores import two_cores
from bench.report import as_json, as_markdown, keep, machine
from bench.rounds import take_turns
from bench.running import end_on_signal
from bench.scenarios import SCENARIOS
from bench.servers import OURS, Server, coredns, coredns_bare, kubedns_py
from bench.stage import Bench

_PEERS = {"coredns": coredns, "coredns-bare": coredns_bare}
_MOST_ROUNDS = 20
_MOST_SECONDS = 60


def main() -> int:
    """Measure and report; return the exit code."""
    options = _parser().parse_args()
    end_on_signal()
    try:
        peers = ["coredns"] if _PEERS.keys() & set(options.servers) else []
        found = programs("upstream", *peers)
    except MissingError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    scenarios = [each for each in SCENARIOS if each.name in options.scenarios]
    bench = Bench(found, two_cores(), options.seconds)
    servers = _servers(options.servers, found)
    run = take_turns(bench, servers, scenarios, rounds=options.rounds, patience_s=options.patience)
    facts = machine()
    text = as_markdown("Forwarding, measured", run, facts, scenarios)
    sys.stdout.write(text)
    if options.results is not None:
        keep(options.results, "forward", text, as_json(run, facts))
    return 0 if len(run.rounds) == len(scenarios) * options.rounds * len(run.servers) else 1


def _servers(names: Sequence[str], found: Programs) -> list[Server]:
    """Return the servers in the order in which they take turns, ours last."""
    servers = []
    if found.coredns is not None:
        servers += [peer(found.coredns) for name, peer in _PEERS.items() if name in names]
    return [*servers, kubedns_py()] if OURS in names else servers


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.forward", description=__doc__)
    every = [each.name for each in SCENARIOS]
    servers = [*_PEERS, OURS]
    parser.add_argument("--servers", nargs="+", choices=servers, default=servers)
    parser.add_argument("--scenarios", nargs="+", choices=every, default=every)
    parser.add_argument("--rounds", type=int, choices=range(1, _MOST_ROUNDS + 1), default=3)
    parser.add_argument("--seconds", type=int, choices=range(1, _MOST_SECONDS + 1), default=5)
    parser.add_argument("--patience", type=float, default=20.0, help="seconds to wait for quiet")
    parser.add_argument("--results", type=Path, help="folder for forward.md and forward.json")
    return parser


if __name__ == "__main__":
    sys.exit(main())
