"""Pages, events and Statuses."""

from __future__ import annotations

import msgspec
import pytest

from kubedns_py.cluster.envelope import (
    Page,
    Status,
    read_bookmark,
    read_event,
    read_page,
    read_status,
)
from kubedns_py.errors import BadObject
from tests.helpers.builders import a_page, a_status, octets


def test_a_page_leaves_its_items_unread() -> None:
    """Ecosystem 1.4: one strange object cannot stop a list."""
    page = read_page(a_page({"a": 1}, b'{"b":"\xff"}', version="7", continue_token="x"))

    assert [bytes(each) for each in page.items] == [b'{"a":1}', b'{"b":"\xff"}']
    assert (page.version, page.continue_token) == ("7", "x")


def test_a_null_list_has_no_items() -> None:
    """Ecosystem 1.4: Go writes null for a nil slice."""
    assert read_page(b'{"metadata":{"resourceVersion":"7"},"items":null}') == Page([], "7", "")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"items":[]}',
        b'{"items":[],"metadata":null}',
        b'{"items":[],"metadata":{"resourceVersion":""}}',
        b'{"metadata":{"resourceVersion":"7"}}',
        b'{"metadata":{"resourceVersion":7},"items":[]}',
        b'{"metadata":{"resourceVersion":"7"},"items":{}}',
        b'{"metadata":{"resourceVersion":"7"},"items":[{"a":',
        b'{"items":' + b"[" * 100_000,
        b'{"metadata":{"resourceVersion":"\xff"},"items":[]}',
        octets(a_status(200, "fine")),
    ],
)
def test_what_is_no_page_is_refused(raw: bytes) -> None:
    """F-16: never an empty cluster, never another exception."""
    with pytest.raises(BadObject) as caught:
        read_page(raw)
    assert caught.value.kind == "List"


def test_an_event_leaves_its_object_unread() -> None:
    """F-17: what is wrong inside is a matter of that object."""
    event = read_event(b'{"type":"ADDED","object":{"a":"\xff"}}')

    assert (event.type, bytes(event.item)) == ("ADDED", b'{"a":"\xff"}')
    assert bytes(read_event(b'{"type":"BOOKMARK"}').item) == b"{}"


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b'{"type":1}', b'{"type":"ADDED","object":', b"\xff", b"[" * 100_000]
)
def test_what_is_no_event_is_refused(raw: bytes) -> None:
    """F-16: the stream cannot be trusted any more."""
    with pytest.raises(BadObject) as caught:
        read_event(raw)
    assert caught.value.kind == "Event"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"metadata":{"resourceVersion":"9"}}', "9"),
        (b'{"metadata":{}}', ""),
        (b'{"metadata":null}', ""),
        (b'{"metadata":7}', ""),
        (b'{"metadata":{"resourceVersion":"\xff"}}', ""),
    ],
)
def test_a_bookmark_says_how_far_we_are(raw: bytes, expected: str) -> None:
    """KEP-956; one that cannot be read says nothing."""
    assert read_bookmark(msgspec.Raw(raw)) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (octets(a_status(410, "too old", reason="Expired")), Status(410, "Expired: too old", None)),
        (octets(a_status(429, "wait", retryAfterSeconds=7)), Status(429, "wait", 7.0)),
        (b'{"code":null,"message":7,"reason":null}', Status(0, "", None)),
        (
            b'{"code":503,"details":{"retryAfterSeconds":1%s}}' % (b"0" * 400),
            Status(503, "", 86400.0),
        ),
        (b'{"code":503,"details":{"retryAfterSeconds":-5}}', Status(503, "", 0.0)),
        (b'{"code":1%s}' % (b"0" * 4200), Status(0, "", None)),
        (b'{"code":-410}', Status(0, "", None)),
        (b"<html>\n<b>", Status(0, r"<html>\n<b>", None)),
        (b"\xff\xfe", Status(0, r"\ufffd\ufffd", None)),
        (b"", Status(0, "", None)),
    ],
)
def test_a_status_is_read_as_far_as_possible(raw: bytes, expected: Status) -> None:
    """F-10: bodies of proxies are no Status."""
    assert read_status(raw) == expected


def test_a_page_that_leads_back_to_itself_is_none() -> None:
    """F-22: a list without end would be a hot loop."""
    raw = a_page(version="7", continue_token="x")

    assert read_page(raw, asked_with="w").continue_token == "x"
    with pytest.raises(BadObject, match="continue token came twice"):
        read_page(raw, asked_with="x")
