"""Cluster DNS for Kubernetes: right, fast, and able to say why a name does or does not resolve."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("kubedns-py")
except PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0+unknown"
