"""``python -m bench``: a first look at cost, start and memory; prints a Markdown report."""

from __future__ import annotations

import platform
import sys
from statistics import median

from bench.handler import microseconds_by_kind
from bench.process import queries_per_second, start_once

_STARTS = 3


def main() -> int:
    """Measure and print; return the exit code."""
    say = sys.stdout.write
    say(f"Python {platform.python_version()}, {platform.machine()}, one process\n\n")
    say("| message | handler alone, µs |\n|---|---|\n")
    for kind, microseconds in microseconds_by_kind():
        say(f"| {kind} | {microseconds:.1f} |\n")
    starts = [start_once() for _ in range(_STARTS)]
    say(f"\nmedian of {_STARTS} starts with examples/:\n\n")
    say(f"- first reply after {median(each.answer_s for each in starts):.2f} s\n")
    say(f"- first right answer after {median(each.right_s for each in starts):.2f} s\n")
    say(f"- memory at rest, PSS: {median(each.pss_mib for each in starts):.0f} MiB\n")
    rate = queries_per_second()
    found = f"{rate:,.0f} queries/s" if rate is not None else "dnsperf is not on PATH"
    say(f"- UDP on loopback, dnsperf on the same cores: {found}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
