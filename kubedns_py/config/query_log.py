"""Which queries are logged: ``off``, ``all``, a share such as ``1%``, or only slow ones."""

from __future__ import annotations

import re
from typing import NamedTuple

from kubedns_py.config.values import Kind, parse_duration, quoted
from kubedns_py.errors import UsageError

_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)%")
_ACCEPTS = "off, all, a share such as 1%, or a duration such as 100ms"
_LONGEST_S = 60.0


class QueryLog(NamedTuple):
    """Which queries get a line.

    Attributes:
        share: of those that are slow enough, from 0.0 (none at all) to 1.0.
        slower_than_s: a query answered within this many seconds gets none; 0.0 excepts nothing.
    """

    share: float
    slower_than_s: float


OFF = QueryLog(share=0.0, slower_than_s=0.0)
ALL = QueryLog(share=1.0, slower_than_s=0.0)


def parse_query_log(text: str) -> QueryLog:
    """Return which queries a text asks for. Raises UsageError."""
    if text == "off":
        return OFF
    if text == "all":
        return ALL
    if text.endswith("%"):
        return QueryLog(_share(text), 0.0)
    try:
        seconds = parse_duration(text)
    except UsageError:
        raise UsageError(f"{quoted(text)} is not known; give {_ACCEPTS}") from None
    if not 0.0 < seconds <= _LONGEST_S:
        raise UsageError(f"{quoted(text)} is out of range; give a duration above 0s, up to 1m")
    return QueryLog(1.0, seconds)


def _share(text: str) -> float:
    found = _SHARE.fullmatch(text)
    if found is None or float(found[1]) > 100.0:
        raise UsageError(f"{quoted(text)} is not a share; give 0% to 100%, such as 0.5%")
    return float(found[1]) / 100.0


QUERY_LOG = Kind("off|all|SHARE|DURATION", _ACCEPTS, parse_query_log)
