"""The page of findings that a plan can end: a tick for each, and what became of them afterwards."""

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets
import pandas as pd

from iamkit.audit import Audit
from iamkit.audit.columns import SEVERITIES
from iamkit.audit.comparison import UNTOLD, compare
from iamkit.audit.findings import Finding
from iamkit.audit.mending import Mend, wanted_by
from iamkit.audit.numbers import failures
from iamkit.aws.audit_run import audit_of, read_audited
from iamkit.aws.read import read_more
from iamkit.aws.session import Session
from iamkit.notebook.display import show, show_html
from iamkit.notebook.markup import escape
from iamkit.notebook.review.review import sentences
from iamkit.parameters.models import AuditUsersParameters, MendParameters, MendRow
from iamkit.plan.changes import Plan
from iamkit.plan.desired import Desired
from iamkit.plan.lockout import caller_of
from iamkit.text import few

SHOWN = 100
"""Findings of one check that have a tick; more are found by the filter."""


class MendForm:
    """The findings that a plan can end, with a tick each and a picker where a choice is needed.

    Attributes:
        filter: words that the findings of an open part must hold.
        parts: one for each check, opened by a click.
        idle: what is said while nothing is ticked.
    """

    idle = "Nothing is ticked that is still there to mend."

    def __init__(self, parameters: MendParameters, session: Session, audit: Audit) -> None:
        self.audit = audit
        self._parameters = parameters
        caller = caller_of(session.identity, session.clients.key_id).user
        self._spared = {caller, parameters.run_as} - {""}
        self._chosen = {_key(row): row for row in parameters.mend}
        self._observers: list[Callable[[], None]] = []
        self._by_check = _mendable(audit)

    @property
    def value(self) -> MendParameters:
        """The parameters with what is ticked."""
        return self._parameters.model_copy(update={"mend": list(self._chosen.values())})

    def desired(self) -> Desired:
        """What is wanted if all that is ticked is to end.

        Raises:
            InputError: one of them needs a choice, or cannot be mended so.
        """
        mends = [Mend(**row.model_dump()) for row in self._chosen.values()]
        return wanted_by(self.audit, self.audit.found, mends, self._spared)

    def judge_again(self, session: Session) -> None:
        """Audit the account as it is now; what was ticked and is gone is ticked no more."""
        self.audit = _audit(session, self._parameters)
        self._by_check = _mendable(self.audit)
        there = {_name(one) for findings in self._by_check.values() for one in findings}
        self._chosen = {name: row for name, row in self._chosen.items() if name in there}

    def on_change(self, observer: Callable[[], None]) -> None:
        """Call the observer after each tick and each choice."""
        self._observers.append(observer)

    def compare(self, plan: Plan | None) -> None:
        """The findings are those of the audit with which the page began."""

    def show_values(self) -> None:
        """Show what is to be mended and what could be, for readers without a browser."""
        show(self.table())
        show_html(self.left_to_people(), "\n".join(self._left()))

    def table(self) -> pd.DataFrame:
        """What a plan can end, the worst first: whether it is meant, and whom it concerns."""
        rows = [
            (
                "yes" if _name(finding) in self._chosen else "",
                finding.check.severity,
                finding.check.id,
                finding.principal,
                finding.resource,
                finding.check.action,
                finding.check.remedy.choice if not isinstance(finding.check.remedy, str) else "",
            )
            for findings in self._by_check.values()
            for finding in findings
        ]
        names = ["mend", "severity", "check", "principal", "resource", "what to do", "choice"]
        return pd.DataFrame(rows, columns=names)

    def left_to_people(self) -> str:
        """The checks whose findings a person must end, with why, as HTML."""
        said = self._left()
        return f"<p><b>Left to people</b></p>{sentences(said)}" if said else ""

    def _left(self) -> list[str]:
        failing = [one for one in self.audit.found if one.status == "fail"]
        by_hand = {one.check.id: one.check for one in failing if one.check.way == "by hand"}
        return [f"{check.title}: {check.by_hand}" for check in by_hand.values()]

    def make_widget(self) -> Any:
        """The findings by check, the worst first; a part has its ticks when it is opened."""
        order = sorted(self._by_check.items(), key=lambda one: SEVERITIES.index(_severity(one[1])))
        self.filter = widgets.Text(placeholder="a user, a key, a policy", description="Filter")
        self.parts = widgets.Accordion([widgets.VBox() for _ in order])
        for number, (_, findings) in enumerate(order):
            check = findings[0].check
            self.parts.set_title(number, f"{check.severity} · {check.title} · {len(findings):,}")
        self._order = [findings for _, findings in order]

        def fill(_: Any) -> None:
            if (number := self.parts.selected_index) is not None:
                self.parts.children[number].children = self._rows(self._order[number])

        self.parts.observe(fill, "selected_index")
        self.filter.observe(fill, "value")
        if not order:
            rest = "" if not failures(self.audit) else " Not everything could be read."
            return widgets.HTML(f"<p>Nothing was found that a plan could mend.{rest}</p>")
        heading = "<p>Open a part and tick what should end. Nothing is ticked beforehand.</p>"
        left = widgets.HTML(self.left_to_people())
        return widgets.VBox([widgets.HTML(heading), self.filter, self.parts, left])

    def _rows(self, findings: Sequence[Finding]) -> tuple[Any, ...]:
        words = self.filter.value.lower().split()
        fitting = [
            f for f in findings if all(w in f"{f.principal} {f.data}".lower() for w in words)
        ]
        more = len(fitting) - SHOWN
        rest = [widgets.HTML(f"<p>and {more:,} more: filter them</p>")] if more > 0 else []
        action = widgets.HTML(f"<p>{escape(findings[0].check.action)}.</p>")
        return (action, *(self._row(finding) for finding in fitting[:SHOWN]), *rest)

    def _row(self, finding: Finding) -> Any:
        remedy, name = finding.check.remedy, _name(finding)
        row = self._chosen.get(name)
        label = " · ".join(part for part in (finding.principal, finding.resource) if part)
        tick = widgets.Checkbox(row is not None, description=label, indent=False)
        tick.layout.width = "auto"
        tick.disabled = finding.principal in self._spared
        data = widgets.HTML(f'<span style="opacity:.8">{escape(finding.data)}</span>')
        fields = [tick, data]
        picker: Any = None
        if not isinstance(remedy, str) and remedy.choice:
            state = self.audit.state
            known = state.groups if remedy.choice == "group" else state.roles
            options = ["", *sorted(known)]
            picker = widgets.Dropdown(options=options, value=row.choice if row else "")
            picker.description = remedy.choice
            fields.append(picker)
            picker.observe(lambda _: self._choose(finding, tick, picker), "value")
        tick.observe(lambda _: self._choose(finding, tick, picker), "value")
        return widgets.HBox(fields, layout={"flex_flow": "row wrap", "align_items": "center"})

    def _choose(self, finding: Finding, tick: Any, picker: Any) -> None:
        if tick.value:
            check, principal, resource = _name(finding)
            self._chosen[_name(finding)] = MendRow(
                check=check,
                principal=principal,
                resource=resource,
                choice=picker.value if picker else "",
            )
        else:
            self._chosen.pop(_name(finding), None)
        for observer in self._observers:
            observer()

    def tell_mended(self, session: Session, parameters: MendParameters) -> pd.DataFrame:
        """What became of each finding that was mended, and what is new, read freshly.

        Returns:
            A row each: ``finding`` and ``now`` (gone, still there, new, was not there before, or
            that it cannot be told).
        """
        after = _audit(session, parameters)
        users = {row.principal for row in parameters.mend} & set(after.state.users)
        state = read_more(session, after.state, {"ListAccessKeys": users})
        after = after.of(state)
        now = {_name(finding): finding.status for finding in after.found}
        before = {_name(finding) for finding in self.audit.found}
        words = {"fail": "still there", "unknown": UNTOLD, "waived": "waived"}
        found_now = compare(self.audit, after).findings
        columns = (found_now[name] for name in ("check", "principal", "resource", "change"))
        became = {tuple(key): word for *key, word in zip(*columns, strict=True)}

        def told(name: tuple[str, str, str]) -> str:
            if name not in before:
                return "was not there"
            return words.get(now.get(name, "")) or became.get(name, UNTOLD)

        rows = [(str(Mend(**row.model_dump())), told(_key(row))) for row in parameters.mend]
        new = found_now[found_now["change"] == "new"]
        rows += [
            (f"{check} {principal} {resource}".strip(), "new")
            for check, principal, resource in zip(
                new["check"], new["principal"], new["resource"], strict=True
            )
        ]
        return pd.DataFrame(rows, columns=["finding", "now"])


