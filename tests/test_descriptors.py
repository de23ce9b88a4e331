"""The limit of open files: raised at the start, and shared out."""

from __future__ import annotations

import contextlib
import logging
import resource
from collections.abc import Iterator

import pytest

from kubedns_py.config.arguments import load
from kubedns_py.config.options import Config
from kubedns_py.descriptors import raise_limit, within_limit

FILES = resource.RLIMIT_NOFILE


@contextlib.contextmanager
def limited_to(soft: int) -> Iterator[int]:
    """Let this process open only so many files; yield its hard limit."""
    before = resource.getrlimit(FILES)
    resource.setrlimit(FILES, (soft, before[1]))
    try:
        yield before[1]
    finally:
        resource.setrlimit(FILES, before)


def options(*flags: str) -> Config:
    """Return what the flags ask for."""
    return load(flags, {}, program="test").config


def test_the_limit_is_raised_to_what_the_system_allows() -> None:
    """1024, the usual one, is for programs that call select; Go raises it since 1.19."""
    with limited_to(512) as hard:
        raise_limit()

        assert resource.getrlimit(FILES) == (min(hard, 2**20), hard)


@pytest.mark.parametrize("hard", [resource.RLIM_INFINITY, 2**30])
def test_the_limit_is_raised_no_further_than_is_of_use(
    hard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A credential plugin inherits it, and may close every number up to it."""
    limits = [(1024, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: limits.append(wanted))
    raise_limit()
    raise_limit()

    assert limits == [(1024, hard), (2**20, hard)]


@pytest.mark.parametrize("error", [ValueError("not allowed"), PermissionError(1, "no")])
def test_a_limit_that_cannot_be_raised_stays_and_is_said_to_developers(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A sandbox may forbid the call; what follows from a low limit is said elsewhere."""

    def refuse(*_: object) -> None:
        raise error

    caplog.set_level(logging.DEBUG)
    with limited_to(512), monkeypatch.context() as patched:
        patched.setattr(resource, "setrlimit", refuse)
        raise_limit()

        assert resource.getrlimit(FILES)[0] == 512
    (record,) = caplog.records
    assert record.levelno == logging.DEBUG
    assert record.getMessage().startswith("the limit of open files stays 512, not ")


def test_where_there_are_files_enough_nothing_is_changed_or_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """1000 questions of 6 sockets, 4096 clients over TCP, and 128."""
    with limited_to(6000 + 4096 + 128):
        assert within_limit(options(), connections=4096) == options()

    assert caplog.messages == []


def test_fewer_questions_are_asked_at_a_time_than_there_are_files_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Else health checks time out and TCP clients are not accepted, while upstreams are away."""
    with limited_to(1024):
        found = within_limit(options("--max-concurrent=1000"), connections=512)

    assert found.max_concurrent == 64
    (said,) = caplog.messages
    assert said == (
        "--max-concurrent 1000 may take 6000 open files, and the limit of open files, 1024, leaves "
        "384 for them: at most 64 questions wait for other servers at a time; raise the hard limit "
        "(ulimit -Hn, LimitNOFILE= of the container runtime), or give --max-concurrent=64"
    )


def test_workers_take_some_too(caplog: pytest.LogCaptureFixture) -> None:
    """The line to each and its end; the sockets that clients ask are there anyhow."""
    flags = ("--max-concurrent=1000", "--workers=64")
    with limited_to(6000 + 512 + 128 + 64 * 2):
        assert within_limit(options(*flags), connections=512) == options(*flags)
    assert caplog.messages == []

    with limited_to(6000 + 512 + 128 + 64 * 2 - 1):
        assert within_limit(options(*flags), connections=512).max_concurrent == 999


def test_some_questions_are_asked_whatever_the_limit() -> None:
    """The least that --max-concurrent may be."""
    with limited_to(200):
        assert within_limit(options(), connections=100).max_concurrent == 10


def test_a_server_that_asks_nobody_needs_no_files_for_it(caplog: pytest.LogCaptureFixture) -> None:
    """--forward=false."""
    with limited_to(1024):
        within_limit(options("--forward=false"), connections=512)

    assert caplog.messages == []


def test_without_a_limit_there_is_nothing_to_share_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """getrlimit(2): RLIM_INFINITY, which Python shows as -1."""
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda _: unlimited)
    raise_limit()

    assert within_limit(options(), connections=4096) == options()
    assert caplog.messages == []
