"""Two threads at once, switching as often as the interpreter can."""

import gc
import sys
import threading
from collections.abc import Callable, Iterable


def beside(reading: Callable[[], object], writing: Iterable[object]) -> list[Exception]:
    """Call ``reading`` again and again in a thread while ``writing`` is walked in this one.

    The garbage collector runs often and calls back into Python, as it does in a process where a
    library listens to it: any allocation of a container is then a place where threads switch.

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

    def collected(_phase: str, _info: dict[str, int]) -> None:
        for _ in range(20):
            pass

    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(10, *thresholds[1:])
    gc.callbacks.append(collected)
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
        gc.callbacks.remove(collected)
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(interval)
    return raised
