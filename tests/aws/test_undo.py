"""An apply is taken back in the sandbox, whole, in part, and after a kill at any call."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from paths import GUIDE
from samples import scaled
from undo_cases import plan_whole_undo

from iamkit.aws.apply import apply_plan, await_applied
from iamkit.aws.journal import journals
from iamkit.aws.read import read_account
from iamkit.aws.undo import find_apply, read_undo
from iamkit.errors import GuardError, InputError, UnsafePlan
from iamkit.plan.changes import make_plan
from iamkit.plan.desired import Absent, Desired, DesiredGroup, DesiredUser
from iamkit.policies import allow, policy

LOOK = policy(allow("ec2:Describe*"))
ALL = policy(allow("*"))
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
WANTED = Desired(
    groups=(
        DesiredGroup(name="new", path="/team/", inline_policies={"look": LOOK}),
        DesiredGroup(
            name="dev",
            inline_policies={"look": ALL},
            attached_policies=(READ_ONLY,),
            absent=Absent(inline_policies=("old",)),
        ),
    ),
    users=(
        DesiredUser(
            name="ann",
            path="/people/",
            tags={"team": "new", "more": "1"},
            groups=("new",),
            inline_policies={"mine": ALL},
            attached_policies=(READ_ONLY,),
            absent=Absent(groups=("dev",), tags=("note",), permissions_boundary=True),
            access_key=True,
            console_password=True,
        ),
        DesiredUser(name="bob", permissions_boundary=READ_ONLY, absent=Absent(groups=("ops",))),
        DesiredUser(name="cyd", groups=("new",), access_key=True, console_password=True),
    ),
    alias="team-of-ann",
    password_policy={"minimum_length": 20},
    absent_groups=("ops",),
)
"""One plan with a call of each kind that has a way back."""
KILL = """
import os, signal, sys
from pathlib import Path
from iamkit.aws import apply
number = int(sys.argv.pop())
call, calls = apply._Application._call, []

def killing(self, change):
    call(self, change)
    calls.append(change.operation)
    if len(calls) == number:
        os.kill(os.getpid(), signal.SIGKILL)

