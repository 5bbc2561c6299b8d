"""Whatever part of an account is taken away, no answer becomes better."""

import json
import re
from functools import cache
from xml.etree import ElementTree as ET

import pytest
from accounts import NOW
from hypothesis import assume, example, given, settings, strategies as st
from removals import COMPANY, REMOVALS, remove
from samples import scaled

from iamkit.audit import CHECKS, Audit
from iamkit.audit.account_table import ACCOUNT, Account
from iamkit.audit.charts import draw_charts
from iamkit.audit.columns import NOT_READ, UNKNOWN, Unread, make_frame, tell_cells
from iamkit.audit.comparison import compare
from iamkit.audit.exports import judge, to_csv, to_json, to_junit, to_sarif, to_text
from iamkit.audit.groups_table import GROUPS, all_groups
from iamkit.audit.keys_table import ACCESS_KEYS, held_keys
from iamkit.audit.numbers import FINE, count_first, count_numbers
from iamkit.audit.policies_table import POLICIES, all_policies
from iamkit.audit.schema import SEVERITIES, USERS
from iamkit.audit.users_table import PEOPLE
from iamkit.notebook.pages.audit_user import describe_user
from iamkit.parameters.thresholds import Waiver

OF_DETAILS = ("users ", "groups ", "policies ", "text of ", "the last page")
"""Removals that leave a name behind, or say so: nobody may take such an account for whole."""


@cache
def whole():
    """The audit of all."""
    return Audit(COMPANY, now=NOW)


def audit_without(names):
    """The audit of what is left."""
    return Audit(remove(*names), now=NOW)


def untold(audit):
    """Of which checks and principals an audit says that it does not know."""
    unknown = audit.findings[audit.findings["status"] == "unknown"]
    return set(zip(unknown["check"], unknown["principal"], strict=True))


def green_suites(audit):
    """The suites of JUnit in which nothing failed, is an error or was skipped."""
    suites = ET.fromstring(to_junit(audit))
    counted = ("failures", "errors", "skipped")
    return {s.get("name") for s in suites if all(s.get(word) == "0" for word in counted)}


def green_tiles(audit):
    """The numbers of the page that are green."""
    return {number.id for number in count_numbers(audit) if number.tone == FINE}


def assert_counted_alike(audit):
    """What is counted at once is what the findings come to."""
    every = {number.id: number for number in count_numbers(audit)}
    again = Audit(audit.state, audit.thresholds, audit.given_waivers, audit.now)
    first = count_first(again)
    assert [number for number in first if number.counted] == [
        every[number.id] for number in first if number.counted
    ]
    assert {number.id for number in first if not number.counted} == {"urgent", "unknown"}


def judged_fine(audit):
    """The users and groups of whom a column says that all is well."""
    users, groups = audit.users.set_index("user"), audit.groups.set_index("group")
    columns = {
        "has MFA": users["mfa_active"],
        "is no administrator": ~users["effective_admin"],
        "cannot escalate": (users["escalations"] == "")
        .astype("boolean")
        .mask(users["escalations"].isna()),
        "has no password": ~users["password_enabled"],
        "has no active key": users["active_keys"] == 0,
        "makes no administrator": ~groups["effective_admin"],
    }
    return {(word, name) for word, of in columns.items() for name in of[of.fillna(False)].index}


def assert_not_better(audit):
    """Nothing that was bad is fine, and nothing that is fine was not so before."""
    full, unsure = whole(), untold(audit)
    assert_counted_alike(audit)
    left = set(audit.findings.loc[audit.findings["status"] == "fail", "fingerprint"])
    everywhere = {check for check, who in unsure if who == audit.state.account_id}
    for row in full.findings.to_dict("records"):
        known = row["fingerprint"] in left or (row["check"], row["principal"]) in unsure
        assert known or row["check"] in everywhere, (row["check"], row["principal"])
    assert green_suites(audit) <= green_suites(full)
    assert green_tiles(audit) <= green_tiles(full)
    assert judged_fine(audit) <= judged_fine(full)
    for severity in (None, *SEVERITIES):
        before, after = judge(full, severity)[0], judge(audit, severity)[0]
        assert after in {0: (0, 1), 1: (1, 3), 3: (1, 3)}[before], severity
    there, back = compare(full, audit), compare(audit, full)
    assert not {"gone", "went", "shrank", "grew", "new", "came", "replaced"} & changes_of(there)
    assert not {"gone", "went", "shrank", "grew", "new", "came", "replaced"} & changes_of(back)


def changes_of(found):
    """The words of a comparison."""
    return {word for frame in vars(found).values() for word in frame["change"]}


def test_what_is_counted_at_once_heeds_waivers():
    """One in force takes its findings out of the number, one that is over does not."""
    for until, left in (("2099-01-01", 0), ("2001-01-01", 1)):
        given = {"check": "console-mfa", "principal": "C*", "reason": "known", "until": until}
        audit = Audit(COMPANY, waivers=[Waiver(**given)], now=NOW)
        assert_counted_alike(audit)
        (number,) = (one for one in count_first(audit) if one.id == "no_mfa")
        assert number.value == left, number


