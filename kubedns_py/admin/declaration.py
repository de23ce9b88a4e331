"""The form in which a metric is declared."""

from collections.abc import Callable, Iterable
from typing import Literal

from kubedns_py.admin.inputs import Histogram
from kubedns_py.admin.scrape import Scrape
from kubedns_py.structs import Struct

VIEW = ""
"""CoreDNS's label for its views; we have one."""

Row = tuple[tuple[str, ...], float | Histogram]
"""Label values, in the order of the labels, and the value."""

Rows = Callable[[Scrape], Iterable[Row] | None]
"""Makes a metric's values out of a scrape; None where the server does nothing of that kind."""


class Metric(Struct, frozen=True):
    """One exported metric.

    Attributes:
        name: without the prefix; counters end in ``_total``.
        kind: its type in the exposition formats.
        labels: their names.
        help: one sentence.
        rows: its values in a scrape; without any it is on the page by name, with None it is not.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram", "info"]
    labels: tuple[str, ...]
    help: str
    rows: Rows
