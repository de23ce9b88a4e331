"""Writes lines to a descriptor, without ever delaying or failing who wants them written.

Rules of this file:

- ``write`` puts a line into a bounded queue; one daemon thread takes lines out and writes them,
  what has gathered at a time: where the event loop is busy, it comes to its turn too seldom to
  write each by itself.
- A pipe that nobody reads blocks that thread only. A closed pipe or a full disk loses lines only.
  What is lost is counted (F-40).
"""

import os
import queue
import threading
from collections.abc import Sequence

MAX_WAITING = 1000
"""Lines; at most about 10 MB."""

_MAX_TOGETHER = 64 * 1024
"""Octets after which no more lines are written at a time: what a pipe holds."""

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

    def write(self, line: bytes, *, keep_free: int = 0) -> None:
        """Write a line, which ends with a line break, soon or never.

        Args:
            line: octets.
            keep_free: places in the queue that are for others: the line is dropped when no more
                than these are left.
        """
        if keep_free and self._lines.qsize() >= MAX_WAITING - keep_free:
            self._refused += 1
            return
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
        is_open = True
        while is_open:
            lines, is_open = self._take()
            if lines:
                self._write(lines)
        if self._descriptor is not None:
            os.close(self._descriptor)

    def _take(self) -> tuple[list[bytes], bool]:
        """Wait for a line; return it and those behind it, and whether more may come."""
        lines: list[bytes] = []
        octets = 0
        line = self._lines.get()
        while line is not None:
            lines.append(line)
            octets += len(line)
            if octets >= _MAX_TOGETHER:
                return lines, True
            try:
                line = self._lines.get_nowait()
            except queue.Empty:
                return lines, True
        return lines, False

    def _write(self, lines: Sequence[bytes]) -> None:
        if self._descriptor is None:
            self._failed += len(lines)
            return
        # a line that broke off half way must not run into this one
        mend = b"\n" if self._torn else b""
        rest = memoryview(mend + b"".join(lines))
        whole = len(rest)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            self._note_lost(lines, whole - len(rest) - len(mend))
        else:
            self._torn = False

    def _note_lost(self, lines: Sequence[bytes], written: int) -> None:
        """Count what was not written whole; ``written`` is negative where nothing was."""
        self._torn = self._torn and written < 0
        for line in lines:
            if written < len(line):
                self._failed += 1
                self._torn = self._torn or written > 0
            written -= len(line)