@pytest.mark.parametrize("name", REMOVALS)
def test_knowing_less_of_an_account_makes_no_answer_better(name):
    """Findings, suites, tiles, cells, exit codes, comparison: each part on its own."""
    audit = audit_without([name])
    assert_not_better(audit)
    if name.startswith(OF_DETAILS):
        assert judge(audit)[0] == 1
        assert "GetAccountAuthorizationDetails" in to_text(audit)


@settings(max_examples=scaled(8, 150), deadline=None)
@given(st.lists(st.sampled_from(sorted(REMOVALS)), min_size=2, max_size=5, unique=True))
@example(["GetCredentialReport not read", "users ann"])
@example(["ListAccessKeys not read", "GetCredentialReport not read", "users ann"])
def test_knowing_less_and_less_makes_no_answer_better(names):
    """Several parts at once, in any order, as long as something still names everybody."""
    audit = audit_without(names)
    assume(is_everybody_named(audit.state))
    assert_not_better(audit)


def is_everybody_named(state):
    """Whether each user and group is named by some reply, or their list says it is not whole.

    Whom no reply names, and whom a whole list leaves out, is not there as far as anybody can know.
    """
    details = state.source("GetAccountAuthorizationDetails")
    fields = (state.users, state.report, state.access_keys, state.mfa_devices, state.login_profiles)
    users = {name for field in fields for name in field}
    groups = {*state.groups, *(name for user in state.users.values() for name in user.groups)}
    return details.status != "read" or all(
        kind in details.lacking or there <= named
        for kind, there, named in (
            ("users", set(COMPANY.users), users),
            ("groups", {name for name in COMPANY.groups if name != "old"}, groups),
        )
    )


@pytest.mark.parametrize(
    "name",
    [
        "GetCredentialReport unknown",
        "ListAccessKeys not read",
        "users ann",
        "groups Admins",
        "groups dev",
        "report bob",
        "whether keys are active",
        "the last page",
    ],
)
def test_no_picture_becomes_better(name):
    """Good bars do not grow, a group does not get harmless, and the unknown has a bar."""
    before = {chart.title: chart for chart in draw_charts(whole())}
    after = {chart.title: chart for chart in draw_charts(audit_without([name]))}

    def good(charts):
        with_mfa = charts["Who has no MFA"].told.partition(";")[0]
        young, recent = charts["Age of access keys"].told, charts["Last activity"].told
        return [
            sum(map(int, re.findall(r"(\d+)(?:,|$)", with_mfa))),
            sum(map(int, re.findall(r"(?:0.30|31.90) (\d+)", young.partition(";")[0]))),
            sum(map(int, re.findall(r"(?:0.6|7.44|credential) (\d+)", recent))),
        ]

    assert all(a <= b for a, b in zip(good(after), good(before), strict=True))
    reach = [
        dict(re.findall(r"(\w+) \d+\+? members, ([\w ]+)", charts["Groups"].told))
        for charts in (before, after)
    ]
    for group, word in reach[1].items():
        assert word in (reach[0][group], "not known")


def test_no_export_is_silent_about_what_is_unknown():
    """Text, SARIF, CSV, JSON and the page of a user say it in their own ways."""
    audit = audit_without(["groups Admins", "GetCredentialReport not read", "access_keys ann"])
    assert re.search(r"unknown +key-rotation +1 of medium severity", to_text(audit))
    results = json.loads(to_sarif(audit))["runs"][0]["results"]
    assert {r["kind"] for r in results if r["ruleId"] == "key-rotation"} == {"open"}
    assert '"unknown"' in to_csv(audit.users, USERS)
    ann = next(u for u in json.loads(to_json(audit))["users"] if u["user"] == "ann")
    assert ann["effective_admin"] is ann["key_1_id"] is None
    assert ann["findings_unknown"] > 5
    markup = describe_user(audit, "ann")[0]
    assert "group Admins" in markup
    assert "Nothing." not in markup


def test_a_fingerprint_hangs_on_no_optional_call():
    """The same with and without key ids; two keys of one user differ."""
    key_checks = [check.id for check in CHECKS.values() if check.table == "access_keys"]
    with_ids, without_ids = whole(), audit_without(["ListAccessKeys not read"])
    prints = [
        set(audit.findings.loc[audit.findings["check"].isin(key_checks), "fingerprint"])
        for audit in (with_ids, without_ids)
    ]
    assert prints[0] == prints[1] != set()
    assert with_ids.findings["fingerprint"].is_unique
    assert without_ids.findings["fingerprint"].is_unique


@pytest.mark.parametrize("name", REMOVALS)
def test_a_cell_whose_source_was_not_read_says_so_in_words(name):
    """It is unknown or not read: never empty, never "never"."""
    audit = audit_without([name])
    tables = [
        (PEOPLE, audit.people),
        (ACCESS_KEYS, list(held_keys(audit.people))),
        (GROUPS, list(all_groups(audit))),
        (POLICIES, all_policies(audit)),
        (ACCOUNT, [Account(audit)]),
    ]
    for columns, rows in tables:
        told = tell_cells(make_frame(columns, rows), columns)
        for column, described in columns.items():
            for row, text in zip(rows, told[column], strict=True):
                try:
                    described.value(row)
                except Unread:
                    assert text in (UNKNOWN, NOT_READ), column
