"""A twin: an account of the sandbox that is what a saved state says, but for every secret."""

import shutil
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

from iamkit.__main__ import cli
from iamkit.account.credential_report import format_credential_report, parse_credential_report
from iamkit.account.gaps import DETAILS, KINDS, REPORT, find_gaps
from iamkit.account.state import (
    ROOT_USER,
    AccessKey,
    CallerIdentity,
    Credential,
    Group,
    InstanceProfile,
    LoginProfile,
    ManagedPolicy,
    MfaDevice,
    PasswordPolicy,
    PolicyVersion,
    Role,
    Source,
    User,
)
from iamkit.account.state_file import save_state
from iamkit.audit import Audit
from iamkit.aws.clients import Clients, session_of
from iamkit.aws.read import read_account, survey_account
from iamkit.aws.session import Session, known_secrets, open_session
from iamkit.aws.sources import OF_ACCOUNT, OF_USERS
from iamkit.credentials import Secret
from iamkit.doctor import examine
from iamkit.errors import GuardError, IamkitError, SandboxError
from iamkit.notebook.display import bundle_of
from iamkit.sandbox import find_sandbox, start_sandbox, stop_sandbox, twin_folder

MAIN, OTHER, THIRD = "000000000000", "111122223333", "444455556666"
THEN = datetime(2025, 3, 1, 8, 30, tzinfo=UTC)
ALLOW = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "*"}
    ],
}


def session_with(sandbox):
    """A session with an account of a sandbox, as its root."""
    keys = session_of(sandbox.access_key_id, Secret(sandbox.secret_access_key), "us-east-1")
    account = sandbox.account_id
    return Session(
        environment="sandbox",
        identity=CallerIdentity(
            account_id=account, arn=f"arn:aws:iam::{account}:root", user_id=account
        ),
        alias=None,
        source="the root",
        folder=sandbox.folder,
        clients=Clients(keys, sandbox.endpoint_url, ""),
    )


def read_like(state, sandbox):
    """What a state was read with, read of an account."""
    lacking = state.source(DETAILS).lacking
    return read_account(
        session_with(sandbox),
        operations=[name for name in OF_ACCOUNT if state.source(name).status == "read"],
        of_users={
            name: state.users if source.asked is None else source.asked & set(state.users)
            for name, source in state.sources.items()
            if name in OF_USERS and source.status == "read"
        },
        kinds=[kind for kind in KINDS if kind not in lacking],
        strict=False,
    )


def without_own_use(state):
    """The state without the last use of root's key, which signed the reading itself."""
    root = state.report.get(ROOT_USER)
    if root is None:
        return state
    keys = tuple(key and replace(key, last_used=None, last_used_service="") for key in root.keys)
    return replace(state, report={**state.report, ROOT_USER: replace(root, keys=keys)})


def differences(state, twin):
    """The fields in which two states differ, but for how and when they were read."""
    state, twin = without_own_use(state), without_own_use(twin)
    return {
        field.name: (getattr(state, field.name), getattr(twin, field.name))
        for field in fields(state)
        if field.name not in ("sources", "read_at")
        and getattr(state, field.name) != getattr(twin, field.name)
    }


def findings(state, now):
    return Audit(state, now=now).findings


@pytest.fixture
def company(sandbox):
    """The state of a populated company with an id, as an audit reads it."""

    def surveyed(account=OTHER):
        one = sandbox.account(account)
        one.populate(45, 11, root_mfa=True)
        return survey_account(session_with(one))

    return surveyed


@pytest.fixture
def twin_of(started):
    """The account of a state in a process of its own, and what was said at loading."""

    def load(state):
        twin = started.account(state.account_id)
        return twin, twin.load(state)

    return load


