"""Nothing that the suite starts outlives it, whatever ends it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.processes import Processes, StartFailedError, free_ports
from tests.e2e.reaper import listed
from tests.e2e.wait import until

pytestmark = pytest.mark.e2e

KILLED_WITH_A_CHILD = """
import os, pathlib, signal, sys
from tests.e2e.processes import Processes
processes = Processes(pathlib.Path(sys.argv[1]))
ended = processes.start("ended", ["true"])
processes.stop(ended)
print(processes.start("sleeper", ["sleep", "600"]).pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_leaves_no_process(tmp_path: Path) -> None:
    """SIGKILL leaves no time for any clean-up of its own."""
    command = [sys.executable, "-c", KILLED_WITH_A_CHILD, str(tmp_path)]
    root = Path(__file__).parents[2]

    ran = subprocess.run(  # noqa: S603 - this very Python
        command, cwd=root, capture_output=True, text=True, check=False
    )

    assert ran.returncode == -signal.SIGKILL, ran.stderr
    until(lambda: not _is_running(int(ran.stdout)), "the sleeper has been killed")


def test_a_stopped_process_is_gone(tmp_path: Path) -> None:
    """In order, which ends a sleeper at once."""
    with _processes(tmp_path) as processes:
        sleeper = processes.start("sleeper", ["sleep", "600"])
        assert _is_running(sleeper.pid)

        processes.stop(sleeper)

        assert not _is_running(sleeper.pid)


def test_a_process_that_does_not_want_to_end_is_killed(tmp_path: Path) -> None:
    """After its deadline."""
    stubborn = "trap '' TERM; echo ready; while :; do sleep 1; done"
    with _processes(tmp_path) as processes:
        process = processes.start("stubborn", ["sh", "-c", stubborn])
        process.wait_ready(lambda: "ready" in process.log.read_text(), within_s=5)

        process.end(crash=False, within_s=0.1)

        assert not _is_running(process.pid)


def test_a_paused_process_can_be_stopped(tmp_path: Path) -> None:
    """A paused process takes no signal but SIGKILL until it goes on."""
    with _processes(tmp_path) as processes:
        sleeper = processes.start("sleeper", ["sleep", "600"])
        sleeper.pause()

        processes.stop(sleeper)

        assert not _is_running(sleeper.pid)


def test_an_early_end_is_a_failed_start_with_the_log(tmp_path: Path) -> None:
    """It is not waited for until the deadline."""
    with _processes(tmp_path) as processes:
        process = processes.start("failing", ["sh", "-c", "echo because; exit 3"])

        with pytest.raises(StartFailedError, match=r"(?s)failing ended with status 3.*because"):
            process.wait_ready(lambda: False, within_s=600)


def test_a_late_start_is_a_failed_start_with_the_log(tmp_path: Path) -> None:
    """A process that runs is not yet one that is ready."""
    with _processes(tmp_path) as processes:
        process = processes.start("late", ["sleep", "600"])

        with pytest.raises(StartFailedError, match=r"late was not ready in 0.1 s"):
            process.wait_ready(lambda: False, within_s=0.1)


def test_the_reaper_knows_what_still_runs() -> None:
    """The order is that of the pipe, and an id may come again."""
    assert listed(["+1\n", "+2\n", "-1\n", "+3\n", "-3\n", "+3\n"]) == {2, 3}


def test_a_program_has_the_variables_that_it_was_given(tmp_path: Path) -> None:
    """Beside those that everybody has."""
    processes = Processes(tmp_path, {"GOGC": "400"})
    code = "import os; print(os.environ['GOGC'], os.environ['PATH'] != '')"
    log = tmp_path / "told.log"
    try:
        processes.start("told", [sys.executable, "-c", code])
        said = until(log.read_text, "what it says")
    finally:
        processes.stop_all()

    assert said == "400 True\n"


def test_free_ports_are_different() -> None:
    """The programs get theirs in one go."""
    assert len(set(free_ports(50))) == 50


@contextmanager
def _processes(folder: Path) -> Iterator[Processes]:
    """Have processes until the end of a test."""
    processes = Processes(folder)
    try:
        yield processes
    finally:
        processes.stop_all()


def _is_running(pid: int) -> bool:
    """Say whether a process exists and is more than a status that nobody has collected."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"
