"""What holds for every test."""

import os

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Let no server that a test starts ask the machine's own nameservers."""
    del config
    os.environ["KUBEDNS_RESOLV_CONF"] = os.devnull
