"""What 500 mends of an account of 5,000 users cost to plan, beside the audit that finds them.

Prints ratios, measured in turn in one run, after the reading: ``make bench``.
"""

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from measuring import seconds

USERS = 5_000
MENDS = 500
ROUNDS = 3


def main(folder):
    """Fill a sandbox, read it, and measure what is pure."""
    os.environ["IAMKIT_HOME"] = folder
    from iamkit.audit import Audit
    from iamkit.audit.mending import Mend, wanted_by
    from iamkit.aws.read import survey_account
    from iamkit.aws.session import open_session
    from iamkit.parameters.notebook import CallerParameters
    from iamkit.plan.changes import make_plan
    from iamkit.plan.lockout import Caller, find_lockout
    from iamkit.plan.preview import account_after
    from iamkit.plan.undo import UndoJudge
    from iamkit.plan.undo_steps import Made
    from iamkit.sandbox import start_sandbox, stop_sandbox

    sandbox = start_sandbox(Path(folder) / "sandbox")
    try:
        sandbox.populate(USERS, 7)
        sandbox.age(1)
        given = {"environment": "sandbox", "account_id": "000000000000"}
        state = survey_account(open_session(CallerParameters.model_validate(given)))
    finally:
        stop_sandbox(Path(folder) / "sandbox")
    audit_took, audit = min(
        (seconds(lambda: _audited(Audit(state))) for _ in range(ROUNDS)), key=lambda one: one[0]
    )
    fitting = [one for one in audit.found if one.status == "fail" and one.check.way == "direct"]
    mends = [
        Mend(check=one.check.id, principal=one.principal, resource=one.resource)
        for one in fitting[:MENDS]
    ]
    took, plan = min(
        (
            seconds(lambda: make_plan(state, wanted_by(audit, audit.found, mends)))
            for _ in range(ROUNDS)
        ),
        key=lambda one: one[0],
    )
    print(f"{len(mends)} mends of {len(state.users):,} users: {len(plan.changes)} changes planned")
    print(f"  planning / audit:                   {took / audit_took:5.2f}  ({took:.2f} s)")
    guarded, _ = seconds(lambda: find_lockout(state, plan.changes, Caller("", "AKIA")))
    print(f"  whether it locks out / audit:       {guarded / audit_took:5.2f}  ({guarded:.2f} s)")
    now = datetime.now(UTC)
    made = [Made(number=n, change=c, at=now) for n, c in enumerate(plan.changes, 1)]
    after = account_after(state, plan.changes)
    numbers = [one.number for one in made]
    judge = UndoJudge(after, made)
    undone, undo = seconds(lambda: judge.plan(numbers))
    print(f"  planning the undo / audit:          {undone / audit_took:5.2f}  ({undone:.2f} s)")
    ticked, _ = seconds(lambda: judge.plan(numbers[1:]))
    print(f"  the undo after a tick / audit:      {ticked / audit_took:5.2f}  ({ticked:.2f} s)")
    assert len(undo.plan.changes) == len(plan.changes)


def _audited(audit):
    assert len(audit.found)
    return audit


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        main(place)
