"""Waiting for a condition with a deadline, instead of for a time."""

import asyncio
from collections.abc import Callable

_LOOK_S = 0.005


async def until(condition: Callable[[], bool], *, deadline_s: float = 5.0) -> None:
    """Return as soon as ``condition`` holds.

    Raises:
        TimeoutError: it did not hold within ``deadline_s``.
    """
    async with asyncio.timeout(deadline_s):
        while not condition():  # noqa: ASYNC110 - conditions of all kinds, no event tells of them
            await asyncio.sleep(_LOOK_S)
