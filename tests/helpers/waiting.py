"""Waiting for a condition with a deadline, instead of for a time."""

import asyncio
from collections.abc import Callable

DEADLINE_S = 9.0
"""More than a busy machine takes for what an idle one does at once, and less than 10 s, after which
idle connections and hosts give up by themselves."""

_LOOK_S = 0.005


async def until(condition: Callable[[], bool], *, deadline_s: float = DEADLINE_S) -> None:
    """Return as soon as ``condition`` holds.

    Raises:
        TimeoutError: it did not hold within ``deadline_s``.
    """
    async with asyncio.timeout(deadline_s):
        while not condition():  # noqa: ASYNC110 - conditions of all kinds, no event tells of them
            await asyncio.sleep(_LOOK_S)
