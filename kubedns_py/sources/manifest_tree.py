"""The files below a manifests directory, each with its last good version.

Rules of this file:

- Names that begin with a dot are passed over: ConfigMap volumes keep their versions there, and
  editors their half-written copies. Links are followed, for those volumes show files through them.
- What cannot be listed, or is a link that leads nowhere, keeps what it served; a file that is gone
  takes it away.
- Each call blocks on the disk; the caller runs it in a thread, one call at a time.
"""

from __future__ import annotations

import logging
import stat
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from kubedns_py.errors import StartError
from kubedns_py.sources.manifest_file import LEADS_NOWHERE, ManifestFile
from kubedns_py.sources.manifest_objects import Manifest
from kubedns_py.structs import Struct, field

_SUFFIXES = (".yaml", ".yml", ".json")

_log = logging.getLogger(__name__)


class _Listing(Struct):
    """What one look found: files by relative name, and what could not be listed.

    ``unreadable`` has the reason by relative name with a slash after it; the root's is empty.
    ``lost`` has links that lead nowhere in the same form: some may have been directories.
    """

    paths: dict[str, Path] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)


class ManifestTree:
    """Every manifest below a directory, subdirectories included.

    Attributes:
        problems: one line for each file or directory with something wrong, by relative name.
    """

    def __init__(self, root: Path) -> None:
        self.problems: dict[str, str] = {}
        self._root = root
        self._files: dict[str, ManifestFile] = {}
        self._listed = False

    @property
    def waiting(self) -> bool:
        """Whether something is not known yet: nothing was listed, or a file may be half written."""
        return not self._listed or any(each.waiting for each in self._files.values())

    def check(self) -> None:
        """Check that the directory can be listed, at start.

        Raises:
            StartError: it is missing, not a directory or not readable.
        """
        try:
            next(self._root.iterdir(), None)
        except OSError as error:
            raise StartError(
                f"manifests directory {self._root}: {error.strerror}; give a readable directory "
                "with .yaml, .yml or .json files"
            ) from error

    def manifests(self) -> Iterator[tuple[str, Manifest]]:
        """Yield the good versions in the order of their relative names."""
        for name, file in sorted(self._files.items()):
            if file.good is not None:
                yield name, file.good

    def look(self) -> bool:
        """Look at every file once. Returns whether what is served has changed."""
        listing = _list(self._root)
        for prefix in listing.lost:
            if any(name.startswith(prefix) for name in self._files):
                listing.unreadable[prefix] = LEADS_NOWHERE
        self._note_first(listing)
        changed = False
        found: set[str] = set()
        for name, path in listing.paths.items():
            file = self._files.get(name) or ManifestFile(name)
            try:
                changed |= file.look(path)
            except FileNotFoundError:
                continue  # it went after it was listed
            self._files[name] = file
            found.add(name)
        for name in self._files.keys() - found:
            if not any(name.startswith(prefix) for prefix in listing.unreadable):
                changed |= self._miss(name)
        self._sum_up(listing.unreadable)
        return changed

    def _note_first(self, listing: _Listing) -> None:
        if self._listed or "" in listing.unreadable:
            return
        self._listed = True
        if not listing.paths:
            _log.warning("manifests: %s: there is no .yaml, .yml or .json file in it", self._root)

    def _miss(self, name: str) -> bool:
        if not self._files[name].miss():
            return False
        served = self._files.pop(name).good is not None
        if served:
            _log.info("manifests: %s is gone, and its objects with it", name)
        return served

    def _sum_up(self, unreadable: dict[str, str]) -> None:
        said = {prefix.rstrip("/") or str(self._root): why for prefix, why in unreadable.items()}
        for name in said.keys() - self.problems.keys():
            _log.warning("manifests: %s: %s; what it held is still served", name, said[name])
        files = {name: file.problem for name, file in self._files.items() if file.problem}
        self.problems = said | files


def _list(root: Path) -> _Listing:
    listing = _Listing()
    visited: set[tuple[int, int]] = set()
    waiting = deque([("", root)])
    while waiting:
        prefix, directory = waiting.popleft()
        try:
            status = directory.stat()
            identity = (status.st_dev, status.st_ino)
            entries = [] if identity in visited else sorted(directory.iterdir())
        except OSError as error:
            listing.unreadable[prefix] = f"it cannot be listed: {error.strerror}"
            continue
        visited.add(identity)  # a link may lead back up
        for path in entries:
            if path.name.startswith("."):
                continue
            if _leads_nowhere(path):
                listing.lost.append(f"{prefix}{path.name}/")
            if _is_directory(path):
                waiting.append((f"{prefix}{path.name}/", path))
            elif path.suffix in _SUFFIXES:
                listing.paths[f"{prefix}{path.name}"] = path
    return listing


def _is_directory(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except OSError:
        return False  # reading it as a file says what is wrong


def _leads_nowhere(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return path.is_symlink()
    return False
