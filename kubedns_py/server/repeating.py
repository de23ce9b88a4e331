"""Has what was repeated counted soon, but not while datagrams are answered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from kubedns_py.server.arrival import Repeats

SETTLE_S: Final = 1.0
"""How late a repeated answer may be counted, and so be seen by a scrape."""


class SettledSoon:
    """``Repeats`` for one socket, or nothing to repeat.

    Args:
        repeats: None where every query is answered anew.
    """

    __slots__ = ("_is_due", "_repeats", "repeat")

    def __init__(self, repeats: Repeats | None) -> None:
        self._repeats = repeats
        self._is_due = False
        self.repeat = repeats.repeat if repeats is not None else _nothing

    def begin(self) -> None:
        """Begin a burst."""
        if self._repeats is not None:
            self._repeats.begin()

    def end(self, datagrams: int) -> None:
        """End a burst of 0 or more datagrams."""
        if self._repeats is None or not datagrams:
            return
        self._repeats.end(datagrams)
        if not self._is_due and not self._repeats.is_settled:
            self._is_due = True
            asyncio.get_running_loop().call_later(SETTLE_S, self._settle)

    def _settle(self) -> None:
        self._is_due = False
        if self._repeats is not None:
            self._repeats.settle()


def _nothing(_: bytes, /) -> None:
    return None
