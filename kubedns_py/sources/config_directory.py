"""A mounted ConfigMap as a directory: file name to content, as kube-dns reads ``--config-dir``.

Rules of this file:

- A volume's files are links through ``..data``, which is swapped for each new version. It is
  followed once for a read, so that no read mixes two versions (row F-30).
- Names that begin with a dot and subdirectories are passed over. A missing directory is an empty
  one: the volume of a ConfigMap that need not exist.
- Whatever is odd makes the whole directory unreadable: the last good value is better than a part.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from kubedns_py.config.dynamic import MAX_OCTETS, Dynamic
from kubedns_py.config.values import quoted
from kubedns_py.sources.configuration import Kept, version_of
from kubedns_py.sources.polling import Found, Polled, Unreadable, without_waiting

_CURRENT = "..data"
_TOO_MUCH = f"with it, there is more than a ConfigMap holds, {MAX_OCTETS // 1024**2} MiB"
_TRIES = 3
"""How often a read starts anew because the version that it read was swapped out meanwhile."""


def config_directory(
    path: str,
    read: Callable[[Mapping[str, str]], Dynamic],
    *,
    period_s: float,
    on_change: Callable[[Dynamic], None],
) -> Polled[Mapping[str, str], Dynamic]:
    """Return what follows ``--config-dir``; ``start`` or ``run`` makes it look.

    Args:
        path: the directory.
        read: see ``read_dynamic``.
        period_s: seconds between looks, ``--config-period``.
        on_change: takes each value that differs from the one before, the default at first.
    """
    kept = Kept(f"--config-dir {path}", Dynamic(), read, on_change=on_change)
    return Polled(lambda: read_directory(Path(path)), kept, period_s=period_s)


def read_directory(path: Path) -> Found[Mapping[str, str]] | Unreadable:
    """Return file names and contents of a directory. Blocks on the disk."""
    for _ in range(_TRIES):
        current = _current(path)
        found = _read(current or path)
        if _current(path) == current:
            break
    if isinstance(found, Unreadable):
        return found
    return Found(found, version_of(found))


def _current(path: Path) -> Path | None:
    """Return the version of a volume that is shown, or None where there are no versions."""
    try:
        return path / (path / _CURRENT).readlink()
    except OSError:
        return None


def _read(directory: Path) -> dict[str, str] | Unreadable:
    found: dict[str, str] = {}
    left = MAX_OCTETS
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208 - the names are the keys
    except FileNotFoundError:
        return found
    except OSError as error:
        return Unreadable(f"it cannot be listed: {error.strerror}")
    for name in names:
        content = None if name.startswith(".") else _content(directory / name, left)
        if content is None:
            continue
        if isinstance(content, Unreadable):
            return Unreadable(f"{quoted(name)}: {content.reason}")
        left = max(0, left - len(name) - len(content))
        found[name] = content.decode()
    return found


def _content(path: Path, left: int) -> bytes | Unreadable | None:
    """Return what a file holds, in UTF-8 and at most ``left`` octets; None if it is no key."""
    try:
        with open(path, "rb", opener=without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return Unreadable("it is not a regular file")
            content = file.read(left + 1)
        if len(content) > left:
            return Unreadable(_TOO_MUCH)
        content.decode()
    except (FileNotFoundError, IsADirectoryError):
        return None  # gone since it was listed, a link to nothing, or a directory
    except OSError as error:
        return Unreadable(f"it cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        return Unreadable("it is not UTF-8")
    return content
