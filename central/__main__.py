"""`python -m central`: the command line of central."""

import sys

from central.cli import main

sys.exit(main(sys.argv[1:]))
