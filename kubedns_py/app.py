"""Composition root: opens the edges, in an order that matters, and hands over to the program.

- DNS sockets are opened first, so that a port in use is known at once and no query meets a closed
  port while the cluster is synced.
- Then the API server is asked for its lists. It needs some time to make them, and what reads and
  answers is imported meanwhile, in a thread: a third of a start's CPU time that nobody waits for.
- A signal ends the start at once, for nobody is served yet (F-43).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, NamedTuple

from kubedns_py.asking import ask
from kubedns_py.config.options import Config
from kubedns_py.descriptors import raise_limit
from kubedns_py.server.listen import Listeners, open_listeners
from kubedns_py.stop import Stop

if TYPE_CHECKING:
    from kubedns_py.informing import Informing
    from kubedns_py.program import Program

_log = logging.getLogger(__name__)


async def serve(config: Config) -> int:
    """Serve until a signal; return the exit code.

    Raises:
        StartError: a port, file or credential is not as needed.
    """
    raise_limit()
    listeners = open_listeners(config.dns_bind_addresses, config.dns_port)
    stop = Stop()
    with contextlib.closing(listeners) as opened:
        async with contextlib.AsyncExitStack() as edges:
            with stop.on_signals():
                opening = asyncio.create_task(_open(config, opened, stop, edges))
                if await _is_through(opening, stop):
                    await opening.result().run()
    _log.info("stopped")
    return 0


async def _open(
    config: Config, listeners: Listeners, stop: Stop, edges: contextlib.AsyncExitStack
) -> Program:
    """Return the program with every edge open; the stack closes them. Raises StartError."""
    _log.info("DNS on %s for %s", listeners, " ".join(config.domains))
    started = time.monotonic()
    server = await ask(config, edges)
    rest = await asyncio.to_thread(_rest)
    informing = rest.informing(config, server, started=started)
    await informing.open(edges)
    program = rest.program(config, listeners, informing, stop)
    await program.open(edges)
    return program


class _Rest(NamedTuple):
    """What a start needs only once the API server was asked."""

    informing: type[Informing]
    program: type[Program]


def _rest() -> _Rest:
    from kubedns_py.informing import Informing  # noqa: PLC0415 - see the top of this file
    from kubedns_py.program import Program  # noqa: PLC0415 - same

    return _Rest(Informing, Program)


async def _is_through(opening: asyncio.Task[Program], stop: Stop) -> bool:
    """Wait for the start or for the first signal; return whether it was the start."""
    signalled = asyncio.create_task(stop.first.wait())
    await asyncio.wait((opening, signalled), return_when=asyncio.FIRST_COMPLETED)
    signalled.cancel()
    if opening.done():
        return True
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    return False
