"""An account that nobody looked after for a year is brought in order: by CI, and by clicks."""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
import yaml
from paths import GUIDE
from samples import PROOF, scaled

from iamkit.account.state_file import format_state
from iamkit.audit.columns import SEVERITIES
from iamkit.aws.apply import apply_plan, await_applied
from iamkit.aws.audit_run import audit_of
from iamkit.aws.read import read_account, survey_account
from iamkit.aws.session import open_session
from iamkit.notebook.forms.form import Form
from iamkit.notebook.pages.key_rotation import make_rotation
from iamkit.notebook.pages.leavers import make_leaving
from iamkit.notebook.pages.mending import make_mending
from iamkit.notebook.review import workbench
from iamkit.notebook.review.review import Review
from iamkit.parameters.models import AuditUsersParameters, PerUser
from iamkit.parameters.yaml_file import read_parameters
from iamkit.plan.changes import make_plan
from iamkit.plan.wanted import account_alias, admin_group, dev_group, team_users
from iamkit.sandbox import start_sandbox, stop_sandbox

RULES, MEND, ROTATE, LEAVE = "08_sign_in_rules", "09_mend_findings", "10_rotate_keys", "11_leavers"
PEOPLE = scaled(14, 40)
LEAVERS = scaled(2, 8)
DAYS = scaled((0, 15, 16), (0, 1, 14, 16, 15, 16))
"""From one round to the next: keys are made, off and gone; who leaves is stopped and gone.

In a proof each round has all notebooks, of which those that are done find nothing to do.
"""
CHOICES = {"support-role": "operator"}
"""Of checks that a plan ends once a person has chosen, what is chosen."""
BROUGHT = {"empty-group"}
"""Whose last member has left."""
RULED = yaml.safe_load(GUIDE.read_text())
ACCESS_KEY = r"A[KS]IA[A-Z0-9]{16}"


def apply(session, desired):
    """Plan and apply a desired state, wholly."""
    plan = make_plan(read_account(session, desired), desired)
    apply_plan(plan, session).raise_if_incomplete()
    await_applied(plan, session)


@pytest.fixture
def year(tmp_path, sandbox, guide, monkeypatch):
    """Two homes with the same account: the guide, a company, a year; and who still works."""
    homes = [tmp_path / "ci", tmp_path / "clicks"]
    monkeypatch.setattr("iamkit.aws.hand_over.SETTLING", 2.0)
    monkeypatch.setenv("IAMKIT_HOME", str(homes[0]))
    account = start_sandbox(homes[0] / "sandbox")
    apply(open_session(guide("02_admin_group")), admin_group(guide("02_admin_group")))
    session = open_session(guide("04_users"))
    for desired in (
        dev_group(guide("03_dev_group")),
        team_users(guide("04_users")),
        account_alias(guide("05_account_alias")),
    ):
        apply(session, desired)
    account.populate(PEOPLE, 7)
    account.age(364)
    workers = set(sorted(read(session).users)[::2])
    work(account, session, workers)
    account.age(1)
    stop_sandbox(homes[0] / "sandbox")
    shutil.copytree(homes[0], homes[1])
    yield homes, workers
    for home in homes:
        stop_sandbox(home / "sandbox")


def work(account, session, workers):
    """Let these users sign in, if they can, and use the newest of their keys that are active."""
    state, now = read(session), datetime.now(UTC)
    for name in workers & state.users.keys():
        active = [key for key in state.access_keys.get(name, ()) if key.status == "Active"]
        for key in sorted(active, key=lambda key: key.created)[-1:]:
            account.set_key_last_used(key.id, now, "s3", "eu-central-1")
        if state.report[name].password_enabled:
            account.set_password_last_used(name, now)


def read(session):
    """All of the account that is ever read."""
    return survey_account(session, get_args(PerUser))


def audit(session):
    """The account audited by the guide's parameters: the findings that fail."""
    parameters = read_parameters(GUIDE).for_notebook("06_audit_users", {})
    found = audit_of(read(session), AuditUsersParameters.model_validate(parameters.model_dump()))
    return [one for one in found.found if one.status == "fail"]


def wishes(session):
    """What a person notes down once: who leaves, what is mended, whose keys are changed."""
    state, found = read(session), audit(session)
    idle = [one.principal for one in found if one.check.id == "unused-password"]
    leaving = idle[:LEAVERS]
    mend = [
        {"check": one.check.id, "principal": one.principal, "resource": one.resource}
        | ({"choice": CHOICES[one.check.id]} if one.check.id in CHOICES else {})
        for one in found
        if (one.check.way == "direct" or one.check.id in CHOICES)
        and one.principal not in (*leaving, RULED["run_as"])
    ]
    off = {row["resource"] for row in mend}
    rotate = [
        name
        for name, keys in state.access_keys.items()
        if name not in leaving and {key.id for key in keys if key.status == "Active"} - off
    ]
    return {"leavers": [{"user": name} for name in leaving], "mend": mend, "rotate": rotate}