@pytest.mark.parametrize("account", [MAIN, OTHER])
def test_a_twin_of_a_company_is_read_as_the_company_was(company, twin_of, account):
    """Field by field but for source and age, and with the same findings."""
    state = company(account)
    twin, said = twin_of(state)
    again = survey_account(session_with(twin))
    assert differences(state, again) == {}
    expected, found = findings(state, state.read_at), findings(again, state.read_at)
    assert len(expected) > 40
    pd.testing.assert_frame_equal(expected, found)
    assert any("none of the" in line and "access keys" in line for line in said)


def test_a_twin_comes_back_as_it_was(company, started, state):
    """Loading is one entry of the journal, which is done again at a start."""
    whole = company()
    started.account(OTHER).load(whole)
    before = survey_account(session_with(started.account(OTHER)))
    lines = (state / "account.jsonl").read_text().splitlines()
    assert sum('"load_state"' in line for line in lines) == 1
    stop_sandbox(state)
    twin = start_sandbox(state).account(OTHER)
    after = survey_account(session_with(twin))
    assert differences(before, after) == differences(whole, after) == {}


def test_no_key_of_the_real_account_signs(company, twin_of, client_of):
    """Not with an empty secret either, nor after it was switched off and on."""
    state = company()
    twin, _ = twin_of(state)
    iam = client_of(twin)
    keys = [(name, key.id) for name, keys in state.access_keys.items() for key in keys]
    assert len(keys) > 10
    for name, key in keys:
        iam.update_access_key(UserName=name, AccessKeyId=key, Status="Active")
        for secret in ("x" * 40, " "):
            with pytest.raises(ClientError, match="InvalidClientTokenId"):
                client_of(twin, "sts", (key, secret)).get_caller_identity()
    assert all(twin.secrets())
    new = iam.create_access_key(UserName="nobody")["AccessKey"]
    mine = client_of(twin, "sts", (new["AccessKeyId"], new["SecretAccessKey"]))
    assert mine.get_caller_identity()["Arn"] == f"arn:aws:iam::{OTHER}:user/nobody"


