# ruff: noqa: INP001
"""What the pages say of the code is taken from the code, before the site is built.

``python .github/docs/generate.py FOLDER`` writes the pages there, whole, with mkdocs.yml and all
that belongs to them, so that MkDocs and Zensical alike build them as they stand.

A page asks for it with a comment on a line of its own::

    <!-- iamkit: parameters 02_admin_group -->

whose first word names a function of ``MAKERS`` and whose others are its arguments. What cannot be
made ends the build, so no page can speak of what is no longer there.
"""

import ast
import importlib.util
import inspect
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from textwrap import indent
from typing import Any, get_args

import click
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

import iamkit
from iamkit.__main__ import cli
from iamkit.audit.checks import CHECKS
from iamkit.parameters.models import NOTEBOOKS
from iamkit.policies import allow, policy
from iamkit.policies.actions.catalogue import describe_action, resource_arns
from iamkit.policies.escalation.catalogue import left_out, load_paths
from iamkit.workspace import packaged

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent.parent
MARKER = re.compile(r"^```(?s:.+?)^```$|^( *)<!-- iamkit: (.+?) -->$", re.MULTILINE)
"""A comment that asks for something; in code it stands as it is."""
ACTION = re.compile(r"`([a-z0-9-]+:[A-Za-z]+)`")
ACCOUNT = "111122223333"
"""The account of parameters/example.yaml."""

UNLISTED = {"signin:ListSessions": True, "signin:BatchRevokeSessions": False}
"""Actions that AWS's service reference does not list, and whether they read."""

TYPES = {
    "string": "text",
    "boolean": "`true` or `false`",
    "integer": "whole number",
    "object": "names with values",
}
MODULES_OF_AN_EXTENDER = (
    "iamkit.errors",
    "iamkit.storage.reading",
    "iamkit.storage.private_files",
    "iamkit.account.state",
    "iamkit.parameters.models",
    "iamkit.plan.desired",
    "iamkit.plan.operations",
    "iamkit.plan.changes",
    "iamkit.audit.checks.registry",
    "iamkit.aws.session",
    "iamkit.aws.apply",
    "iamkit.credentials.store",
    "iamkit.policies.grammar.build",
    "iamkit.policies.comparison.questions",
    "iamkit.policies.escalation.answers",
    "iamkit.policies.evaluation.engine",
    "iamkit.policies.evaluation.request",
    "iamkit.sandbox.client",
    "iamkit.sandbox.server.errors",
    "iamkit.sandbox.server.iam.rules",
)


class PageError(Exception):
    """A page asks for what is not there."""


def write_pages(folder: Path) -> None:
    """Write every page with what its comments ask for, and what builds them, into an empty folder.

    Raises:
        PageError: a comment asks for what is not there.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copyfile(DOCS.parent / "mkdocs.yml", folder / "mkdocs.yml")
    for path in sorted(DOCS.rglob("*")):
        name = path.relative_to(DOCS)
        if path.suffix not in (".md", ".png", ".svg"):
            continue
        target = folder / "docs" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            text = path.read_text(encoding="utf-8")
            target.write_text(generated(text, str(name)), encoding="utf-8")
        else:
            shutil.copyfile(path, target)


def generated(markdown: str, where: str) -> str:
    """A page with what its comments ask for.

    Args:
        markdown: the page as it is written.
        where: its name, for the error.

    Raises:
        PageError: a comment asks for what is not there.
    """

    def make(match: re.Match[str]) -> str:
        if not match[2]:
            return match[0]
        name, *arguments = match[2].split(" ")
        try:
            return indent(MAKERS[name](*arguments), match[1])
        except Exception as error:
            raise PageError(f"{where}: {match[2]}: {type(error).__name__}: {error}") from error

    return MARKER.sub(make, markdown)


def parameters(notebook: str) -> str:
    """A table of a notebook's parameters, and one for each structure within them."""
    model = NOTEBOOKS[notebook]
    tables = [_table_of(model)]
    tables += [
        f"Each item of `{name}`:\n\n{_table_of(nested)}"
        for name, field in model.model_fields.items()
        for nested in _models_in(field.annotation)
    ]
    return "\n\n".join(tables)


def _table_of(model: type[BaseModel]) -> str:
    rows = [
        (f"`{name}`", field.description or "", _type_of(field), _default_of(field))
        for name, field in model.model_fields.items()
    ]
    return table(("Parameter", "What it is", "Type", "Without it"), rows)


def _type_of(field: FieldInfo) -> str:
    """The field's type in words."""
    schema = TypeAdapter(field.annotation).json_schema()
    for option in schema.get("anyOf", ()):
        if option["type"] != "null":
            schema = option
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") != "array":
        return TYPES[schema["type"]]
    return "list of names with values" if "$ref" in schema["items"] else "list"


