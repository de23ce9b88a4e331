"""The cluster as far as DNS needs it: slim objects, the store, and how both stay up to date.

Nothing here knows DNS, sockets or clocks.
"""
