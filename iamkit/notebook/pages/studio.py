"""The policy studio: choose by clicks what a policy allows, and watch what that means.

Its value is plain data, the parameters with the choices, so that what was clicked can be run in
CI. Headless, the value simply is the parameters.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import ipywidgets as widgets
from pydantic import ValidationError

from iamkit.account.state import JSON, AccountState
from iamkit.aws.listers import LISTERS, list_things
from iamkit.aws.read import read_permissions
from iamkit.aws.session import Session
from iamkit.errors import IamkitError, InputError
from iamkit.notebook.forms.form_state import keep, keeping_row, recall, save_values
from iamkit.notebook.markup import escape
from iamkit.notebook.pages.policy import (
    in_short,
    paths_html,
    policy_html,
    show_choices,
    show_impact,
    show_policy,
    told_impact,
)
from iamkit.parameters.checking import AnyModel, describe
from iamkit.parameters.iam_names import spellings
from iamkit.parameters.models import PolicyChoice, PolicyStudioParameters
from iamkit.plan.access_changes import impact_of
from iamkit.plan.changes import Plan
from iamkit.plan.consequences import say_paths_of
from iamkit.plan.desired import Desired
from iamkit.plan.wanted import held_policy
from iamkit.policies.actions.builder import Place, build_policy, chosen_actions, resource_types
from iamkit.policies.actions.catalogue import load_catalogue, search_actions

VERBS = {
    "see": "what there is (list)",
    "read": "what is in it (read)",
    "change": "make and change (write)",
    "delete": "delete and end (write)",
    "tag": "put tags on it (tagging)",
    "manage access": "who may do what (permissions management)",
}
NOTHING = PolicyChoice.model_validate({})
FIRST = ("s3", "ec2", "iam")
"""Services of whose things there are lists, so they come first."""
MOST_SEARCHED = 1_000
"""In an account of so many users and roles the paths to power are searched at each click."""
AUTO = {"width": "auto"}
STYLE = {"description_width": "9em"}
FIELD = {"style": STYLE, "layout": {"width": "46em"}}


class Studio:
    """The fields of one part of a policy, the parts that are kept, and what they come to.

    Attributes:
        verbs: a toggle for each verb.
        services, kinds, things: what to choose from, each filled by the one before it.
        kept: the parts that are chosen already.
    """

    def __init__(
        self, parameters: PolicyStudioParameters, session: Session, state: AccountState
    ) -> None:
        self._initial = parameters
        parameters = recall(parameters) or parameters
        self._session = session
        self._state = state
        self._catalogue = load_catalogue()
        self._place = place_of(session)
        self._lists: dict[str, tuple[list[str], str]] = {}
        self._filling = False
        self._observers: list[Callable[[], None]] = []
        *self.kept, current = [*parameters.policy_choices] or [NOTHING]
        self._make_fields(parameters)
        self._fill(current)
        for field in self._fields():
            field.observe(self._changed, "value")
        self._show_preview()

    @property
    def value(self) -> PolicyStudioParameters:
        """The parameters with what is chosen.

        Raises:
            InputError: a field is wrong; it is named.
        """
        given = self._initial.model_dump() | {
            "policy_choices": [part.model_dump() for part in self._parts()],
            "policy_name": self.name.value,
            "policy_holder": self.holder.value,
        }
        return _checked(PolicyStudioParameters, given)

    def desired(self) -> Desired:
        """What the studio's value wants of the account.

        Raises:
            InputError: a field is wrong.
        """
        value = self.value
        return held_policy(value, studio_policy(value, self._session))

    def on_change(self, observer: Callable[[], None]) -> None:
        """Call the observer after each change of what is chosen."""
        self._observers.append(observer)

    def compare(self, plan: Plan | None) -> None:
        """Compare with the account for which was planned; None leaves it at the last one."""
        if plan and plan.current is not self._state:
            self._state = plan.current
            self._show_preview()

    def show_values(self) -> None:
        """Show what is chosen and what it comes to, for readers without a browser."""
        show_choices(self._initial.policy_choices)
        document = studio_policy(self._initial, self._session)
        show_policy(document, self._initial.policy_name)
        show_impact(self._state, held_policy(self._initial, document))

    def make_widget(self) -> Any:
        """The fields beside what they come to."""
        verbs = widgets.HBox(list(self.verbs.values()), layout={"flex_flow": "row wrap"})
        fields = [
            *(_titled("1 · What may be done", verbs, self.services, self.search, self.actions)),
            *(_titled("2 · To which things", self.kinds, self.things, self.more)),
            *(_titled("3 · When", self.with_mfa, self.from_addresses, self.until, self.tagged)),
            *(_titled("4 · Who gets it", self.holder, self.name)),
            widgets.HBox([self.keep, self.drop]),
            self.parts,
            keeping_row(self.save, self.reset, "9em"),
        ]
        left = widgets.VBox(fields, layout={"min_width": "48em", "max_width": "50em"})
        right = widgets.VBox([self.preview], layout={"min_width": "34em", "flex": "1 1 34em"})
        return widgets.HBox([left, right], layout={"flex_flow": "row wrap"})

    def _make_fields(self, parameters: PolicyStudioParameters) -> None:
        self.verbs = {
            verb: widgets.ToggleButton(description=verb, tooltip=text, layout=AUTO)
            for verb, text in VERBS.items()
        }
        titles = self._catalogue.titles
        order = [*FIRST, *sorted(set(titles) - set(FIRST), key=lambda s: titles[s].lower())]
        options = [(f"{titles[service]} ({service})", service) for service in order]
        self.services = _several("Services", options, rows=6)
        self.search = _text("Find an action", "such as terminate instance")
        self.actions = _several("Single actions", [], rows=4)
        self.kinds = _several("Kinds of things", [], rows=5)
        self.things = _several("Which ones", [], rows=5)
        self.more = _text("Others by name", "s3:object reports/2027/*, one after a comma")
        self.with_mfa = widgets.Checkbox(description="only with MFA", style=STYLE)
        self.from_addresses = _text("Only from", "203.0.113.0/24, one after a comma")
        self.until = _text("Last day", "2027-01-31")
        self.tagged = _text("Only tagged", "team=web, one after a comma")
        holders = [f"group {name}" for name in sorted(self._state.groups)]
        holders += [f"user {name}" for name in sorted(self._state.users)]
        wanted = spellings(holders).get(parameters.policy_holder.lower(), parameters.policy_holder)
        missing = [(f"{wanted} (not there yet)", wanted)] if wanted not in ("", *holders) else []
        self.holder = widgets.Dropdown(
            options=[("nobody yet", ""), *missing, *((holder, holder) for holder in holders)],
            value=wanted,
            description="Holder",
            **FIELD,
        )
        self.name = _text("Name", "", parameters.policy_name)
        self.keep = _button("Keep this part, add another", "plus", self._keep_part)
        self.drop = _button("Take the last kept part back", "undo", self._take_back)
        self.parts, self.preview = widgets.HTML(), widgets.HTML()

    def _fields(self) -> Iterable[Any]:
        return (
            *self.verbs.values(),
            *(self.services, self.search, self.actions, self.kinds, self.things, self.more),
            *(self.with_mfa, self.from_addresses, self.until, self.tagged),
            *(self.holder, self.name),
        )

    def _fill(self, choice: PolicyChoice) -> None:
        """Let the fields hold a choice."""
        self._filling = True
        for verb, toggle in self.verbs.items():
            toggle.value = verb in choice.do
        self.services.value = [s for s in choice.services if s in self._catalogue.titles]
        self.actions.options = list(choice.actions)
        self.actions.value = list(choice.actions)
        self._offer_kinds()
        wanted = [text.split(" ", 1)[0] for text in choice.resources]
        self.kinds.value = [kind for _, kind in self.kinds.options if kind in wanted]
        self._offer_things()
        offered = set(self.things.options)
        self.things.value = [text for text in choice.resources if text in offered]
        self.more.value = ", ".join(text for text in choice.resources if text not in offered)
        self.with_mfa.value = choice.with_mfa
        self.from_addresses.value = ", ".join(choice.from_addresses)
        self.until.value = choice.until
        self.tagged.value = ", ".join(f"{key}={value}" for key, value in choice.tagged.items())
        self._filling = False

    def _changed(self, change: Any = None) -> None:
        """Offer what follows from the change, and show what all of it comes to."""
        if self._filling:
            return
        owner = change["owner"] if change else None
        self._filling = True
        try:
            if owner is self.search:
                self._offer_actions()
            if owner in (*self.verbs.values(), self.services, self.actions):
                self._offer_kinds()
                self._offer_things()
            if owner is self.kinds:
                self._offer_things()
        finally:
            self._filling = False
        self._tell()

    def _offer_actions(self) -> None:
        """Those that the search finds, after those that are chosen."""
        chosen = list(self.actions.value)
        found = [action.name for action in search_actions(self.search.value)]
        self.actions.options = [*chosen, *(name for name in found if name not in chosen)]
        self.actions.value = chosen

    def _offer_kinds(self) -> None:
        """The kinds to which something of what is chosen can be limited; listed ones first."""
        chosen = list(self.kinds.value)
        try:
            mask = chosen_actions(self._current(), self._catalogue)
        except IamkitError:
            return
        services = [service for service, _ in self._catalogue.by_service(mask)]
        found = resource_types(services, mask, self._catalogue)
        kinds = sorted(
            found, key=lambda kind: (kind not in LISTERS, services.index(kind.split(":")[0]))
        )
        self.kinds.options = [(_in_words(kind, found[kind]), kind) for kind in kinds]
        self.kinds.value = [kind for kind in chosen if kind in found]

    def _offer_things(self) -> None:
        chosen = list(self.things.value)
        kinds = self.kinds.value
        offered = [f"{kind} {name}" for kind in kinds for name in self._listed(kind)[0]]
        self.things.options = offered
        self.things.value = [thing for thing in chosen if thing in offered]

    def _listed(self, kind: str) -> tuple[list[str], str]:
        if kind not in LISTERS:
            return [], f"There is no list of {kind}: name them under Others, or leave it to all."
        if kind not in self._lists:
            self._lists[kind] = list_things(self._session, self._state, kind)
        return self._lists[kind]

    def _current(self) -> PolicyChoice:
        """What the fields hold."""
        tags = [text.partition("=") for text in _split(self.tagged.value)]
        named = [*self.things.value, *_split(self.more.value)]
        kinds = {text.split(" ", 1)[0] for text in named}
        return _checked(
            PolicyChoice,
            {
                "do": [verb for verb, toggle in self.verbs.items() if toggle.value],
                "services": list(self.services.value),
                "actions": list(self.actions.value),
                "resources": named + [kind for kind in self.kinds.value if kind not in kinds],
                "with_mfa": self.with_mfa.value,
                "from_addresses": _split(self.from_addresses.value),
                "until": self.until.value.strip(),
                "tagged": {key.strip(): value.strip() for key, _, value in tags},
            },
        )

    def _parts(self) -> list[PolicyChoice]:
        """The kept parts, and the current one if anything is chosen in it."""
        current = self._current()
        chosen = (current.do and current.services) or current.actions
        return [*self.kept, *([current] if chosen else [])]

    def _keep_part(self) -> None:
        try:
            self.kept = self._parts()
            build_policy(self.kept, self._place)
        except InputError as error:
            self.preview.value = _said(str(error))
            return
        self._fill(NOTHING)
        self._tell()

    def _take_back(self) -> None:
        if self.kept:
            self._fill(self.kept.pop())
            self._tell()

    def _tell(self) -> None:
        """Keep what is chosen, show what it comes to, and tell who watches."""
        with suppress(InputError):
            keep(self._initial, self.value)
        self._show_preview()
        for observer in self._observers:
            observer()

    def save(self, path: Path) -> str:
        """Write what is chosen into a parameters file, and say what became of it.

        Raises:
            InputError: a field is wrong, or the file cannot be written.
        """
        return save_values(self.value, ("policy_choices", "policy_name", "policy_holder"), path)

    def reset(self) -> None:
        """Take the parameters' choices again."""
        *self.kept, current = [*self._initial.policy_choices] or [NOTHING]
        self.name.value = self._initial.policy_name
        self.holder.value = self._initial.policy_holder
        self._fill(current)
        self._tell()

    def _show_preview(self) -> None:
        """What the policy would be; an exception inside of a callback would reach nobody."""
        kept = "".join(f"<li>{escape(in_short(part))}</li>" for part in self.kept)
        self.parts.value = f"<p>Kept:</p><ol>{kept}</ol>" if kept else ""
        self.drop.disabled = not self.kept
        try:
            value = self.value
            document = build_policy(value.policy_choices, self._place)
            self.preview.value = self._impact(value, document) + policy_html(document)
        except IamkitError as error:
            self.preview.value = _said(str(error))

    def _impact(self, value: PolicyStudioParameters, document: JSON) -> str:
        notes = [note for kind in self.kinds.value if (note := self._listed(kind)[1])]
        for holder in held_policy(value, document).holders:
            told = told_impact(impact_of(self._state, holder), holder.target)
            notes.append(f"{told} Nothing beyond the policy below.")
        said = "".join(f"<p>{escape(note)}</p>" for note in notes)
        return said + self._paths(value, document)

    def _paths(self, value: PolicyStudioParameters, document: JSON) -> str:
        """Who could become administrator by it; in a large account that takes too long here."""
        if len(self._state.users) + len(self._state.roles) > MOST_SEARCHED:
            return "<p>Who could become administrator by it is said below.</p>"
        holder = next(iter(held_policy(value, document).holders), None)
        return paths_html(say_paths_of(self._state, {"policy": document}, holder))


