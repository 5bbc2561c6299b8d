"""The page of access keys that change: how far each rotation is, and a tick for its next step."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import ipywidgets as widgets
import pandas as pd

from iamkit.account.state import AccessKey, AccountState, KeyUse
from iamkit.aws.rotation import read_keys, rules_of
from iamkit.aws.session import Session, open_session
from iamkit.errors import IamkitError
from iamkit.notebook.display import show
from iamkit.notebook.markup import badge, escape, folded, table
from iamkit.parameters.field_types import moment_after
from iamkit.parameters.rotate_keys import EarlyRow, RotateKeysParameters
from iamkit.plan.changes import Plan
from iamkit.plan.desired import Desired
from iamkit.plan.key_rotation import (
    NEXT,
    QUIET,
    Rotation,
    Stage,
    say_use,
    want_next_steps,
)
from iamkit.plan.rotation_stages import judge_rotations

SHOWN = 100
"""Users who have a row; more are found by the filter."""
COLOURS: dict[Stage, str] = {
    "blocked": "#8b0000",
    "to delete": "#b2182b",
    "to switch off": "#8a4600",
    "to tag": "#8a4600",
    "to make": "#1a5fb4",
    "changing over": "#4d5966",
    "off": "#4d5966",
    "tag left over": "#4d5966",
}
"""Of the stages in which something is under way, in the order of their rows."""
GRID = "minmax(9em,1fr) minmax(13em,1.4fr) minmax(13em,1.4fr) minmax(14em,2fr) minmax(13em,1.4fr)"
HEADINGS = ("User", "Old key", "New key", "How far", "Next step")


@dataclass
class _Row:
    """The parts of a user's row that follow what is clicked.

    Attributes:
        can_switch: the ids of keys of which somebody can tell that services use them.
        switches: by the id of a key, the tick that services were switched to it.
    """

    tick: Any
    old: Any
    new: Any
    stage: Any
    step: Any
    can_switch: tuple[str, ...]
    switches: dict[str, Any] = field(default_factory=dict)


class KeyRotationForm:
    """Who has a key in rotation, with a tick for the next step, and one for a switch that is told.

    Attributes:
        found: how far everybody is.
        filter: words that the rows must hold.
        idle: what is said while nothing is ticked.
    """

    idle = "Nothing is ticked that is ready for its next step."

    def __init__(
        self, parameters: RotateKeysParameters, session: Session, account: AccountState
    ) -> None:
        self._parameters, self._session, self._account = parameters, session, account
        spelled = {name.lower(): name for name in account.users}
        self._early = {spelled.get(r.user.lower(), r.user): r for r in parameters.early}
        named = (spelled.get(name.lower(), name) for name in parameters.rotate)
        self._named = list(dict.fromkeys([*named, *self._early]))
        self._switched = list(dict.fromkeys(parameters.switched))
        self._observers: list[Callable[[], None]] = []
        self._rows: dict[str, _Row] = {}
        self._refreshing = False
        self.found = self._judge()

    @property
    def value(self) -> RotateKeysParameters:
        """The parameters with who is ticked."""
        early = list(self._early.values())
        ticked = {"rotate": self._named, "early": early, "switched": self._switched}
        return self._parameters.model_copy(update=ticked)

    def desired(self) -> Desired:
        """What the next steps of all who are ticked want of the account."""
        exempt = [row.user for row in self._parameters.exempt]
        return want_next_steps(self._account, self.found, self._named, exempt)

    def judge_again(self, session: Session) -> None:
        """Read the keys as they are now; what was ticked for a step that is made is ticked no more.

        Raises:
            AwsError: the users could not be read.
        """
        before = {one.user: one.stage for one in self.found}
        self._account = read_keys(session, self.value)
        self.found = self._judge()
        if self._rows:  # a person ticks each step
            now = {one.user: one.stage for one in self.found}
            self._named = [n for n in self._named if now.get(n) == before.get(n)]
            rows = {name: row.can_switch for name, row in self._rows.items()}
            if rows == {one.user: one.can_switch for one in self._fitting()[:SHOWN]}:
                self._refresh()  # a row that goes takes the focus, and a click on its way, with it
            else:
                self._fill()

    def on_change(self, observer: Callable[[], None]) -> None:
        """Call the observer after each tick."""
        self._observers.append(observer)

    def compare(self, plan: Plan | None) -> None:
        """The rows say themselves what comes next."""

    def show_values(self) -> None:
        """Show how far everybody is, for readers without a browser."""
        show(self.table(), self._say_quiet())

    def table(self) -> pd.DataFrame:
        """Whose keys are in rotation, with both keys, their last uses, the stage and what is next.

        Returns:
            A row a user, of text; ``step`` is yes for who is named.
        """
        named = {name.lower() for name in self._named}
        rows = [
            (
                "yes" if one.user.lower() in named else "",
                one.user,
                one.old.id if one.old else "",
                _say_made(one.old),
                _say_use(one.old, one.old_use),
                one.new.id if one.new else "",
                _say_use(one.new, one.new_use),
                one.stage,
                one.why,
                NEXT.get(one.stage, ""),
            )
            for one in self._moving()
        ]
        names = "step,user,old key,made,last use,new key,its last use,stage,why,next step"
        frame = pd.DataFrame(rows, columns=names.split(","))
        frame.attrs["title"] = "Keys in rotation"
        return frame

    def make_widget(self) -> Any:
        """The rows, with what there is to know above them and the others folded below."""
        self.filter = widgets.Text(placeholder="a user, a key, a stage", description="Filter")
        self.filter.observe(lambda _: self._fill(), "value")
        self._grid = widgets.GridBox(layout={"grid_template_columns": GRID, "grid_gap": "6px 14px"})
        self._rest = widgets.HTML()
        self.early = widgets.Combobox(placeholder="a user", description="Not due, change now")
        self.early.style.description_width, self.early.ensure_option = "initial", True
        self.early.observe(lambda change: self._begin_early(change["new"]), "value")
        self._fill()
        heading = "<p>Tick whose next step is to be made. Nothing is ticked beforehand.</p>"
        parts = [widgets.HTML(heading), self.filter, self._grid, self._rest, self.early]
        return widgets.VBox(parts)

    def tell_rotated(self, session: Session, parameters: RotateKeysParameters) -> pd.DataFrame:
        """How far those are who took a step, read freshly; and whether one's own new key works.

        Returns:
            A row each: ``user``, ``was``, ``now`` and ``why``.
        """
        before = {one.user.lower(): one for one in self.found}
        account = read_keys(session, parameters)
        after = judge_rotations(account, rules_of(session, parameters, account))
        now = {one.user.lower(): one for one in after}
        rows = []
        for name in dict.fromkeys(parameters.rotate):
            was, found = before.get(name.lower()), now.get(name.lower())
            said = found.why if found else "No key is left."
            if was and was.stage == "to make" and was.user == parameters.run_as:
                said = f"{_try_new_key(parameters)} {said}"
            stages = [one.stage if one else "no key" for one in (was, found)]
            rows.append((was.user if was else name, *stages, said))
        frame = pd.DataFrame(rows, columns=["user", "was", "now", "why"])
        frame.attrs["title"] = "How far they are now"
        return frame

    def _judge(self) -> list[Rotation]:
        rules = rules_of(self._session, self.value, self._account)
        return judge_rotations(self._account, rules)

    def _moving(self) -> list[Rotation]:
        """Those in whom something is under way, what needs a person first."""
        order = list(COLOURS)
        moving = [one for one in self.found if one.stage not in QUIET]
        return sorted(moving, key=lambda one: order.index(one.stage))

    def _say_quiet(self) -> str:
        exempt = sum(one.stage == "exempt" for one in self.found)
        others = sum(one.stage == "not due" for one in self.found)
        said = f"Not due: {others:,} of {len(self.found):,} users with a key."
        return f"{said} Exempt: {exempt:,}." if exempt else said

    def _fitting(self) -> list[Rotation]:
        """Those of them that the filter lets through."""
        words = self.filter.value.lower().split()
        return [one for one in self._moving() if all(w in _text(one) for w in words)]

    def _fill(self) -> None:
        """Make the rows anew."""
        moving = self._fitting()
        self._rows, cells = {}, [widgets.HTML(f"<b>{heading}</b>") for heading in HEADINGS]
        for one in moving[:SHOWN]:
            cells += self._cells(one)
        self._grid.children = cells if moving else [widgets.HTML("<p>No key is in rotation.</p>")]
        more = len(moving) - SHOWN
        rest = f"<p>and {more:,} more: filter them</p>" if more > 0 else ""
        quiet = [(one.user, one.stage, one.why) for one in self.found if one.stage in QUIET]
        listed = table(quiet[: 5 * SHOWN], ("user", "stage", "why"))
        self._rest.value = rest + (folded(self._say_quiet(), listed) if quiet else "")
        self._refresh()

    def _cells(self, one: Rotation) -> list[Any]:
        tick = widgets.Checkbox(description=one.user, indent=False, layout={"width": "auto"})
        old, new, stage, text = (widgets.HTML() for _ in range(4))
        row = self._rows[one.user] = _Row(tick, old, new, stage, text, one.can_switch)
        for key_id in one.can_switch:
            switch = widgets.Checkbox(key_id in self._switched, indent=False)
            switch.description, switch.layout.width = f"services use …{key_id[-8:]}", "auto"
            told = partial(self._switch, key_id)
            switch.observe(lambda change, told=told: told(change["new"]), "value")
            row.switches[key_id] = switch
        tick.observe(lambda change: self._choose(one.user, ticked=change["new"]), "value")
        return [tick, old, new, stage, widgets.VBox([text, *row.switches.values()])]

    def _refresh(self) -> None:
        """Let the rows say how far each is; what stands in a tick meanwhile is nobody's click."""
        self._refreshing = True
        self.early.options = [one.user for one in self.found if _may_be_early(one)]
        for one in self.found:
            if row := self._rows.get(one.user):
                row.old.value = _key_html(one.old, one.old_use)
                row.new.value = _key_html(one.new, one.new_use)
                for key_id, box in row.switches.items():
                    box.value = key_id in self._switched
                row.tick.disabled = one.wanted is None
                row.tick.value = one.wanted is not None and one.user in self._named
                own = " It is your own, or whose key is used, and comes last." if one.own else ""
                said = f"<div>{escape(one.why + own)}</div>"
                row.stage.value = badge(one.stage, COLOURS.get(one.stage, "#4d5966")) + said
                wait = "what is said comes first" if one.stage == "blocked" else "wait"
                row.step.value = escape(NEXT.get(one.stage, wait))
        self._refreshing = False

    def _choose(self, user: str, *, ticked: bool) -> None:
        """Take note of a tick, also of one in a row that the filter has just replaced."""
        if self._refreshing or ticked == (user in self._named):
            return
        others = [name for name in self._named if name != user]
        self._named = [*others, user] if ticked else others
        begun = any(one.user == user and one.new for one in self.found)
        if user in self._early and not (ticked or begun):
            del self._early[user]
            self.found = self._judge()
            self._fill()
        self._refresh()
        self._tell()

    def _begin_early(self, user: str) -> None:
        """Take a key that is not due into rotation, and tick its first step."""
        found = next((one for one in self.found if one.user == user and _may_be_early(one)), None)
        if not (found and found.old):
            return
        self._early[user] = EarlyRow(user=user, before=moment_after([found.old.created]))
        self._named = [*(name for name in self._named if name != user), user]
        self.found = self._judge()
        self.early.value = ""
        self._fill()
        self._tell()

    def _switch(self, key_id: str, told: bool) -> None:
        """Take note of a switch that is told; what is ready by that can be ticked."""
        if told == (key_id in self._switched):
            return
        others = [one for one in self._switched if one != key_id]
        self._switched = [*others, key_id] if told else others
        self.found = self._judge()
        self._refresh()
        self._tell()

    def _tell(self) -> None:
        for observer in self._observers:
            observer()


