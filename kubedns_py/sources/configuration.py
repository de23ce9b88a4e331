"""A value that may change while the server runs, whoever brings it.

Rules of this file:

- All or nothing: a new value that cannot be used changes nothing but the report (rows F-29, F-30).
- What was judged once is not judged again until it changes: one fault is one log line.
- Whoever uses the value hears of it only when it differs.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from kubedns_py.errors import BadConfiguration
from kubedns_py.structs import Struct

_log = logging.getLogger(__name__)


class Value(Protocol):
    """What can be kept. Its text is for the log: one line of what is in force."""

    @property
    def notices(self) -> tuple[str, ...]:
        """What is to be said of it when it comes into force, one line each."""
        ...


RawT_contra = TypeVar("RawT_contra", contravariant=True)
ValueT = TypeVar("ValueT", bound=Value)


class ConfigurationStatus(Struct):
    """How a value fares: plain facts for metrics, readiness texts and logs.

    Attributes:
        source: where it comes from, as the operator said it: ``--config-dir /kube-dns-config``.
        valid: whether the newest that was seen is in force. Before anything was seen, too.
        generation: how often something was accepted; 0 is the value of the start.
        version: of what was accepted last, a hash as text; empty before.
        message: why the newest is not in force: the key and the reason; empty when it is.
        refusals: how often something was not accepted.
    """

    source: str
    valid: bool = True
    generation: int = 0
    version: str = ""
    message: str = ""
    refusals: int = 0


class Kept(Generic[RawT_contra, ValueT]):
    """Keeps the last good value.

    Args:
        source: see ``ConfigurationStatus``.
        initial: what is in force until something is accepted.
        read: makes a value of what came; raises BadConfiguration.
        on_change: takes each value that differs from the one before.

    Attributes:
        value: what is in force.
        status: only to be read.
    """

    def __init__(
        self,
        source: str,
        initial: ValueT,
        read: Callable[[RawT_contra], ValueT],
        *,
        on_change: Callable[[ValueT], None],
    ) -> None:
        self.value = initial
        self.status = ConfigurationStatus(source)
        self._read = read
        self._on_change = on_change
        self._judged = ""

    def is_new(self, version: str) -> bool:
        """Tell whether a version differs from the one that was offered or refused last."""
        return version != self._judged

    def offer(self, raw: RawT_contra, version: str) -> None:
        """Take what came, unless it is what came before.

        Args:
            raw: what ``read`` takes.
            version: differs exactly when ``raw`` does; not empty.
        """
        if not self.is_new(version):
            return
        try:
            value = self._read(raw)
        except BadConfiguration as error:
            self.refuse(str(error), version)
            return
        self._judged = version
        status = self.status
        status.valid, status.message, status.version = True, "", version
        status.generation += 1
        _log.info("%s: in force: %s", status.source, value)
        for line in value.notices:
            _log.warning("%s: %s", status.source, line)
        changed = value != self.value
        self.value = value
        if changed:
            self._on_change(value)

    def refuse(self, reason: str, version: str) -> None:
        """Note that what came cannot be used, or could not be had at all.

        Args:
            reason: one line.
            version: of what came, or else anything that differs exactly when the reason does.
        """
        if not self.is_new(version):
            return
        self._judged = version
        status = self.status
        status.valid, status.message = False, reason
        status.refusals += 1
        _log.error("%s: cannot be used: %s; still in force: %s", status.source, reason, self.value)


def version_of(data: Mapping[str, str]) -> str:
    """Return the SHA-256 of keys and texts, 64 hex digits; their order does not matter."""
    digest = hashlib.sha256()
    for key, text in sorted(data.items()):
        for part in (key, text):
            octets = part.encode(errors="surrogatepass")
            digest.update(b"%d:" % len(octets))
            digest.update(octets)
    return digest.hexdigest()
