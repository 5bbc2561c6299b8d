"""The page of those who leave: how far each is, what is theirs, and where they are named."""

from collections.abc import Callable, Iterable
from typing import Any

import ipywidgets as widgets
import pandas as pd

from iamkit.account.state import AccountState
from iamkit.aws.read import read_account, read_more
from iamkit.aws.resource_policies import read_resource_policies
from iamkit.aws.session import Session
from iamkit.errors import InputError
from iamkit.notebook.display import show
from iamkit.notebook.markup import badge, escape, folded, table
from iamkit.parameters.leavers import LeaverRow, LeaversParameters
from iamkit.parameters.yaml_file import current_parameters_file, read_parameters
from iamkit.plan.belongings import Belonging, list_belongings
from iamkit.plan.changes import Plan
from iamkit.plan.desired import Desired
from iamkit.plan.leavers import (
    LEAVERS_READ,
    OF_EACH_LEAVER,
    Leaver,
    Leaving,
    Stage,
    judge_leavers,
    names_of,
    spared_users,
    wanted_of,
)
from iamkit.plan.lockout import caller_of

SHOWN = 50
"""Users whom the list offers; others are found by more letters."""
COLOURS: dict[Stage, str] = {
    "leaves now": "#8a4600",
    "has left": "#4d5966",
    "is deleted": "#b2182b",
    "blocked": "#8b0000",
    "is not there": "#4d5966",
}
COLUMNS = ("user", "is", "what", "name", "to know", "after the deletion")