apply._Application._call = killing
"""


@pytest.fixture
def begun(session):
    """An account with something of each kind, before anything is applied."""
    iam = session.iam
    for name in ("dev", "ops"):
        iam.create_group(GroupName=name)
        iam.put_group_policy(GroupName=name, PolicyName="look", PolicyDocument=json.dumps(LOOK))
    iam.put_group_policy(GroupName="dev", PolicyName="old", PolicyDocument=json.dumps(LOOK))
    tags = [{"Key": "team", "Value": "old"}, {"Key": "note", "Value": "x"}]
    iam.create_user(UserName="ann", Tags=tags, PermissionsBoundary=READ_ONLY)
    iam.add_user_to_group(UserName="ann", GroupName="dev")
    iam.create_user(UserName="bob")
    iam.add_user_to_group(UserName="bob", GroupName="ops")
    iam.create_user(UserName="zoe")
    iam.attach_user_policy(UserName="zoe", PolicyArn=ADMINISTRATOR)
    iam.create_access_key(UserName="zoe")
    iam.create_account_alias(AccountAlias="before")
    iam.update_account_password_policy(MinimumPasswordLength=10, MaxPasswordAge=90)
    return everything(session)


def everything(session):
    """All that plans change of the account, by what can be as before."""
    bulk = ("GetAccountAuthorizationDetails", "ListAccountAliases", "GetAccountPasswordPolicy")
    state = read_account(session, operations=bulk, every_user=True)
    listed = state.access_keys.items()
    keys = {user: tuple((key.id, key.status) for key in keys) for user, keys in listed}
    return {
        "users": {n: replace(u, created=None, id="") for n, u in state.users.items()},
        "groups": {n: replace(g, created=None, id="", arn="") for n, g in state.groups.items()},
        "keys": {user: keys for user, keys in keys.items() if keys},
        "passwords": sorted(n for n, one in state.login_profiles.items() if one),
        "alias": state.alias,
        "rules": state.password_policy,
    }


def apply(session, plan):
    apply_plan(plan, session, allow_destructive=True).raise_if_incomplete()
    assert await_applied(plan, session).changes == ()


def apply_wanted(session):
    plan = make_plan(read_account(session, WANTED), WANTED)
    apply(session, plan)
    return find_apply(session)


def undo_all(session, path=None):
    """Take back whatever has a way back."""
    recorded = find_apply(session, path)
    apply(session, plan_whole_undo(session, recorded).plan)
    return recorded


def keys_off(account):
    """The account without keys that are switched off."""
    keys = {u: tuple(k for k in keys if k[1] == "Active") for u, keys in account["keys"].items()}
    return account | {"keys": {user: keys for user, keys in keys.items() if keys}}


def test_an_apply_with_a_call_of_each_kind_is_taken_back(session, begun):
    """Field by field but for new keys, which are off; and the undo can be undone too."""
    recorded = apply_wanted(session)
    applied = everything(session)
    assert applied != begun
    undo = plan_whole_undo(session, recorded)
    assert undo.left == ()
    apply(session, undo.plan)
    back = everything(session)
    assert keys_off(back) == begun
    assert list(back["keys"]) == ["ann", "zoe"]
    again = undo_all(session)
    assert again.path != recorded.path
    redone = everything(session)
    for aside in ("keys", "passwords"):  # a key and a password that are gone do not come back
        redone.pop(aside), applied.pop(aside)
    redone["users"].pop("cyd", None), applied["users"].pop("cyd")
    for key in applied:
        assert redone[key] == applied[key]


def test_by_default_nothing_that_gives_access_is_taken_back(session, begun):
    """What takes access away is; the rest is named."""
    recorded = apply_wanted(session)
    undo = read_undo(session, recorded)
    asking = {step.change.operation for step in undo.steps if step.state == "gives access"}
    assert {"remove_user_from_group", "delete_group_policy"} <= asking
    assert not any(step.taken for step in undo.steps if step.state == "gives access")
    apply(session, undo.plan)
    assert everything(session)["alias"] == begun["alias"]


def test_a_new_key_that_somebody_works_with_is_left_on(session, sandbox, begun):
    """Its last use is read; where that is refused, it asks as well and says so."""
    wanted = Desired(users=(DesiredUser(name="bob", make=False, access_key=True),))
    apply(session, make_plan(read_account(session, wanted), wanted))
    recorded = find_apply(session)
    [step] = read_undo(session, recorded).steps
    assert (step.state, step.taken) == ("ready", True)
    key_id = step.change.arguments["AccessKeyId"]
    sandbox.set_key_last_used(key_id, recorded.at + timedelta(hours=1), "s3")
    [step] = read_undo(session, recorded).steps
    assert (step.state, step.taken) == ("changed since", False)
    assert f"access key {key_id} was used on" in step.said
    sandbox.set_faults([{"action": "GetAccessKeyLastUsed", "kind": "access_denied"}])
    [step] = read_undo(session, recorded).steps
    assert (step.state, step.taken) == ("cannot be told", False)
    assert read_undo(session, recorded, "all").plan.changes


def test_an_undo_of_another_account_is_refused(sandbox, session, begun):
    """A journal tells whose it is."""
    path = apply_wanted(session).path
    path.write_text(path.read_text().replace("000000000000", "111122223333"))
    with pytest.raises(GuardError, match="is of account 111122223333"):
        find_apply(session, path)


def test_without_an_apply_there_is_nothing_to_take_back(session):
    """That is said, with where it was looked for."""
    with pytest.raises(InputError, match="tells of no apply"):
        find_apply(session)


def test_an_undo_that_gives_access_wants_consent(session, begun):
    """As a loss does."""
    recorded = apply_wanted(session)
    undo = plan_whole_undo(session, recorded)
    with pytest.raises(UnsafePlan, match="destructive"):
        apply_plan(undo.plan, session)


def killed_in(session, code, number):
    """Run a script that is killed after its call of this number, before that is written down."""
    done = subprocess.run(
        [sys.executable, "-c", KILL + code, str(number)],
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done


APPLY = f"""
sys.path.insert(0, {str(GUIDE.parent.parent / "tests" / "aws")!r})
sys.path.insert(0, {str(GUIDE.parent.parent / "tests")!r})
from test_undo import WANTED, apply_wanted, undo_all
from iamkit.aws.session import open_session
from iamkit.aws.undo import undo_parameters
session = open_session(undo_parameters(Path({str(GUIDE)!r})))
"""
CALLS = 27


@pytest.mark.parametrize("number", scaled([1, 4, 9, 15, 21], range(1, CALLS)))
def test_an_apply_that_was_killed_is_taken_back(session, begun, number):
    """Whatever call it died in, and although that call's end was not written."""
    killed_in(session, APPLY + "apply_wanted(session)", number)
    recorded = undo_all(session)
    assert sum(not one.certain for one in recorded.made) == 1
    assert keys_off(everything(session)) == begun


