"""Programs of their own: what was imported or set here would prove nothing."""

from __future__ import annotations

import subprocess
import sys


def printed(code: str, **environment: str) -> str:
    """Return what a program prints that has this environment, and no other."""
    command = [sys.executable, "-c", code]
    found = subprocess.run(  # noqa: S603 - our own
        command, check=True, capture_output=True, text=True, env=environment
    )
    return found.stdout.strip()