class LeaversForm:
    """Who leaves, with the stage of each, and what a person must know before it.

    Attributes:
        search, found, add: to pick a user.
        rows: a row for each who leaves.
        overview: all that is theirs, and where they are named.
        idle: what is said while there is nothing to apply.
    """

    def __init__(self, parameters: LeaversParameters, session: Session) -> None:
        self._parameters, self._session = parameters, session
        self._rows = {row.user: row for row in parameters.leavers}
        caller = caller_of(session.identity, session.clients.key_id).user
        self._spared = spared_users(caller, parameters.run_as)
        self._observers: list[Callable[[], None]] = []
        self._resources = read_resource_policies(session) if self._rows else None
        self._state = self._read()

    @property
    def value(self) -> LeaversParameters:
        """The parameters with who leaves now."""
        return self._parameters.model_copy(update={"leavers": list(self._rows.values())})

    @property
    def leavers(self) -> tuple[Leaver, ...]:
        """How far each is, by the last reading."""
        days = self._parameters.leavers_grace_days
        return judge_leavers(self._state, self._leaving, days, self._spared)

    @property
    def idle(self) -> str:
        """What is said while there is nothing to apply."""
        if not self._rows:
            return "Nobody is named who leaves."
        return "Nothing is due today: the table says when it is."

    def desired(self) -> Desired:
        """What is wanted of the account: of some the first stage, of others the second."""
        return wanted_of(self.leavers)

    def judge_again(self, session: Session) -> None:
        """Read the account as it is now."""
        self._session = session
        self._state = self._read()
        self._show()

    def on_change(self, observer: Callable[[], None]) -> None:
        """Call the observer after each change of who leaves."""
        self._observers.append(observer)

    def compare(self, plan: Plan | None) -> None:
        """The stages are those of the reading with which the page began, or of the last apply."""

    def show_values(self) -> None:
        """Show how far each is, and all that is theirs, for readers without a browser."""
        show(self.table(), self.belongings())

    def table(self) -> pd.DataFrame:
        """A row for each who leaves: ``user``, ``stage`` and ``why``."""
        rows = [(one.user, one.stage, one.said) for one in self.leavers]
        return pd.DataFrame(rows, columns=["user", "stage", "why"])

    def belongings(self) -> pd.DataFrame:
        """All that is theirs, and everywhere they are named, a row each."""
        frame = pd.DataFrame(map(_cells, self._belongings()), columns=list(COLUMNS))
        frame.attrs["title"] = "What is theirs, and where they are named"
        return frame

    def make_widget(self) -> Any:
        """The list to pick from, a row for each who leaves, and what there is to know of them."""
        self.search = widgets.Text(placeholder="a part of the name", description="Find a user")
        self.found = widgets.Select(description="Users", rows=5)
        for field in (self.search, self.found):
            field.style.description_width = "6em"
        self.add = widgets.Button(description="Leaves", icon="sign-out")
        self.rows, self.overview, self._more = widgets.VBox(), widgets.HTML(), widgets.HTML()
        self.search.observe(lambda _: self._offer(), "value")
        self.add.on_click(lambda _: self._name(self.found.value))
        self._offer()
        self._show()
        pick = widgets.HBox([self.search, self.found, self._more, self.add])
        pick.layout = {"flex_flow": "row wrap", "align_items": "flex-start"}
        return widgets.VBox([pick, self.rows, self.overview])

    @property
    def _leaving(self) -> list[Leaving]:
        return [Leaving(**row.model_dump()) for row in self._rows.values()]

    def _read(self) -> AccountState:
        state = read_account(self._session, operations=LEAVERS_READ, strict=False)
        return self._with_leavers(state)

    def _with_leavers(self, state: AccountState) -> AccountState:
        """The state with what no bulk call tells of those who leave."""
        names = names_of(self._leaving, state.users)
        return read_more(self._session, state, dict.fromkeys(OF_EACH_LEAVER, names))

    def _belongings(self) -> list[Belonging]:
        if self._resources is None:
            self._resources = read_resource_policies(self._session)
        names = names_of(self._leaving, self._state.users)
        return list_belongings(self._state, names, self._resources, _file_values())

    def _offer(self) -> None:
        words = self.search.value.lower().split()
        named = {name.lower() for name in self._rows} | set(self._spared)
        fitting = [
            name
            for name in sorted(self._state.users)
            if name.lower() not in named and all(word in name.lower() for word in words)
        ]
        self.found.options = fitting[:SHOWN]
        more = len(fitting) - SHOWN
        self._more.value = f"and {more:,} more: type more letters" if more > 0 else ""

    def _name(self, name: str | None) -> None:
        if name:
            self._rows[name] = LeaverRow(user=name, delete_password=False)
            self._changed()

    def _changed(self) -> None:
        self._state = self._with_leavers(self._state)
        self._offer()
        self._show()
        for observer in self._observers:
            observer()

    def _show(self) -> None:
        """Show the stages and what there is to know, once there is a page."""
        if not hasattr(self, "rows"):
            return
        keys = list(self._rows)
        self.rows.children = [
            self._row(key, leaver) for key, leaver in zip(keys, self.leavers, strict=True)
        ]
        self.overview.value = _overview(self._belongings()) if keys else ""

    def _row(self, key: str, leaver: Leaver) -> Any:
        said = widgets.HTML(
            f"<b>{escape(leaver.user)}</b> {badge(leaver.stage, COLOURS[leaver.stage])} "
            f"{escape(leaver.said)}"
        )
        tick = widgets.Checkbox(
            self._rows[key].delete_password,
            description=f"delete the password of {leaver.user} too, for good",
            indent=False,
        )
        tick.layout.width = "auto"
        if leaver.stage not in ("leaves now", "has left"):
            tick.layout.display = "none"
        out = widgets.Button(description=f"Leave {leaver.user} alone", icon="times")
        out.layout.width = "auto"
        tick.observe(lambda change: self._tick(key, is_ticked=change["new"]), "value")
        out.on_click(lambda _: self._take_out(key))
        return widgets.HBox(
            [said, tick, out], layout={"flex_flow": "row wrap", "align_items": "center"}
        )

    def _tick(self, key: str, *, is_ticked: bool) -> None:
        self._rows[key] = LeaverRow(user=key, delete_password=is_ticked)
        for observer in self._observers:
            observer()

    def _take_out(self, key: str) -> None:
        del self._rows[key]
        self._changed()

    def tell_stages(self, session: Session, parameters: LeaversParameters) -> pd.DataFrame:
        """How far each is after an apply, read freshly, and what comes next."""
        after = LeaversForm(parameters, session)
        frame = after.table()
        frame.attrs["title"] = "Who leaves, and what comes next"
        return frame


def make_leaving(parameters: LeaversParameters, session: Session) -> LeaversForm:
    """Read who leaves and all that is theirs; ``review_plan`` shows it.

    Raises:
        AwsError: the users themselves could not be read.
    """
    return LeaversForm(parameters, session)


def _file_values() -> Any:
    """The values of the account's parameters file; None if none is known or it is not whole."""
    path = current_parameters_file()
    try:
        return read_parameters(path).checked_values({}) if path else None
    except InputError:
        return None


def _cells(one: Belonging) -> tuple[str, ...]:
    return (one.user, one.relation, one.what, one.name, one.said, one.afterwards)


def _overview(found: Iterable[Belonging]) -> str:
    """What is theirs and where they are named, a part for each."""
    by_user: dict[str, list[Belonging]] = {}
    for one in found:
        by_user.setdefault(one.user, []).append(one)
    parts = [
        folded(f"{user}: {_counts(some)}", table([_cells(o)[1:] for o in some], COLUMNS[1:]))
        for user, some in by_user.items()
    ]
    told = "".join(parts) or "<p>Nothing was found.</p>"
    return f"<p><b>What is theirs, and where they are named</b></p>{told}"


def _counts(some: Iterable[Belonging]) -> str:
    counts: dict[str, int] = {}
    for one in some:
        counts[one.relation] = counts.get(one.relation, 0) + 1
    return ", ".join(f"{number} {relation}" for relation, number in counts.items())