def _may_be_early(one: Rotation) -> bool:
    """Whether a user has one key, which works and is not due."""
    return one.stage == "not due" and one.new is None and _works(one.old)


def _works(key: AccessKey | None) -> bool:
    return key is not None and key.status == "Active"


def make_rotation(parameters: RotateKeysParameters, session: Session) -> KeyRotationForm:
    """Read the keys and how far each is in its rotation; ``review_plan`` shows it.

    Raises:
        AwsError: the users themselves could not be read.
        InputError: the file of ``users_csv`` is wrong.
    """
    return KeyRotationForm(parameters, session, read_keys(session, parameters))


def _try_new_key(parameters: RotateKeysParameters) -> str:
    """Go on with one's own new key, which the store holds: the next session is opened so."""
    try:
        session = open_session(parameters)
    except IamkitError as error:
        return f"The new key does not work yet: {error}"
    return f"The next session goes on with {session.clients.key_id}, which works."


def _text(one: Rotation) -> str:
    ids = " ".join(key.id for key in (one.old, one.new) if key)
    return f"{one.user} {ids} {one.stage} {one.why}".lower()


def _say_made(key: AccessKey | None) -> str:
    return f"{key.created:%Y-%m-%d}" if key and key.created else ""


def _say_use(key: AccessKey | None, use: KeyUse | None) -> str:
    return say_use(use) if key else ""


def _key_html(key: AccessKey | None, use: KeyUse | None) -> str:
    if key is None:
        return ""
    made = f"{key.status}, made {_say_made(key)}"
    lines = (key.id, made, say_use(use))
    return "<br>".join(escape(line) for line in lines)
