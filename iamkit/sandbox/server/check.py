"""Which part of an account can be brought back.

``python -m iamkit.sandbox.server.check --state DIR``

It says on its output how many changes came out as they did, of how many; the last line counts.
Nothing is changed.
"""

import argparse
import logging
import sys
import time
from pathlib import Path

from iamkit.errors import SandboxError
from iamkit.sandbox.journal import NAME, survey

TELL_EVERY = 0.2
"""Seconds between two words of how far it is."""

log = logging.getLogger("iamkit.sandbox")


def main() -> int:
    """Do the changes of a state folder again, as far as they are whole and come out as they did."""
    parser = argparse.ArgumentParser(prog="python -m iamkit.sandbox.server.check")
    parser.add_argument("--state", type=Path, required=True)
    path = parser.parse_args().state / NAME
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    try:
        count_repeatable(path)
    except SandboxError as error:
        log.error("%s", error)  # noqa: TRY400 - says it all
        return 4
    return 0


def count_repeatable(path: Path) -> None:
    """Say how many entries of a journal can be done again."""
    from iamkit.sandbox.server.persistent_accounts import (  # noqa: PLC0415 - moto's import takes the most time
        CameOutDifferentlyError,
        bring_back,
    )

    found = survey(path)
    count, told = max(found.lines - 1, 0), time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told > TELL_EVERY:
            told = time.monotonic()
            print(done, total, flush=True)  # noqa: T201 - it is what this is for

    good = count
    try:
        bring_back(path, found.header, count, tell)
    except CameOutDifferentlyError as different:
        good = different.number - 1
    print(good, count, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
