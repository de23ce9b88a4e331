"""``python -m kubedns_py`` is ``kubedns-py``."""

import sys

from kubedns_py.cli import main

if __name__ == "__main__":
    sys.exit(main())
