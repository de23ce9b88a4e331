"""The query log: off, all, some, or only what took long (``--log-queries``).

Names in it are hostile: ``to_text`` escapes them (RFC 4343, 2.1), and a line is one line.
"""

from __future__ import annotations

import logging
from math import inf

from kubedns_py.dns.name import Name, to_text
from kubedns_py.dns.rrset import A, type_text

_LOG = logging.getLogger(__name__)


class QueryLogger:
    """Decides which answers are logged, and logs them.

    Args:
        share: of the answers, 0 to 1; evenly spread, not by chance.
        slower_than_s: only those that took at least this many seconds; 0 is all of the share.
    """

    def __init__(self, share: float = 0.0, slower_than_s: float = 0.0) -> None:
        self._share = share
        self._slower_than_s = slower_than_s if share else inf
        self._owed = 0.0
        if share:
            type_text(A)  # imports dnslib: not for the first answer, which may find no file to open

    @property
    def is_about_all(self) -> bool:
        """Whether fast answers are logged too."""
        return self._slower_than_s <= 0

    def wants(self, seconds: float) -> bool:
        """Tell whether an answer that took so long is to be logged."""
        if seconds < self._slower_than_s:
            return False
        self._owed += self._share
        if self._owed < 1:
            return False
        self._owed -= 1
        return True

    @staticmethod
    def say(  # noqa: PLR0913, PLR0917 - the facts of one line
        name: Name, qtype: int, proto: str, rcode: int, rule: str, seconds: float
    ) -> None:
        """Log one answer.

        Args:
            name: as asked, folded; empty for messages that are no questions, and the root.
            qtype: as asked.
            proto: udp or tcp.
            rcode: of the reply.
            rule: what decided.
            seconds: from query to reply.
        """
        _LOG.info(
            "query %s %s over %s: rcode %d by %s in %.3f ms",
            to_text(name),
            type_text(qtype),
            proto,
            rcode,
            rule,
            seconds * 1e3,
        )
