"""A form built from a notebook's parameters model; its value is plain data.

Headless, the value simply is the parameters. In a browser each field says below itself what is
wrong with it, or what it would change in the account; ``review_plan`` shows it with the plan.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import ipywidgets as widgets
import yaml
from pydantic import ValidationError

from iamkit.errors import InputError
from iamkit.notebook.display import show_html
from iamkit.notebook.forms.fields import LABEL, Field, PolicyField, UsersField, field_of
from iamkit.notebook.forms.form_state import keep, keeping_row, recall, save_values
from iamkit.notebook.markup import escape, table
from iamkit.notebook.plan_view import describe
from iamkit.parameters.checking import describe as describe_problem
from iamkit.parameters.models import plain_value
from iamkit.parameters.notebook import NotebookParameters, RunAsParameters
from iamkit.plan.changes import Change, Plan
from iamkit.plan.desired import Desired
from iamkit.plan.wanted import desired_of
from iamkit.policies.lint.linting import lint_policy
from iamkit.policies.wording.explanation import explain

Parameters = TypeVar("Parameters", bound=NotebookParameters)
NOT_IN_FORMS = {*RunAsParameters.model_fields, "allow_destructive", "users_csv"}
"""What decides who acts, where and whether: set in the parameters, not clicked in passing; and the
file whose users stand in the table."""
STYLE = """<style>
.iamkit-code textarea { font-family: var(--jp-code-font-family, monospace); }
.iamkit-said { color: var(--jp-ui-font-color1, #1b1b1b); line-height: 1.5; }
.iamkit-wrong { background: #ffe0de; color: #6b0f0a; padding: 1px 6px; border-radius: 3px; }
</style>"""


class Form(Generic[Parameters]):
    """The fields of a notebook's own parameters.

    Attributes:
        fields: the field of each parameter, by its name.
        kept: whether values stand in it that were clicked before its cell ran again.
    """

    def __init__(self, parameters: Parameters) -> None:
        self._initial, self._model = parameters, type(parameters)
        self.fields = {
            name: field_of(name, getattr(parameters, name), field)
            for name, field in self._model.model_fields.items()
            if name not in NOT_IN_FORMS
        }
        self._plan: Plan | None = None
        self._filling = False
        self._observers: list[Callable[[], None]] = []
        for field in self.fields.values():
            field.on_change(self._changed)
        values = recall(parameters)
        self.kept = values is not None and values != self._raw()
        # What is wrong waits until the form is shown, where it can be mended.
        self._waiting = values if self.kept and not self._fill(values) else None
        if self._waiting:
            self._fill({n: f.print(getattr(parameters, n)) for n, f in self.fields.items()})

    @property
    def value(self) -> Parameters:
        """The parameters as they stand in the form.

        Raises:
            InputError: a field is wrong; its message also stands below it.
        """
        problems = self._check()
        if problems:
            said = next(iter(problems.values()))
            raise InputError(f"{said}. Mend it in the form. Nothing was changed.")
        return self._model.model_validate(self._given())

    def desired(self) -> Desired:
        """What the form's value wants of the account.

        Raises:
            InputError: a field is wrong.
        """
        return desired_of(self.value)

    def on_change(self, observer: Callable[[], None]) -> None:
        """Call the observer after each change of a value."""
        self._observers.append(observer)

    def compare(self, plan: Plan | None) -> None:
        """Say in each field what it would change, and offer what the account has.

        Args:
            plan: what the form's values come to; None if that cannot be told.
        """
        if plan and (self._plan is None or plan.current is not self._plan.current):
            for field in self.fields.values():
                field.compare(plan.current)
        self._plan = plan
        self._check()

    def save(self, path: Path) -> str:
        """Write the values into a parameters file, and say what became of it.

        Raises:
            InputError: a field is wrong, or the file cannot be written.
        """
        return save_values(self.value, self.fields, path)

    def reset(self) -> None:
        """Take the values of the parameters again."""
        self._fill({n: f.print(getattr(self._initial, n)) for n, f in self.fields.items()})
        self._changed()

    def make_widget(self) -> Any:
        """The fields, to be shown; what was wrong when its cell ran again stands in them too."""
        if self._waiting:
            self._fill(self._waiting)
        fields = [row for field in self.fields.values() for row in field.rows()]
        kept = "<p>What you filled in before is kept.</p>" if self.kept else ""
        form = widgets.VBox(
            [widgets.HTML(STYLE + kept), *fields, keeping_row(self.save, self.reset, LABEL)]
        )
        form.layout.width = "100%"
        return form

    def show_values(self) -> None:
        """Show what the fields hold, for readers without a browser."""
        rows = [(name, _to_text(getattr(self._initial, name))) for name in self.fields]
        text = "\n".join(f"{name}: {value}" for name, value in rows)
        show_html(table(rows, ("parameter", "value")), text)

    def _raw(self) -> dict[str, Any]:
        return {name: field.raw for name, field in self.fields.items()}

    def _fill(self, values: Mapping[str, Any]) -> bool:
        """Let these texts stand in the fields, and tell whether they are right."""
        self._filling = True
        for name, raw in values.items():
            self.fields[name].raw = raw
        self._filling = False
        return not self._check()

    def _given(self) -> dict[str, Any]:
        """The values of all parameters."""
        values = {name: field.value for name, field in self.fields.items()}
        return {n: getattr(self._initial, n) for n in self._model.model_fields} | values

    def _changed(self) -> None:
        if self._filling:
            return
        keep(self._initial, self._raw())
        self._plan = None if self._check() else self._plan
        for observer in self._observers:
            observer()

    def _check(self) -> dict[str, str]:
        """Say below each field what is wrong with it, or what it would change."""
        problems = {n: f"{n}: {f.problem}" for n, f in self.fields.items() if f.problem}
        try:
            self._model.model_validate(self._given())
        except ValidationError as error:
            for problem in error.errors(include_url=False):
                told = describe_problem(problem, self._model)
                problems.setdefault(str(problem["loc"][0]), told)
        for name, field in self.fields.items():
            wrong = problems.get(name, "")
            field.messages.value = _wrong(wrong) if wrong else _said(field, self._plan)
        return problems


def make_form(parameters: Parameters) -> Form[Parameters]:
    """Make the form of a notebook's own parameters; ``review_plan`` shows it.

    Args:
        parameters: what the form begins with.
    """
    return Form(parameters)


def _said(field: Field, plan: Plan | None) -> str:
    """What a field means, and what it would change in the account."""
    lines = _explained(field.value) if isinstance(field, PolicyField) else []
    told = plan and field.name in plan.desired.parameters and not isinstance(field, UsersField)
    if plan and told:
        touched = [change for change in plan.changes if change.origin == field.name]
        lines += [] if lines else _said_of_policies(touched)
        lines += [f"● {_in_short(change)}" for change in touched[:5]]
        lines += [f"● and {len(touched) - 5} more"] if len(touched) > 5 else []
        lines += [] if touched or not field.value else ["✔ as in the account"]
    return "".join(f'<div class="iamkit-said">{escape(line)}</div>' for line in lines)


def _said_of_policies(changes: list[Change]) -> list[str]:
    """What policies say that come of a field without standing in it."""
    documents = [change.arguments.get("PolicyDocument") for change in changes]
    return [one.text for document in documents if document for one in explain(document)]


def _explained(document: Mapping[str, Any]) -> list[str]:
    minded = [remark for remark in lint_policy(document) if remark.severity != "hint"]
    return [e.text for e in explain(document)] + [f"⚠ {remark.message}" for remark in minded]


def _in_short(change: Change) -> str:
    return describe(replace(change, reason="")).partition("\n")[0]


def _wrong(text: str) -> str:
    return f'<span role="alert" class="iamkit-wrong">✘ {escape(text)}</span>'


def _to_text(value: Any) -> str:
    """A value as a person reads it: a structure as YAML."""
    if isinstance(value, str | bool):
        return str(value)
    plain = plain_value(value)
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True) if plain else ""
