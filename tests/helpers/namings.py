"""What an operator may choose of names, for properties: hypothesis strategies."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from kubedns_py.dns.name import from_text
from kubedns_py.zone.naming import Naming
from kubedns_py.zone.publishing import Publishing

LONG: Final = ".".join(["a" * 50] * 4)
"""A domain that leaves little room for labels below it (BAD-2)."""

NAMINGS = st.builds(
    Naming,
    st.sampled_from(["d", "d", LONG]).map(from_text),
    st.just(30),
    st.sampled_from(["dashed", "dashed", "both", "hash"]),
    st.sampled_from([False, False, True]),
)
PUBLISHING = st.builds(
    Publishing,
    st.sampled_from(["nxdomain", "nodata"]),
    st.sampled_from(["exclude", "include-if-none-ready"]),
    st.booleans(),
)
