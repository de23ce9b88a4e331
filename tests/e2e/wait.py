"""Waiting for a condition, the only way in which this suite lets time pass.

No test sleeps: it names what it waits for, and the wait ends at the first moment when that is so
or fails at the deadline with the name and the last thing seen.
"""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_S = 0.05
"""Seconds between two looks: short beside the API server's own tens of milliseconds."""


class NotInTimeError(AssertionError):
    """What was waited for did not happen within its deadline."""


def until(
    probe: Callable[[], T],
    what: str,
    *,
    accept: Callable[[T], bool] = bool,
    within_s: float = 15.0,
) -> T:
    """Call ``probe`` until it returns something acceptable, and return that.

    Args:
        probe: Looks at the world without changing it. What it raises ends the wait at once.
        what: The condition in words, for the failure message.
        accept: Says whether a value is what is waited for; without it, any true value is.
        within_s: Seconds until the wait fails. The probe is called at least once.

    Raises:
        NotInTimeError: with ``what`` and the last value that the probe returned.
    """
    deadline = time.monotonic() + within_s
    while not accept(seen := probe()):
        if time.monotonic() >= deadline:
            raise NotInTimeError(f"not within {within_s:g} s: {what}; last seen: {seen!r}")
        time.sleep(POLL_S)
    return seen
