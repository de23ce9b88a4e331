"""What holds for every test."""

import gc
import os
import sys
from math import inf

import pytest
from hypothesis import HealthCheck, settings

# The tests start some fifty servers, and read 200 files of their own. Where the environment forbids
# to keep what was compiled, each process compiles all of it anew: a fifth of the time of a run.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# an example that takes long on a busy machine shows nothing, nor does one that is slow to make
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_configure(config: pytest.Config) -> None:
    """Let no server that a test starts ask the machine's own nameservers."""
    del config
    os.environ["KUBEDNS_RESOLV_CONF"] = os.devnull


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no upstream be late, on any machine: what waits for time alone waits for an hour.

    So questions are asked again, and given up, for what an upstream does or the network says.
    """
    an_hour_s = 3600.0
    upstream = "kubedns_py.upstream"
    for name in ("health.MIN_PATIENCE_S", "health.UNKNOWN_RTT_S", "panel.ALONE_PATIENCE_S"):
        monkeypatch.setattr(f"{upstream}.{name}", an_hour_s)
    monkeypatch.setattr(f"{upstream}.health._SHORT_RTT_S", inf)  # no RTT makes it less
    for name in ("TOTAL_S", "REST_S", "LOOK_S"):
        monkeypatch.setattr(f"{upstream}.lookup.{name}", an_hour_s)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Keep what was collected, which stays, out of every later visit of the collector of cycles."""
    del session
    gc.collect()
    gc.freeze()
