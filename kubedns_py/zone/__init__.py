"""The names and records that objects make, kept as a tree; reverse names beside it.

A service's subtree is derived whole from the store and replaced whole. No record is ever edited.
"""
