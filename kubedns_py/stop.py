"""The signals that ask the process to leave."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator


class Stop:
    """The first signal asks to leave, the second one to leave at once (F-42, F-43).

    Attributes:
        first, second: set when they have come.
    """

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """Listen to SIGTERM and SIGINT for as long as the context lasts."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _signalled(self) -> None:
        (self.second if self.first.is_set() else self.first).set()
