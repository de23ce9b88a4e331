"""DNS as the RFCs define it: names, RRsets, reading queries, writing replies.

Nothing here knows Kubernetes, sockets or clocks.
"""