def by_ci(wished, folder):
    """A function: one night of a pipeline, which runs the same command on the same file."""
    file = folder / "team.yaml"
    file.write_text(yaml.safe_dump({**RULED, **wished, "allow_destructive": True}))
    command = [Path(sys.executable).parent / "iamkit", "run", "-f", file, "--apply"]

    def run(books):
        done = subprocess.run(
            [*command, "--output", folder / "runs", *books],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return run


def click_rules(form, wished):
    """Fill in what the guide's file says of passwords."""
    words = {True: "yes", False: "no"}
    said = RULED["password_rules"].items()
    form.fields["password_rules"].raw = {name: words.get(one, str(one)) for name, one in said}


def click_mends(form, wished):
    """Open each part, and tick what is meant, with the choice made."""
    meant = {(row["check"], row["principal"], row["resource"]) for row in wished["mend"]}
    for number, findings in enumerate(form._order):
        form.parts.selected_index = number
        _, *rows = form.parts.children[number].children
        for one, row in zip(findings, rows, strict=True):
            if (one.check.id, one.principal, one.resource) in meant:
                tick, _, *pickers = row.children
                for picker in pickers:
                    picker.value = CHOICES[one.check.id]
                tick.value = True


def click_steps(form, wished):
    """Tick whose keys go a step further, if they can."""
    for name, row in form._rows.items():
        row.tick.value = name in wished["rotate"] and not row.tick.disabled


def click_leavers(form, wished):
    """Find each who leaves, if they are still there."""
    for leaver in wished["leavers"]:
        form.search.value = leaver["user"]
        if leaver["user"] in form.found.options:
            form.found.value = leaver["user"]
            form.add.click()


PAGES = {
    RULES: (lambda parameters, session: Form(parameters), click_rules),
    MEND: (make_mending, click_mends),
    ROTATE: (make_rotation, click_steps),
    LEAVE: (make_leaving, click_leavers),
}


def by_clicks(wished, guide):
    """A function: a person goes through the notebooks, with none of it in their parameters."""

    def go_through(books):
        for book in books:
            make, click = PAGES[book]
            more = {"password_rules": {}} if book == RULES else {}
            parameters = guide(book, **more)
            session = open_session(parameters)
            form = make(parameters, session)
            plan = make_plan(read_account(session, form.desired()), form.desired())
            panel = workbench.Workbench(Review(plan, session, form=form))
            panel.make_widget()
            click(form, wished)
            assert bool(panel.review.plan.changes) != panel.apply.disabled, panel.status.value
            if panel.review.plan.changes:
                panel.apply.click()
                panel.wait(600)
                assert "Verified" in panel.status.value, panel.status.value

    return go_through


def live_through(account, somebody, workers, guide):
    """Several weeks of an account, kept in order by somebody; how it is at the end."""
    for days in DAYS:
        if days:
            account.age(days)
        somebody(PAGES if PROOF or not days else (ROTATE, LEAVE))
        session = open_session(guide(LEAVE))
        work(account, session, workers)
    return read(session), audit(session)


def comparable(state, known):
    """A state field by field; moments and the ids of keys made since are what AWS draws."""
    fields = json.loads(format_state(state))["state"]
    del fields["sources"], fields["read_at"]

    def plain(value):
        if isinstance(value, dict):
            return {plain(key): plain(one) for key, one in value.items()}
        if isinstance(value, list):
            return [plain(one) for one in value]
        if not isinstance(value, str):
            return value
        if re.match(r"\d{4}-\d\d-\d\dT", value):
            return "a moment"
        new = re.fullmatch(ACCESS_KEY, value) and value not in known
        return "a new key" if new else value

    return plain(fields)


def counted(found):
    """How many findings there are of each severity."""
    counts = Counter(one.check.severity for one in found)
    return ", ".join(f"{counts[word]} {word}" for word in SEVERITIES if counts[word])


def test_by_clicks_and_by_ci_a_year_comes_to_the_same_end(year, guide, monkeypatch, tmp_path):
    """The same file in every round, or pages and ticks: field by field one account, in order."""
    monkeypatch.setattr(workbench, "UNSEEN", 0)
    ends, (homes, workers) = [], year
    for home in homes:
        monkeypatch.setenv("IAMKIT_HOME", str(home))
        account = start_sandbox(home / "sandbox")
        session = open_session(guide(LEAVE))
        if home is homes[0]:
            known = {key.id for keys in read(session).access_keys.values() for key in keys}
            before, wished = audit(session), wishes(session)
            somebody = by_ci(wished, tmp_path)
        else:
            somebody = by_clicks(wished, guide)
        state, after = live_through(account, somebody, workers, guide)
        ends.append(comparable(state, known))
        print(f"{home.name}: {counted(before)} -> {counted(after)}", Counter(map(name_of, after)))
    assert len(wished["leavers"]) == LEAVERS
    assert len(wished["mend"]) > 5
    assert len(wished["rotate"]) > 3
    assert ends[0] == ends[1]
    assert_in_order(state, before, after, wished)


def assert_in_order(state, before, after, wished):
    """Who left is gone, every key that is changed is young, and what could be mended is mended."""
    assert not {row["user"] for row in wished["leavers"]} & state.users.keys()
    for name in wished["rotate"]:
        assert [key.status for key in state.access_keys[name]].count("Active") == 1, name
    assert {name_of(one) for one in after if one.check.way == "direct"} <= BROUGHT
    assert not {name_of(one) for one in after} & {"key-rotation", "unused-key", "second-key"}
    mended = {(row["check"], row["principal"], row["resource"]) for row in wished["mend"]}
    assert not mended & {(name_of(one), one.principal, one.resource) for one in after}
    new = {(name_of(one), one.principal) for one in after} - {
        (name_of(one), one.principal) for one in before
    }
    assert {check for check, _ in new} <= BROUGHT


def name_of(finding):
    """The check that found it."""
    return finding.check.id
