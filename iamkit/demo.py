"""The demo's second half: a company in the practice account, audited, mended, and taken back."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from iamkit.audit import Audit
from iamkit.aws.apply import apply_plan, await_applied
from iamkit.aws.audit_run import audit_of, read_audited
from iamkit.aws.session import open_session
from iamkit.aws.undo import find_apply, read_undo, undo_parameters
from iamkit.parameters.models import AuditUsersParameters
from iamkit.parameters.yaml_file import read_parameters
from iamkit.sandbox import Sandbox

MENDED = "09_mend_findings"


def show_mending(
    sandbox: Sandbox, file: Path, mend: Callable[[str], object], say: Callable[[str], object]
) -> None:
    """Fill the account with a company, mend what a plan can end without a choice, and undo it.

    Args:
        sandbox: the practice account, with the guide done.
        file: its parameters.
        mend: called with the findings as JSON; runs 09_mend_findings with them and applies it.
        say: called with each line.
    """
    sandbox.populate(40, 7)
    sandbox.age(days=1)  # so that the credential report is made anew
    begun = _audit(file)
    direct = [one for one in begun.found if one.status == "fail" and one.check.way == "direct"]
    rows = [
        {"check": one.check.id, "principal": one.principal, "resource": one.resource}
        for one in direct
    ]
    say(f"\nA company of 40 moves in. The audit finds {_count(begun)}; a plan can end {len(rows)}:")
    mend(json.dumps(rows))
    say(f"The audit again: {_count(_audit(file))}. And taken back, as iamkit undo does:")
    session = open_session(undo_parameters(file))
    recorded = find_apply(session)
    giving = read_undo(session, recorded).asking  # a person names each of them
    plan = read_undo(session, recorded, ["all", *giving]).plan
    outcome = apply_plan(plan, session, allow_destructive=True)
    outcome.raise_if_incomplete()
    await_applied(plan, session)
    say(f"{len(outcome.done)} changes back; the audit finds {_count(_audit(file))}, as before.")


def _audit(file: Path) -> Audit:
    parameters = AuditUsersParameters.model_validate(
        read_parameters(file).for_notebook("06_audit_users", {})
    )
    return audit_of(read_audited(open_session(parameters), parameters), parameters)


def _count(audit: Audit) -> str:
    counts = Counter(one.check.severity for one in audit.found if one.status == "fail")
    return f"{counts.total()} findings ({', '.join(f'{n} {word}' for word, n in counts.items())})"
