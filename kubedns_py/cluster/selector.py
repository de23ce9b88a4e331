"""Label selectors, in the spelling of ``kubectl -l``.

    app=web,tier!=cache,region in (eu, us),zone notin (a),canary,!legacy

Rules of this file:

- What the API server accepts for a list request means the same here, so that one option selects the
  same objects whether a server or a directory of manifests is the source. Its integer comparisons
  ``>`` and ``<`` are refused: no one selects Services by them.
- Patterns are compiled when somebody selects: few do, and every start would pay for it.
- ``!=`` and ``notin`` also match objects that do not have the key at all.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import NamedTuple

from kubedns_py.errors import UsageError

_MAX_NAME = 63
_MAX_PREFIX = 253
_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?"
_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_PREFIX = rf"{_LABEL}(?:\.{_LABEL})*"

_COMMA_OUTSIDE_PARENTHESES = r",(?![^()]*\))"
_KEY = r"(?P<key>[^\s!=<>,()]+)"
_SET = r"\((?P<values>[^()]+)\)"
_VALUE = r"(?P<values>[^\s!=<>,()]*)"


class Operator(enum.Enum):
    """What a requirement says of a key."""

    IN = "in"
    NOT_IN = "notin"
    EXISTS = "exists"
    ABSENT = "absent"


_CLAUSES = (
    (_KEY, Operator.EXISTS),
    (rf"!\s*{_KEY}", Operator.ABSENT),
    (rf"{_KEY}\s*==?\s*{_VALUE}", Operator.IN),
    (rf"{_KEY}\s*!=\s*{_VALUE}", Operator.NOT_IN),
    (rf"{_KEY}\s+in\s*{_SET}", Operator.IN),
    (rf"{_KEY}\s+notin\s*{_SET}", Operator.NOT_IN),
)


class Requirement(NamedTuple):
    """One clause of a selector. ``values`` is empty for EXISTS and ABSENT."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet this requirement."""
        if self.operator is Operator.IN:
            return labels.get(self.key) in self.values
        if self.operator is Operator.NOT_IN:
            return labels.get(self.key) not in self.values
        return (self.key in labels) is (self.operator is Operator.EXISTS)


class Selector(NamedTuple):
    """Requirements that must all be met; without any, it selects everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet every requirement."""
        return all(each.matches(labels) for each in self.requirements)


def parse_selector(text: str) -> Selector:
    """Return the selector that a text spells; an empty or blank text selects everything.

    Raises:
        UsageError: the text is not a label selector; the message names the clause and the fault.
    """
    if not text.strip():
        return Selector()
    clauses = re.split(_COMMA_OUTSIDE_PARENTHESES, text)
    return Selector(tuple(_requirement(clause.strip(), text) for clause in clauses))


def _requirement(clause: str, text: str) -> Requirement:
    """Return what one clause of a selector says, checked. ``text`` is the whole, for messages."""
    read = _read(clause)
    if read is None:
        shown = repr(clause) if clause else "nothing before or after a comma"
        raise UsageError(
            f"label selector {text!r}: {shown} is not a requirement; write key, !key, key=value, "
            "key!=value, key in (a,b) or key notin (a,b)"
        )
    _check_key(read.key, text)
    for value in read.values:
        _check_value(value, text)
    return read


def _read(clause: str) -> Requirement | None:
    for pattern, operator in _CLAUSES:
        found = re.fullmatch(pattern, clause)
        if found:
            facts = found.groupdict()
            listed = facts.get("values")
            values = frozenset() if listed is None else frozenset(map(str.strip, listed.split(",")))
            return Requirement(facts["key"], operator, values)
    return None


def _check_key(key: str, text: str) -> None:
    """Check a label key: an optional DNS name and a slash, then a name of 1 to 63 characters."""
    prefix, slash, name = key.rpartition("/")
    good_prefix = not slash or (len(prefix) <= _MAX_PREFIX and re.fullmatch(_PREFIX, prefix))
    if not good_prefix or len(name) > _MAX_NAME or not re.fullmatch(_NAME, name):
        raise UsageError(
            f"label selector {text!r}: {key!r} is not a label key; a key is at most {_MAX_NAME} "
            "letters, digits, '-', '_' and '.', after an optional DNS name and '/'"
        )


def _check_value(value: str, text: str) -> None:
    """Check a label value: empty, or a name of 1 to 63 characters."""
    if value and (len(value) > _MAX_NAME or not re.fullmatch(_NAME, value)):
        raise UsageError(
            f"label selector {text!r}: {value!r} is not a label value; a value is at most "
            f"{_MAX_NAME} letters, digits, '-', '_' and '.', first and last a letter or digit"
        )
