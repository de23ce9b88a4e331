"""Kill what is left when the test run itself is killed; started as a program of its own.

It reads lines from its standard input, a pipe that only the test run writes to: ``+123`` when
process 123 was started and ``-123`` when it has ended. The pipe closes when the run ends, by
whatever means; the processes that are still listed then have nobody else to stop them.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterable


def listed(lines: Iterable[str]) -> set[int]:
    """Return the ids of the processes that were started and have not ended."""
    running: set[int] = set()
    for line in lines:
        pid = int(line[1:])
        if line.startswith("+"):
            running.add(pid)
        else:
            running.discard(pid)
    return running


if __name__ == "__main__":
    for orphan in listed(sys.stdin):
        with contextlib.suppress(ProcessLookupError):
            os.kill(orphan, signal.SIGKILL)
