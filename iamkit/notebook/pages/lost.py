"""The page of who has forgotten a password or lost an MFA device: chosen by name, and by ticks."""

from collections.abc import Callable, Iterable
from typing import Any

import ipywidgets as widgets
import pandas as pd

from iamkit.account.gaps import DETAILS
from iamkit.account.state import AccountState, MfaDevice, sign_in_url
from iamkit.aws.read import read_account, read_more
from iamkit.aws.session import Session
from iamkit.notebook.display import show
from iamkit.notebook.markup import escape
from iamkit.notebook.pages.welcome import write_welcome_pages
from iamkit.parameters.checking import check
from iamkit.parameters.field_types import moment_after
from iamkit.parameters.iam_names import Spelling
from iamkit.parameters.lost import LostParameters, LostRow
from iamkit.plan.changes import Plan
from iamkit.plan.desired import Desired, DesiredUser
from iamkit.plan.lost_credentials import lost_devices, when_forgotten
from iamkit.plan.wanted import lost_credentials
from iamkit.text import few

PASSWORD, DEVICES = "GetLoginProfile", "ListMFADevices"
WHERE = "at the name in the top right, under Security credentials"


class LostForm:
    """Whoever is chosen, with a tick for the password and one for each device.

    Attributes:
        search: where somebody is chosen.
        cards: of each who is chosen, by name, what they have.
        idle: what is said while nothing is ticked.
    """

    idle = "Nothing is ticked that is there and older than its moment."

    def __init__(self, parameters: LostParameters, session: Session) -> None:
        self._parameters, self._session = parameters, session
        self._observers: list[Callable[[], None]] = []
        self._shown = widgets.VBox()
        self.cards: dict[str, _Card] = {}
        self._read(parameters.lost)

    @property
    def value(self) -> LostParameters:
        """The parameters with what is ticked.

        Raises:
            InputError: where a password should go is wrong.
        """
        rows = [row for card in self.cards.values() if (row := card.row())]
        return self._parameters.model_copy(update={"lost": rows})

    def desired(self) -> Desired:
        """What is wanted of those who are chosen.

        Raises:
            InputError: as ``value`` does.
        """
        return lost_credentials(self.value)

    def judge_again(self, _: Session) -> None:
        """Read what they have now; what is gone is ticked no more."""
        self._read(self.value.lost)

    def on_change(self, observer: Callable[[], None]) -> None:
        """Call the observer after each tick."""
        self._observers.append(observer)

    def compare(self, plan: Plan | None) -> None:
        """The cards say what they come to by themselves."""

    def show_values(self) -> None:
        """Show who has lost what, for readers without a browser."""
        names = ["user", "lost", "made before", "new password goes to"]
        rows = [(r.user, _words(r), r.before, r.hand_over) for r in self._parameters.lost]
        show(pd.DataFrame(rows, columns=names))

    def make_widget(self) -> Any:
        """The search, and a card for each who is chosen."""
        self.search = widgets.Combobox(
            placeholder="type a name, and choose it", description="Who", ensure_option=True
        )
        self.search.options = sorted(self._state.users)
        self.search.observe(lambda change: self._choose(change["new"]), "value")
        return widgets.VBox([self.search, self._shown])

    def tell_owners(self, session: Session, parameters: LostParameters) -> pd.DataFrame:
        """What each of them must be told now, read freshly; a new password has a page to send.

        Returns:
            A row each: ``user`` and ``now``; both ``str``.
        """
        rows = parameters.lost
        state = _facts(session, [row.user for row in rows], (DEVICES,))
        new = Desired(users=tuple(DesiredUser(name=row.user) for row in rows if row.password))
        pages = write_welcome_pages(session, new)
        told = [
            (user, f"a new password; send them this page, which does not hold it: {page}")
            for user, page in zip(pages["user"], pages["file"], strict=True)
        ]
        url = sign_in_url(session.alias or state.account_id, state.partition) or "the console"
        told += [
            (row.user, _devices_now(state, row.user, url))
            for row in rows
            if row.devices or row.serials
        ]
        return pd.DataFrame(told, columns=["user", "now"]).astype("str")

    def _read(self, rows: Iterable[LostRow]) -> None:
        """Begin anew with the account as it is now.

        A card stays of whom nothing has changed: one that goes takes a click on its way with it.
        """
        given = {row.user: row for row in rows}
        users = list(dict.fromkeys([*self.cards, *given]))
        state = self._state = _facts(self._session, users, (PASSWORD, DEVICES))
        kept = {user: c for user, c in self.cards.items() if c.facts == _facts_of(state, user)}
        made = {u: _Card(u, state, self._changed, row) for u, row in given.items() if u not in kept}
        self.cards = {user: (kept | made)[user] for user in users if user in kept | made}
        self._show_cards()

    def _choose(self, name: str) -> None:
        if name not in self._state.users or name in self.cards:
            return
        of_users = {PASSWORD: [name], DEVICES: [name]}
        self._state = read_more(self._session, self._state, of_users)
        self.cards[name] = _Card(name, self._state, self._changed)
        self.search.value = ""
        self._show_cards()

    def _show_cards(self) -> None:
        self._shown.children = [card.widget for card in self.cards.values()]

    def _changed(self) -> None:
        for observer in self._observers:
            observer()


