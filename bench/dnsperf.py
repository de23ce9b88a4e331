"""dnsperf: its command line, and its report as numbers.

Rules of this file: a rate is of answers that came, never of questions that were sent; every run is
bounded in time.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_GRACE_S = 30.0
_APART_S = 0.05
_FIRST_CLIENT = 11  # last octet of its address of loopback


@dataclass(frozen=True, slots=True)
class Load:
    """What to ask, and how hard.

    Attributes:
        questions: files of ``name type`` lines, each asked by a dnsperf of its own.
        seconds: limit of the run; None reads the file once without a limit.
        outstanding: most questions in flight, for each file. As many are sent at once at the start;
            more than some 250 datagrams overflow a socket buffer of the usual size, and what is
            lost there blocks its place until it times out.
        clients: sockets that the questions are spread over.
        rate: most questions per second; None is as many as the server answers.
        timeout_s: after this a question is lost.
        once: whether to stop at the end of the file, for names that must be new.
        denials: whether NXDOMAIN is a good answer too, for mixes with names that do not exist.
    """

    questions: Sequence[Path]
    seconds: int | None = None
    outstanding: int = 100
    clients: int = 4
    rate: int | None = None
    timeout_s: int = 1
    once: bool = False
    denials: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a load.

    Attributes:
        sent: questions.
        completed: answers.
        good: answers with NOERROR, and with NXDOMAIN where the load has denials.
        seconds: in which they came.
        mean_ms: average latency of the answers.
    """

    sent: int
    completed: int
    good: int
    seconds: float
    mean_ms: float

    @property
    def rate(self) -> float:
        """Good answers per second."""
        return self.good / self.seconds if self.seconds else 0.0


def run(dnsperf: Path, port: int, load: Load) -> Answered:
    """Put a load on a server of loopback, on the core of this thread.

    Raises:
        ValueError: dnsperf failed; its own words are on stderr.
        subprocess.TimeoutExpired: it did not end.
    """
    deadline = time.monotonic() + _GRACE_S + (load.seconds or _GRACE_S) + load.timeout_s
    with contextlib.ExitStack() as stack:
        started = []
        for number, questions in enumerate(load.questions):
            words = command(dnsperf, port, load, questions)
            words += ["-a", f"127.0.0.{_FIRST_CLIENT + number}"]  # a server bounds what one may ask
            process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own words
            started.append(stack.enter_context(process))
            stack.callback(process.kill)  # runs before the process is waited for
            time.sleep(_APART_S)
        reports = [each.communicate(timeout=deadline - time.monotonic())[0] for each in started]
    return _together([parse(each, load.seconds, denials=load.denials) for each in reports])


def _together(parts: Sequence[Answered]) -> Answered:
    """Return the sum of what came of several processes at once."""
    completed = sum(each.completed for each in parts)
    waited_ms = sum(each.mean_ms * each.completed for each in parts)
    return Answered(
        sent=sum(each.sent for each in parts),
        completed=completed,
        good=sum(each.good for each in parts),
        seconds=max(each.seconds for each in parts),
        mean_ms=waited_ms / completed if completed else 0.0,
    )


def command(dnsperf: Path, port: int, load: Load, questions: Path) -> list[str]:
    """Return the command line for one file of a load."""
    words = [str(dnsperf), "-s", "127.0.0.1", "-p", str(port), "-d", str(questions)]
    words += ["-c", str(load.clients), "-q", str(load.outstanding), "-t", str(load.timeout_s)]
    words += ["-b", "1024", "-O", "suppress=timeouts,unexpected,congestion,sendfailed,sockready"]
    if load.seconds is not None:
        words += ["-l", str(load.seconds)]
    if load.seconds is None or load.once:
        words += ["-n", "1"]
    if load.rate is not None:
        words += ["-Q", str(load.rate)]
    return words


def parse(text: str, limit_s: int | None = None, *, denials: bool = False) -> Answered:
    """Return the numbers of a report.

    Args:
        text: dnsperf's standard output.
        limit_s: the limit of the run. dnsperf counts the wait for lost answers as run time; where
            some were lost, it is this that counts.
        denials: whether NXDOMAIN counts as good.

    Raises:
        ValueError: it is not such a report.
    """
    sent = int(_number(r"Queries sent:\s+(\d+)", text))
    completed = int(_number(r"Queries completed:\s+(\d+)", text))
    seconds = _number(r"Run time \(s\):\s+([\d.]+)", text)
    codes = {name: int(number) for name, number in re.findall(r"\b([A-Z]+) (\d+) \(", text)}
    good = codes.get("NOERROR", 0) + (codes.get("NXDOMAIN", 0) if denials else 0)
    latency = re.search(r"Average Latency \(s\):\s+([\d.]+)", text)
    if limit_s is not None and completed < sent:
        seconds = min(seconds, limit_s)
    mean_ms = float(latency[1]) * 1000 if latency else 0.0
    return Answered(sent, completed, good, seconds, mean_ms)


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        raise ValueError(f"dnsperf's report has no {pattern.partition(':')[0]}: {text[:200]!r}")
    return float(found[1])
