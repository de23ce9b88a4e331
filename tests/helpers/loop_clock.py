"""Time that passes when a test says so: deadlines are met at once, on any machine alike.

Rules of this file:

- What waits on the event loop is late by what was let pass: timers, sleeps and deadlines, those of
  the tests' own helpers too.
- What has the loop's clock in hand must have got it after this one was put in its place.
"""

from __future__ import annotations

import asyncio

_TURNS = 10  # a timer is due, wakes a task, which ends another, which writes, and a client reads


class LoopClock:
    """The running event loop's clock, which can be moved ahead; it goes on by itself as well."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._real = loop.time
        self._ahead_s = 0.0
        loop.time = self.time  # type: ignore[method-assign] # the loop asks itself by this name

    def time(self) -> float:
        """Return monotonic seconds."""
        return self._real() + self._ahead_s

    async def pass_by(self, seconds: float) -> None:
        """Let what is to be done be begun; then seconds pass, and what is due happen."""
        for ahead_s in (0, seconds):
            self._ahead_s += ahead_s
            for _ in range(_TURNS):
                await asyncio.sleep(0)
