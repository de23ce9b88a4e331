"""Two threads at once, switching as often as the interpreter can."""

import sys
import threading
from collections.abc import Callable, Iterable


def beside(reading: Callable[[], object], writing: Iterable[object]) -> list[Exception]:
    """Call ``reading`` again and again in a thread while ``writing`` is walked in this one.

    Returns:
        What ``reading`` raised, such as "dictionary changed size during iteration".
    """
    raised: list[Exception] = []
    started, done = threading.Event(), threading.Event()

    def read() -> None:
        while not done.is_set() and not raised:
            started.set()
            try:
                reading()
            except RuntimeError as error:
                raised.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    reader = threading.Thread(target=read)
    try:
        reader.start()
        started.wait(5)
        for _ in writing:
            if raised:
                break
    finally:
        done.set()
        reader.join(10)
        sys.setswitchinterval(interval)
    return raised
