"""How many files may be open, and what they are for: a socket is one, too.

Rules of this file:

- The limit is raised as far as the system allows. The usual one, 1024, is for programs that call
  ``select``; nothing here does. Go programs have done the same since Go 1.19.
- Clients over TCP, the health pages and the API server have their share before questions to other
  servers: those hold most sockets while upstreams are away, and a server that cannot say that it
  lives is killed then. Where too little is left, fewer are asked at a time, and a line says so.
"""

from __future__ import annotations

import logging
import resource
from typing import Final

from kubedns_py.config.options import Config

_log = logging.getLogger(__name__)

_ENOUGH: Final = 2**20
"""More than any options can use. Some systems allow a thousand times as many, and a credential
plugin, which inherits the limit, may walk through all of them."""

_PER_QUESTION: Final = 6
"""Sockets of one question at worst: two over UDP to each of three servers that do not reply. The
third question to a server goes over TCP, on a connection that questions share."""

_KEPT: Final = 128
"""64 HTTP connections, and as many for the API server, listening sockets, files, connections to
other servers over TCP, and probes."""

_PER_WORKER: Final = 2
"""The line to it, and what tells of its end."""

_FEWEST: Final = 10
"""The least that ``--max-concurrent`` may be."""


def raise_limit() -> None:
    """Let this process open as many files as the system allows it to, and as are of use."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError) as error:
        _log.debug("the limit of open files stays %d, not %d: %s", soft, wanted, error)


def within_limit(config: Config, *, connections: int) -> Config:
    """Return the options with no more questions at a time than there may be sockets for.

    Args:
        config: the options as given.
        connections: clients over TCP at one time.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = config.max_concurrent * _PER_QUESTION
    workers = config.workers * _PER_WORKER
    left = limit - connections - workers - _KEPT
    if not config.forward or limit == resource.RLIM_INFINITY or wanted <= left:
        return config
    fitting = max(_FEWEST, left // _PER_QUESTION)
    _log.warning(
        "--max-concurrent %d may take %d open files, and the limit of open files, %d, leaves %d "
        "for them: at most %d questions wait for other servers at a time; raise the hard limit "
        "(ulimit -Hn, LimitNOFILE= of the container runtime), or give --max-concurrent=%d",
        config.max_concurrent,
        wanted,
        limit,
        max(0, left),
        fitting,
        fitting,
    )
    return config._replace(max_concurrent=fitting)
