"""The workbench in a browser: a form, its plan as one types, what that means, and Apply.

Applying runs in a thread of its own, so that Cancel is heard. What is shown for good is plain
HTML in the notebook's output; what lives, such as progress, is in widgets.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ipywidgets as widgets
from IPython.display import display

from iamkit.account.gaps import DETAILS
from iamkit.app_mode import applying_is_off
from iamkit.aws.apply import word_to_type
from iamkit.aws.journal import last_apply
from iamkit.aws.undo import find_apply
from iamkit.errors import IamkitError, Lockout
from iamkit.notebook.display import bundle_of
from iamkit.notebook.kernels import stopping_with_parent
from iamkit.notebook.markup import escape, folded, mime_bundle
from iamkit.notebook.plan_view import plan_html
from iamkit.notebook.review.apply_progress import progress_html
from iamkit.notebook.review.presence import Presence, say_cut_off, say_not_live
from iamkit.notebook.review.review import Conclusion, Review, sentences
from iamkit.notebook.review.undo_form import UndoForm
from iamkit.plan.changes import Change

BLUE, RED, GREY = "#1a5fb4", "#b91c1c", "#5a6169"
SAID = 4
"""Sentences of a plan's meaning above the button; the others fold."""
UNSEEN = 1.0
"""Seconds for which a plan must have stood there before a click applies it."""


