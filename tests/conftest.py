"""What holds for every test."""

import gc
import os
import sys

import pytest

# The tests start some fifty servers, and read 200 files of their own. Where the environment forbids
# to keep what was compiled, each process compiles all of it anew: a fifth of the time of a run.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_configure(config: pytest.Config) -> None:
    """Let no server that a test starts ask the machine's own nameservers."""
    del config
    os.environ["KUBEDNS_RESOLV_CONF"] = os.devnull


def pytest_collection_finish(session: pytest.Session) -> None:
    """Keep what was collected, which stays, out of every later visit of the collector of cycles."""
    del session
    gc.collect()
    gc.freeze()
