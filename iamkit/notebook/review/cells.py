"""What the cells of a notebook call to review, apply and verify a plan."""

from IPython.display import display

from iamkit.aws.apply import Outcome
from iamkit.aws.session import Session
from iamkit.notebook.display import bundle_of, show, show_html
from iamkit.notebook.interactive import someone_is_there
from iamkit.notebook.plan_view import describe
from iamkit.notebook.result import RESULT_MIME
from iamkit.notebook.review.review import Review, WantedForm, meaning_of, sentences
from iamkit.plan.changes import Plan

NOT_YET = "Nothing was applied yet."


def review_plan(
    plan: Plan,
    session: Session,
    dry_run: bool,
    allow_destructive: bool = False,
    form: WantedForm | None = None,
) -> Review:
    """Let a person apply the plan by a click, or apply it in a headless run.

    Args:
        plan: from ``make_plan``.
        session: an open session with the same account.
        dry_run: in a headless run, whether nothing is to be applied.
        allow_destructive: in a headless run, whether destructive changes are meant.
        form: where the plan came from; a person can plan again from it with no cell run again.

    Returns:
        The review, for ``verify``.

    Raises:
        IamkitError: in a headless run, what went wrong and what was changed.
    """
    reviewed = Review(plan, session, allow_destructive=allow_destructive, form=form)
    tell_runner(plan, None)
    if plan.changes:
        show_meaning(plan, session)
    if someone_is_there():
        from iamkit.notebook.review.panel import ReviewPanel  # noqa: PLC0415 - it imports this

        ReviewPanel(reviewed).show()
    elif not plan.changes:
        show(" ".join(plan.doubts) or "Nothing to do: the account is as wanted.")
    elif dry_run:
        show(f"Planned and not applied: {plan.summary}. To apply it: dry_run: false.")
    else:
        outcome = reviewed.apply()
        tell_runner(plan, outcome)
        show(outcome)
        outcome.raise_if_incomplete()
    return reviewed


def verify(reviewed: Review) -> None:
    """Read the account again: after an apply, a new plan must be empty.

    Raises:
        NotVerified: something is still different; it is named.
    """
    if reviewed.outcome is not None:
        show(reviewed.check_applied().text)
        return
    unsettled = reviewed.plan.changes or reviewed.plan.doubts
    first = NOT_YET if unsettled else "✔ The account is as wanted."
    handle = display(bundle_of(first), raw=True, display_id=True)

    def conclude() -> None:
        if reviewed.conclusion:
            handle.update(bundle_of(reviewed.conclusion.text), raw=True)

    reviewed.on_applied(conclude)


def show_meaning(plan: Plan, session: Session) -> None:
    """Show what a plan means for people."""
    said = meaning_of(plan, session)
    markup = f"<p><b>What this means</b></p>{sentences(said)}" if said else ""
    show_html(markup, "\n".join(said))


def tell_runner(plan: Plan, outcome: Outcome | None) -> None:
    """Leave the counts in the notebook's output, where ``iamkit run`` reads them."""
    counts: dict[str, object] = {
        "planned": len(plan.changes),
        "applied": len(outcome.done) if outcome else 0,
        "left": len(outcome.failed) + len(outcome.left) if outcome else 0,
        "journal": str(outcome.journal) if outcome else "",
        "notes": [note for note in plan.notes if note not in plan.doubts],
        "doubts": list(plan.doubts),
        "changes": [[change.verb, change.target, describe(change)] for change in plan.changes],
    }
    display({RESULT_MIME: counts, "text/plain": ""}, raw=True)