class Workbench:
    """A review's form, plan and buttons, and what they say.

    Attributes:
        apply, cancel, again, repeat: the buttons.
        confirmation: where a destructive plan on a live account wants the alias typed.
        result: what the last apply came to.
        meaning, total, status, progress, view: what there is to know now.
        presence: how old the reading is.
    """

    def __init__(self, review: Review, on_end: Callable[[], None] | None = None) -> None:
        self.review = review
        self._on_end = on_end
        self.presence = Presence()
        self.apply = _button("Apply", BLUE, "check")
        self.cancel = _button("Cancel", GREY, "stop")
        self.again = _button("Read the account again", GREY, "refresh")
        self.repeat = _button("What follows Apply, once more", GREY, "repeat")
        self.undo = _button("Take it back…", GREY, "undo")
        self.confirmation = widgets.Text(layout={"width": "34em", "max_width": "99%"})
        self.confirmation.style.description_width = "initial"
        self.agreement = widgets.Text(layout={"width": "44em", "max_width": "99%"})
        self.agreement.style.description_width = "initial"
        self.way_back, self.way_back_bench = widgets.VBox(), self
        self.result, self.meaning, self.total, self.status, self.progress, self.view = (
            widgets.HTML() for _ in range(6)
        )
        self.result.add_class("iamkit-result")
        self._without_kernel: Any = None
        self._states: dict[int, str] = {}
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._wrong = self._consent = ""
        self._changed_at = -UNSEEN
        self.apply.on_click(lambda _: self._begin())
        self.cancel.on_click(lambda _: self._cancel())
        self.again.on_click(lambda _: self._start_anew())
        self.repeat.on_click(lambda _: self._repeat())
        self.undo.on_click(lambda _: self._take_back())
        for typed in (self.confirmation, self.agreement):
            typed.observe(lambda _: self._offer(), "value")
        if review.form:
            review.form.on_change(self._follow)
        self._ready()

    def show(self) -> None:
        """Show it, and below it what stands in its place where no kernel holds it."""
        display(self.make_widget())
        self._without_kernel = display(self._as_it_was(), raw=True, display_id=True)

    def make_widget(self) -> Any:
        """All of it, for a page or for another workbench."""
        form = [self.review.form.make_widget()] if self.review.form else []
        if form:
            self._follow()  # what was kept of an earlier run may stand in it now
        buttons = widgets.HBox(
            [self.apply, self.cancel, self.total, self.again, self.repeat, self.undo]
        )
        buttons.layout = {"flex_flow": "row wrap", "align_items": "center"}
        typed = [self.confirmation, self.agreement]
        bar = widgets.VBox([*typed, buttons, self.status, self.progress])
        bar.add_class("iamkit-bar")
        shown = [self.result, self.way_back, self.presence, self.meaning, bar, *form, self.view]
        bench = widgets.VBox(shown)
        bench.add_class("iamkit-workbench")
        return bench

    def wait(self, seconds: float = 60) -> None:
        """Wait until an apply has ended.

        Raises:
            TimeoutError: it has not.
        """
        if thread := self._thread:
            thread.join(seconds)
            if thread.is_alive():
                raise TimeoutError

    def _follow(self) -> None:
        """Plan what the form says now; while changes are being made that waits."""
        if self._applying:
            return
        before = self.review.plan
        try:
            self.review.follow_form()
            self._wrong = ""
        except IamkitError as error:
            self._wrong = str(error)
        if self.review.plan != before:
            self._changed_at = time.monotonic()
        self._ready()
        if hasattr(self.review.form, "as_html"):
            self._remember()

    def _start_anew(self) -> None:
        if not self._applying:
            self.way_back.children = ()
            self._read_again()

    def _read_again(self) -> None:
        if self._applying:
            return
        try:
            self.review.read_again()
            self._wrong = ""
        except IamkitError as error:
            self._say(Conclusion(ok=False, said=str(error)).text)
            return
        self._show_result()
        self._ready()
        self._remember()

    def _repeat(self) -> None:
        """Do what follows an apply, where there is nothing to apply."""
        if self._applying or self._wrong or self.review.plan.changes:
            return
        self.review.conclude_unchanged()
        self._show_result(*self.review.tell_end())
        self.presence.fresh = True

    def _ready(self) -> None:
        """Offer the plan as it stands in the review."""
        review, plan = self.review, self.review.plan
        if review.form:
            review.form.compare(None if self._wrong else plan)
        self.presence.tell_age(plan.current.source(DETAILS).at)
        self.apply.style.button_color = RED if plan.destructive else BLUE
        summary = "Apply" if self._wrong else f"Apply: {plan.summary}"
        self.apply.description = summary if plan.changes else "Nothing to apply"
        self.again.description = "Read the account again"
        self.again.disabled = False
        self.confirmation.description = f"Type {self._word} to allow what is lost"
        self.confirmation.value = ""
        self.confirmation.layout.display = "" if self._word else "none"
        self._ask_consent("")
        self._offer_undo()
        self.cancel.layout.display = "none"
        may_repeat = review.has_after and not (plan.changes or self._wrong)
        self.repeat.layout.display = "" if may_repeat else "none"
        self.progress.value = ""
        self.total.value = "" if self._wrong else _total(len(plan.changes))
        self.meaning.value = "" if self._wrong else _meaning_html(review.say_meaning())
        self.view.value = "" if self._wrong else _as_output(plan_html(plan))
        self._offer()

    @property
    def _word(self) -> str:
        return word_to_type(self.review.plan, self.review.session)

    def _offer(self) -> None:
        """Let Apply be pressed if nothing speaks against it, and say what does."""
        plan = self.review.plan
        reasons = [
            self._wrong,
            applying_is_off(),
            self.review.session.refusal or "",
            plan.refusal,
        ]
        against = next((reason for reason in reasons if reason), "")
        unconfirmed = self._word and self.confirmation.value != self._word
        unconfirmed = unconfirmed or self.agreement.value != self._consent
        self.apply.disabled = bool(against or unconfirmed or not plan.changes or self._applying)
        if self._applying:
            return
        if against:
            self._say(f"⚠ Not to be applied: {against}")
        elif plan.changes:
            self._say("Nothing has been changed yet. Read the plan; then press Apply.")
        elif idle := getattr(self.review.form, "idle", ""):
            self._say(idle)
        else:
            self._say(f"✔ The account is as wanted. {_last(self.review.session.folder)}")

    @property
    def _applying(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _begin(self) -> None:
        if self._applying or self._wrong:  # a page may send a click past a shut button
            self._offer()
            return
        if time.monotonic() - self._changed_at < UNSEEN:
            self._say("The plan has just changed. Read it; then press Apply.")
            return
        typed = self.confirmation.value  # as it is now, at the click
        self._stopped.clear()
        self._states = {}
        self.review.allow_destructive = True  # the button names what it destroys
        self.again.disabled = self.apply.disabled = True
        self.repeat.layout.display = "none"
        self.cancel.disabled, self.cancel.layout.display = False, ""
        self._show_result()
        self.way_back.children = ()
        if self._without_kernel:
            self._without_kernel.update(_bundle(say_cut_off(_now())), raw=True)
        self.presence.busy = True
        self._say("Applying. You can cancel: it stops between two changes.")
        given = typed, self.agreement.value
        self._thread = threading.Thread(target=self._work, args=given, name="iamkit-apply")
        self._thread.start()

    def _cancel(self) -> None:
        self._stopped.set()
        self.cancel.disabled = True
        self._say("Stopping after the change that is under way.")

    def _offer_undo(self) -> None:
        done = self.review.outcome and self.review.outcome.done
        self.undo.layout.display = "" if done else "none"

    def _take_back(self) -> None:
        """Offer the way back of what was applied, as a workbench of its own."""
        if self._applying or not (self.review.outcome and self.review.outcome.journal):
            return
        session = self.review.session
        try:
            form = UndoForm(session, find_apply(session, self.review.outcome.journal))
        except IamkitError as error:
            self._say(Conclusion(ok=False, said=str(error)).text)
            return
        review = Review(form.plan, session, form=form)
        self.way_back_bench = Workbench(review, on_end=self._was_taken_back)
        self.way_back.children = (self.way_back_bench.make_widget(),)

    def _was_taken_back(self) -> None:
        self._read_again()
        self.undo.layout.display = "none"
        if self._on_end:  # what it took back is back itself
            self._on_end()

    def _ask_consent(self, words: str) -> None:
        """Ask for the words by which a plan that locks somebody out is allowed; or ask nothing."""
        self._consent, self.agreement.value = words, ""
        self.agreement.description = f"If that is meant, type {words}"
        self.agreement.layout.display = "" if words else "none"

    def _work(self, typed: str, agreed: str) -> None:
        """Apply, and show every end of it: an exception in a thread would reach nobody."""
        review = self.review
        with stopping_with_parent(self._stopped):
            try:
                review.apply(self._advance, self._stopped, typed, agreed).raise_if_incomplete()
                review.conclusion = review.check_applied()
            except Lockout as error:
                self._thread = None
                self._ready()
                self._ask_consent(error.consent)
                self._offer()
                self._say(Conclusion(ok=False, said=str(error)).text)
                self.presence.busy = False
                return
            except IamkitError as error:
                review.conclusion = Conclusion(ok=False, said=str(error))
            except Exception as error:  # noqa: BLE001 - its text could hold anything
                said = f"It ended in an unexpected {type(error).__name__}. Press Go on."
                review.conclusion = Conclusion(ok=False, said=said)
            self._end(review.conclusion)

    def _end(self, conclusion: Conclusion) -> None:
        """Show the outcome; after a good one the plan is made from what was just read."""
        said = [conclusion.text]
        outcome = [bundle_of(self.review.outcome)] if self.review.outcome else []
        self._show_result(*outcome, *self.review.tell_end())
        self._thread = None
        if conclusion.ok:
            try:
                self.review.read_again()
                self._wrong = ""
            except IamkitError as error:
                said.append(str(error))
            self._ready()
        else:
            self.again.disabled = False
            self.again.description = "Go on: plan what is left"
            self._offer_undo()
            self.apply.description = "Not all was applied"
            self.cancel.layout.display = "none"
            self.meaning.value = self.total.value = self.view.value = self.progress.value = ""
        self._say(" ".join(said))
        self._remember()
        self.presence.busy, self.presence.fresh = False, True
        if self._on_end:
            self._on_end()

    def _show_result(self, *outputs: dict[str, Any]) -> None:
        # In a widget: a page that was loaded anew knows no displays of an earlier time.
        markup = "".join(output["text/html"] for output in outputs)
        self.result.value = _as_output(markup) if outputs else ""

    def _remember(self) -> None:
        """Keep in the notebook what this shows, for when no kernel holds it any more."""
        if self._without_kernel:
            self._without_kernel.update(self._as_it_was(), raw=True)

    def _as_it_was(self) -> dict[str, str]:
        plain = getattr(self.review.form, "as_html", str)()  # of a form that has more to show
        shown = (plain, self.meaning.value, self.view.value, self.status.value)
        return _bundle(say_not_live(_now(), self.result.value, "".join(shown)))

    def _advance(self, change: Change, state: str) -> None:
        changes = self.review.plan.changes
        number = next(n for n, one in enumerate(changes) if one is change)
        self._states[number] = state
        self.progress.value = progress_html(changes, self._states, number)

    def _say(self, text: str) -> None:
        self.status.value = f'<p role="alert">{escape(text)}</p>'


def _last(folder: Path) -> str:
    """The last apply in words; nothing of a journal that cannot be read."""
    try:
        return str(last_apply(folder) or "")
    except IamkitError:
        return ""


def _bundle(markup: str) -> dict[str, str]:
    return mime_bundle(markup, "")


def _now() -> str:
    return f"{datetime.now(UTC):%H:%M:%S} UTC"


def _total(count: int) -> str:
    return {0: "", 1: "1 call to AWS"}.get(count, f"{count} calls to AWS")


def _meaning_html(said: list[str]) -> str:
    """What a plan means, in sight; of much the rest folds, so that Apply stays in view."""
    if not said:
        return ""
    rest = said[SAID:]
    more = folded(f"and {len(rest)} more", sentences(rest)) if rest else ""
    return f"<p><b>What this means</b></p>{sentences(said[:SAID])}{more}"


def _as_output(markup: str) -> str:
    """Markup in a widget, with the look of a notebook's output."""
    return f'<div class="jp-RenderedHTMLCommon">{markup}</div>'


def _button(text: str, colour: str, icon: str) -> Any:
    button = widgets.Button(description=text, icon=icon, layout={"width": "auto"})
    button.style.button_color, button.style.text_color = colour, "#ffffff"
    return button
