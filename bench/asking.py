"""The asker: a program that asks at a fixed rate and notes latencies (``peers/asker``)."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Figures

PERCENTILES = ("p50", "p90", "p99", "p99.9", "max")
"""What the asker says of latencies."""

_GRACE_S = 20.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How to ask.

    Attributes:
        questions: a file of ``name type`` lines, read over and over.
        rate: questions per second.
        seconds: how long.
        once: whether each is asked only once, for names that must be new.
    """

    questions: Path
    rate: int
    seconds: float
    once: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of the questions.

    Attributes:
        asked_per_s: rate that was reached.
        answered: all that got an answer.
        denied: those of them that got NXDOMAIN.
        failed: those that got neither that nor NOERROR.
        lost: those that got none; each counts as 2,000 ms.
        ms: latencies by the names in ``PERCENTILES``.
    """

    asked_per_s: float
    answered: int
    denied: int
    failed: int
    lost: int
    ms: dict[str, float]

    def figures(self, words: str) -> Figures:
        """Return figures, each beginning with ``words``."""
        return {
            f"{words}: asked_per_s": self.asked_per_s,
            **{f"{words}: {name}_ms": self.ms[name] for name in PERCENTILES},
            f"{words}: lost": self.lost,
            f"{words}: failed": self.failed,
        }


def ask(program: Path, port: int, pace: Pace) -> Asked:
    """Ask a server of loopback, on the core of this thread.

    Raises:
        subprocess.SubprocessError: the program failed, or did not end.
    """
    with asking(program, port, pace) as ended:
        return ended(pace.seconds)


@contextlib.contextmanager
def asking(program: Path, port: int, pace: Pace) -> Iterator[Callable[[float], Asked]]:
    """Ask meanwhile; what is yielded waits so many seconds, ends it and returns what it found."""
    words = [str(program), "-port", str(port), "-questions", str(pace.questions)]
    words += ["-rate", str(pace.rate), "-seconds", str(pace.seconds)]
    words += ["-once"] if pace.once else []
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own words

        def ended(patience_s: float) -> Asked:
            try:
                said, _ = process.communicate(timeout=patience_s)
            except subprocess.TimeoutExpired:
                process.terminate()
                said, _ = process.communicate(timeout=_GRACE_S)
            if process.returncode:
                raise subprocess.CalledProcessError(process.returncode, words)
            return Asked(**json.loads(said))

        try:
            yield ended
        finally:
            process.kill()
