"""What the last cell of a notebook calls to review, apply and verify a plan."""

from collections.abc import Sequence

from IPython.display import display

from iamkit.aws.apply import Outcome
from iamkit.aws.session import Session
from iamkit.notebook.display import show, show_html
from iamkit.notebook.interactive import someone_is_there
from iamkit.notebook.plan_view import describe
from iamkit.notebook.result import RESULT_MIME
from iamkit.notebook.review.review import AfterApply, Review, WantedForm, sentences
from iamkit.plan.changes import Plan


def review_plan(
    plan: Plan,
    session: Session,
    dry_run: bool,
    allow_destructive: bool = False,
    *,
    form: WantedForm | None = None,
    after: Sequence[AfterApply] = (),
) -> None:
    """Let a person choose and apply by a click; in a headless run print, apply and verify.

    Args:
        plan: from ``make_plan``.
        session: an open session with the same account.
        dry_run: in a headless run, whether nothing is to be applied.
        allow_destructive: in a headless run, whether destructive changes are meant.
        form: where the plan came from; in a browser it is shown, and the plan follows it.
        after: what follows an apply, such as ``write_welcome_pages``, given the session and the
            form's value; what it gives is shown.

    Raises:
        IamkitError: in a headless run, what went wrong and what was changed.
        NotVerified: in a headless run, something is still different after it; it is named.
    """
    reviewed = Review(plan, session, allow_destructive=allow_destructive, form=form, after=after)
    if someone_is_there():
        from iamkit.notebook.review.workbench import Workbench  # noqa: PLC0415 - loads widgets

        Workbench(reviewed).show()
        return
    if form:
        form.show_values()
    show(plan)
    tell_runner(plan, None)
    said = reviewed.say_meaning()
    show_html(f"<p><b>What this means</b></p>{sentences(said)}" if said else "", "\n".join(said))
    if not plan.changes:
        reviewed.conclude_unchanged()
    elif dry_run:
        show(f"Planned and not applied: {plan.summary}. To apply it: dry_run: false.")
    else:
        outcome = reviewed.apply()
        tell_runner(plan, outcome)
        show(outcome)
        outcome.raise_if_incomplete()
        reviewed.conclusion = reviewed.check_applied()
    for output in reviewed.tell_end():
        display(output, raw=True)


def tell_runner(plan: Plan, outcome: Outcome | None) -> None:
    """Leave the counts in the notebook's output, where ``iamkit run`` reads them."""
    counts: dict[str, object] = {
        "planned": len(plan.changes),
        "applied": len(outcome.done) if outcome else 0,
        "left": len(outcome.failed) + len(outcome.left) if outcome else 0,
        "journal": str(outcome.journal) if outcome else "",
        "rebuilds": [str(path) for path in outcome.rebuilds] if outcome else [],
        "notes": [note for note in plan.notes if note not in plan.doubts],
        "doubts": list(plan.doubts),
        "changes": [[change.verb, change.target, describe(change)] for change in plan.changes],
    }
    display({RESULT_MIME: counts, "text/plain": ""}, raw=True)