def everything(state):
    """A state with one of each kind of thing."""
    arn = f"arn:aws:iam::{OTHER}:policy/team/own"
    aws = "arn:aws:iam::aws:policy/SandboxNeverHeardOfIt"
    all_of = frozenset({"ann"})
    per_user = {name: Source(status="read", at=THEN, asked=all_of) for name in OF_USERS}
    bulk = {name: Source(status="read", at=THEN) for name in OF_ACCOUNT if name != "ListAnalyzers"}
    device = f"arn:aws:iam::{OTHER}:mfa/"
    credential = Credential(id="ACCAEXAMPLE", created=THEN, service="codecommit.amazonaws.com")
    return replace(
        state,
        alias="real-company",
        policies={
            arn: ManagedPolicy(
                arn=arn,
                name="own",
                path="/team/",
                document=ALLOW,
                default_version="v7",
                versions=3,
                created=THEN,
                updated=THEN + timedelta(days=3),
                description="Their own",
                other_versions=(
                    PolicyVersion(id="v6", document=ALLOW, created=THEN),
                    PolicyVersion(id="v2", document=TRUST, created=THEN),
                ),
            ),
            aws: ManagedPolicy(
                arn=aws, name="SandboxNeverHeardOfIt", document=ALLOW, created=THEN, updated=THEN
            ),
        },
        groups={
            "team": Group(
                name="team",
                path="/t/",
                arn=f"arn:aws:iam::{OTHER}:group/t/team",
                id="AGPAEXAMPLE",
                created=THEN,
                inline_policies={"in": ALLOW},
                attached_policies=frozenset({aws}),
            )
        },
        users={
            "ann": User(
                name="ann",
                path="/p/",
                arn=f"arn:aws:iam::{OTHER}:user/p/ann",
                id="AIDAEXAMPLE",
                created=THEN,
                inline_policies={"in": ALLOW},
                attached_policies=frozenset({arn}),
                permissions_boundary=arn,
                tags={"team": "a", "Größe": "é"},
                groups=frozenset({"team"}),
                password_last_used=THEN + timedelta(days=1),
            )
        },
        roles={
            "run": Role(
                name="run",
                path="/r/",
                arn=f"arn:aws:iam::{OTHER}:role/r/run",
                id="AROAEXAMPLE",
                created=THEN,
                trust_policy=TRUST,
                inline_policies={"in": ALLOW},
                attached_policies=frozenset({arn}),
                permissions_boundary=arn,
                tags={"a": "b"},
                instance_profiles=("hand",),
                last_used=THEN,
                last_region="eu-west-1",
                description="Runs",
                max_session=7200,
            )
        },
        instance_profiles={
            "bare": InstanceProfile(name="bare", arn=f"arn:aws:iam::{OTHER}:instance-profile/bare"),
            "hand": InstanceProfile(
                name="hand",
                path="/h/",
                arn=f"arn:aws:iam::{OTHER}:instance-profile/h/hand",
                roles=("run",),
            ),
        },
        password_policy=PasswordPolicy(
            minimum_length=17, symbols=True, max_age=90, reuse_prevention=5, hard_expiry=True
        ),
        access_keys={
            "ann": (
                AccessKey(id="AKIAEXAMPLE1", created=THEN),
                AccessKey(id="AKIAEXAMPLE2", status="Inactive", created=THEN),
            )
        },
        mfa_devices={
            "ann": (
                MfaDevice(serial="GAHT12345678", enabled=THEN),
                MfaDevice(serial=f"{device}ann", enabled=THEN),
                MfaDevice(serial=f"arn:aws:iam::{OTHER}:u2f/user/ann/key", enabled=THEN),
            ),
            ROOT_USER: (MfaDevice(serial=f"{device}root-account-mfa-device", enabled=THEN),),
        },
        login_profiles={"ann": LoginProfile(reset_required=True, created=THEN)},
        ssh_public_keys={"ann": (Credential(id="APKAEXAMPLE", status="Inactive", created=THEN),)},
        signing_certificates={"ann": (Credential(id="CERTEXAMPLE", created=THEN),)},
        service_credentials={
            "ann": (credential, replace(credential, id="ACCAOTHER", status="Inactive"))
        },
        server_certificates=(
            Credential(id="web", created=THEN, expires=THEN + timedelta(days=90)),
        ),
        sources=dict(sorted({**per_user, **bulk}.items())),
    )


def test_a_twin_has_one_of_each_kind_as_the_state_says(sandbox, twin_of):
    """Versions, boundaries, roles, devices, keys, certificates, the root's row, all rules, tags."""
    empty = survey_account(session_with(sandbox.account(OTHER)))
    state = everything(empty)
    twin, said = twin_of(state)
    found = read_like(state, twin)
    different = differences(state, found)
    of_aws = {"summary", "aws_policies"}  # its own policies are there whatever a state says
    assert different.keys() <= {"report", *of_aws}, different
    assert found.report == state.report
    twin.age(1)  # the next report tells of what is there
    later = read_like(state, twin).report
    row, root = later["ann"], later[ROOT_USER]
    assert (row.password_enabled, row.mfa_active, root.mfa_active) == (True, True, True)
    assert "bodies" in " ".join(said)


def without_descriptions(state):
    """Groups, policies of the account and of AWS's, and texts of which only the name is told."""
    aws = "arn:aws:iam::aws:policy/AdministratorAccess"
    own = next(arn for arn in state.policies if f":{OTHER}:" in arn)
    users = dict(state.users)
    users["nobody"] = replace(users["nobody"], inline_policies={"lost": {}})
    return replace(
        state,
        users=users,
        groups={name: one for name, one in state.groups.items() if name != "developers"},
        policies={arn: one for arn, one in state.policies.items() if arn not in (own, aws)},
    )


