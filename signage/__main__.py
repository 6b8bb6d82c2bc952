"""`python -m signage`."""

import sys

from signage.cli import main

if __name__ == "__main__":
    sys.exit(main())
