"""Addresses of upstreams that are given by name, looked up again and again.

Rules of this file:

- A name whose look-up fails keeps the addresses that it had; one that never had any is tried again
  soon, and its stub domain has nobody to ask until then.
- One look-up at a time, each with a deadline: nothing here is urgent but the first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

PERIOD_S: Final = 30.0
"""How often an address is looked up: the TTL that cluster DNS servers have."""
RETRY_S: Final = 5.0
DEADLINE_S: Final = 5.0

_log = logging.getLogger(__name__)

LookUp = Callable[[str], Awaitable[tuple[str, ...]]]
"""Returns the IP addresses of a host name, as texts; raises OSError where there are none."""


class HostNames:
    """Knows the addresses of host names.

    Args:
        look_up: asks for one name.
        on_change: called when addresses differ from before.
    """

    def __init__(self, look_up: LookUp, *, on_change: Callable[[], None]) -> None:
        self._look_up = look_up
        self._on_change = on_change
        self._addresses: dict[str, tuple[str, ...]] = {}
        self._changed = asyncio.Event()

    def use(self, names: Iterable[str]) -> None:
        """Take these names for all that there are."""
        wanted = {name: self._addresses.get(name, ()) for name in names}
        if wanted.keys() - self._addresses.keys():
            self._changed.set()
        self._addresses = wanted

    def addresses(self, name: str) -> tuple[str, ...]:
        """Return what a name's last successful look-up said; empty before."""
        return self._addresses.get(name, ())

    async def run(self) -> None:
        """Look up until cancelled."""
        while True:
            self._changed.clear()
            failed = [name for name in list(self._addresses) if not await self._refresh(name)]
            pause_s = RETRY_S if failed else PERIOD_S
            try:
                await asyncio.wait_for(self._changed.wait(), pause_s if self._addresses else None)
            except TimeoutError:
                continue

    async def _refresh(self, name: str) -> bool:
        """Look one name up; return whether it has addresses."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                found = await self._look_up(name)
        except OSError as error:  # TimeoutError is one
            _log.warning("nameserver %s: no address: %s", name, error or "no answer in time")
            return False
        before = self._addresses.get(name)
        if before is not None and set(found) != set(before):
            self._addresses[name] = found
            _log.info("nameserver %s has the addresses %s", name, " ".join(found))
            self._on_change()
        return bool(found)
