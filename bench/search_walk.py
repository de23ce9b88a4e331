"""``python -m bench.search_walk``: what ``--search-completion`` saves glibc and musl.

Programs of a few lines ask each C library for addresses (``peers/lookup.c``), as programs in a pod
do, of a server without and with the option. Both have to find the same. Prints Markdown.

It runs in namespaces of its own (network, mounts, processes), which end with it, and needs gcc and
musl-gcc. Nothing leaves the machine, and its ``/etc/resolv.conf`` stays as it is.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.cores import pinned, two_cores
from bench.report import machine
from bench.running import end_on_signal
from bench.search_stage import Distances, Figures, Lookup, become_a_pod, staged
from bench.search_upstream import FOUR, NONE, addresses

SOURCES = Path(__file__).with_name("peers")
COMPILERS = {"glibc": ("gcc",), "musl": ("musl-gcc", "-static")}
"""musl's loader need not be there to run what is linked statically; glibc cannot be linked so."""

_NEEDED = {"gcc": "gcc", "musl-gcc": "musl-tools", "unshare": "util-linux", "ip": "iproute2"}
_KINDS = {
    "dual-": "outside, IPv4 and IPv6",
    FOUR: "outside, IPv4 alone",
    NONE: "that does not exist",
}
_SERVICES = {
    "web": "a Service of the pod's namespace",
    "web.shop.svc.cluster.local": "a Service by its whole name, no dot at the end",
}
_SERVICE_NAME = "web.shop.svc.cluster.local"
_SERVICE_FOUND: tuple[str, ...] = ("10.96.0.10", "fd00:96::10")
_STATES = ("not yet", "cached")
_HOW = ("without", "with")


class Case(NamedTuple):
    """A row of the table: who looks up what."""

    library: str
    kind: str
    state: str


Found = dict[Case, dict[bool, list[Figures]]]
"""By case, and by whether searches are completed: one of each round."""


def main() -> int:
    """Measure and report; return the exit code."""
    options = _parser().parse_args()
    end_on_signal()
    if options.inside:
        return _measure(options)
    missing = [package for program, package in _NEEDED.items() if shutil.which(program) is None]
    if missing:
        sys.stderr.write(f"bench: programs are missing: install {' '.join(missing)}\n")
        return 1
    return _enter(sys.argv[1:])


def _enter(arguments: Sequence[str]) -> int:
    """Run this program once more, in namespaces that end with it."""
    words = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    words += ["--map-root-user"] if os.geteuid() else []
    words += [sys.executable, "-m", "bench.search_walk", "--inside", *arguments]
    with subprocess.Popen(words) as process:  # noqa: S603 - our own words
        try:
            return process.wait()
        finally:
            process.terminate()


def _measure(options: argparse.Namespace) -> int:
    """Measure in the namespaces that this process is in: their first process, see ``_enter``."""
    if os.getpid() != 1:
        raise ValueError("--inside is for this program alone: it would change /etc/resolv.conf")
    found: Found = {}
    cores = two_cores()
    distances = Distances(options.upstream_ms, options.round_trip_ms)
    with tempfile.TemporaryDirectory(prefix="kubedns-search-") as name, pinned(cores.client):
        folder = Path(name)
        lookup = {
            library: _built("lookup", compiler, folder / library)
            for library, compiler in COMPILERS.items()
        }
        relay = _built("relay", COMPILERS["glibc"], folder / "relay")
        become_a_pod(folder)
        for number in range(1, options.rounds + 1):
            for completes in (False, True):
                sys.stderr.write(f"bench: round {number}, {_HOW[completes]} search completion\n")
                with staged(cores, relay, distances, completes=completes) as stage:
                    for case, names in _cases(options.lookups):
                        figures, lookups = stage.measure(lookup[case.library], names)
                        check(case, lookups)
                        found.setdefault(case, {}).setdefault(completes, []).append(figures)
    sys.stdout.write("\n".join(report(found, options)) + "\n")
    return 0


def _built(source: str, compiler: Sequence[str], program: Path) -> Path:
    words = [*compiler, "-O2", "-Wall", "-Wextra", "-o", str(program), str(SOURCES / f"{source}.c")]
    subprocess.run(words, check=True, timeout=60)  # noqa: S603 - our own words
    return program


def _cases(number: int) -> Iterator[tuple[Case, list[str]]]:
    """Yield what to look up, in this order."""
    for library in COMPILERS:
        for prefix, kind in _KINDS.items():
            mark = os.urandom(4).hex()
            names = [f"{prefix}{mark}{each}.example.org" for each in range(number)]
            for state in _STATES:
                yield Case(library, kind, state), names
        for name, kind in _SERVICES.items():
            yield Case(library, kind, "its own"), [name] * number


def check(case: Case, lookups: Sequence[Lookup]) -> None:
    """Raise ValueError if anything that was found is wrong: with and without have one truth."""
    for each in lookups:
        wanted, canonical = tuple(addresses(each.name)), each.name
        if each.name in _SERVICES:
            wanted, canonical = _SERVICE_FOUND, _SERVICE_NAME
        if not wanted:
            wanted, canonical = each.found, "-"  # the library's own words
        if (each.found, each.canonical) != (wanted, canonical):
            raise ValueError(f"{case.library}: {each}, but it has {wanted}")


def report(found: Found, options: argparse.Namespace) -> list[str]:
    """Return the lines of the report: medians over the rounds."""
    times = f"{options.lookups} lookups a figure, median of {options.rounds} rounds"
    lines = [f"- {name}: {value}" for name, value in machine().items() if "files" not in name]
    lines.append(f"- Python {platform.python_version()}, {_libraries()}")
    far = f"the upstream {options.upstream_ms:g} ms away, the pod {options.round_trip_ms:g} ms"
    lines += [f"- {times}; {far}", ""]
    heads = [f"{what}: {how}" for what in ("queries", "upstream", "ms") for how in _HOW]
    heads = ["C library", "name", "the server has it", *heads]
    lines += [_row(heads), _row(["---"] * len(heads))]
    for case, figures in found.items():
        without, completed = (_middle(figures[completes]) for completes in (False, True))
        pairs = zip(without, completed, strict=True)
        formats = ("{:.1f}", "{:.1f}", "{:.2f}")
        cells = [form.format(n) for form, pair in zip(formats, pairs, strict=True) for n in pair]
        lines.append(_row([*case, *cells]))
    return lines


def _middle(figures: Sequence[Figures]) -> Figures:
    return Figures(*map(median, zip(*figures, strict=True)))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _libraries() -> str:
    """Return the versions of the C libraries."""
    musl = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Version}", "musl-dev"],  # noqa: S607 - Debian's
        capture_output=True,
        text=True,
        check=False,
    )
    return f"glibc {platform.libc_ver()[1]}, musl {musl.stdout or 'of an unknown version'}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.search_walk", description=__doc__)
    parser.add_argument("--rounds", type=int, choices=range(1, 21), default=3)
    parser.add_argument("--lookups", type=int, choices=range(1, 5001), default=200)
    parser.add_argument(
        "--upstream-ms", type=float, default=5.0, help="server to upstream and back"
    )
    parser.add_argument("--round-trip-ms", type=float, default=1.0, help="pod to server and back")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
