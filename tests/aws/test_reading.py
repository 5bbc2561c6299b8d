"""Reading: no more calls than a task needs, and what was not read is said."""

import shlex
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

from paths import GUIDE

from iamkit.account.gaps import DETAILS, failed_sources
from iamkit.account.state import AccountState
from iamkit.account.state_file import load_state, save_state
from iamkit.audit import DEFAULTS, Audit, schema
from iamkit.audit.remedies import PASSWORD_RULES, Case, commands_for
from iamkit.audit.schema import in_words
from iamkit.aws.apply import apply_plan, await_applied
from iamkit.aws.audit_run import audit_of, read_audited
from iamkit.aws.read import PLANNED, read_account, read_more, survey_account
from iamkit.aws.sources import OF_ACCOUNT
from iamkit.plan.changes import make_plan
from iamkit.plan.desired import Desired, DesiredUser

IAMKIT = Path(sys.executable).parent / "iamkit"


def calls_of(sandbox, work):
    """What some work returns, and how often it called each action."""
    before = len(sandbox.calls())
    result = work()
    return result, Counter(call["action"] for call in sandbox.calls()[before:])


SETUP = ("02_admin_group", "03_dev_group", "04_users", "05_account_alias")


def test_a_headless_apply_reads_the_account_at_most_three_times(session, sandbox, tmp_path):
    """For the plan and what it means, before the first change, and after the last; no more.

    What a notebook's users have is asked for as often. The alias is read for each banner too, and
    beside those once for a plan; 05_account_alias wants it as often.
    """
    sandbox.set_weather("calm")
    sandbox.set_page_size(1_000)  # AWS's own, of which one holds all
    for notebook in SETUP:
        command = [IAMKIT, "run", notebook, "-f", GUIDE, "--apply", "--output", tmp_path]
        _, calls = calls_of(sandbox, lambda: subprocess.run(command, check=True, cwd=tmp_path))  # noqa: B023
        assert 0 < calls[DETAILS] <= 3, (notebook, calls)
        assert calls["GetLoginProfile"] <= 3 * 2, (notebook, calls)
        beside_banners = calls["ListAccountAliases"] - calls["GetCallerIdentity"]
        assert beside_banners == (3 if notebook == SETUP[-1] else 1), (notebook, calls)


def test_the_ids_of_keys_are_read_for_findings_and_told_as_not_read_of_others(
    session, sandbox, guide
):
    """Every finding names its key; nobody else's keys are asked for, and nothing claims they were.

    The findings are the same as with all keys listed, but for what was not read.
    """
    sandbox.set_weather("calm")
    sandbox.populate(60, 7)
    parameters = guide("06_audit_users")
    whole = audit_of(survey_account(session, parameters.per_user), parameters)
    state, calls = calls_of(sandbox, lambda: read_audited(session, parameters))
    audit = audit_of(state, parameters)
    of_keys = audit.findings[audit.findings["resource"].str.startswith(("AKIA", "key "))]
    assert len(of_keys)
    assert of_keys["resource"].str.startswith("AKIA").all()
    with_keys = set(whole.access_keys["user"]) & set(state.users)
    named = set(of_keys["principal"])
    assert calls["ListAccessKeys"] == len(named) < len(with_keys)
    assert state.source("ListAccessKeys").asked == named
    assert not failed_sources(state)
    others = audit.access_keys[audit.access_keys["user"].isin(with_keys - named)]
    assert set(in_words(others, schema.ACCESS_KEYS)["key"]) == {"not read"}
    assert others["age_days"].notna().all()
    columns = ["check", "status", "principal", "resource", "fingerprint"]
    assert audit.findings[columns].equals(whole.findings[columns])
    more = read_more(session, state, {"ListAccessKeys": with_keys})
    assert more.access_keys == whole.state.access_keys


def test_a_reading_of_single_users_keeps_what_was_read_before(session, sandbox, apply_desired):
    """Nobody is asked for twice, and who failed is asked for again."""
    sandbox.set_weather("calm")
    names = ("ann", "ben")
    apply_desired(Desired(users=tuple(DesiredUser(name=name, access_key=True) for name in names)))
    state = read_account(session, operations=(DETAILS,))
    sandbox.set_faults([{"action": "ListAccessKeys", "kind": "access_denied", "times": 1}])
    failed = read_more(session, state, {"ListAccessKeys": ["ann"]})
    sandbox.clear_faults()
    assert not failed.was_read("ListAccessKeys", "ann")
    assert failed.why_unknown("ListAccessKeys", "ann") == "unknown"
    first = read_more(session, failed, {"ListAccessKeys": ["ann"]})
    assert first.was_read("ListAccessKeys", "ann")
    assert first.why_unknown("ListAccessKeys", "ben") == "not read"
    both, calls = calls_of(sandbox, lambda: read_more(session, first, {"ListAccessKeys": names}))
    assert calls["ListAccessKeys"] == 1
    assert all(both.access_keys[name] for name in names)
    assert Audit(both).access_keys["key"].notna().all()


