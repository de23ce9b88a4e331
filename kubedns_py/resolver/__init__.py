"""A question to a resolution: an ordered table of rules, and the loop that follows aliases.

Nothing here knows octets, sockets or Kubernetes objects' JSON.
"""