def make_mending(parameters: MendParameters, session: Session) -> MendForm:
    """Audit the account, and offer what a plan can end; ``review_plan`` shows it.

    Raises:
        AwsError: the users themselves could not be read.
    """
    form = MendForm(parameters, session, _audit(session, parameters))
    unknown = {row.check for row in parameters.mend} - {one.check.id for one in form.audit.found}
    if unknown:
        show(f"Nothing is found of {few(sorted(unknown))}, so there is nothing of it to mend.")
    return form


def _audit(session: Session, parameters: MendParameters) -> Audit:
    wanted = AuditUsersParameters.model_validate(
        parameters.model_dump(include={"environment", "account_id", "thresholds", "waivers"})
    )
    return audit_of(read_audited(session, wanted), wanted)


def _mendable(audit: Audit) -> dict[str, list[Finding]]:
    """What a plan can end, by check."""
    found: dict[str, list[Finding]] = {}
    for finding in audit.found:
        if finding.status == "fail" and finding.check.way != "by hand":
            found.setdefault(finding.check.id, []).append(finding)
    return found


def _key(row: MendRow) -> tuple[str, str, str]:
    return row.check, row.principal, row.resource


def _name(finding: Finding) -> tuple[str, str, str]:
    return finding.check.id, finding.principal, finding.resource


def _severity(findings: Sequence[Finding]) -> str:
    return findings[0].check.severity