@pytest.mark.parametrize("number", scaled([2, 8, 14], range(1, CALLS)))
def test_an_undo_that_was_killed_goes_on(session, begun, number):
    """The first journal still tells the way, from wherever the account is."""
    path = apply_wanted(session).path
    killed_in(session, APPLY + f"undo_all(session, Path({str(path)!r}))", number)
    assert len(journals(session.folder)) == len(["the apply", "its undo"])
    undo_all(session, path)
    assert keys_off(everything(session)) == begun


def test_an_undo_that_would_lock_its_caller_out_is_refused(sandbox, guide, tmp_path, iamkit_here):
    """The first administrator cannot take back their own making, unless this very plan is meant."""
    done = iamkit_here("run", "02_admin_group", "-f", GUIDE, "--apply", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    way = ("undo", "-f", GUIDE, "--take", "all", "--apply")
    refused = iamkit_here(*way, cwd=tmp_path)
    assert refused.returncode == 1
    assert "Nobody would be left who can administer the account; now it is alice." in refused.stderr
    assert "You, alice, would be gone before the plan's end." in refused.stderr
    words = refused.stderr.partition("accept_lockout: ")[2].split(",")[0]
    other = iamkit_here(*way, "--accept-lockout", words[:-1] + "x", cwd=tmp_path)
    assert "Nothing was changed" in other.stderr
    agreed = iamkit_here(*way, "--accept-lockout", words, cwd=tmp_path)
    assert agreed.returncode == 4
    assert "left" in agreed.stderr


def test_undo_on_the_command_line(session, begun, tmp_path, iamkit_here):
    """What was done, what speaks against its undo, the plan, what is wrong with what was typed."""
    path = apply_wanted(session).path

    def undo(*options):
        return iamkit_here("undo", path, "-f", GUIDE, *options, cwd=tmp_path)

    planned = undo()
    assert planned.returncode == 2
    assert "remove user from group dev, user ann: gives access" in planned.stdout
    assert "aws iam delete-account-alias" not in planned.stdout
    assert "aws iam create-account-alias --account-alias before" in planned.stdout
    assert everything(session)["alias"] == "team-of-ann"
    for option, said in (("99", "no change 99"), ("x", "say ready, all or numbers")):
        assert said in undo("--take", option).stderr
    words = planned.stdout.partition("name what gives access: --take ")[2].split()[0]
    assert undo("--take", words, "--apply").returncode == 0
    assert keys_off(everything(session)) == begun
    assert undo().returncode == 0


def test_an_undo_is_undone_and_that_too_on_the_command_line(session, begun, tmp_path, iamkit_here):
    """Without a journal it is the last apply that goes; each time all of it, by its numbers."""
    apply_wanted(session)
    applied = everything(session)

    def undo_last():
        planned = iamkit_here("undo", "-f", GUIDE, cwd=tmp_path)
        words = planned.stdout.partition("name what gives access: --take ")[2].split()[:1]
        chosen = words or ["all"]
        done = iamkit_here("undo", "-f", GUIDE, "--take", *chosen, "--apply", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return everything(session)

    def lasting(account):
        """Without what no undo brings back: users, keys and passwords that an undo took."""
        users = {name: one for name, one in account["users"].items() if name != "cyd"}
        return account | {"users": users, "keys": {}, "passwords": []}

    assert keys_off(undo_last()) == begun
    assert lasting(undo_last()) == lasting(applied)
    assert keys_off(undo_last()) == begun
    assert len(journals(session.folder)) == len(["the apply", "undo", "its undo", "that one's"])


def test_no_word_takes_back_what_gives_access(session, begun, tmp_path, iamkit_here):
    """``--take all`` leaves it; each such change is named by its number, and no other way."""
    path = apply_wanted(session).path
    planned = iamkit_here("undo", path, "-f", GUIDE, "--take", "all", cwd=tmp_path)
    marked = [line for line in planned.stdout.splitlines() if line.startswith("[")]
    giving = [line for line in marked if "gives access" in line]
    assert giving
    assert all(line.startswith("[ ]") for line in giving)
    assert sum(line.startswith("[x]") for line in marked) > len(giving)
    number = giving[0].split()[2]
    named = iamkit_here("undo", path, "-f", GUIDE, "--take", f"all,{number}", cwd=tmp_path)
    taken = [line for line in named.stdout.splitlines() if line.startswith("[x]")]
    assert [line for line in taken if "gives access" in line] == [
        giving[0].replace("[ ]", "[x]", 1)
    ]
