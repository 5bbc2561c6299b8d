"""Managed policies by name: AWS's own and the account's, told apart, in every partition."""

from dataclasses import replace

import pytest
from accounts import ACCOUNT, NOW, account_of

from iamkit.account.state import ManagedPolicy, Source
from iamkit.errors import InputError
from iamkit.plan.changes import make_plan
from iamkit.plan.consequences import say_meaning
from iamkit.plan.desired import Desired, DesiredGroup, DesiredUser
from iamkit.plan.merging import merge
from iamkit.plan.preview import account_after
from iamkit.plan.wanted import admin_group, dev_group
from iamkit.policies import allow, policy

LOOK = policy(allow("ec2:Describe*"))
AWSS = ("ReadOnlyAccess", "job-function/ViewOnlyAccess", "service-role/AWSLambdaRole")
OWN = f"arn:aws:iam::{ACCOUNT}:policy/team/lookOnly"


def account(partition="aws", *, listed=True, own=(OWN,), **more):
    """A group dev with a member, one policy of the account's own, and the list of AWS's."""
    case = {
        "users": [{"name": "bob", "groups": ["dev"]}],
        "policies": [{"arn": arn, "document": LOOK} for arn in own],
        **more,
    }
    state = account_of(case)
    arns = [f"arn:{partition}:iam::aws:policy/{path}" for path in AWSS]
    found = {a: ManagedPolicy(arn=a, name=a.rpartition("/")[2]) for a in arns}
    sources = {**state.sources, "ListPolicies": Source(status="read", at=NOW)}
    if not listed:
        return state
    return replace(state, partition=partition, aws_policies=found, sources=sources)


def attach(*policies):
    return Desired(groups=(DesiredGroup(name="dev", attached_policies=policies),))


def attached(plan):
    return [change.arguments["PolicyArn"] for change in plan.changes]


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn", "aws-eusc"])
@pytest.mark.parametrize("path", AWSS)
def test_awss_own_are_found_by_name_with_path_and_partition(partition, path):
    """As ListPolicies of that partition tells them; the case of the name does not matter."""
    name = path.rpartition("/")[2]
    plan = make_plan(account(partition), attach(name.lower()))
    assert attached(plan) == [f"arn:{partition}:iam::aws:policy/{path}"]
    assert plan.blockers == ()
    after = account_after(account(partition), plan.changes)
    assert make_plan(after, attach(name)).changes == ()


def test_the_accounts_own_is_found_by_name_and_by_arn():
    """Whatever its path; named twice, it is attached once."""
    assert attached(make_plan(account(), attach("lookOnly", OWN))) == [OWN]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("ReadOnlyAcess", "neither the account's own nor AWS's; near is ReadOnlyAccess."),
        ("nothingLike", "is neither the account's own nor AWS's."),
        (f"arn:aws:iam::{ACCOUNT}:policy/lokOnly", "is not there; near is lookOnly."),
        (
            "arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess",
            "is of the partition aws-us-gov, and this account is in aws: write its name alone.",
        ),
        ("arn:aws:iam::999999999999:policy/theirs", "another account's, which cannot be attached"),
    ],
)
def test_what_cannot_be_told_blocks(wanted, said):
    """With the names that are near, and nothing is attached."""
    plan = make_plan(account(), attach(wanted))
    (blocker,) = plan.blockers
    assert f"Policy {wanted}, for group dev," in blocker
    assert said in blocker


def test_a_name_that_means_two_policies_blocks():
    """Whoever may make policies could else take the place of AWS's by its name."""
    own = f"arn:aws:iam::{ACCOUNT}:policy/readonlyaccess"
    plan = make_plan(account(own=(own,)), attach("ReadOnlyAccess"))
    assert plan.changes == ()
    (said,) = plan.blockers
    assert "is the account's own and AWS's too: name it by its ARN" in said
    assert said.endswith(f"{own} or arn:aws:iam::aws:policy/ReadOnlyAccess.")


def test_a_list_that_was_not_read_blocks():
    """A name is not taken for AWS's on trust; an ARN needs no list."""
    plan = make_plan(account(listed=False), attach("ReadOnlyAccess"))
    assert (plan.changes, plan.blockers) == ((), ("ListPolicies was not read.",))
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    assert attached(make_plan(account(listed=False), attach(arn))) == [arn]


def test_ten_policies_are_a_groups_most():
    """What is attached already counts."""
    own = tuple(f"arn:aws:iam::{ACCOUNT}:policy/p{n}" for n in range(10))
    state = account(own=own, groups=[{"name": "dev", "attached": own}])
    with pytest.raises(InputError, match="would have 11 attached policies; AWS allows 10"):
        make_plan(state, attach("ReadOnlyAccess"))


def test_a_text_that_was_not_read_makes_its_meaning_unknown():
    """With the text it is told what the members can do; without, that it cannot be told."""
    plan = make_plan(account(), attach("ReadOnlyAccess"))
    assert any("cannot be told in full" in one for one in say_meaning(plan.current, plan))
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    state = account()
    text = ManagedPolicy(arn=arn, name="ReadOnlyAccess", document=policy(allow("s3:GetObject")))
    known = replace(state, policies={**state.policies, arn: text})
    plan = make_plan(known, attach("ReadOnlyAccess"))
    assert say_meaning(known, plan) == ["bob will be able to read objects in Amazon S3."]


def test_a_group_without_members_is_said_to_get_it():
    """For whoever joins."""
    state = account(users=[], groups=[{"name": "dev"}])
    (said,) = say_meaning(state, make_plan(state, attach("ReadOnlyAccess")))
    assert said == "Nobody is in group dev yet. It will have the policy ReadOnlyAccess."


def test_the_way_back_is_to_detach_it():
    """And a user's own are named likewise."""
    for desired in (
        attach("ReadOnlyAccess"),
        Desired(
            users=(DesiredUser(name="bob", make=False, attached_policies=("ViewOnlyAccess",)),)
        ),
    ):
        plan = make_plan(account(), desired)
        after = account_after(account(), plan.changes)
        assert after != account()
        back = make_plan(after, merge(change.inverse for change in plan.changes))
        assert account_after(after, back.changes) == account()


def test_the_parameters_of_both_groups_name_them(guide):
    """02's and 03's; what changes comes from that parameter."""
    admins = admin_group(guide("02_admin_group", admin_attached_policies=["AdministratorAccess"]))
    devs = dev_group(guide("03_dev_group", dev_attached_policies=["ReadOnlyAccess"]))
    assert admins.attached_policies == ("AdministratorAccess",)
    plan = make_plan(account(), devs)
    assert [c.origin for c in plan.changes if c.part == "attached policy"] == [
        "dev_attached_policies"
    ]


@pytest.mark.parametrize(
    "wrong", ["a b", "arn:aws:iam::aws:role/x", "arn:aws:iam::aws:policy/", ""]
)
def test_what_is_no_policys_name_is_refused(guide, wrong):
    """With its place in the parameters."""
    with pytest.raises(InputError, match=r"dev_attached_policies\[1\]"):
        guide("03_dev_group", dev_attached_policies=[wrong])