def _default_of(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined:
        return "**required**"
    if isinstance(value, BaseModel):
        value = value.model_dump()
    return f"`{json.dumps(value)}`" if value not in ("", None, [], {}) else "empty"


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    head = list(header)
    cells = [head, ["---"] * len(head), *([_cell(text) for text in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


@cache
def _cells(notebook: str) -> list[dict[str, Any]]:
    """The cells of a notebook, by its name or by its path in the project."""
    path = ROOT / notebook if "/" in notebook else packaged("notebooks") / f"{notebook}.ipynb"
    return json.loads(path.read_text())["cells"]


def first_cell(notebook: str) -> str:
    """What a notebook's first cell says, without its title and the list of permissions."""
    paragraphs = "".join(_cells(notebook)[0]["source"]).split("\n\n")
    left_out = ("**Permissions it needs", "<details", "</details")  # here nothing is folded away
    kept = [text for text in paragraphs[1:] if not text.startswith(left_out)]
    return re.sub(r"\((\w+)\.ipynb\)", r"(\1.md)", "\n\n".join(kept))


def cells(notebook: str) -> str:
    """The code cells of a notebook, by its name or by its path in the project."""
    code = ["".join(cell["source"]) for cell in _cells(notebook) if cell["cell_type"] == "code"]
    title = notebook if "/" in notebook else f"notebooks/{notebook}.ipynb"
    return _fenced(f'python title="{title}"', "\n\n".join(code))


def named_permissions(notebook: str) -> list[str]:
    """The actions that a notebook's first cell names, in its order."""
    text = "".join(_cells(notebook)[0]["source"])
    paragraph = text[text.index("**Permissions it needs") :].split("\n\n")[0]
    return list(dict.fromkeys(ACTION.findall(paragraph)))


def permissions(notebook: str) -> str:
    """The permissions that a notebook needs, as a list: what it reads, and what it changes."""
    actions = named_permissions(notebook)
    reads = [f"`{action}`" for action in actions if _is_read(action)]
    writes = [f"`{action}`" for action in actions if not _is_read(action)]
    lines = [f"* to read: {', '.join(reads)}"] if reads else []
    lines += [f"* to change: {', '.join(writes)}"] if writes else []
    return "\n".join(lines)


def permission_policy(*notebooks: str) -> str:
    """The policy of what these notebooks name: reads on everything, changes by kind."""
    return _fenced("json", json.dumps(policy_of(*notebooks), indent=2))


def policy_of(*notebooks: str) -> dict[str, Any]:
    """The least policy for these notebooks.

    Args:
        notebooks: their names. After ``read``, only what reads is kept, which is what a plan needs.
    """
    names = [name for name in notebooks if name != "read"]
    actions = [action for name in names for action in named_permissions(name)]
    return _policy(dict.fromkeys(actions), only_reads="read" in notebooks)


def _policy(actions: Iterable[str], *, only_reads: bool) -> dict[str, Any]:
    reads: list[str] = []
    by_arns: dict[tuple[str, ...], list[str]] = {}
    for action in actions:
        if _is_read(action):
            reads.append(action)
        elif not only_reads:
            by_arns.setdefault(tuple(_arns(action)), []).append(action)
    statements = [allow(*sorted(reads), sid="Read")]
    for arns, changes in sorted(by_arns.items()):
        kinds = "".join(re.split(r"[:/]", arn)[5].title() for arn in arns) or "Account"
        sid = f"Change{re.sub('[^A-Za-z]', '', kinds)}"
        statements.append(allow(*sorted(changes), resource=list(arns) or "*", sid=sid))
    return policy(*statements)


def _is_read(action: str) -> bool:
    if action in UNLISTED:
        return UNLISTED[action]
    return _described(action).level in ("List", "Read")


def _described(action: str) -> Any:
    if (found := describe_action(action)) is None:
        raise LookupError(f"AWS has no action {action}")
    return found


def _arns(action: str) -> list[str]:
    """On what the action works in this account; empty if it cannot be narrowed."""
    if action in UNLISTED:
        return []
    service = action.partition(":")[0]
    known = {"Partition": "aws", "Account": ACCOUNT}
    templates = [resource_arns(service)[kind] for kind in _described(action).resource_types]
    return [
        re.sub(r"\$\{(\w+)\}", lambda match: known.get(match[1], "*"), text) for text in templates
    ]


def source(name: str) -> str:
    """A function or class of the package as it stands in its file, decorators included."""
    module, _, attribute = name.rpartition(".")
    thing = getattr(import_module(module), attribute)
    path = module.replace(".", "/") + ".py"
    return _fenced(f'python title="{path}"', inspect.getsource(thing))


def file(name: str) -> str:
    """A file of the project, whole."""
    language = {"py": "python", "yml": "yaml", "yaml": "yaml"}[name.rpartition(".")[2]]
    lines = (ROOT / name).read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("# ruff: "))
    return _fenced(f'{language} title="{Path(name).name if "docs/" in name else name}"', text)


def _fenced(info: str, text: str) -> str:
    language, _, more = info.partition(" ")
    return f"```{language} {more}".rstrip() + f"\n{text.rstrip()}\n```"


def command_line() -> str:
    """Every command with the help that it prints."""
    settings = cli.context_settings
    top = click.Context(
        cli, info_name="iamkit", terminal_width=100, max_content_width=100, **settings
    )
    return "\n\n".join(_help(cli, top))


def _help(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"## {context.command_path}\n\n{_fenced('text', command.get_help(context))}"
    for name, found in sorted(getattr(command, "commands", {}).items()):
        yield from _help(found, click.Context(found, context, name))


def checks() -> str:
    """Every check of the audit."""
    rows = [(f"`{c.id}`", c.title, c.severity, c.rationale, c.cis_items) for c in CHECKS.values()]
    return table(("Check", "What is expected", "Severity", "Why", "CIS AWS Foundations"), rows)


def answers(which: str) -> str:
    """AWS's answers that the sandbox's tests hold (``held``), or know to differ (``differs``)."""
    chapters: dict[str, list[tuple[str, ...]]] = {}
    for case in _answer_module().CASES:
        source = case["source"]
        link = f"[{case['mark']}]({source})" if source.startswith("https://") else case["mark"]
        row = (case["rule"], _answer_of(case), link)
        if which == "differs" and "differs" in case:
            chapters.setdefault(case["chapter"], []).append((*row[:2], case["differs"], link))
        if which == "held" and "differs" not in case:
            chapters.setdefault(case["chapter"], []).append(row)
    heads = ("Rule", "AWS answers", *["The sandbox"] * (which == "differs"), "Source")
    return "\n\n".join(f"### {name}\n\n{table(heads, rows)}" for name, rows in chapters.items())


def _answer_of(case: Mapping[str, Any]) -> str:
    return f"`{case['refused']}`" if "refused" in case else "a reply"


def errors_without_a_case() -> str:
    """The errors that AWS documents and no case of the tests provokes, each with its reason."""
    rows = [
        (_code(one["errors"]), _calls(one["of"]), one["why"]) for one in _answer_module().REASONS
    ]
    return table(("Error", "Calls", "Why no test provokes it"), rows)


def _code(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _calls(names: list[str]) -> str:
    return "all" if names == ["*"] else _code(names)


@cache
def _answer_module() -> Any:
    path = ROOT / "tests" / "answer_cases.py"
    spec = importlib.util.spec_from_file_location("answer_cases", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def front_door() -> dict[str, str]:
    """The module that each name of ``iamkit`` comes from, as its stub says it."""
    stub = Path(iamkit.__file__).with_suffix(".pyi").read_text(encoding="utf-8")
    imports = (node for node in ast.parse(stub).body if isinstance(node, ast.ImportFrom))
    return {alias.name: f"iamkit.{node.module}" for node in imports for alias in node.names}


def public_names() -> str:
    """mkdocstrings' directives for the names of ``iamkit``, each with the place it comes from."""
    homes = front_door()
    return "\n\n".join(
        _directive(f"{homes[name]}.{name}", f"heading: iamkit.{name}") for name in iamkit.__all__
    )


def modules() -> str:
    """mkdocstrings' directives for the modules that an extender needs, without the names above."""
    homes = front_door()
    left_out = {home: ["!^_"] for home in MODULES_OF_AN_EXTENDER}
    for name, home in homes.items():
        left_out.setdefault(home, []).append(f"!^{name}$")
    return "\n\n".join(
        _directive(name, "show_root_full_path: true", f"filters: {json.dumps(left_out[name])}")
        for name in MODULES_OF_AN_EXTENDER
    )


def _directive(name: str, *options: str) -> str:
    lines = [f"::: {name}", "    options:", *(f"      {o}" for o in ("heading_level: 2", *options))]
    return "\n".join(lines)


def escalation_paths(within: str) -> str:
    """The paths to an administrator's rights: ``within-iam``, or through ``services``."""
    rows = [
        (
            f"[{path.id}]({path.source})",
            path.name.format(target="*X*"),
            ", ".join(f"`{call.action}`" for call in path.calls),
            ", ".join(f"{catalogue} `{name}`" for catalogue, name in path.known) or "ours",
        )
        for path in load_paths()
        if path.within_iam == (within == "within-iam")
    ]
    return table(("Path", "One can", "Calls", "Known as"), rows)


def escalation_left_out() -> str:
    """What is no path, or none for this kit, and why."""
    rows = [
        (entry["catalogue"], f"`{entry['name']}`", entry["verdict"], entry["why"])
        for entry in left_out()
    ]
    return table(("Catalogue", "Entry", "Verdict", "Why"), rows)


MAKERS: Mapping[str, Callable[..., str]] = {
    "parameters": parameters,
    "permissions": permissions,
    "policy": permission_policy,
    "first-cell": first_cell,
    "cells": cells,
    "source": source,
    "file": file,
    "command-line": command_line,
    "checks": checks,
    "answers": answers,
    "errors-without-a-case": errors_without_a_case,
    "public-names": public_names,
    "modules": modules,
    "escalation-paths": escalation_paths,
    "escalation-left-out": escalation_left_out,
}

if __name__ == "__main__":
    write_pages(Path(sys.argv[1]))
