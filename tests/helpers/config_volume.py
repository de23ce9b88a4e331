"""A ConfigMap volume as the kubelet writes it."""

from __future__ import annotations

from pathlib import Path


class Volume:
    """A directory, written as the kubelet's atomic writer does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._versions = 0

    def write(self, **texts: str) -> None:
        """Show a new version: a directory of its own, one swap, then the links to it."""
        self._versions += 1
        version = self.path / f"..2026_{self._versions}"
        version.mkdir()
        for name, text in texts.items():
            (version / name).write_text(text)
        old = (self.path / "..data").resolve() if self._versions > 1 else None
        (self.path / "..data_tmp").symlink_to(version.name)
        (self.path / "..data_tmp").rename(self.path / "..data")
        for name in texts:
            if not (self.path / name).is_symlink():
                (self.path / name).symlink_to(f"..data/{name}")
        for link in list(self.path.iterdir()):
            if not link.name.startswith("..") and link.name not in texts:
                link.unlink()
        if old is not None:
            for each in old.iterdir():
                each.unlink()
            old.rmdir()
