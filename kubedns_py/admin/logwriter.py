"""Writes lines to a descriptor, without ever delaying or failing who wants them written.

Rules of this file:

- ``write`` puts a line into a bounded queue; one daemon thread takes lines out and writes them.
- A pipe that nobody reads blocks that thread only. A closed pipe or a full disk loses lines only.
  What is lost is counted (F-40).
"""

import os
import queue
import threading

MAX_WAITING = 1000
"""Lines; at most about 10 MB."""

_CLOSE_TIMEOUT_S = 1.0


class LineWriter:
    """The thread and its queue.

    Args:
        descriptor: where to write; it belongs to the writer from now on. None when there is
            nothing to write to: every line is dropped.
    """

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._lines: queue.Queue[bytes | None] = queue.Queue(MAX_WAITING)
        self._refused = 0  # counted by the callers
        self._failed = 0  # counted by the thread
        self._torn = False
        self._thread = threading.Thread(target=self._run, name="log writer", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Lines that were not written."""
        return self._refused + self._failed

    def write(self, line: bytes) -> None:
        """Write a line, which ends with a line break, soon or never."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._refused += 1

    def close(self) -> None:
        """Write what waits, for a second at most. A blocked thread is left behind: a daemon."""
        if not self._thread.is_alive():
            return
        try:
            self._lines.put(None, timeout=_CLOSE_TIMEOUT_S)
        except queue.Full:
            return
        self._thread.join(_CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            self._write(line)
        if self._descriptor is not None:
            os.close(self._descriptor)

    def _write(self, line: bytes) -> None:
        if self._descriptor is None:
            self._failed += 1
            return
        # a line that broke off half way must not run into this one
        rest = memoryview(b"\n" + line if self._torn else line)
        whole = len(rest)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            self._failed += 1
        if rest:
            self._torn = self._torn or len(rest) < whole
        else:
            self._torn = False
