"""``kubedns-py serve``: read the options, start logging, hand over to the program."""

import asyncio
import logging
import os
import signal
from collections.abc import Sequence
from contextlib import closing
from types import FrameType

from kubedns_py import __version__
from kubedns_py.admin import logs
from kubedns_py.config.arguments import load

_log = logging.getLogger(__name__)


def run(arguments: Sequence[str], program: str) -> int:
    """Serve until told to stop; return the exit code.

    Raises:
        UsageError: an option is wrong.
        StartError: a file, port or credential is not as needed.
    """
    # until the event loop listens: process 1 of a container has no default for SIGTERM
    signal.signal(signal.SIGTERM, _leave)
    loaded = load(arguments, os.environ, program=program)
    # after the options: --help and wrong usage need no Kubernetes client
    from kubedns_py.app import serve  # noqa: PLC0415 - as said

    with closing(logs.configure(loaded.config.logging_format, loaded.config.v)):
        _log.info("kubedns-py %s starts", __version__)
        for notice in loaded.notices:
            _log.warning(notice)  # each a message class of its own: none may be suppressed
        return asyncio.run(serve(loaded.config))


def _leave(_number: int, _frame: FrameType | None) -> None:
    """End at once: nobody was answered yet, so there is nothing to wait for (F-43).

    By no exception: it would come up in the midst of whatever is imported or made, and msgspec's
    decoders crash the process when one does while they are made.
    """
    os._exit(0)
