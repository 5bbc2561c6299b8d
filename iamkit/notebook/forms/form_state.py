"""What was clicked outlives its cell: in the kernel's memory, and in a parameters file."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from iamkit.app_mode import is_app
from iamkit.errors import IamkitError
from iamkit.notebook.markup import escape
from iamkit.parameters.models import plain_value
from iamkit.parameters.notebook import NotebookParameters
from iamkit.parameters.yaml_file import TARGET, current_parameters_file
from iamkit.parameters.yaml_writer import save_parameters

_KEPT: dict[type, tuple[NotebookParameters, Any]] = {}
"""By model: the parameters that a form began with, and what stood in it last."""


def keep(began_with: NotebookParameters, values: Any) -> None:
    """Keep what stands in a form, for when its cell runs again with the same parameters."""
    _KEPT[type(began_with)] = (began_with, values)


def recall(began_with: NotebookParameters) -> Any:
    """What stood last in a form that began with these parameters; None if nothing is kept."""
    first, values = _KEPT.get(type(began_with), (None, None))
    return values if first == began_with else None


def save_values(value: NotebookParameters, names: Iterable[str], path: Path) -> str:
    """Write some of a notebook's parameters into a parameters file, and say what became of it.

    Raises:
        InputError: the file is another account's, or cannot be written.
        GuardError: this is a page of an app.
    """
    fields = {name: type(value).model_fields[name] for name in names}
    plain = {name: plain_value(getattr(value, name)) for name in (*TARGET, *fields)}
    defaults = {
        name: plain_value(field.get_default(call_default_factory=True))
        for name, field in fields.items()
        if not field.is_required()
    }
    changed = save_parameters(path, plain, defaults)
    wrote = f"wrote {', '.join(changed)}" if changed else "these values stand in it already"
    return f"✔ {path.resolve()}: {wrote}."


def keeping_row(save: Callable[[Path], str], reset: Callable[[], None], indent: str) -> Any:
    """The way into a parameters file, and the way back to the notebook's parameters.

    Args:
        save: writes to a file and says what became of it, or raises IamkitError.
        reset: takes the parameters' values again.
        indent: the width of the labels.
    """
    file = current_parameters_file() or Path("../parameters/team.yaml")
    path = widgets.Text(value=str(file), description="Parameters file", layout={"width": "40em"})
    path.style.description_width = indent
    to_file = widgets.Button(description="Save these values to it", icon="save")
    back = widgets.Button(description="Back to the notebook's parameters", icon="undo")
    said = widgets.HTML(layout={"margin": f"0 0 0 {indent}"})

    def saved(_: object) -> None:
        try:
            text = save(Path(path.value).expanduser())
        except IamkitError as error:
            text = f"✘ {error}"
        said.value = f'<p role="alert">{escape(text)}</p>'

    to_file.on_click(saved)
    back.on_click(lambda _: reset())
    for button in (to_file, back):
        button.layout.width = "auto"
    # Writing refuses in an app by itself; what would be refused is not offered.
    parts = [back] if is_app() else [path, to_file, back]
    return widgets.VBox([widgets.HBox(parts, layout={"flex_flow": "row wrap"}), said])
