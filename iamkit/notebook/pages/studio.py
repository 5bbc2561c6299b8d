"""The policy studio: choose by clicks what a policy allows, and watch what that means.

Its value is plain data, the parameters with the choices, so that what was clicked can be run in
CI. Headless, the value simply is the parameters.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from iamkit.account.state import AccountState
from iamkit.aws.listers import LISTERS, list_things
from iamkit.aws.read import read_permissions
from iamkit.aws.session import Session
from iamkit.errors import InputError
from iamkit.notebook.forms.form_state import keep, keeping_row, recall, save_values
from iamkit.notebook.pages.policy import (
    choices_html,
    policy_html,
    show_choices,
    show_impact,
    show_policy,
)
from iamkit.notebook.pages.studio_outcome import Told, tell
from iamkit.notebook.pages.studio_view import Choices, StudioView
from iamkit.parameters.iam_names import spellings
from iamkit.parameters.models import PolicyChoice, PolicyStudioParameters
from iamkit.plan.changes import Plan
from iamkit.plan.desired import Desired
from iamkit.plan.wanted import held_policy
from iamkit.policies.actions.builder import Place, build_policy
from iamkit.policies.actions.catalogue import load_catalogue, search_actions
from iamkit.policies.actions.parts import offered_services, split_services
from iamkit.policies.lookup import find_policy, policy_names
from iamkit.policies.opening import open_policy

VERBS = {
    "see": "what there is",
    "read": "what is in it",
    "change": "make and change",
    "delete": "delete and end",
    "tag": "put tags on it",
    "manage access": "who may do what",
}
COMMON = """
s3 ec2 iam lambda rds dynamodb sqs sns kms secretsmanager ssm logs cloudwatch ecs ecr eks
cloudformation route53 sts elasticloadbalancing autoscaling
""".split()
"""Services that most accounts use: where a word means several services, these come first."""
MOST_ACTIONS = 40
"""Single actions that a search shows."""


class Studio:
    """The choices of a policy's parts, and what they come to.

    Attributes:
        view: what a person sees of it.
        told: what the choices come to now.
    """

    def __init__(
        self, parameters: PolicyStudioParameters, session: Session, state: AccountState
    ) -> None:
        self._initial = parameters
        self._session = session
        self._state = state
        self._place = place_of(session)
        self._observers: list[Callable[[], None]] = []
        self._holders = spellings(holders_of(state))
        choices = self._choices_of(recall(parameters) or parameters)
        self.view = StudioView(
            services=offered_services(load_catalogue(), COMMON),
            verbs=list(VERBS.items()),
            holders=holders_of(state),
            policies=policy_names(state),
            choices=choices,
        )
        self.view.answers = {
            "things": lambda message: self._list(str(message["kind"])),
            "actions": self._find_actions,
            "open": lambda message: self._open(str(message["source"])),
            "split": lambda message: self._split(int(message["part"])),
        }
        self.told = self._tell()
        self.view.observe(lambda _: self._changed(), "choices")

    @property
    def value(self) -> PolicyStudioParameters:
        """The parameters with what is chosen.

        Raises:
            InputError: a field is wrong; it is named.
        """
        if self.told.value is None:
            raise InputError(f"{self.told.wrong} Mend it in the studio. Nothing was changed.")
        return self.told.value

    @property
    def idle(self) -> str:
        """Why there is nothing to plan; empty if the account already is as it is chosen."""
        value = self.told.value
        if value and value.policy_choices and not value.policy_holder:
            return "Nobody gets the policy yet: choose its holder, and the plan follows."
        return "" if value and value.policy_choices else "Nothing is chosen yet."

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
            self._holders = spellings(holders_of(self._state))
            self.view.holders = holders_of(self._state)
            self.view.policies = policy_names(self._state)
            self.view.things = {kind: self._things_of(kind) for kind in self.view.things}
            self.told = self._tell()

    def show_values(self) -> None:
        """Show what is chosen and what it comes to, for readers without a browser."""
        show_choices(self._initial.policy_choices)
        document = studio_policy(self._initial, self._session)
        show_policy(document, self._initial.policy_name)
        show_impact(self._state, held_policy(self._initial, document))

    def as_html(self) -> str:
        """What is chosen and what it comes to, for where no kernel holds the widget."""
        if self.told.value is None or not self.told.document:
            return ""
        return choices_html(self.told.value.policy_choices) + policy_html(self.told.document)

    def make_widget(self) -> Any:
        """The parts beside what they come to, and below them the way into a parameters file."""
        box = widgets.VBox([self.view, keeping_row(self.save, self.reset, "9em")])
        box.layout.overflow = "visible"  # or else what it comes to could not stay in view
        return box

    def save(self, path: Path) -> str:
        """Write what is chosen into a parameters file, and say what became of it.

        Raises:
            InputError: a field is wrong, or the file cannot be written.
        """
        return save_values(self.value, ("policy_choices", "policy_name", "policy_holder"), path)

    def reset(self) -> None:
        """Take the parameters' choices again."""
        self.view.notes = []
        self.view.choices = self._choices_of(self._initial)

    def _choices_of(self, parameters: PolicyStudioParameters) -> Choices:
        """What of the parameters is chosen here; a holder is spelled as in the account."""
        holder = parameters.policy_holder
        return {
            "parts": [part.model_dump() for part in parameters.policy_choices],
            "name": parameters.policy_name,
            "holder": self._holders.get(holder.lower(), holder),
        }

    def _changed(self) -> None:
        """Say what the choices come to, keep them, and tell who watches."""
        self.told = self._tell()
        if self.told.value:
            keep(self._initial, self.told.value)
        for observer in self._observers:
            observer()

    def _tell(self) -> Told:
        told = tell(self.view.choices, self._initial, self._state, self._place)
        self.view.told = dict(told.shown)
        return told

    def _list(self, kind: str) -> None:
        """Let the browser have the names of things of a type."""
        if kind not in self.view.things:
            self.view.things = {**self.view.things, kind: self._things_of(kind)}

    def _things_of(self, kind: str) -> dict[str, Any]:
        if kind not in LISTERS:
            return {"names": [], "note": "There is no list of these: add them by name."}
        names, note = list_things(self._session, self._state, kind)
        return {"names": names, "note": note}

    def _find_actions(self, message: Mapping[str, Any]) -> None:
        """Let the browser have the actions of some services that a search finds."""
        services = {str(service) for service in message["services"]}
        words = str(message["words"])
        found = search_actions(words, services=services, most=MOST_ACTIONS)
        self.view.send(
            {"part": message["part"], "words": words, "actions": [(a.name, a.level) for a in found]}
        )

    def _open(self, source: str) -> None:
        """Put the parts of a policy that exists in the place of those that there are.

        Where not all of it is in parts it keeps neither name nor holder, so that no policy is
        replaced by less than it says.

        Raises:
            InputError: there is no such policy.
        """
        opened = open_policy(find_policy(self._state, source), self._place)
        self.view.notes = [*opened.left, *opened.idle]
        if not opened.parts:
            self.view.said = f"✘ Nothing of {source} can be opened as parts."
            return
        holder, _, name = source.partition("/")
        is_whole = not opened.left and self._holders.get(holder.lower()) == holder
        parts = [PolicyChoice.model_validate(part).model_dump() for part in opened.parts]
        own = {"name": name, "holder": holder} if is_whole else {"holder": ""}
        self.view.choices = {**self.view.choices, "parts": parts, **own}
        self.view.said = f"{source} is opened" + (
            ", but for what is said below; so nobody gets it." if opened.left else "."
        )

    def _split(self, number: int) -> None:
        """Cut a part into one for each service."""
        before, part, after = _around(self.view.choices["parts"], number)
        cut = [part | own for own in split_services(PolicyChoice.model_validate(part))]
        self.view.choices = {**self.view.choices, "parts": [*before, *cut, *after]}
        self.view.said = f"Part {number + 1} is {len(cut)} parts now, one for each service."


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


def holders_of(state: AccountState) -> list[str]:
    """Who can get a policy, as ``group dev`` and ``user bob``; groups first."""
    groups, users = sorted(state.groups), sorted(state.users)
    return [*(f"group {name}" for name in groups), *(f"user {name}" for name in users)]


def place_of(session: Session) -> Place:
    """The session's account as ARNs name it."""
    return Place(session.identity.account_id, session.identity.partition)


def _around(parts: list[Any], number: int) -> tuple[list[Any], Any, list[Any]]:
    return parts[:number], parts[number], parts[number + 1 :]
