"""``python -m bench.flood PORT RATE SECONDS``: ask new names at a rate, whatever comes of them.

It is a process of its own, so that the client whose latencies count is not held up by it. Prints a
line of JSON: how many were asked, answered and refused. (dnsperf's ``-Q`` does not reach its rate
where it shares a core.)
"""

from __future__ import annotations

import json
import sys
import time

from bench.lookups import Pace, look_up
from bench.names import new_questions

_GIVE_UP_S = 2.0
_IN_FLIGHT = 60_000  # fewer than there are IDs


def main() -> int:
    """Ask, then print what came of it; return the exit code."""
    port, rate, seconds = (int(word) for word in sys.argv[1:4])
    pace = Pace(seconds, _IN_FLIGHT, rate, timeout_s=_GIVE_UP_S, most=rate * seconds)
    started = time.monotonic()
    found = look_up(port, new_questions(), pace)
    asked_s = max(0.1, time.monotonic() - started - (_GIVE_UP_S if found.lost else 0.0))
    counts = {
        "asked_per_s": found.count / asked_s,
        "answered": len(found.answered_ms),
        "refused": len(found.refused_ms),
        "lost": found.lost,
    }
    sys.stdout.write(json.dumps(counts) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
