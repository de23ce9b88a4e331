"""A service account where Pods have it, for the servers of a run to find the API server by.

It is how both of them are let in where they are deployed. client-go and kubernetes_asyncio look in
one folder, which a machine does not have: it is mounted for this process and what it starts, and
goes with them.
"""

from __future__ import annotations

import ctypes
import os
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from bench.build import MissingError
from tests.e2e.credentials import DNS_NAMESPACE

_RUN = Path("/var/run")
_ACCOUNT = _RUN / "secrets/kubernetes.io/serviceaccount"
# <linux/sched.h>, <linux/mount.h>
_CLONE_NEWNS = 0x0002_0000
_CLONE_NEWUSER = 0x1000_0000
_MS_REC = 0x4000
_MS_PRIVATE = 0x4_0000


def have_own_mounts() -> None:
    """Enter a mount namespace of our own, for ``lend_account``; before this process has threads.

    Where this user may not, a user namespace is entered with it, as its root.

    Raises:
        MissingError: this user may not do that either, or temporary files would be hidden.
    """
    if Path(tempfile.gettempdir()).resolve().is_relative_to(_RUN.resolve()):
        raise MissingError(f"bench: temporary files are in {_RUN}, which is hidden: set TMPDIR")
    user, group = os.geteuid(), os.getegid()
    try:
        try:
            _checked(_LIBC.unshare(_CLONE_NEWNS))
        except PermissionError:
            _checked(_LIBC.unshare(_CLONE_NEWNS | _CLONE_NEWUSER))
            own = Path("/proc/self")
            (own / "setgroups").write_text("deny")
            (own / "uid_map").write_text(f"0 {user} 1")
            (own / "gid_map").write_text(f"0 {group} 1")
        _mount("none", Path("/"), None, _MS_REC | _MS_PRIVATE)
    except OSError as error:
        raise MissingError(
            f"bench: no service account can be mounted ({error.strerror}): that takes the"
            " capability SYS_ADMIN, or user namespaces"
        ) from error


def lend_account(server: str, token: str, certificate: Path) -> None:
    """Let this process and what it starts find a service account, as in a Pod.

    ``/run`` is empty for them but for that. ``have_own_mounts`` comes first.

    Args:
        server: the API server's URL, with an address and a port.
        token: of the account.
        certificate: a file with that of the API server's authority.
    """
    content = {"token": token, "namespace": DNS_NAMESPACE, "ca.crt": certificate.read_text()}
    _mount("tmpfs", _RUN.resolve(), "tmpfs")
    _ACCOUNT.mkdir(parents=True)
    for name, text in content.items():
        (_ACCOUNT / name).write_text(text)
    at = urlsplit(server)
    os.environ["KUBERNETES_SERVICE_HOST"] = str(at.hostname)
    os.environ["KUBERNETES_SERVICE_PORT"] = str(at.port)


def _mount(source: str, target: Path, kind: str | None, flags: int = 0) -> None:
    words = [None if each is None else os.fsencode(each) for each in (source, target, kind)]
    _checked(_LIBC.mount(*words, ctypes.c_ulong(flags), None))


def _checked(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


_LIBC = ctypes.CDLL(None, use_errno=True)
