"""`python -m tests.proof`: see `tests.proof.whole`."""

import sys

from tests.proof.whole import main

if __name__ == "__main__":
    sys.exit(main())
