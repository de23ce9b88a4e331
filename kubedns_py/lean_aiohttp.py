"""aiohttp, imported without the certificates that its client reads for itself.

Rules of this file:

- aiohttp makes two TLS contexts when it is imported, and reads the system's certificates into both:
  50 ms. They are for requests that name no context, and we make none: our own go another way
  (``sources/http_client.py``). So they are made as on a system without certificates.
- Where one were used after all, it would trust nobody: a mistake of ours is a refused connection.
- Only the thread that imports gets such contexts: this is imported in a thread of its own, while
  others open connections and start plugins, which need the certificates and the environment.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def _without_certificates() -> Iterator[None]:
    """Let this thread, for as long as this lasts, make contexts that find none of the system's."""
    kind: Any = ssl.SSLContext
    ours, find = threading.get_ident(), kind.set_default_verify_paths

    def found(context: ssl.SSLContext) -> None:
        if threading.get_ident() != ours:
            find(context)

    kind.set_default_verify_paths = found
    try:
        yield
    finally:
        kind.set_default_verify_paths = find


with _without_certificates():
    import aiohttp  # noqa: F401 - for who imports it after this
