"""What the log says, and how often."""

from __future__ import annotations

import logging

import pytest

from kubedns_py.cluster.reflector import RelistReason, ResourceStatus
from kubedns_py.cluster.resources import Resource
from kubedns_py.sources.notices import Notices


@pytest.fixture
def status() -> ResourceStatus:
    """Services, heard of at second 100."""
    return ResourceStatus(Resource.SERVICES, synced=True, last_contact=100.0)


@pytest.fixture
def notices(status: ResourceStatus, caplog: pytest.LogCaptureFixture) -> Notices:
    """Notices whose every line is kept."""
    caplog.set_level(logging.DEBUG)
    return Notices(status)


def fail(notices: Notices, status: ResourceStatus, now: float, text: str = "x: refused") -> None:
    """Let a request fail."""
    status.api_errors[0] += 1
    status.last_error = text
    notices.after(None, now)


def test_a_trouble_is_said_at_once_and_then_once_a_minute(
    notices: Notices, status: ResourceStatus, caplog: pytest.LogCaptureFixture
) -> None:
    """F-02: with the age of the data."""
    for now in range(110, 240, 10):
        fail(notices, status, now)

    said = "services: no contact with the API server, serving data of {} s ago: x: refused"
    assert caplog.messages == [said.format(age) for age in (10, 70, 130)]


def test_a_new_kind_of_trouble_is_said_at_once(
    notices: Notices, status: ResourceStatus, caplog: pytest.LogCaptureFixture
) -> None:
    """F-11: a rejected token is not hidden behind the outage before it; each kind only once."""
    fail(notices, status, 110.0)
    for now in (112.0, 114.0):
        status.api_errors[401] += 1
        status.last_error = "x: token rejected"
        notices.after(None, now)

    said = "services: no contact with the API server, serving data of {} s ago: x: {}"
    assert caplog.messages == [said.format(10, "refused"), said.format(12, "token rejected")]


def test_before_the_first_sync_a_line_comes_every_30_seconds(
    notices: Notices, status: ResourceStatus, caplog: pytest.LogCaptureFixture
) -> None:
    """F-01: URL and errno are in the error's own words."""
    status.synced = False
    for now in range(100, 162, 2):
        fail(notices, status, now)

    assert caplog.messages == ["services: not synced, retrying: x: refused"] * 3


def test_the_end_of_a_trouble_is_said_once(
    notices: Notices, status: ResourceStatus, caplog: pytest.LogCaptureFixture
) -> None:
    """F-02: and nothing is said when there was no trouble."""
    notices.well(100.0)
    fail(notices, status, 110.0)
    notices.well(120.0)
    notices.well(130.0)

    assert caplog.messages[1:] == ["services: the API server answers again"]


def test_a_refusal_is_an_error_and_its_change_is_said_at_once(
    notices: Notices, status: ResourceStatus, caplog: pytest.LogCaptureFixture
) -> None:
    """F-12: naming verb and resource."""
    status.synced = False
    for now, text in ((100, "list is forbidden"), (101, "list is forbidden"), (102, "other")):
        status.refused = text
        fail(notices, status, now)

    assert caplog.messages == ["services: list is forbidden", "services: other"]
    assert {each.levelname for each in caplog.records} == {"ERROR"}


def test_a_resource_that_was_synced_is_refused_when_it_is_so_twice(
    notices: Notices, status: ResourceStatus, caplog: pytest.LogCaptureFixture
) -> None:
    """F-12: a starting API server refuses everybody until it has read its roles."""
    status.refused = "list is forbidden"
    fail(notices, status, 110.0, "403 forbidden")
    assert [each.levelname for each in caplog.records] == ["WARNING"]

    fail(notices, status, 112.0, "403 forbidden")
    assert caplog.messages[1:] == ["services: list is forbidden"]

    notices.well(120.0)
    caplog.clear()
    fail(notices, status, 130.0, "403 forbidden")
    assert [each.levelname for each in caplog.records] == ["WARNING"]


@pytest.mark.parametrize(
    ("reason", "level"),
    [
        (RelistReason.EXPIRED, "INFO"),
        (RelistReason.TOO_LARGE, "WARNING"),
        (RelistReason.BACKWARDS, "WARNING"),
        (RelistReason.UNREADABLE, "WARNING"),
        (RelistReason.ERROR, "INFO"),
        (RelistReason.AUDIT, "DEBUG"),
    ],
)
def test_a_list_is_announced_with_its_reason(
    notices: Notices,
    status: ResourceStatus,
    caplog: pytest.LogCaptureFixture,
    reason: RelistReason,
    level: str,
) -> None:
    """F-07 INFO, F-23 WARN; audits are routine."""
    status.relists[reason.value] += 1
    notices.after(reason, 100.0)
    notices.after(reason, 101.0)

    (record,) = caplog.records
    assert record.levelname == level
    assert record.getMessage() == f"services: listing again: {reason.value}"


def test_an_expired_version_is_no_trouble(
    notices: Notices, status: ResourceStatus, caplog: pytest.LogCaptureFixture
) -> None:
    """F-07: an INFO line and no WARN."""
    status.relists["expired"] += 1
    status.api_errors[410] += 1
    notices.after(RelistReason.EXPIRED, 100.0)

    assert [each.levelname for each in caplog.records] == ["INFO"]
