"""Addresses of host names as the node resolves them, by ``getaddrinfo``, which may hang.

Rules of this file:

- Each look-up has a daemon thread of its own, which nobody waits for at the end of the process: a
  resolver that is away takes 20 s and more, and the event loop's own executor would wait for it.
- Who asks for a host that is being looked up waits for that answer, so that a resolver that hangs
  costs one thread for each host; beyond ``MOST`` of them nothing is looked up.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import Final

MOST: Final = 16
"""Look-ups at one time."""

_Found = tuple[str, ...] | OSError


class NodeResolver:
    """Looks host names up, on the event loop that runs when it is asked."""

    def __init__(self) -> None:
        self._asked: dict[str, asyncio.Future[_Found]] = {}

    async def addresses(self, host: str) -> tuple[str, ...]:
        """Return a host's addresses as texts, in the resolver's order, each once.

        Who is cancelled meanwhile, as by a deadline, is not waited for.

        Raises:
            OSError: it has none, or nobody could say.
        """
        asked = self._asked.get(host)
        if asked is None:
            asked = self._begin(host)
        found = await asyncio.shield(asked)
        if isinstance(found, OSError):
            raise found
        return found

    def _begin(self, host: str) -> asyncio.Future[_Found]:
        if len(self._asked) >= MOST:
            raise OSError(f"{MOST} other look-ups have not come to an end")
        loop = asyncio.get_running_loop()
        thread = threading.Thread(
            target=self._ask, args=(host, loop), name="host name", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:
            raise OSError(str(error)) from error
        asked = self._asked[host] = loop.create_future()
        return asked

    def _ask(self, host: str, loop: asyncio.AbstractEventLoop) -> None:
        """Look up, in the thread."""
        found = _addresses(host)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants it any more
            loop.call_soon_threadsafe(self._end, host, found)

    def _end(self, host: str, found: _Found) -> None:
        self._asked.pop(host).set_result(found)


def _addresses(host: str) -> _Found:
    try:
        infos = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except OSError as error:
        return error
    except UnicodeError as error:  # a label that is none
        return OSError(str(error))
    return tuple(dict.fromkeys(str(info[4][0]) for info in infos))
