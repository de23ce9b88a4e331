"""How long to wait before asking again: exponential, and forgotten after a time of health.

The numbers are those of client-go's reflector: 0.8 s to 30 s, factor 2, reset after 2 minutes.
"""

from __future__ import annotations

from kubedns_py.structs import Struct

FIRST_S = 0.8
LONGEST_S = 30.0
HEALTHY_AFTER_S = 120.0


class Backoff(Struct):
    """Counts failures in a row.

    Attributes:
        failures: since the last time of health.
        healthy_since: when the first success after the last failure was, or None.
    """

    failures: int = 0
    healthy_since: float | None = None

    def succeeded(self, now: float) -> None:
        """Note a success at ``now``, in monotonic seconds."""
        if self.healthy_since is None:
            self.healthy_since = now

    def failed(self, now: float) -> float:
        """Note a failure at ``now`` and return how long to wait, in seconds, before jitter."""
        if self.healthy_since is not None and now - self.healthy_since >= HEALTHY_AFTER_S:
            self.failures = 0
        self.healthy_since = None
        delay = min(LONGEST_S, FIRST_S * 2.0 ** min(self.failures, 16))
        self.failures += 1
        return delay
