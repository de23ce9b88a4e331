"""Message IDs that nobody can guess (RFC 5452, 9.2).

Rules of this file:

- Every ID is two octets of the operating system's random source; they are fetched in blocks,
  because a call of the kernel for each would cost as much as sending the question.
- The process never forks, so no two processes ever hold the same block.
"""

from __future__ import annotations

import os

_BLOCK_OCTETS = 1024


class Idents:
    """A supply of IDs."""

    __slots__ = ("_block",)

    def __init__(self) -> None:
        self._block: list[int] = []

    def draw(self) -> int:
        """Return the next ID, 0 to 65535, all equally likely."""
        if not self._block:
            self._block = memoryview(os.urandom(_BLOCK_OCTETS)).cast("H").tolist()
        return self._block.pop()
