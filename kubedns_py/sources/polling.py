"""Looks at files again and again, and hands on what has come to rest.

Rules of this file:

- Polled, for ConfigMap volumes swap a link that file notification does not see, and resolv.conf is
  often bound into a container from outside.
- What is written in place is half there for a moment, and half of a file may be a valid one. A
  change counts when two reads in a row, a fifth of a second apart, found the same (row F-30).
- A read happens in a thread, and only cancellation ends the loop.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Generic, TypeVar

from kubedns_py.sources.configuration import Kept, Value
from kubedns_py.structs import Struct

_REST_S = 0.2
_READS = 10
"""How often a change is read at one look before it is left to the next one."""

_log = logging.getLogger(__name__)

RawT = TypeVar("RawT")
ValueT = TypeVar("ValueT", bound=Value)


class Found(Struct, Generic[RawT], frozen=True):
    """What one read found. ``version`` differs exactly when ``raw`` does."""

    raw: RawT
    version: str


class Unreadable(Struct, frozen=True):
    """Why a read found nothing, in one line."""

    reason: str


class Polled(Generic[RawT, ValueT]):
    """Keeps a value equal to what files say.

    Args:
        read: reads the files once; blocks on the disk. What it raises is an accident of ours.
        kept: where it goes.
        period_s: seconds between looks.

    Attributes:
        kept: as given.
    """

    def __init__(
        self,
        read: Callable[[], Found[RawT] | Unreadable],
        kept: Kept[RawT, ValueT],
        *,
        period_s: float,
    ) -> None:
        self.kept = kept
        self._read = read
        self._period_s = period_s

    async def start(self) -> None:
        """Look for the first time: what is there is judged at once, at rest or not."""
        self._take(await asyncio.to_thread(self._read))

    async def run(self) -> None:
        """Look again and again, until cancelled; an accident of ours ends one look only."""
        while True:
            await asyncio.sleep(self._period_s)
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - said; what was read before stays in force
                _log.exception("%s: an error of our own; looking again", self.kept.status.source)

    async def look(self) -> None:
        """Look once; a change that does not come to rest is left to the next time."""
        found = await asyncio.to_thread(self._read)
        if not self._is_new(found):
            return
        for _ in range(_READS):
            await asyncio.sleep(_REST_S)
            before, found = found, await asyncio.to_thread(self._read)
            if found == before:
                self._take(found)
                return

    def _is_new(self, found: Found[RawT] | Unreadable) -> bool:
        return self.kept.is_new(found.reason if isinstance(found, Unreadable) else found.version)

    def _take(self, found: Found[RawT] | Unreadable) -> None:
        if isinstance(found, Unreadable):
            self.kept.refuse(found.reason, found.reason)
        else:
            self.kept.offer(found.raw, found.version)


def without_waiting(path: str, flags: int) -> int:
    """Open a file, as ``open`` wants its opener: a pipe in its place must not block."""
    return os.open(path, flags | os.O_NONBLOCK)
