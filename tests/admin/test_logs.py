"""Which records become lines."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from kubedns_py.admin import logs
from kubedns_py.admin.logs import LineHandler, Suppressor
from kubedns_py.admin.logwriter import MAX_WAITING, LineWriter
from kubedns_py.server.query_logger import QueryLogger
from tests.helpers.waiting import until

OURS = logging.getLogger("kubedns_py.sources.watch")
THEIRS = logging.getLogger("kubernetes_asyncio.client.rest")


@pytest.fixture(autouse=True)
def _untouched_loggers() -> Iterator[None]:
    """Put the loggers back as pytest had them."""
    root, ours = logging.getLogger(), logging.getLogger("kubedns_py")
    handlers, levels = list(root.handlers), (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


def a_record(template: str, at: float, *, level: int = logging.WARNING) -> logging.LogRecord:
    """Return a record made at a time."""
    record = logging.LogRecord("kubedns_py.x", level, "x.py", 1, template, (), None)
    record.created = at
    return record


def test_records_reach_standard_error_as_klog_lines(capfd: pytest.CaptureFixture[str]) -> None:
    """Ecosystem 6.2: klog text by default, to stderr."""
    handler = logs.configure("text", 0)

    OURS.info("synced %s", "services")
    OURS.warning("retrying")
    handler.close()

    out, err = capfd.readouterr()
    first, second = err.splitlines()
    assert out == ""
    assert first.startswith("I")
    assert first.endswith("] synced services")
    assert "test_logs.py:" in first
    assert second.startswith("W")


def test_records_reach_standard_error_as_json(capfd: pytest.CaptureFixture[str]) -> None:
    """Ecosystem 6.2: --logging-format=json."""
    handler = logs.configure("json", 0)

    OURS.error("broken\n%s", "\x1b[2J")
    handler.close()

    (line,) = capfd.readouterr().err.splitlines()
    assert json.loads(line)["msg"] == r"broken\010\027[2J"
    assert json.loads(line)["level"] == "error"


@pytest.mark.parametrize(("v", "lines"), [(0, 1), (2, 1), (3, 2), (10, 2)])
def test_details_for_developers_begin_at_three(
    v: int, lines: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """Contract: 0 to 2 INFO, 3 and more DEBUG."""
    handler = logs.configure("text", v)

    OURS.info("one")
    OURS.debug("two")
    handler.close()

    assert len(capfd.readouterr().err.splitlines()) == lines


def test_details_of_other_packages_are_never_logged(capfd: pytest.CaptureFixture[str]) -> None:
    """The client logs bodies and headers when asked for details; they may hold tokens."""
    handler = logs.configure("text", 10)

    THEIRS.debug("response body: secret")
    THEIRS.info("response body: secret")
    THEIRS.warning("slow")
    handler.close()

    assert len(capfd.readouterr().err.splitlines()) == 1


def test_after_closing_nothing_is_written_any_more(capfd: pytest.CaptureFixture[str]) -> None:
    """The handler leaves the loggers when it closes."""
    handler = logs.configure("text", 0)
    handler.close()

    assert handler not in logging.getLogger().handlers
    assert logs.dropped() == 0
    assert capfd.readouterr().err == ""


async def test_what_is_dropped_is_counted_for_the_metrics(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F-40: logs dropped and counted; here standard error was closed at the start."""
    monkeypatch.setattr(sys, "__stderr__", None)
    handler = logs.configure("text", 0)
    OURS.warning("lost")

    await until(lambda: logs.dropped() == 1)
    handler.close()
    assert handler.dropped == 1
    assert logs.dropped() == 0  # a closed handler has left


def test_a_process_without_standard_error_runs_and_writes_to_no_other_descriptor() -> None:
    """F-40: descriptor 2 is given to the next file that is opened; lines must not go there."""
    program = (
        "import logging, os, tempfile\n"
        "from kubedns_py.admin import logs\n"
        "file = tempfile.TemporaryFile()\n"
        "handler = logs.configure('text', 0)\n"
        "logging.getLogger('kubedns_py').warning('into somebody else\\'s file')\n"
        "handler.close()\n"
        "print(file.fileno(), os.fstat(file.fileno()).st_size, handler.dropped)\n"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        preexec_fn=lambda: os.close(2),
        check=True,
        timeout=20,
    )

    assert done.stdout.split() == [b"2", b"0", b"1"]


def test_a_message_class_comes_once_a_second_after_a_burst_of_ten() -> None:
    """Reliability 4.3: per-message-class rate limit of 1/s."""
    passes = Suppressor()

    burst = [passes(a_record("same", 100.0)) for _ in range(13)]
    later = [passes(a_record("same", 100.0 + second)) for second in (0.5, 1.0, 1.5, 2.0)]

    assert burst == [True] * 10 + [False] * 3
    assert later == [False, True, False, True]


def test_when_a_class_resumes_it_says_how_many_were_held_back(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Reliability 4.3: "N suppressed"."""
    handler = logs.configure("text", 0)
    for _ in range(14):
        handler.handle(a_record("same", 100.0))
    handler.handle(a_record("same", 101.5))
    handler.handle(a_record("same", 103.0))
    handler.close()

    texts = [line.partition("] ")[2] for line in capfd.readouterr().err.splitlines()]
    assert texts == ["same"] * 10 + ["same (4 suppressed)", "same"]


def test_one_class_does_not_silence_another() -> None:
    """The class is logger and template, not the text that was made of it."""
    passes = Suppressor()
    for _ in range(14):
        passes(a_record("same", 100.0))

    assert passes(a_record("other", 100.0))


def test_errors_are_never_held_back() -> None:
    """Contract: the limit holds for WARNING and below."""
    passes = Suppressor()

    assert all(passes(a_record("same", 100.0, level=logging.ERROR)) for _ in range(100))


def test_a_clock_that_steps_back_silences_nothing_for_long() -> None:
    """F-28: the wall clock steps back by a day."""
    passes = Suppressor()
    for _ in range(14):
        passes(a_record("same", 100000.0))

    passes(a_record("same", 13600.0))

    assert passes(a_record("same", 13601.0))


def test_templates_without_number_do_not_grow_the_memory_without_end() -> None:
    """A caller that puts data into its template is wrong, and harmless."""
    passes = Suppressor()

    assert all(passes(a_record(f"template {number}", 100.0)) for number in range(5000))


def test_a_query_that_is_to_be_logged_is_never_held_back(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """--log-queries all: they are one message class, and were asked for."""
    handler = logs.configure("text", 0)

    for _ in range(100):
        QueryLogger.say((b"www", b"example"), 1, "udp", 0, "upstream", 0.001)
    handler.close()

    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 100
    assert all("] query www.example. A over udp: rcode 0" in line for line in lines)


def test_queries_leave_room_for_other_lines_and_are_counted() -> None:
    """F-40: what says why the disk is slow must not be lost among what fills it."""
    reading, writing = os.pipe()
    handler = LineHandler("text", LineWriter(writing))
    query = logging.LogRecord("kubedns_py.server.query_logger", 20, "x.py", 1, "q" * 3000, (), None)

    for _ in range(2 * MAX_WAITING):
        handler.handle(query)
    refused = handler.dropped
    for _ in range(100):
        handler.handle(a_record("reason", 100.0, level=logging.ERROR))

    assert refused > MAX_WAITING // 2
    assert handler.dropped == refused
    os.close(reading)
    handler.close()
