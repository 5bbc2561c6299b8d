"""What a person does with an audit: accept a finding, compare it, take a table along."""

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from iamkit.app_mode import is_app
from iamkit.audit import Audit
from iamkit.audit.comparison import compare
from iamkit.audit.exports import export_audit
from iamkit.audit.history import RULE, Kept, load_audit
from iamkit.errors import InputError
from iamkit.notebook.pages.audit_changes import describe_changes
from iamkit.notebook.pages.audit_user import describe_user
from iamkit.parameters.checking import describe
from iamkit.parameters.models import AuditUsersParameters
from iamkit.parameters.notebook import Waiver
from iamkit.parameters.yaml_file import current_parameters_file, read_parameters
from iamkit.parameters.yaml_writer import save_parameters

UNNAMED = Path("../parameters/team.yaml")
"""The parameters file where nobody named one, as the forms propose it."""
EXPORTS = {
    "users.csv": "Users, for a spreadsheet",
    "findings.csv": "Findings, for a spreadsheet",
    "access_keys.csv": "Access keys, for a spreadsheet",
    "audit.md": "Summary, as Markdown",
    "audit.json": "Everything, as JSON",
    "audit.sarif": "Findings, as SARIF",
    "audit.xml": "Findings, as JUnit",
}
"""Files to take along, and what they are."""
_FORMS = {"md": "markdown", "json": "json", "sarif": "sarif", "xml": "junit", "csv": "csv"}
_KINDS = {"csv": "text/csv", "md": "text/markdown", "xml": "application/xml"}


def accept_finding(message: Mapping[str, str], parameters: AuditUsersParameters) -> Waiver:
    """Write a waiver into the account's parameters file, whose comments and other values stay.

    Args:
        message: the ``check``, the ``principal``, the ``reason`` and the last day, ``until``.
        parameters: the audit's, which name the account.

    Returns:
        The waiver.

    Raises:
        InputError: the reason or the day is none, or the file cannot be written; it is as it was.
        GuardError: this is a page of an app.
    """
    names = ("check", "principal", "reason", "until")
    try:
        waiver = Waiver.model_validate({name: message[name].strip() for name in names})
    except ValidationError as error:
        told = "; ".join(describe(one, Waiver) for one in error.errors(include_url=False))
        raise InputError(f"{told}. Nothing was written.") from None
    path = current_parameters_file() or UNNAMED
    # The file's own, not this page's: somebody may have edited it since.
    named = read_parameters(path).values.get("waivers") if path.exists() else None
    before = [one.model_dump() for one in parameters.waivers] if named is None else list(named)
    target = {"environment": parameters.environment, "account_id": parameters.account_id}
    save_parameters(path, {**target, "waivers": [*before, waiver.model_dump()]})
    return waiver


def describe_exports() -> list[list[str]]:
    """What *Export…* offers: the files' names, and what they are."""
    return [[name, label] for name, label in EXPORTS.items()]


def export_file(audit: Audit, name: str) -> dict[str, str]:
    """One of ``EXPORTS``, for the browser to save.

    Raises:
        InputError: there is no such file.
    """
    if name not in EXPORTS:
        raise InputError(f"There is no export {name!r}.")
    table, _, ending = name.rpartition(".")
    content = export_audit(audit, _FORMS[ending], table if ending == "csv" else "users")
    return {
        "name": f"{audit.state.account_id}-{name}",
        "kind": _KINDS.get(ending, "application/json"),
        "content": base64.b64encode(content).decode(),
    }


class Actions:
    """The answers to a view's messages, about an audit that a waiver replaces.

    Args:
        audit: the audit.
        parameters: of the notebook.
        kept: the states of earlier audits.
        redraw: called with the audit that takes the place of this one.
    """

    def __init__(
        self,
        audit: Audit,
        parameters: AuditUsersParameters,
        kept: list[Kept],
        redraw: Callable[[Audit], None],
    ) -> None:
        self.audit, self.redraw, self.parameters = audit, redraw, parameters
        self.kept = {one.path.stem: one for one in reversed(kept)}

    @property
    def by_word(self) -> dict[str, Callable[[Mapping[str, str]], dict[str, Any]]]:
        """What answers a message, by its word."""
        return {
            "accept": self.accept,
            "compare": self.compare,
            "export": self.export,
            "user": self.user,
        }

    @property
    def offered(self) -> dict[str, Any]:
        """What there is to choose from."""
        kept = [{"id": n, "label": f"{one.at:%Y-%m-%d %H:%M}"} for n, one in self.kept.items()]
        rule = "" if is_app() else f"Kept by themselves, for you alone: {RULE}."
        return {"kept": kept, "rule": rule, "exports": describe_exports()}

    def accept(self, message: Mapping[str, str]) -> dict[str, Any]:
        """Write a waiver down, and audit what was read once more."""
        waiver = accept_finding(message, self.parameters)
        old = self.audit
        waivers = [*old.given_waivers, waiver]
        self.audit = Audit(old.state, old.thresholds, waivers, old.now)
        self.redraw(self.audit)
        path = current_parameters_file() or UNNAMED
        return {
            "said": f"✔ {waiver.check} of {waiver.principal} is accepted until {waiver.until}; it "
            f"stands in waivers in {path.name}."
        }

    def compare(self, message: Mapping[str, str]) -> dict[str, Any]:
        """What has changed since a kept state."""
        kept = self.kept.get(message.get("kept", ""))
        if kept is None:
            raise InputError("That state is not kept any longer.")
        before = load_audit(kept, self.audit)
        markup, _ = describe_changes(before, compare(before, self.audit))
        return {"shown": markup, "title": f"Since {kept.day}"}

    def export(self, message: Mapping[str, str]) -> dict[str, Any]:
        """A file for the browser to save."""
        file = export_file(self.audit, message.get("what", ""))
        return {"said": f"✔ {file['name']} is where your browser saves files.", "file": file}

    def user(self, message: Mapping[str, str]) -> dict[str, Any]:
        """One user in full."""
        name = message.get("name", "")
        if name not in set(self.audit.users["user"]):
            raise InputError(f"{self.audit.gaps.say_missing(name, 'users')}.")
        return {"shown": describe_user(self.audit, name)[0], "title": name}
