"""What API objects travel in: a page of a list, an event of a watch, a Status.

Rules of this file:

- The objects inside stay octets: each is read for itself (``decode.py``).
- A page that does not say what it holds is an error, never an empty cluster.
- Texts of the API server become short ASCII without control characters before anyone sees them.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType, field

from kubedns_py.errors import EXCERPT, BadObject, excerpt
from kubedns_py.structs import Struct

_CODES = range(100, 600)
_LONGEST_WAIT_S = 86_400
"""JSON has integers of any size; floats, and patience, end earlier."""

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_NOTHING = msgspec.Raw(b"{}")


class Page(Struct, frozen=True):
    """A page of a list.

    Attributes:
        items: one JSON document each.
        version: the resource version of the whole list.
        continue_token: what asks for the next page; empty on the last one.
    """

    items: list[msgspec.Raw]
    version: str
    continue_token: str


class Event(Struct, frozen=True):
    """An event of a watch: its type as sent, and one JSON document."""

    type: str
    item: msgspec.Raw


class Status(Struct, frozen=True):
    """An answer of kind Status, or what could be read of it.

    Attributes:
        code: HTTP status, or 0.
        detail: reason and message, fit for a log line.
        retry_after_s: how long the server asks us to wait, or None.
    """

    code: int
    detail: str
    retry_after_s: float | None


def read_page(raw: bytes, *, asked_with: str = "") -> Page:
    """Return a page of a list.

    Args:
        raw: the body of an answer.
        asked_with: the continue token that was sent, or empty.

    Raises:
        BadObject: it is none, whatever its status was, or it leads back to itself.
    """
    try:
        found = _PAGE.decode(raw)
    except _UNREADABLE as error:
        raise BadObject("List", "json", detail=excerpt(str(error))) from error
    meta = found.metadata or _ListMeta()
    if found.items is UNSET or not meta.resource_version:
        raise BadObject("List", "type", detail="items or metadata.resourceVersion is missing")
    if asked_with and meta.continue_token == asked_with:
        raise BadObject("List", "continue", detail="the same continue token came twice")
    return Page(found.items or [], meta.resource_version, meta.continue_token or "")


def read_event(line: bytes) -> Event:
    """Return an event of a watch. Raises BadObject if the line is none."""
    try:
        found = _EVENT.decode(line)
    except _UNREADABLE as error:
        raise BadObject("Event", "json", detail=excerpt(str(error))) from error
    return Event(found.type, found.object)


def read_bookmark(raw: msgspec.Raw) -> str:
    """Return the version that a bookmark says is reached; one that cannot be read says nothing."""
    try:
        found = _BOOKMARK.decode(raw).metadata
    except _UNREADABLE:
        return ""
    return (found.resource_version if found else None) or ""


def read_status(raw: bytes | msgspec.Raw) -> Status:
    """Return what an error's body says; a body that is no Status is shown in part."""
    try:
        found = _STATUS.decode(raw)
    except _UNREADABLE:
        return Status(0, excerpt(bytes(raw)[: 2 * EXCERPT].decode("utf-8", "replace")), None)
    texts = [text for text in (found.reason, found.message) if isinstance(text, str) and text]
    wait = found.details.retry_after_seconds if found.details else None
    wait_s = float(min(max(wait, 0), _LONGEST_WAIT_S)) if wait else None
    code = found.code if found.code and found.code in _CODES else 0
    return Status(code, excerpt(": ".join(texts)), wait_s)


class _ListMeta(msgspec.Struct, rename="camel"):
    resource_version: str | None = None
    continue_token: str | None = field(default=None, name="continue")


class _Page(msgspec.Struct):
    items: list[msgspec.Raw] | UnsetType | None = UNSET
    metadata: _ListMeta | None = None


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw = _NOTHING


class _BookmarkMeta(msgspec.Struct, rename="camel"):
    resource_version: str | None = None


class _Bookmark(msgspec.Struct):
    metadata: _BookmarkMeta | None = None


class _StatusDetails(msgspec.Struct, rename="camel"):
    retry_after_seconds: int | None = None


class _Status(msgspec.Struct):
    code: int | None = None
    reason: Any = None
    message: Any = None
    details: _StatusDetails | None = None


_PAGE = msgspec.json.Decoder(_Page)
_EVENT = msgspec.json.Decoder(_Event)
_BOOKMARK = msgspec.json.Decoder(_Bookmark)
_STATUS = msgspec.json.Decoder(_Status)