def make_studio(parameters: PolicyStudioParameters, session: Session) -> Studio:
    """Make the studio, filled from the parameters; ``review_plan`` shows it.

    Args:
        parameters: what it begins with.
        session: with the account whose things, groups and users there are to choose from.
    """
    return Studio(parameters, session, read_permissions(session))


def studio_policy(parameters: PolicyStudioParameters, session: Session) -> dict[str, Any]:
    """The policy that the parameters' choices come to; an empty one, if nothing is chosen.

    Raises:
        InputError: a service, action or type of thing is unknown.
    """
    chosen = parameters.policy_choices
    return build_policy(chosen, place_of(session)) if chosen else {}


def place_of(session: Session) -> Place:
    """The session's account as ARNs name it."""
    return Place(session.identity.account_id, session.identity.partition)


def _checked(model: type[AnyModel], given: dict[str, Any]) -> AnyModel:
    """What stands in the fields, as a model."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        said = describe(error.errors(include_url=False)[0], model)
        raise InputError(f"{said}. Mend it in the studio above. Nothing was changed.") from None


def _titled(title: str, *fields: Any) -> list[Any]:
    return [widgets.HTML(f"<b>{escape(title)}</b>"), *fields]


def _button(text: str, icon: str, action: Callable[[], None]) -> Any:
    button = widgets.Button(description=text, icon=icon, layout=AUTO)
    button.on_click(lambda _: action())
    return button


def _several(name: str, options: list[Any], rows: int) -> Any:
    return widgets.SelectMultiple(options=options, description=name, rows=rows, **FIELD)


def _text(name: str, hint: str, value: str = "") -> Any:
    return widgets.Text(
        value=value, description=name, placeholder=hint, continuous_update=False, **FIELD
    )


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _in_words(kind: str, mask: int) -> str:
    service, _, name = kind.partition(":")
    listed = "" if kind in LISTERS else ", by name only"
    return f"{name.replace('-', ' ')} ({service}, {mask.bit_count()} actions{listed})"


def _said(text: str) -> str:
    return f'<p role="alert" style="color:#57606a">{escape(text)}</p>'
