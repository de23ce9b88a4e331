"""aiohttp, imported without the certificates that its client reads for itself.

Rules of this file:

- aiohttp makes two TLS contexts when it is imported, and reads the system's certificates into both:
  50 ms. They are for requests that name no context, and we make none: our own go another way
  (``sources/http_client.py``). So they are made as on a system without certificates.
- Where one were used after all, it would trust nobody: a mistake of ours is a refused connection.
- It is all done with the variables that OpenSSL itself looks at, and they are as before afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_PLACES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Where OpenSSL finds the certificates of the system, if they are set."""


@contextmanager
def _without_certificates() -> Iterator[None]:
    """Let TLS contexts be made, for as long as this lasts, that find none of the system's."""
    before = {place: os.environ.get(place) for place in _PLACES}
    os.environ.update(dict.fromkeys(_PLACES, os.devnull))
    try:
        yield
    finally:
        for place, said in before.items():
            del os.environ[place]
            if said is not None:
                os.environ[place] = said


with _without_certificates():
    import aiohttp  # noqa: F401 - for who imports it after this