def test_all_that_can_be_read_is_read_into_one_state(session, sandbox, tmp_path):
    """Roles, profiles, former policy texts, rules and last use; a saved state has it all too."""
    sandbox.set_weather("calm")
    iam = session.iam
    trust = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
    trust += '"Principal":{"Service":"ec2.amazonaws.com"}}]}'
    iam.create_role(
        RoleName="web",
        AssumeRolePolicyDocument=trust,
        Description="for servers",
        MaxSessionDuration=7200,
        Tags=[{"Key": "team", "Value": "web"}],
    )
    iam.create_instance_profile(InstanceProfileName="web-profile")
    iam.add_role_to_instance_profile(InstanceProfileName="web-profile", RoleName="web")
    text = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"%s","Resource":"*"}]}'
    arn = iam.create_policy(PolicyName="own", PolicyDocument=text % "s3:Get*")["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=text % "s3:List*", SetAsDefault=True)
    iam.update_account_password_policy(
        MinimumPasswordLength=12,
        AllowUsersToChangePassword=True,
        HardExpiry=True,
        MaxPasswordAge=90,
    )
    state = read_account(session, operations=tuple(OF_ACCOUNT))
    role, policy = state.roles["web"], state.policies[arn]
    assert (role.description, role.max_session) == ("for servers", 7200)
    assert role.tags == {"team": "web"}
    assert role.instance_profiles == ("web-profile",)
    assert state.instance_profiles["web-profile"].roles == ("web",)
    assert policy.versions == 2
    assert policy.document["Statement"][0]["Action"] == "s3:List*"
    [former] = policy.other_versions
    assert (former.id, former.document["Statement"][0]["Action"]) == ("v1", "s3:Get*")
    assert (state.password_policy.users_may_change, state.password_policy.hard_expiry) == (
        True,
        True,
    )
    assert load_state(save_state(state, tmp_path / "state.json")) == state


def test_the_rules_for_passwords_are_mended_one_after_the_other(session, sandbox):
    """AWS replaces them whole; what was mended first, and all else, stays by the second mend.

    Each plan's way back leads back, to no rules of one's own at the end.
    """
    sandbox.set_weather("calm")
    session.iam.update_account_password_policy(RequireSymbols=True, MaxPasswordAge=90)

    def apply(desired):
        plan = make_plan(read_account(session, desired), desired)
        apply_plan(plan, session, allow_destructive=True).raise_if_incomplete()
        assert await_applied(plan, session).changes == ()
        return plan

    def rules():
        return read_account(session, operations=("GetAccountPasswordPolicy",)).password_policy

    before = rules()
    plans = [
        apply(Desired(password_policy={"minimum_length": 14})),
        apply(Desired(password_policy={"reuse_prevention": 24})),
    ]
    assert rules() == replace(before, minimum_length=14, reuse_prevention=24)
    for plan in reversed(plans):
        apply(plan.changes[0].inverse)
    assert rules() == before
    apply(Desired(absent_password_policy=True))
    assert rules() is None
    [made] = apply(Desired(password_policy={"minimum_length": 14})).changes
    apply(made.inverse)
    assert rules() is None


def test_the_remedies_for_passwords_undo_nothing_of_each_other(session, sandbox):
    """Each of one audit's commands is run, in either order: both rules hold, and all others too."""
    sandbox.set_weather("calm")
    session.iam.update_account_password_policy(RequireSymbols=True, MaxPasswordAge=90)
    client = [str(IAMKIT.parent / "aws"), "--endpoint-url", sandbox.endpoint_url]
    found = Audit(survey_account(session, per_user=())).findings.set_index("check")["remedy"]
    for name in ("password-length", "password-reuse"):
        words = shlex.split(found[name])
        assert words[:2] == ["aws", "iam"]
        subprocess.run([*client, *words[1:]], check=True, env=signed_as(sandbox), timeout=100)
        rules = read_account(session, operations=("GetAccountPasswordPolicy",)).password_policy
        assert (rules.minimum_length, rules.reuse_prevention) == (14, 24)
        assert (rules.symbols, rules.max_age) == (True, 90)
    unread = AccountState(account_id="000000000000")
    case = Case(row={}, state=unread, thresholds=DEFAULTS)
    assert "update" not in commands_for(PASSWORD_RULES, case)


def signed_as(sandbox):
    """The environment of a command that asks the sandbox, as its root."""
    return {
        "PATH": "/usr/bin:/bin",
        "AWS_ACCESS_KEY_ID": sandbox.access_key_id,
        "AWS_SECRET_ACCESS_KEY": sandbox.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def test_only_what_was_asked_for_counts_as_read(session):
    """The sources of a reading are the operations that were asked, and no others."""
    state = read_account(session)
    assert set(state.sources) == set(PLANNED)
    narrow = read_account(session, operations=(DETAILS,), kinds=("users", "groups"))
    assert narrow.source(DETAILS).lacking == {"roles", "policies"}
    assert narrow.roles == {}
