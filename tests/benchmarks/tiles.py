"""When 06 shows its tiles on 1,500 users, beside the bulk reads alone: ``make bench``.

Bulk reads and audits take turns, so that what else the machine does falls on both.
"""

import os
import tempfile
import time
from pathlib import Path

from audit import bulk_reads
from measuring import seconds

USERS = 1_500
ROUNDS = 5


def measure(folder):
    """Measure, and print."""
    os.environ["IAMKIT_HOME"] = folder

    from iamkit.audit.numbers import count_first, count_numbers
    from iamkit.aws.audit_run import read_audited
    from iamkit.aws.read import survey_account
    from iamkit.aws.session import open_session
    from iamkit.notebook.pages.audit_tables import TILES, to_tiles
    from iamkit.parameters.yaml_file import read_parameters
    from iamkit.sandbox import start_sandbox, stop_sandbox
    from iamkit.storage.home import home_folder

    guide = Path(__file__).parents[2] / "parameters" / "sandbox.yaml"
    state = home_folder() / "sandbox"
    sandbox = start_sandbox(state)
    try:
        sandbox.populate(USERS, 7)
        session = open_session(read_parameters(guide).for_notebook("02_admin_group", {}))
        wanted = read_parameters(guide).for_notebook("06_audit_users", {})
        analyzer = session.clients.make("accessanalyzer")
        survey_account(session, per_user=())  # AWS has made the report
        alone, shown, all_counted, done = [], [], [], []
        for _ in range(ROUNDS):
            alone.append(seconds(lambda: bulk_reads(session.iam, analyzer))[0])
            begun = time.perf_counter()

            def on_bulk(audit, begun=begun):
                assert len(to_tiles(count_first(audit))) == len(TILES)
                shown.append(time.perf_counter() - begun)
                to_tiles(count_numbers(audit))
                all_counted.append(time.perf_counter() - begun)

            read_audited(session, wanted, on_bulk=on_bulk)
            done.append(time.perf_counter() - begun)
    finally:
        stop_sandbox(state)
    print(f"{USERS} users; bulk reads alone: {min(alone):.2f} s; {len(TILES)} tiles, two of them")
    print("  being counted: ", told(shown, alone))
    print("  all counted:   ", told(all_counted, alone))
    print("  single calls:  ", told(done, alone))


def told(taken, alone):
    """The best time, and how often it is the bulk reads': of the best, and of each round."""
    ratios = sorted(a / b for a, b in zip(taken, alone, strict=True))
    each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    return f"{min(taken):.2f} s, {min(taken) / min(alone):.2f} of the bulk reads (rounds: {each})"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        measure(place)
