"""Logging: which records become lines, and where the lines go.

Rules of this file:

- Everything goes to standard error through one handler (``logline`` makes the text, ``logwriter``
  writes it). Logging never delays or fails its caller.
- A message class (logger and template) below ERROR comes at most once a second, after a burst; the
  next one to pass says how many were held back. Lines of queries were asked for and all pass;
  what cannot be written in time is counted, and leaves room for the others.
- ``v`` opens our own loggers only. Other packages log warnings: their details may hold tokens.
"""

import logging
import os
import sys
from typing import Literal

from kubedns_py.admin.logline import json_line, klog_line
from kubedns_py.admin.logwriter import LineWriter

_OURS = "kubedns_py"
_QUERIES = "kubedns_py.server.query_logger"
"""The logger of ``--log-queries``: its lines are one message class, and each says another thing."""

_FOR_OTHERS = 200
"""Places in the writer's queue that lines of queries do not take."""

_DEBUG_FROM = 3

_PER_SECOND = 1.0
_BURST = 10
"""Lines of a class before the limit bites: a trouble and the next are said of five resources."""

_MAX_CLASSES = 1000


def configure(logging_format: Literal["text", "json"], v: int) -> "LineHandler":
    """Send all log records to standard error.

    Args:
        logging_format: ``text`` is klog's header; ``json`` is one object per line.
        v: 0 to 2 for what operators need, 3 and more for developers.

    Returns:
        The handler. Its ``close()`` writes what waits and ends logging.
    """
    handler = LineHandler(logging_format, LineWriter(_standard_error()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(_OURS).setLevel(logging.DEBUG if v >= _DEBUG_FROM else logging.INFO)
    return handler


def dropped() -> int:
    """Return how many log lines were dropped since ``configure``."""
    handlers = logging.getLogger().handlers
    return sum(handler.dropped for handler in handlers if isinstance(handler, LineHandler))


class LineHandler(logging.Handler):
    """Turns records into lines and hands them to a writer; its base class is logging's hook."""

    def __init__(self, logging_format: Literal["text", "json"], writer: LineWriter) -> None:
        super().__init__()
        self._line = json_line if logging_format == "json" else klog_line
        self._writer = writer
        self.addFilter(Suppressor())

    @property
    def dropped(self) -> int:
        """Lines that were not written."""
        return self._writer.dropped

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, soon or never."""
        line = self._line(record).encode("utf-8", "backslashreplace")
        self._writer.write(line, keep_free=_FOR_OTHERS if record.name == _QUERIES else 0)

    def close(self) -> None:
        """Write what waits, for a second at most, and leave the loggers."""
        logging.getLogger().removeHandler(self)
        self._writer.close()
        super().close()


class Suppressor:
    """A filter that lets a message class pass once a second, and says how much it held back."""

    def __init__(self) -> None:
        self._classes: dict[tuple[str, str], _Allowance] = {}

    def __call__(self, record: logging.LogRecord) -> bool:
        """Tell whether the record may pass; ERROR and above and lines of queries always do."""
        if record.levelno >= logging.ERROR or record.name == _QUERIES:
            return True
        name = (record.name, str(record.msg))
        if name not in self._classes and len(self._classes) >= _MAX_CLASSES:
            self._classes.clear()  # templates are few; only a caller's mistake makes them many
        allowance = self._classes.setdefault(name, _Allowance(record.created))
        if not allowance.take(record.created):
            return False
        record.suppressed = allowance.held_back
        allowance.held_back = 0
        return True


class _Allowance:
    """A token bucket for one message class."""

    __slots__ = ("_at", "_tokens", "held_back")

    def __init__(self, now: float) -> None:
        self._at = now
        self._tokens = float(_BURST)
        self.held_back = 0

    def take(self, now: float) -> bool:
        """Take a token if there is one. ``now`` is wall time, which may step back."""
        self._tokens = min(_BURST, self._tokens + max(0.0, now - self._at) * _PER_SECOND)
        self._at = now
        if self._tokens < 1:
            self.held_back += 1
            return False
        self._tokens -= 1
        return True


def _standard_error() -> int | None:
    """Return a descriptor of our own for standard error, or None when it was closed at the start.

    A closed descriptor 2 is given to the next socket that is opened; lines must not go there.
    """
    if sys.__stderr__ is None:
        return None
    try:
        return os.dup(2)
    except OSError:
        return None
