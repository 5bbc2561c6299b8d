"""Policy documents, sizes, attachments, boundaries and group quotas."""

import json

import pytest


def policy(*more, **changes):
    """A policy of one statement, with changes, and the text of further statements."""
    one = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", **changes}
    return json.dumps({"Version": "2012-10-17", "Statement": [one, *more]})


BAD = {
    "no JSON": "{",
    "a duplicate key": policy().replace('"Effect"', '"Effect": "Deny", "Effect"'),
    "a principal": policy(Principal="*"),
    "a Sid with a space": policy(Sid="a b"),
    "two equal Sids": policy(json.loads(policy(Sid="a"))["Statement"][0], Sid="a"),
    "an unknown operator": policy(Condition={"StringIs": {"aws:username": "x"}}),
    "no statement": '{"Version": "2012-10-17"}',
    "an empty statement": '{"Version": "2012-10-17", "Statement": []}',
    "an unknown version": policy().replace("2012-10-17", "2012-10-18"),
    "a wrong effect": policy(Effect="Yes"),
    "no vendor": policy(Action="list"),
    "no ARN": policy(Resource="bucket"),
    "NaN": policy(Sid=float("nan")),
    "an action that is no text": policy(Action=[None]),
    "10,000 brackets": "[" * 10_000 + "]" * 10_000,
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_a_malformed_policy_is_refused(iam, refused, case):
    """Each breach of the grammar is a MalformedPolicyDocument."""
    iam.create_group(GroupName="dev")
    with refused("MalformedPolicyDocument", 400):
        iam.put_group_policy(GroupName="dev", PolicyName="p", PolicyDocument=BAD[case])


def test_a_policy_is_latin_1(iam, refused):
    """Characters beyond U+00FF are refused by the model."""
    iam.create_group(GroupName="dev")
    text = policy(Sid="sign").replace("sign", "\u20ac")
    with refused("ValidationError", 400):
        iam.put_group_policy(GroupName="dev", PolicyName="p", PolicyDocument=text)


def test_every_managed_policy_of_aws_passes(iam):
    """What AWS itself wrote is well formed to the sandbox."""
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    document = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]
    iam.create_policy(PolicyName="copy", PolicyDocument=json.dumps(document))


@pytest.mark.parametrize(("kind", "most"), [("User", 2_048), ("Group", 5_120), ("Role", 10_240)])
def test_the_inline_policies_of_an_entity_have_a_size_in_sum(
    iam, refused, trust, sized, kind, most
):
    """White space does not count, and all inline policies count together."""
    extra = {"AssumeRolePolicyDocument": trust} if kind == "Role" else {}
    name = {f"{kind}Name": "x"}
    getattr(iam, f"create_{kind.lower()}")(**name, **extra)
    put = getattr(iam, f"put_{kind.lower()}_policy")
    put(**name, PolicyName="one", PolicyDocument=sized(most // 2) + " " * 5_000)
    put(**name, PolicyName="two", PolicyDocument=sized(most - most // 2))
    put(**name, PolicyName="two", PolicyDocument=sized(most - most // 2))
    with refused("LimitExceeded", 409):
        put(**name, PolicyName="two", PolicyDocument=sized(most - most // 2 + 1))


def test_a_managed_policy_has_6144_characters(iam, refused, sized):
    """White space does not count."""
    iam.create_policy(PolicyName="p", PolicyDocument=sized(6_144) + " " * 100)
    with refused("LimitExceeded", 409):
        iam.create_policy(PolicyName="q", PolicyDocument=sized(6_145))


def test_a_managed_policy_has_five_versions(iam, refused, allow):
    """A sixth is refused; the same default set twice stays the default."""
    arn = iam.create_policy(PolicyName="p", PolicyDocument=allow())["Policy"]["Arn"]
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=allow())
    with refused("LimitExceeded", 409):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=allow())
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [v["VersionId"] for v in versions if v["IsDefaultVersion"]] == ["v1"]


def test_ten_policies_can_be_attached(iam, refused, allow):
    """An eleventh is refused, and attaching one twice counts once."""
    iam.create_user(UserName="alice")
    arns = [
        iam.create_policy(PolicyName=f"p{number}", PolicyDocument=allow())["Policy"]["Arn"]
        for number in range(11)
    ]
    for arn in [*arns[:10], arns[0]]:
        iam.attach_user_policy(UserName="alice", PolicyArn=arn)
    with refused("LimitExceeded", 409):
        iam.attach_user_policy(UserName="alice", PolicyArn=arns[10])
    assert iam.get_policy(PolicyArn=arns[0])["Policy"]["AttachmentCount"] == 1


def test_a_user_is_in_ten_groups(iam, refused):
    """An eleventh group is refused; a group that the user is in already is not."""
    iam.create_user(UserName="alice")
    for number in range(11):
        iam.create_group(GroupName=f"g{number}")
    for number in [*range(10), 0]:
        iam.add_user_to_group(GroupName=f"g{number}", UserName="alice")
    with refused("LimitExceeded", 409):
        iam.add_user_to_group(GroupName="g10", UserName="alice")


def test_permissions_boundaries_of_users(iam, refused, allow):
    """They are set, shown in GetUser and in the account's details, and taken away again."""
    arn = iam.create_policy(PolicyName="p", PolicyDocument=allow())["Policy"]["Arn"]
    with refused("NoSuchEntity", 404):
        iam.create_user(UserName="alice", PermissionsBoundary=arn + "x")
    iam.create_user(UserName="alice", PermissionsBoundary=arn)
    expected = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    assert iam.get_user(UserName="alice")["User"]["PermissionsBoundary"] == expected
    details = iam.get_account_authorization_details(Filter=["User"])["UserDetailList"]
    assert details[0]["PermissionsBoundary"] == expected
    iam.delete_user_permissions_boundary(UserName="alice")
    assert "PermissionsBoundary" not in iam.get_user(UserName="alice")["User"]
    iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=arn)
    assert iam.get_user(UserName="alice")["User"]["PermissionsBoundary"] == expected


def test_a_trust_policy_names_who_may_assume_the_role(iam, refused, allow):
    """An identity policy is no trust policy."""
    with refused("MalformedPolicyDocument", 400):
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=allow())
