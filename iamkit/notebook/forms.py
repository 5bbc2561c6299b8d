"""A form built from a notebook's parameters model; its value is plain data.

Headless, the value simply is the parameters. In a browser each field says beside itself what is
wrong with it, and the value cannot be taken until every field is right.
"""

from typing import Any, Generic, TypeVar

import ipywidgets as widgets
import yaml
from IPython.display import display
from pydantic import ValidationError

from iamkit.errors import InputError
from iamkit.notebook.display import escape, table
from iamkit.notebook.presence import someone_is_there
from iamkit.parameters import NotebookParameters, RunAsParameters, describe

Parameters = TypeVar("Parameters", bound=NotebookParameters)
NOT_IN_FORMS = set(RunAsParameters.model_fields) | {"allow_destructive"}
"""What decides who acts, where and whether: set in the parameters, not clicked in passing."""


class Form(Generic[Parameters]):
    """The fields of a notebook's own parameters.

    Attributes:
        fields: the widget of each parameter, by its name.
    """

    def __init__(self, parameters: Parameters) -> None:
        self._initial = parameters
        self._model = type(parameters)
        names = [name for name in self._model.model_fields if name not in NOT_IN_FORMS]
        self.fields = {name: self._field(name, getattr(parameters, name)) for name in names}
        self.messages = {name: widgets.HTML() for name in names}
        for field in self.fields.values():
            field.observe(self._check, "value")

    @property
    def value(self) -> Parameters:
        """The parameters as they stand in the form.

        Raises:
            InputError: a field is wrong; its message also stands beside it.
        """
        problems = self._check()
        if problems:
            said = next(iter(problems.values()))
            raise InputError(f"{said}. Mend it in the form above. Nothing was changed.")
        return self._model.model_validate(self._given())

    def show(self) -> None:
        """Show the fields if somebody is there to fill them, else what they hold."""
        if not someone_is_there():
            rows = [(name, _to_text(getattr(self._initial, name))) for name in self.fields]
            markup = table(rows, ("parameter", "value"))
            text = "\n".join(f"{name}: {value}" for name, value in rows)
            display({"text/html": markup, "text/plain": text}, raw=True)
            return
        lines = [widgets.HBox([self.fields[n], self.messages[n]]) for n in self.fields]
        hint = widgets.HTML("<i>After a change, run the cells below again.</i>")
        display(widgets.VBox([*lines, hint]))

    def _field(self, name: str, value: Any) -> Any:
        style = {"description_width": "12em"}
        common = {"description": name, "style": style, "layout": {"width": "44em"}}
        common["tooltip"] = self._model.model_fields[name].description or name
        if isinstance(value, bool):
            return widgets.Checkbox(value=value, **common)
        if isinstance(value, str):
            return widgets.Text(value=value, continuous_update=False, **common)
        text = _to_text(value)
        common["layout"] = {
            "width": "44em",
            "height": f"{min(text.count(chr(10)) + 2, 20) * 1.5}em",
        }
        return widgets.Textarea(value=text, continuous_update=False, **common)

    def _given(self) -> dict[str, Any]:
        """The values of all parameters; a structure is read from its text."""
        given = {name: getattr(self._initial, name) for name in self._model.model_fields}
        for name, field in self.fields.items():
            is_text = isinstance(given[name], str | bool)
            given[name] = field.value if is_text else _from_text(field.value)
        return given

    def _check(self, _: object = None) -> dict[str, str]:
        """Say beside each field what is wrong with it."""
        problems: dict[str, str] = {}
        try:
            self._model.model_validate(self._given())
        except ValidationError as error:
            for problem in error.errors(include_url=False):
                problems[str(problem["loc"][0])] = describe(problem, self._model)
        for name, message in self.messages.items():
            said = problems.get(name, "")
            message.value = f'<span role="alert" style="color:#cf222e">{escape(said)}</span>'
        return problems


def show_form(parameters: Parameters) -> Form[Parameters]:
    """Show the form of a notebook's own parameters and return it; take ``.value`` from it."""
    form = Form(parameters)
    form.show()
    return form


def _to_text(value: Any) -> str:
    """A value as a person edits it: a structure as YAML."""
    if isinstance(value, str | bool):
        return str(value)
    plain = (
        [item.model_dump(exclude_defaults=True) for item in value] if _is_models(value) else value
    )
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True) if plain else ""


def _from_text(text: str) -> Any:
    """A structure from its text; what is no YAML stays text, which the model then refuses."""
    try:
        return yaml.safe_load(text) or []
    except yaml.YAMLError:
        return text


def _is_models(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and hasattr(value[0], "model_dump")
