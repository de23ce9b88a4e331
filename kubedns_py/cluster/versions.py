"""Which of two resource versions is older, as far as that can be said.

Rules of this file:

- A resource version is text. Two decimal numbers can be compared (KEP-5504); anything else can
  only be equal or not, and then the last one heard wins.
- Numbers are compared by length and then as text: no number is ever made of them.
"""

from __future__ import annotations

from kubedns_py.cluster.objects import Key


def is_older(version: str, than: str) -> bool:
    """Tell whether one resource version certainly stands before another."""
    if not (_is_number(version) and _is_number(than)):
        return False
    return (len(version), version) < (len(than), than)


class Versions:
    """The newest version known of every object since the last complete list.

    Deleted objects keep theirs until the next list, so that a late event cannot bring one back.

    Args:
        listed_at: the version of the complete list: what it does not hold did not exist then.
        of: versions of the objects that it held.
    """

    def __init__(self, listed_at: str, of: dict[Key, str]) -> None:
        self._listed_at = listed_at
        self._of = of

    def is_stale(self, key: Key, version: str) -> bool:
        """Tell whether an event about an object is older than what is known of it."""
        return is_older(version, self._of.get(key, self._listed_at))

    def note(self, key: Key, version: str) -> None:
        """Take a version as the newest of an object."""
        self._of[key] = version


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and not text.startswith("0")
