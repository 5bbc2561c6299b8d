"""How much the tests try: a bounded sample in `make test`, everything in `make proof`.

A proof is the same tests with more cases; what is no sample of anything is always tried.
"""

import os

PROOF = os.environ.get("IAMKIT_TEST_PROOF") == "1"


def scaled(sample, proof):
    """The first in `make test`, the second in `make proof`: numbers, or lists of cases."""
    return proof if PROOF else sample