def as_a_dump(state):
    """As two files of the AWS CLI tell of it: no ids of keys, no devices, no rules."""
    kept = {name: state.sources[name] for name in (DETAILS, REPORT)}
    return replace(
        state,
        alias=None,
        password_policy=None,
        summary={},
        access_keys={},
        mfa_devices={},
        login_profiles={},
        signing_certificates={},
        service_credentials={},
        sources=kept,
    )


def with_an_older_report(state):
    """The report tells of somebody who is gone, and not yet of somebody who is new."""
    rows = {name: row for name, row in state.report.items() if name != "nobody"}
    rows["gone"] = replace(state.report["nobody"], user="gone")
    return replace(state, report=rows)


@pytest.mark.parametrize("lose", [without_descriptions, as_a_dump, with_an_older_report])
def test_what_is_not_known_of_the_original_is_not_known_of_its_twin(company, twin_of, lose):
    """Never less, never more: the same fields, the same gaps, the same findings, as it is said."""
    state = lose(company())
    twin, said = twin_of(state)
    found = read_like(state, twin)
    different = differences(state, found)
    if "summary" in different:  # which counts what is not described too
        assert any("GetAccountSummary" in line for line in said)
        del different["summary"]
    assert different == {}
    # Who is gone depends on which of report and details was read first, and to the second.
    times = {name: replace(one, at=state.source(name).at) for name, one in found.sources.items()}
    assert find_gaps(replace(found, sources=times)) == find_gaps(state)
    expected = findings(state, state.read_at)
    pd.testing.assert_frame_equal(expected, findings(found, state.read_at))
    for words in find_gaps(state).in_words():
        assert any(words in line for line in said)


def test_who_hangs_on_an_undescribed_policy_is_not_allowed_by_it(company, twin_of, client_of):
    """A text that is not known allows nothing when permissions count, and can be detached."""
    state = without_descriptions(company())
    twin, _ = twin_of(state)
    twin.set_authorize(True)
    iam = client_of(twin)
    admin = next(name for name, user in sorted(state.users.items()) if "admins" in user.groups)
    for known in state.access_keys.get(admin, ()):
        iam.delete_access_key(UserName=admin, AccessKeyId=known.id)
    key = iam.create_access_key(UserName=admin)["AccessKey"]
    theirs = client_of(twin, "iam", (key["AccessKeyId"], key["SecretAccessKey"]))
    with pytest.raises(ClientError, match="AccessDenied"):
        theirs.list_users()
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    iam.detach_group_policy(GroupName="admins", PolicyArn=arn)
    iam.attach_user_policy(UserName=admin, PolicyArn=arn)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"account_id": THIRD}, f"the state is of account {THIRD}"),
        ({"partition": "aws-cn"}, "not aws-cn"),
        ({"users": {"ann": User(name="bob")}}, "two names"),
    ],
)
def test_a_state_of_another_account_is_refused(sandbox, changed, why):
    """So is one of another partition, and one for an account that has something in it."""
    one = sandbox.account(OTHER)
    state = survey_account(session_with(one))
    with pytest.raises(SandboxError, match=why):
        one.load(replace(state, **changed))
    one.populate(1, 1)
    before = survey_account(session_with(one))
    with pytest.raises(SandboxError, match="not empty"):
        one.load(state)
    assert differences(before, survey_account(session_with(one))) == {}


def test_a_report_is_written_as_it_was_read(company):
    """Rows as CSV and back are the same rows."""
    rows = company().report
    assert parse_credential_report(format_credential_report(rows.values())) == rows


@pytest.fixture
def command(private_home, monkeypatch):
    """The command line, within a home of the worker's own; twins in it end with the test."""

    def run(*words):
        result = CliRunner().invoke(cli, ["sandbox", *map(str, words)], standalone_mode=False)
        if result.exception:
            assert isinstance(result.exception, IamkitError), repr(result.exception)
            return 1, str(result.exception)
        return result.return_value or 0, result.output

    yield run
    stop_sandbox(private_home / "twins" / OTHER)
    shutil.rmtree(private_home / "twins", ignore_errors=True)


