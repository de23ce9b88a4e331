"""What can be listed and watched. Apart from the objects: to ask for a list needs none of those."""

from __future__ import annotations

import enum


class Resource(enum.Enum):
    """What can be listed and watched. The value is the plural name in the API."""

    __hash__ = object.__hash__  # of a member there is one; an Enum's own is a call for each look-up

    SERVICES = "services"
    ENDPOINTSLICES = "endpointslices"
    ENDPOINTS = "endpoints"
    NAMESPACES = "namespaces"
    PODS = "pods"
