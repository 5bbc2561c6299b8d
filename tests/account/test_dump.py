"""What the AWS CLI prints, in each form that people bring: read right, or said what it lacks."""

import base64
import copy
import json
import os
from datetime import UTC, datetime

import pytest
import yaml

from iamkit.account.credential_report import COLUMNS
from iamkit.account.gaps import DETAILS, failed_sources
from iamkit.account.state_file import load_state, save_state
from iamkit.audit import Audit
from iamkit.audit.exports import judge
from iamkit.audit.numbers import failures
from iamkit.errors import InputError

ACCOUNT = "111122223333"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
OWN = f"arn:aws:iam::{ACCOUNT}:policy/own"
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
CREATED = "2026-01-02T03:04:05+00:00"


def entity(kind, name, **more):
    """A user, group or role as the details describe it."""
    return {
        "Path": "/",
        f"{kind}Name": name,
        f"{kind}Id": f"A{kind[0]}DA{name}",
        "Arn": f"arn:aws:iam::{ACCOUNT}:{kind.lower()}/{name}",
        "CreateDate": CREATED,
        "AttachedManagedPolicies": [],
        **more,
    }


def attached(*arns):
    """Managed policies as a holder names them."""
    return [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in arns]


def managed(arn, document=ALL):
    """A managed policy with its default version."""
    versions = [{"VersionId": "v1", "IsDefaultVersion": True, "Document": document}]
    name = arn.rpartition("/")[2]
    return {"PolicyName": name, "Arn": arn, "Path": "/", "PolicyVersionList": versions}


def details():
    """A small account, whole."""
    return copy.deepcopy(
        {
            "UserDetailList": [
                entity("User", "ann", GroupList=["Admins"]),
                entity("User", "bob", GroupList=["dev"], AttachedManagedPolicies=attached(OWN)),
            ],
            "GroupDetailList": [
                entity("Group", "Admins", AttachedManagedPolicies=attached(ADMIN)),
                entity("Group", "dev"),
            ],
            "RoleDetailList": [entity("Role", "AWSServiceRoleForSupport")],
            "Policies": [managed(ADMIN), managed(OWN, {"Statement": []})],
        }
    )


def report(*names):
    """A credential report of these users, who have a password, MFA and no key."""
    cells = {
        "user_creation_time": CREATED,
        "password_enabled": "true",
        "password_last_used": "2026-11-24T00:00:00+00:00",
        "password_last_changed": CREATED,
        "mfa_active": "true",
        "access_key_1_active": "false",
        "access_key_2_active": "false",
        "cert_1_active": "false",
        "cert_2_active": "false",
    }
    rows = [",".join(COLUMNS)]
    for name in ("<root_account>", *names):
        arn = f"arn:aws:iam::{ACCOUNT}:" + ("root" if name[0] == "<" else f"user/{name}")
        row = {"user": name, "arn": arn} | cells
        rows.append(",".join(row.get(column, "N/A") for column in COLUMNS))
    return "\n".join(rows) + "\n"


@pytest.fixture
def load(tmp_path):
    """The state of some contents, each in a file of its own."""

    def load(*contents):
        paths = []
        for number, content in enumerate(contents):
            path = tmp_path / f"file{number}"
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_text(content if isinstance(content, str) else json.dumps(content))
            paths.append(path)
        return load_state(*paths)

    return load


def in_base64(text):
    """As the AWS CLI prints what is in a reply's ``Content``."""
    return base64.b64encode(text.encode()).decode()


def in_dates(made="2026-11-25T00:00:00+00:00"):
    """What the reply says beside it."""
    return {"ReportFormat": "text/csv", "GeneratedTime": made}


def test_a_whole_dump_is_complete(load):
    """Nothing lacks, and an administrator is one."""
    state = load(details(), report("ann", "bob"))
    assert not failed_sources(state)
    admins = Audit(state).users.set_index("user")["effective_admin"]
    assert (admins["ann"], admins["bob"]) == (True, False)


@pytest.mark.parametrize(
    "form",
    [
        json.dumps(details(), indent=4).encode("utf-16"),
        json.dumps(details()).encode("utf-8-sig"),
        yaml.safe_dump(details()).encode(),
        yaml.safe_dump([details()]).encode(),
        yaml.safe_dump(details()).replace(f"'{CREATED}'", CREATED).encode("utf-16"),
    ],
    ids=["utf-16", "bom", "yaml", "yaml-stream", "yaml with dates in utf-16"],
)
def test_each_form_of_the_details_is_read(load, form):
    """The same account, whatever shell and ``--output`` it came through."""
    told, plain = load(form), load(details())
    assert (told.users, told.groups, told.roles) == (plain.users, plain.groups, plain.roles)
    assert told.policies == plain.policies
    assert not failed_sources(told) or set(failed_sources(told)) == set(failed_sources(plain))


