"""The metrics page: rendered in a thread, at most once a second.

Rules of this file:

- Rendering is slow (milliseconds) and never runs on the event loop, which answers DNS. Nor does
  importing what renders, at the first page.
- There are two formats. Nothing of the Accept header comes back in the reply.
"""

from __future__ import annotations

import asyncio
import enum
from typing import TYPE_CHECKING

from kubedns_py.admin.scrape import Sources

if TYPE_CHECKING:
    from kubedns_py.admin.rendering import Renderer

_CACHE_S = 1.0


class Format(enum.Enum):
    """A format of the page. The value is its media type."""

    PLAIN = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def accepted(header: str) -> Format:
    """Return the format that an Accept header asks for: OpenMetrics where it is named."""
    named = {part.partition(";")[0].strip().lower() for part in header.split(",")}
    return Format.OPENMETRICS if "application/openmetrics-text" in named else Format.PLAIN


class Exposition:
    """The page, kept for a second in each format.

    Args:
        sources: where the numbers come from; read in a thread.
    """

    def __init__(self, sources: Sources) -> None:
        self._clock = sources.clock
        self._sources = sources
        self._renderer: Renderer | None = None
        self._pages: dict[Format, tuple[float, bytes]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def page(self, form: Format) -> bytes:
        """Return the page; who asks meanwhile waits for the same rendering."""
        async with self._one_at_a_time:
            made_at, page = self._pages.get(form, (0.0, b""))
            if not page or self._clock() - made_at >= _CACHE_S:
                made_at = self._clock()
                page = await asyncio.to_thread(self.render, form)
                self._pages[form] = (made_at, page)
            return page

    def render(self, form: Format) -> bytes:
        """Render the page now, in the calling thread."""
        if self._renderer is None:
            from kubedns_py.admin.rendering import Renderer  # noqa: PLC0415 - takes 40 ms

            self._renderer = Renderer(self._sources)
        renderer = self._renderer
        return renderer.openmetrics() if form is Format.OPENMETRICS else renderer.plain()
