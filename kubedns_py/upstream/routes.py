"""Where a name is asked for: the stub domain that is nearest above it, else the default.

Rules of this file:

- Suffixes are compared by labels, never by characters: ``aexample.org`` is not in ``example.org``
  (CVE-2026-33489).
- A change of configuration makes new Routes; they are never edited.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.name import ROOT, Name, Suffixes

DEFAULT_ROUTE: Final = "."
"""The name of the route for names in no stub domain."""


class Group(NamedTuple):
    """The upstreams of one route.

    Attributes:
        route: ``DEFAULT_ROUTE``, or the stub domain in presentation format: a label of metrics and
            logs.
        servers: in the order of the configuration, with IP addresses; empty if nobody is known.
    """

    route: str
    servers: tuple[Nameserver, ...]


class Routes:
    """All routes.

    Args:
        default: for names in no stub domain; None if there is none.
        stubs: by stub domain, folded.

    Attributes:
        groups: every group by the name of its route, the root for the default.
    """

    __slots__ = ("_by_name", "groups")

    def __init__(self, default: Group | None, stubs: Mapping[Name, Group]) -> None:
        self.groups: Mapping[Name, Group] = {**({ROOT: default} if default else {}), **stubs}
        self._by_name = Suffixes(self.groups)

    def route(self, name: Name) -> Group | None:
        """Return the group of the longest stub domain at or above ``name``, or the default."""
        return self._by_name.longest(name)
