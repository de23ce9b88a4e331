"""``python -m bench``: a cluster's names, ours beside CoreDNS and Knot DNS.

The servers take turns, round after round, each with one core for itself; clients and the control
plane are on the other. Prints Markdown; ``--results DIR`` keeps it, with JSON of every round and
plots.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

from bench.build import MissingError
from bench.cores import pinned, two_cores
from bench.programme import KINDS, Options, run
from bench.running import end_on_signal
from bench.servers import OURS

_SERVERS = ("coredns", "knot", OURS)
_MOST_ROUNDS = 20
_MOST_SECONDS = 60


def main() -> int:
    """Measure and report; return the exit code."""
    given = _parser().parse_args()
    options = Options(**vars(given))
    if options.manifests and ("coredns" in options.servers or options.kinds_of_a_plane):
        sys.stderr.write("bench: --manifests is for warm and cold without CoreDNS\n")
        return 1
    end_on_signal()
    cores = two_cores()
    try:
        with (
            pinned(cores.client),
            tempfile.TemporaryDirectory(prefix="kubedns-bench-") as name,
            contextlib.ExitStack() as stack,
        ):
            return run(options, cores, Path(name), stack)
    except MissingError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--servers", nargs="+", choices=_SERVERS, default=_SERVERS)
    parser.add_argument("--scenarios", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--services", type=int, default=10_200)
    parser.add_argument("--endpoints", type=int, default=102_000)
    parser.add_argument("--sizes", nargs="*", type=int, default=[1_000, 3_000])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, choices=range(1, _MOST_ROUNDS + 1), default=5)
    parser.add_argument("--seconds", type=int, choices=range(1, _MOST_SECONDS + 1), default=5)
    parser.add_argument("--patience", type=float, default=20.0, help="seconds to wait for quiet")
    parser.add_argument("--manifests", action="store_true", help="ours reads files; no API server")
    parser.add_argument("--results", type=Path, help="folder for cluster.md, .json and plots")
    return parser


if __name__ == "__main__":
    sys.exit(main())