@pytest.mark.parametrize(
    "form",
    [
        report("ann", "bob"),
        report("ann", "bob").encode("utf-16"),
        {"Content": in_base64(report("ann", "bob")), **in_dates()},
        {"Content": report("ann", "bob"), **in_dates()},
        yaml.safe_dump({"Content": in_base64(report("ann", "bob")), **in_dates()}),
        in_base64(report("ann", "bob")),
        json.dumps(in_base64(report("ann", "bob"))),
    ],
    ids=["csv", "csv in utf-16", "base64", "csv in json", "base64 in yaml", "alone", "quoted"],
)
def test_each_form_of_the_report_is_read(load, form):
    """The rows are the same; the date is that of the reply where it says one."""
    state = load(details(), form)
    assert set(state.report) == {"<root_account>", "ann", "bob"}
    assert state.report["ann"].mfa_active
    if isinstance(form, dict):
        assert state.source("GetCredentialReport").at == datetime(2026, 11, 25, tzinfo=UTC)


@pytest.mark.parametrize("sign", [{"NextToken": "abc"}, {"IsTruncated": True, "Marker": "abc"}])
def test_a_dump_that_goes_on_is_read_in_part(load, sign):
    """12 of 30 users: said, exit code 1, and the others are rows of which little is known."""
    users = [entity("User", f"user{n:02}", GroupList=["dev"]) for n in range(12)]
    page = details() | {"UserDetailList": users} | sign
    state = load(page, report(*(f"user{n:02}" for n in range(30))))
    audit = Audit(state)
    code, said = judge(audit)
    assert code == 1
    assert "12 of 30 users are in it" in said[0]
    assert len(audit.users) == 30
    assert audit.users.set_index("user")["effective_admin"].isna()["user29"]
    assert audit.account["groups"].isna().all()
    assert audit.groups["members"].isna().all()
    alone = Audit(load(page))
    assert alone.account["users"].isna().all()
    for name in ("console-mfa", "key-rotation", "star-policy", "empty-group"):
        found = alone.findings[alone.findings["check"] == name]
        assert ACCOUNT in set(found.loc[found["status"] == "unknown", "principal"]), name


def test_pages_in_several_files_are_one_account(load):
    """Whole if the last is among them; in whatever order they are given."""
    first = {"UserDetailList": details()["UserDetailList"], "IsTruncated": True, "Marker": "x"}
    last = {**details(), "UserDetailList": [], "IsTruncated": False}
    assert load(last, first).users == load(details()).users
    assert not failed_sources(load(last, first, report("ann", "bob")))
    assert "goes on" in failed_sources(load(first))[DETAILS].note


@pytest.mark.parametrize(
    ("kept", "missing"),
    [
        (["UserDetailList"], {"groups", "roles", "policies"}),
        (["GroupDetailList"], {"users", "roles", "policies"}),
        (["RoleDetailList", "Policies"], {"users"}),
        (["UserDetailList", "GroupDetailList"], {"roles", "policies"}),
        (["UserDetailList", "GroupDetailList", "RoleDetailList"], {"policies"}),
    ],
)
@pytest.mark.parametrize("how", ["empty", "absent"])
def test_a_filter_leaves_out_what_nobody_can_tell(load, kept, missing, how):
    """The kinds that lack are named, whether their lists are empty or not there."""
    page = {name: value for name, value in details().items() if name in kept}
    if how == "empty":
        page |= {name: [] for name in details() if name not in kept}
    state = load(page)
    lacking = failed_sources(state)[DETAILS].lacking
    assert missing <= lacking
    assert "--filter" in failed_sources(state)[DETAILS].note
    assert judge(Audit(state))[0] == 1


def test_a_group_that_nobody_described_makes_its_members_unknown(load):
    """They may be administrators; the group is a row, and its name is said."""
    page = details()
    page["GroupDetailList"] = page["GroupDetailList"][1:]
    audit = Audit(load(page, report("ann", "bob")))
    users = audit.users.set_index("user")
    assert users["effective_admin"].isna()["ann"]
    assert users["effective_admin"]["bob"] == False  # noqa: E712 - not a missing value
    assert users["escalations"].isna()["ann"]
    assert audit.groups.set_index("group")["effective_admin"].isna()["Admins"]
    assert audit.permissions(["ann"])["actions"].isna().all()
    assert "group Admins" in failures(audit)[0]


