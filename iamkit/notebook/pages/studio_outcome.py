"""What a policy's choices come to, as the studio shows it: plain data, from pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from pydantic import ValidationError

from iamkit.account.state import JSON, AccountState
from iamkit.aws.listers import LISTERS
from iamkit.errors import InputError
from iamkit.notebook.pages.policy import told_impact
from iamkit.parameters.checking import describe
from iamkit.parameters.models import PolicyChoice, PolicyStudioParameters
from iamkit.plan.access_changes import impact_of, size_of_inline
from iamkit.plan.consequences import say_paths_of
from iamkit.plan.desired import DesiredHolder
from iamkit.plan.wanted import held_policy
from iamkit.policies.actions.builder import Place, build_policy
from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.policies.actions.dangers import dangers_of
from iamkit.policies.actions.parts import tell_part
from iamkit.policies.grammar.document import print_policy
from iamkit.policies.grammar.quotas import Gauge, measure
from iamkit.policies.lint.linting import lint_policy
from iamkit.policies.wording.explanation import explain
from iamkit.text import few

MOST_SEARCHED = 1_000
"""In an account of so many users and roles the effect on people is searched by the plan alone."""
ROWS = 8
"""Groups of people with the same effect that are shown."""


@dataclass(frozen=True)
class Told:
    """What choices come to.

    Attributes:
        value: the parameters with them; None if one is wrong.
        document: the policy; empty if nothing is chosen, or if one is wrong.
        wrong: what is wrong, in a sentence; empty if nothing is.
        shown: all of it as plain data, for the browser.
    """

    value: PolicyStudioParameters | None = None
    document: JSON = field(default_factory=dict)
    wrong: str = ""
    shown: Mapping[str, Any] = field(default_factory=dict)


def tell(
    choices: Mapping[str, Any],
    parameters: PolicyStudioParameters,
    state: AccountState,
    place: Place,
) -> Told:
    """What choices come to: in each part, and for the people of an account.

    Args:
        choices: ``parts``, ``name`` and ``holder``, as they stand in the parameters, right or not.
        parameters: those of the notebook, for whatever is not chosen.
        state: the account.
        place: where the policy will be.
    """
    parts = [_part(number, part, place) for number, part in enumerate(choices["parts"], 1)]
    fields = {}
    value = None
    wrong = next((said for part in parts for said in part["wrong"].values()), "")
    if not wrong:
        given = parameters.model_dump() | {
            "policy_choices": choices["parts"],
            "policy_name": choices["name"],
            "policy_holder": choices["holder"],
        }
        try:
            value = PolicyStudioParameters.model_validate(given)
        except ValidationError as error:
            fields = _by_field(error, PolicyStudioParameters)
            wrong = next(iter(fields.values()))
    document: JSON = {}
    if value and value.policy_choices:
        try:
            document = build_policy(value.policy_choices, place)
        except InputError as error:
            wrong = str(error)
    shown = {"parts": parts, "fields": fields, "wrong": wrong}
    if value and document:
        shown |= _outcome(value, document, state)
    return Told(value, document, wrong, shown)


def _part(number: int, given: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """A part: what is wrong by field, its services, verbs, kinds of things, what is left out."""
    nothing = {"wrong": {}, "services": [], "verbs": {}, "kinds": [], "leftOut": "", "widening": ""}
    try:
        choice = PolicyChoice.model_validate(given)
    except ValidationError as error:
        wrong = _by_field(error, PolicyChoice)
        return nothing | {"wrong": {f: f"Part {number}: {said}" for f, said in wrong.items()}}
    try:
        told = tell_part(choice, load_catalogue())
    except InputError as error:
        return nothing | {"wrong": {"services": f"Part {number}: {error}"}}
    wrong = {}
    if told.chosen:
        try:
            build_policy([choice], place)
        except InputError as error:
            wrong["resources"] = f"Part {number}: {error}"
    return {
        "wrong": wrong,
        "services": [asdict(one) | {"said": str(one)} for one in told.contributions],
        "verbs": told.verbs,
        "kinds": _kinds(told.kinds),
        "leftOut": told.left_out,
        "widening": told.widening,
    }


def _by_field(error: ValidationError, model: Any) -> dict[str, str]:
    """What is wrong, by the field in which it is."""
    found: dict[str, str] = {}
    for problem in error.errors(include_url=False):
        found.setdefault(str(problem["loc"][0]), f"{describe(problem, model)}.")
    return found


def _kinds(kinds: Mapping[str, int]) -> list[tuple[str, int, bool]]:
    """The types of things: those of which there is a list first, each with its actions."""
    found = [(kind, count, kind in LISTERS) for kind, count in kinds.items()]
    return sorted(found, key=lambda kind: not kind[2])


def _outcome(value: PolicyStudioParameters, document: JSON, state: AccountState) -> dict[str, Any]:
    catalogue = load_catalogue()
    holder = next(iter(held_policy(value, document).as_spelled_in(state).holders), None)
    remarks = lint_policy(document, now=datetime.now(UTC))
    own, *others = _gauges(state, document, holder)
    return {
        "meaning": [one.text for one in explain(document)],
        "dangers": list(dangers_of(document, catalogue).items()),
        "minds": [(one.severity, one.message) for one in remarks],
        "size": own,
        "sizes": others,
        "policy": print_policy(document),
        **_people(value, document, state, holder),
    }


def _gauges(
    state: AccountState, document: JSON, holder: DesiredHolder | None
) -> list[dict[str, Any]]:
    """The quota that counts first: the holder's; without one that of a managed policy."""
    alone = list(measure(document))
    if holder is None:
        return [_gauge(one) for one in alone]
    counts = size_of_inline(state, holder)
    if counts is None:
        unknown = {"quota": f"inline policies of {holder.target}", "verdict": "unknown"}
        return [unknown, *map(_gauge, alone)]
    rest = [one for one in alone if one.quota != counts.quota]
    return [_gauge(counts, f"inline policies of {holder.target}"), *map(_gauge, rest)]