def test_a_twin_is_beside_the_practice_account(company, sandbox, command, tmp_path, private_home):
    """In a folder and a process of its own; what is said of it says TWIN, and what it lacks."""
    path = save_state(company(), tmp_path / "state.json")
    before = survey_account(session_with(sandbox))
    code, said = command("load", path)
    twin = find_sandbox(twin_folder(private_home, OTHER))
    assert code == 0
    assert said.startswith(f"The TWIN of {OTHER} runs at {twin.endpoint_url} with 45 users, ")
    assert "- Secrets: none of the" in said
    assert (twin.pid, twin.endpoint_url) != (sandbox.pid, sandbox.endpoint_url)
    assert differences(before, survey_account(session_with(sandbox))) == {}
    for words in (["status"], ["env"], ["age", "--days", "1"], ["start"], ["stop"], ["status"]):
        code, said = command("--twin", OTHER, *words)
        assert OTHER in said if words == ["env"] else f"TWIN of {OTHER}" in said, said
        assert code == (words == ["status"] and "No TWIN" in said)
    assert command("status")[1].startswith("The sandbox runs at")
    found = {check.what: check.found for check in examine(None)}
    assert found[f"TWIN of {OTHER}"] == "does not run"
    assert found["sandbox"].startswith("runs at")
    assert "refuses" in command("--twin", OTHER, "start", "--authorize")[1]
    assert find_sandbox(private_home / "twins" / OTHER).account(OTHER).authorizes()
    for words in (["start"], ["reset"], ["status"]):
        code, said = command("--twin", THIRD, *words)
        assert (code, said[:30]) == (1, f"There is no TWIN of {THIRD}."[:30])
    more = command("--twin", OTHER, "populate", "--users", "1")
    assert more == (0, f"The TWIN of {OTHER} has 1 more user.\n")
    command("--twin", OTHER, "stop")
    code, said = command("--twin", OTHER, "age", "--days", "1")
    assert (code, said) == (
        1,
        f"No TWIN of {OTHER} runs. Start it: iamkit sandbox --twin {OTHER} start",
    )


def test_a_state_that_cannot_be_loaded_ends_no_twin(company, command, tmp_path, private_home):
    """One of another partition, and one whose account's id leads elsewhere."""
    state = company()
    command("load", save_state(state, tmp_path / "state.json"))
    before = find_sandbox(private_home / "twins" / OTHER)
    for number, changed in enumerate(({"partition": "aws-cn"}, {"account_id": "../../x"})):
        path = save_state(replace(state, **changed), tmp_path / f"{number}.json")
        assert command("load", path)[0] == 1
    assert find_sandbox(private_home / "twins" / OTHER) == before
    assert sorted(p.name for p in (private_home / "twins").iterdir()) == [OTHER]


def test_the_banner_of_a_notebook_says_twin(company, command, guide, tmp_path):
    """Parameters with the sandbox's environment and a twin's account open the twin, or nothing."""
    ours = guide("02_admin_group", account_id=OTHER)
    with pytest.raises(GuardError, match=f"are of account {MAIN}"):
        open_session(ours)
    state = company()
    command("load", save_state(state, tmp_path / "state.json"))
    session = open_session(ours)
    assert (session.identity.account_id, session.environment) == (OTHER, "sandbox")
    assert differences(state, survey_account(session)) == {}
    banner = bundle_of(session)
    for text in (banner["text/html"], banner["text/plain"]):
        assert f"TWIN of {OTHER}" in text
        assert "SANDBOX" in text
    practice = open_session(guide("02_admin_group"))
    assert practice.identity.account_id == MAIN
    assert "TWIN" not in bundle_of(practice)["text/html"]
    secrets = known_secrets({"environment": "sandbox", "account_id": OTHER})
    assert find_sandbox(session.folder.parent).secret_access_key in secrets