@pytest.mark.parametrize("lack", ["described", "default", "document", "statement", "null"])
def test_a_policy_without_its_text_may_allow_anything(load, lack):
    """Not described, no default version, no document, ``Statement: null``: all the same."""
    page, arn = details(), ADMIN
    policy = page["Policies"][0]
    version = policy["PolicyVersionList"][0]
    if lack == "described":
        page["Policies"] = page["Policies"][1:]
    elif lack == "default":
        version["IsDefaultVersion"] = False
    elif lack == "document":
        del version["Document"]
    else:
        version["Document"] = {"Statement": None} if lack == "statement" else None
    audit = Audit(load(page, report("ann", "bob")))
    row = audit.policies.set_index("arn").loc[arn]
    assert row[["full_admin", "full_services", "mfa_removable", "group_denies"]].isna().all()
    assert audit.users.set_index("user")["effective_admin"].isna()["ann"]
    code, said = judge(audit)
    assert code == 1
    assert arn in said[0]


def test_an_inline_policy_without_its_text_is_unknown(load):
    """Its holder is named, and may be an administrator."""
    page = details()
    policy = {"PolicyName": "p", "PolicyDocument": {"Statement": None}}
    page["UserDetailList"][1]["UserPolicyList"] = [policy]
    audit = Audit(load(page, report("ann", "bob")))
    assert audit.users.set_index("user")["effective_admin"].isna()["bob"]
    assert "user bob" in failures(audit)[0]


def test_a_boundary_without_its_text_may_take_everything_away(load):
    """An administrator within it is unknown, and so is what it could escalate."""
    page = details()
    page["UserDetailList"][0]["PermissionsBoundary"] = {
        "PermissionsBoundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/bound"
    }
    users = Audit(load(page, report("ann", "bob"))).users.set_index("user")
    assert users["effective_admin"].isna()["ann"]


def test_a_user_whom_the_report_alone_knows_is_a_row(load):
    """What the report says is judged, the rest is unknown, and it is named."""
    text = report("ann", "bob", "zoe").replace("user/zoe,2026-01-02", "user/zoe,2026-02-02")
    audit = Audit(load(details(), text.replace("true,N/A,true", "true,N/A,false")))
    zoe = audit.users.set_index("user").loc["zoe"]
    assert zoe["password_enabled"]
    assert zoe[["groups", "inline_policies", "effective_admin", "admin_path"]].isna().all()
    assert "user zoe" in failures(audit)[0]
    statuses = audit.findings[audit.findings["principal"] == "zoe"].set_index("check")["status"]
    assert statuses["no-group"] == statuses["direct-permissions"] == "unknown"


def test_two_accounts_and_two_moments_are_not_mixed(load):
    """Each is said in a line that names them."""
    other = json.loads(json.dumps(details()).replace(ACCOUNT, "444455556666"))
    with pytest.raises(InputError, match=f"{ACCOUNT}, 444455556666"):
        load(details() | {"Policies": other["Policies"]})
    with pytest.raises(InputError, match="of one account"):
        load(details(), report("ann").replace(ACCOUNT, "444455556666"))
    later = details()
    later["UserDetailList"][0]["GroupList"] = []
    with pytest.raises(InputError, match="ann in two ways"):
        load(details(), later)


def test_inputs_are_bounded(load, tmp_path, monkeypatch):
    """A device, a pipe that nobody writes to, a huge file, YAML that stands for more than it is."""
    with pytest.raises(InputError, match="it is a device"):
        load_state("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="it is a pipe"):
        load_state(tmp_path / "pipe")
    for text in ("Policies: &a [1]\nMore: *a\n", "Policies: " + "[" * 3_000):
        with pytest.raises(InputError, match="aliases|nested more than|no YAML"):
            load(text)
    with pytest.raises(InputError, match="line 2"):
        load("Policies: [\n}")
    monkeypatch.setattr("iamkit.account.dump.LARGEST", 10)
    with pytest.raises(InputError, match="larger than 10 bytes"):
        load(details())


def test_what_lacks_is_kept_when_the_state_is_saved(load, tmp_path):
    """The file of an account that was read in part says so when it is loaded."""
    state = load(details() | {"NextToken": "x"})
    again = load_state(save_state(state, tmp_path / "state.json"))
    assert failed_sources(again) == failed_sources(state)
    assert DETAILS in failed_sources(again)