def _gauge(gauge: Gauge, name: str = "") -> dict[str, Any]:
    verdict = {True: "fits", False: "too large", None: "unsure"}[gauge.fits]
    quota = name or gauge.quota
    return {"quota": quota, "size": gauge.size, "limit": gauge.limit, "verdict": verdict}


def _people(
    value: PolicyStudioParameters,
    document: JSON,
    state: AccountState,
    holder: DesiredHolder | None,
) -> dict[str, Any]:
    """What it does to people: in a sentence, in rows of those with the same effect, and paths."""
    if len(state.users) + len(state.roles) > MOST_SEARCHED:
        return {"effect": "In so large an account the plan tells it.", "rows": [], "paths": []}
    name = {value.policy_name or "policy": document}
    paths = list(say_paths_of(state, name, holder))
    if holder is None:
        said = "Nobody gets it yet: choose who does, or take its text elsewhere."
        return {"effect": said, "rows": [], "paths": paths}
    there = state.groups if value.policy_holder.startswith("group ") else state.users
    if holder.name not in there:
        return {"effect": f"There is no {holder.target} here.", "rows": [], "paths": paths}
    changes = impact_of(state, holder)
    return {
        "effect": told_impact(changes, holder.target),
        "rows": _rows(changes),
        "paths": paths,
    }


def _rows(changes: pd.DataFrame) -> list[Sequence[Any]]:
    """People with the same effect in one row; those with the greatest first."""
    columns = ["new", "wider", "less", "unknown"]
    alike = changes.groupby(columns, sort=False)["user"].agg(list).reset_index()
    alike = alike.sort_values(columns[:3], ascending=False, kind="stable").head(ROWS)
    return [
        (few(who, 4), int(new), int(wider), int(less), unknown)
        for new, wider, less, unknown, who in alike.itertuples(index=False)
    ]
