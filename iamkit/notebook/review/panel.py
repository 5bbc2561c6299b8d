"""The review in a browser: Apply, with progress and Cancel, and the way on from every end.

Applying runs in a thread of its own, so that Cancel is heard. What is shown for good is plain
HTML in the notebook's output; what lives, such as progress, is in widgets.
"""

import threading
from datetime import UTC, datetime
from typing import Any

import ipywidgets as widgets
from IPython.display import display

from iamkit.aws.apply import word_to_type
from iamkit.errors import IamkitError
from iamkit.notebook.display import as_text, render
from iamkit.notebook.interactive import applying_is_off
from iamkit.notebook.kernels import stopping_with_parent
from iamkit.notebook.markup import escape
from iamkit.notebook.plan_view import describe, plan_html
from iamkit.notebook.review.review import (
    Conclusion,
    Review,
    last_apply_in_short,
    meaning_of,
    sentences,
)
from iamkit.plan.changes import Change

BLUE, RED, GREY = "#1a5fb4", "#b91c1c", "#5a6169"
SHOWN = 12
"""Steps that are listed while they run; of more, those around the one under way."""
MARKS = {"done": "✔", "failed": "✘", "under way": "▶", "waiting": "·"}


class ReviewPanel:
    """The buttons of a review and what they say.

    Attributes:
        apply, cancel, again: the buttons.
        confirmation: where a destructive plan on a live account wants the alias typed.
        status: what there is to know now.
    """

    def __init__(self, review: Review) -> None:
        self.review = review
        self.apply = _button("Apply", BLUE, "check")
        self.cancel = _button("Cancel", GREY, "stop")
        self.again = _button("Plan again", GREY, "refresh")
        self.confirmation = widgets.Text(layout={"width": "34em"})
        self.confirmation.style.description_width = "initial"
        self.status, self.progress, self.view = (widgets.HTML() for _ in range(3))
        self._result: Any = None
        self._states: dict[int, str] = {}
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._form_changed = False
        self.apply.on_click(lambda _: self._begin())
        self.cancel.on_click(lambda _: self._cancel())
        self.again.on_click(lambda _: self._plan_again())
        self.confirmation.observe(lambda _: self._offer(), "value")
        if review.form:
            review.form.on_change(self._form_was_changed)
        self._ready()

    def show(self) -> None:
        """Show it, and below it the place for the outcome."""
        buttons = widgets.HBox([self.apply, self.cancel, self.again])
        panel = widgets.VBox([self.view, self.confirmation, buttons, self.status, self.progress])
        panel.layout.align_items = "flex-start"
        display(panel)
        self._result = display(_mime("", ""), raw=True, display_id=True)

    def wait(self, seconds: float = 60) -> None:
        """Wait until an apply has ended.

        Raises:
            TimeoutError: it has not.
        """
        if thread := self._thread:
            thread.join(seconds)
            if thread.is_alive():
                raise TimeoutError

    def _ready(self) -> None:
        """Offer the plan as it stands in the review."""
        plan = self.review.plan
        colour = RED if plan.destructive else BLUE
        self.apply.style.button_color = colour
        self.apply.description = f"Apply: {plan.summary}" if plan.changes else "Nothing to apply"
        self.again.description = "Plan again"
        self.confirmation.description = f"Type {self._word} to allow what is lost"
        self.confirmation.value = ""
        self.confirmation.layout.display = "" if self._word else "none"
        self.cancel.layout.display = "none"
        self._form_changed = False
        self._offer()

    @property
    def _word(self) -> str:
        return word_to_type(self.review.plan, self.review.session)

    def _offer(self) -> None:
        """Let Apply be pressed if nothing speaks against it, and say what does."""
        plan = self.review.plan
        reasons = [applying_is_off(), self.review.session.refusal or "", *plan.blockers]
        against = next((reason for reason in reasons if reason), "")
        unconfirmed = self._word and self.confirmation.value != self._word
        self.apply.disabled = bool(
            against or unconfirmed or not plan.changes or self._form_changed or self._applying
        )
        if self._applying:
            return
        if self._form_changed:
            self._say("The form has changed. Plan again to see what it comes to now.")
        elif against:
            self._say(f"✋ Not to be applied: {against}")
        elif plan.changes:
            self._say("Nothing has been changed yet. Read the plan; then press Apply.")
        else:
            self._say(f"✔ The account is as wanted. {last_apply_in_short(self.review.session)}")

    @property
    def _applying(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _form_was_changed(self) -> None:
        self._form_changed = True
        self._offer()

    def _plan_again(self) -> None:
        try:
            plan = self.review.plan_again()
        except IamkitError as error:
            self._say(Conclusion(ok=False, said=str(error)).text)
            return
        now = f"{datetime.now(UTC):%H:%M:%S} UTC"
        meaning = sentences(meaning_of(plan, self.review.session))
        heading = f"<p><b>Planned again at {now}; this replaces the plan above.</b></p>"
        self.view.value = heading + plan_html(plan) + meaning
        self.progress.value = ""
        self._ready()

    def _begin(self) -> None:
        if self._applying or self._form_changed:  # a page may send a click past a shut button
            self._offer()
            return
        typed = self.confirmation.value  # as it is now, at the click
        self._stopped.clear()
        self._states = {}
        self.review.allow_destructive = True  # the button names what it destroys
        self.again.disabled = self.apply.disabled = True
        self.cancel.disabled, self.cancel.layout.display = False, ""
        self._say("Applying. You can cancel: it stops between two changes.")
        self._thread = threading.Thread(target=self._work, args=(typed,), name="iamkit-apply")
        self._thread.start()

    def _cancel(self) -> None:
        self._stopped.set()
        self.cancel.disabled = True
        self._say("Stopping after the change that is under way.")

    def _work(self, typed: str) -> None:
        """Apply, and show every end of it: an exception in a thread would reach nobody."""
        review = self.review
        with stopping_with_parent(self._stopped):
            try:
                review.apply(self._advance, self._stopped, typed).raise_if_incomplete()
                review.conclusion = review.check_applied()
            except IamkitError as error:
                review.conclusion = Conclusion(ok=False, said=str(error))
            except Exception as error:  # noqa: BLE001 - its text could hold anything
                said = f"It ended in an unexpected {type(error).__name__}. Plan again."
                review.conclusion = Conclusion(ok=False, said=said)
        self._thread = None
        self._end(review.conclusion)

    def _end(self, conclusion: Conclusion) -> None:
        outcome = self.review.outcome
        if outcome and self._result:
            self._result.update(_mime(render(outcome), as_text(outcome)), raw=True)
        self.again.disabled = False
        self.again.description = "Plan again" if conclusion.ok else "Go on: plan what is left"
        self.apply.description = "Applied" if conclusion.ok else "Not all was applied"
        self.cancel.layout.display = "none"
        self.progress.value = ""  # the outcome says it all
        self._say(conclusion.text)
        self.review.tell_observers()

    def _advance(self, change: Change, state: str) -> None:
        changes = self.review.plan.changes
        number = next(n for n, one in enumerate(changes) if one is change)
        self._states[number] = state
        done = sum(state != "under way" for state in self._states.values())
        first = max(0, min(number - SHOWN // 2, len(changes) - SHOWN))
        lines = "".join(
            f"<li>{_step(one, self._states.get(n, 'waiting'))}</li>"
            for n, one in enumerate(changes[first : first + SHOWN], first)
        )
        self.progress.value = (
            f'<p><progress max="{len(changes)}" value="{done}" aria-label="changes made">'
            f"</progress> {done} of {len(changes)}</p>"
            f'<ul style="list-style:none;padding-left:0">{lines}</ul>'
        )

    def _say(self, text: str) -> None:
        self.status.value = f'<p role="alert">{escape(text)}</p>'


def _step(change: Change, state: str) -> str:
    what = describe(change).partition("\n")[0]
    return f"{MARKS[state]} {escape(state)} · <b>{escape(change.target)}</b> · {escape(what)}"


def _button(text: str, colour: str, icon: str) -> Any:
    button = widgets.Button(description=text, icon=icon, layout={"width": "auto"})
    button.style.button_color, button.style.text_color = colour, "#ffffff"
    return button


def _mime(markup: str, text: str) -> dict[str, str]:
    return {"text/html": markup, "text/plain": text}