class _Card:
    """What somebody has, with a tick for each that is lost.

    Attributes:
        password: the tick of the password.
        hand_over: where a new one goes.
        devices: the ticks of the devices, by serial number.
        facts: what it was made of.
    """

    def __init__(
        self,
        user: str,
        state: AccountState,
        changed: Callable[[], None],
        given: LostRow | None = None,
    ) -> None:
        self._user, self._given, self._touched = user, given, False
        self.facts = _facts_of(state, user)
        name = Spelling(state.users).of(user)
        profile = state.login_profiles.get(name)
        self._made = profile.created if profile else None
        self._registered = {one.serial: one.enabled for one in state.mfa_devices.get(name, ())}
        forgotten, lost = _ticked(state, name, given)
        self.password = _tick(_password_words(state, name), on=forgotten)
        self.password.disabled = not state.was_read(PASSWORD, name)
        self.hand_over = widgets.Text(
            given.hand_over if given else "",
            description="It goes to",
            placeholder="a private file; or age1…, or secretsmanager",
            layout={"width": "32em", "max_width": "99%"},
        )
        self.devices = {
            device.serial: _tick(_device_words(device), on=device.serial in lost)
            for device in state.mfa_devices.get(name, ())
        }
        self._on_change = changed
        for field in (self.password, self.hand_over, *self.devices.values()):
            field.observe(self._change, "value")
        none = "" if state.was_read(DEVICES, name) else state.source(DEVICES).note or "not read"
        none = none and f"<p>⚠ MFA devices: {escape(none)}</p>"
        self.widget = widgets.VBox(
            [
                widgets.HTML(f"<p><b>{escape(name)}</b></p>"),
                self.password,
                self.hand_over,
                *self.devices.values(),
                widgets.HTML(none or ("" if self.devices else "<p>No MFA device.</p>")),
            ]
        )

    def row(self) -> LostRow | None:
        """What is ticked, as it stands in the parameters; None if nothing is.

        Raises:
            InputError: where a password should go is wrong.
        """
        if not self._touched:
            return self._given
        serials = [serial for serial, tick in self.devices.items() if tick.value]
        if not (serials or self.password.value):
            return None
        made = [self._registered[serial] for serial in serials]
        made += [self._made] if self.password.value else []
        every = len(serials) == len(self.devices)
        given = {
            "user": self._user,
            "before": moment_after(made),
            "password": self.password.value,
            "devices": bool(serials) and every,
            "serials": [] if every else serials,
            "hand_over": self.hand_over.value.strip() if self.password.value else "",
        }
        return check(LostRow, given)

    def _change(self, _: Any) -> None:
        self._touched = True
        self._on_change()


def make_lost_form(parameters: LostParameters, session: Session) -> LostForm:
    """Offer the account's users, and of those who are chosen what they have to lose.

    Raises:
        AwsError: the users could not be read.
    """
    return LostForm(parameters, session)


def _facts(session: Session, users: Iterable[str], operations: Iterable[str]) -> AccountState:
    """The account's users, and of some of them what these operations tell."""
    state = read_account(session, operations=(DETAILS,), kinds=("users",))
    spelled = Spelling(state.users)
    named = [name for user in users if (name := spelled.of(user)) in state.users]
    return read_more(session, state, dict.fromkeys(operations, named))


def _ticked(state: AccountState, name: str, given: LostRow | None) -> tuple[bool, tuple[str, ...]]:
    """Whether a password, and which devices, are lost by a row and still there."""
    if given is None:
        return False, ()
    parameters = LostParameters.model_construct(lost=[given.model_copy(update={"user": name})])
    (wanted,) = lost_credentials(parameters).users
    none = given.password and state.login_profiles.get(name) is None
    return bool(none or when_forgotten(state, wanted)), lost_devices(state, wanted)


def _facts_of(state: AccountState, user: str) -> tuple[object, ...]:
    """What a card is made of."""
    name = Spelling(state.users).of(user)
    there = (state.login_profiles.get(name), state.mfa_devices.get(name, ()))
    return (*there, *(state.was_read(source, name) for source in (PASSWORD, DEVICES)))


def _password_words(state: AccountState, name: str) -> str:
    if not state.was_read(PASSWORD, name):
        return f"Password: {state.source(PASSWORD).note or 'not read'}"
    profile = state.login_profiles.get(name)
    if profile is None:
        return "Has no console password: make a first one"
    made = f"{profile.created:%Y-%m-%d at %H:%M} UTC" if profile.created else "an unknown day"
    return f"Forgot the password of {made}: a new first one takes its place"


def _device_words(device: MfaDevice) -> str:
    known = f"{device.enabled:%Y-%m-%d at %H:%M} UTC" if device.enabled else "an unknown day"
    return f"Lost the {device.kind} device {device.serial}, registered on {known}"


def _devices_now(state: AccountState, user: str, url: str) -> str:
    name = Spelling(state.users).of(user)
    if not state.was_read(DEVICES, name):
        return f"MFA devices: {state.source(DEVICES).note or 'not read'}"
    left = [device.serial for device in state.mfa_devices.get(name, ())]
    if left:
        return f"signs in with {few(left)}; the lost device opens nothing any more"
    return f"has no MFA device any more: have them register one at {url}, {WHERE}"


def _words(row: LostRow) -> str:
    devices = "all MFA devices" if row.devices else ", ".join(row.serials)
    return ", ".join(filter(None, ["password" if row.password else "", devices]))


def _tick(words: str, *, on: bool) -> Any:
    tick = widgets.Checkbox(on, description=words, indent=False)
    tick.layout.width = "auto"
    return tick
