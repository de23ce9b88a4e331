"""Response codes (RFC 6895, 2.3), and extended DNS errors (RFC 8914, 5.2) that we send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

NOERROR: Final = 0
FORMERR: Final = 1
SERVFAIL: Final = 2
NXDOMAIN: Final = 3
NOTIMP: Final = 4
REFUSED: Final = 5
BADVERS: Final = 16

MNEMONICS: Final[Mapping[int, str]] = {
    NOERROR: "NOERROR",
    FORMERR: "FORMERR",
    SERVFAIL: "SERVFAIL",
    NXDOMAIN: "NXDOMAIN",
    NOTIMP: "NOTIMP",
    REFUSED: "REFUSED",
    6: "YXDOMAIN",
    7: "YXRRSET",
    8: "NXRRSET",
    9: "NOTAUTH",
    10: "NOTZONE",
    11: "DSOTYPENI",
    BADVERS: "BADVERS",
    23: "BADCOOKIE",
}
"""Codes that are counted and logged by name (IANA, DNS RCODEs), those of upstreams too."""

OTHER: Final = "other"
"""What is counted under no name of its own: a code that is not in the list, or a query type."""


class ExtendedError(NamedTuple):
    """An EDE option: its INFO-CODE and its EXTRA-TEXT, which is for people."""

    code: int
    text: str = ""


EDE_OTHER: Final = 0
EDE_STALE: Final = 3
EDE_NOT_READY: Final = 14
EDE_FILTERED: Final = 17
EDE_PROHIBITED: Final = 18
EDE_NOT_AUTHORITATIVE: Final = 20
EDE_NO_REACHABLE_AUTHORITY: Final = 22
EDE_NETWORK_ERROR: Final = 23
