"""One manifest file: when it is read, and its last good version.

Rules of this file:

- A file put in place at once (a rename, or the ``..data`` link of a ConfigMap volume) is taken at
  first sight if it can be read. One written in place is taken when two looks in a row have seen it
  the same, for half a YAML file is often a valid one.
- A broken file, or a link that leads nowhere, keeps its last good version, and is logged once for
  each version of it.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
from pathlib import Path
from typing import NamedTuple

from kubedns_py.sources.manifest_objects import Manifest, read_manifest
from kubedns_py.sources.manifest_text import Fault

_MAX_OCTETS = 32 * 1024 * 1024
"""Larger files are refused: at about 1 MB/s, YAML of this size takes half a minute."""

_LOOKS = 2
"""Looks in a row that settle what a file is, or that it is gone."""

LEADS_NOWHERE = "it is a link that leads nowhere"
"""What a link says of a file is not that it was deleted: its volume may come back."""

_PATIENCE = 10
"""Looks for which the first list waits for a file that does not stop changing."""

_log = logging.getLogger(__name__)


class _Signature(NamedTuple):
    """What tells one version of a file from another without reading it."""

    inode: tuple[int, int]
    size: int
    modified_ns: int
    changed_ns: int


class ManifestFile:
    """One file, looked at again and again.

    Attributes:
        good: the version that is served, or None if none was ever good.
        problem: one line about a newer version that cannot be served, or empty.
    """

    def __init__(self, name: str) -> None:
        self.good: Manifest | None = None
        self.problem = ""
        self._name = name
        self._seen: tuple[_Signature, bytes] | None = None
        self._same = self._missed = self._looks = 0
        self._good_digest = b""
        self._refused = b""

    @property
    def waiting(self) -> bool:
        """Whether the file may yet become readable, for the first time, by itself."""
        return self.good is None and not self.problem and self._looks < _PATIENCE

    def look(self, path: Path) -> bool:
        """Look at the file. Returns whether what it serves has changed. Blocks on the disk.

        Raises:
            FileNotFoundError: it is not there, and no link either; nothing has changed.
        """
        try:
            read = None if self._is_settled(path) else _read(path)
        except FileNotFoundError:
            if not path.is_symlink():
                raise
            read = Fault(LEADS_NOWHERE)
        except OSError as error:
            read = Fault(f"it cannot be read: {error.strerror}")
        self._missed = 0
        self._looks += 1
        if read is None:
            return False
        if isinstance(read, Fault):
            self._same = 0
            self._refuse(read, read.reason.encode())
            return False
        signature, content = read
        digest = hashlib.blake2b(content).digest()
        before, self._seen = self._seen, (signature, digest)
        self._same = self._same + 1 if before == self._seen else 1
        if digest == self._good_digest:
            self._recover()
            return False
        in_place = before is not None and before[0].inode == signature.inode
        may_be_half = in_place and self.good is not None and self._same < _LOOKS
        if may_be_half or signature.size != len(content):
            return False
        return self._judge(content, digest)

    def miss(self) -> bool:
        """Say that a look did not find the file. Returns whether it counts as gone."""
        self._same = 0
        self._missed += 1
        return self._missed >= _LOOKS

    def _is_settled(self, path: Path) -> bool:
        if self._same < _LOOKS or self._seen is None:
            return False
        return _signature(path.stat()) == self._seen[0]

    def _judge(self, content: bytes, digest: bytes) -> bool:
        settled = self._same >= _LOOKS
        read = read_manifest(content, is_json=self._name.endswith(".json"))
        if isinstance(read, Fault):
            if settled:
                self._refuse(read, digest)
            return False
        if not read.documents and not settled:
            return False
        self._take(read)
        self._good_digest = digest
        return True

    def _take(self, manifest: Manifest) -> None:
        self.good = manifest
        self._recover()
        if manifest.documents:
            _log.info("manifests: %s is served; objects: %d", self._name, len(manifest.objects))
        else:
            _log.info("manifests: %s is empty: no objects", self._name)
        for line in manifest.warnings:
            _log.warning("manifests: %s: %s", self._name, line)
        for line in manifest.passed_over:
            _log.debug("manifests: %s: passed over: %s", self._name, line)

    def _recover(self) -> None:
        self.problem, self._refused = "", b""

    def _refuse(self, fault: Fault, version: bytes) -> None:
        self.problem = f"line {fault.line}: {fault.reason}" if fault.line else fault.reason
        if version == self._refused:
            return
        self._refused = version
        served = "its last good version" if self.good else "nothing of it"
        _log.warning("manifests: %s: %s; %s is served", self._name, self.problem, served)


def _read(path: Path) -> tuple[_Signature, bytes] | Fault:
    """Return what a file is and holds, or why it is not read.

    Raises:
        OSError: it cannot be opened or read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe must not block
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a path cannot be opened non-blocking
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return Fault("it is not a regular file")
        if status.st_size > _MAX_OCTETS:
            limit = _MAX_OCTETS // 1024**2
            return Fault(f"it is larger than {limit} MiB; split it into several files")
        return _signature(status), file.read(_MAX_OCTETS)


def _signature(status: os.stat_result) -> _Signature:
    inode = (status.st_dev, status.st_ino)
    return _Signature(inode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
