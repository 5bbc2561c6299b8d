"""Names, paths, tags and quotas of kinds, as IAM has them."""

import pytest

LIMITS = {"create_user": ("UserName", 64), "create_group": ("GroupName", 128)}
BAD_NAMES = ["a b", "../x", "<script>", "\u0430-cyrillic", "a\n", "", "a:b", "a/b", "\uff41"]


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize("call", sorted(LIMITS))
def test_a_name_has_legal_characters(iam, refused, call, name):
    r"""Names match [\w+=,.@-]+ in ASCII."""
    with refused("ValidationError", 400):
        getattr(iam, call)(**{LIMITS[call][0]: name})


@pytest.mark.parametrize("call", sorted(LIMITS))
def test_a_name_has_a_largest_length(iam, refused, call):
    """A user has 64 characters, a group 128."""
    parameter, most = LIMITS[call]
    getattr(iam, call)(**{parameter: "a" * most})
    with refused("ValidationError", 400):
        getattr(iam, call)(**{parameter: "b" * (most + 1)})


def test_a_policys_name_has_128_characters(iam, refused, allow):
    """The names of inline policies are as long."""
    iam.create_user(UserName="alice")
    iam.put_user_policy(UserName="alice", PolicyName="p" * 128, PolicyDocument=allow())
    with refused("ValidationError", 400):
        iam.put_user_policy(UserName="alice", PolicyName="p" * 129, PolicyDocument=allow())


def test_names_are_unique_without_regard_to_case(iam, refused, allow):
    """A user, group or policy that differs only in case exists already."""
    iam.create_user(UserName="alice")
    iam.create_group(GroupName="dev")
    iam.create_policy(PolicyName="p", PolicyDocument=allow())
    for name in ("alice", "ALICE"):
        with refused("EntityAlreadyExists", 409):
            iam.create_user(UserName=name, Path="/other/")
    with refused("EntityAlreadyExists", 409):
        iam.create_group(GroupName="Dev")
    with refused("EntityAlreadyExists", 409):
        iam.create_policy(PolicyName="P", PolicyDocument=allow(), Path="/x/")


def test_a_rename_takes_nobody_elses_name(iam, refused):
    """A user may change the case of its own name, and not take another's."""
    iam.create_user(UserName="alice")
    iam.create_user(UserName="bob")
    iam.create_group(GroupName="dev")
    iam.create_group(GroupName="ops")
    with refused("EntityAlreadyExists", 409):
        iam.update_user(UserName="bob", NewUserName="Alice")
    with refused("EntityAlreadyExists", 409):
        iam.update_group(GroupName="ops", NewGroupName="DEV")
    iam.update_user(UserName="alice", NewUserName="Alice")
    assert iam.get_user(UserName="Alice")["User"]["UserName"] == "Alice"


def test_what_belongs_to_a_user_goes_with_a_rename(iam, sandbox, client_of):
    """Key, group, tags and policies stay the user's, and the key signs in as the new name."""
    iam.create_user(UserName="alice", Tags=[{"Key": "team", "Value": "ops"}])
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    iam.create_group(GroupName="dev")
    iam.add_user_to_group(GroupName="dev", UserName="alice")
    iam.update_user(UserName="alice", NewUserName="carol", NewPath="/team/")
    assert iam.list_user_tags(UserName="carol")["Tags"] == [{"Key": "team", "Value": "ops"}]
    assert [user["UserName"] for user in iam.get_group(GroupName="dev")["Users"]] == ["carol"]
    sts = client_of(sandbox, "sts", (key["AccessKeyId"], key["SecretAccessKey"]))
    assert sts.get_caller_identity()["Arn"].endswith(":user/team/carol")
    assert iam.list_access_keys(UserName="carol")["AccessKeyMetadata"][0]["UserName"] == "carol"


def test_a_group_that_only_moves_keeps_its_name(iam):
    """UpdateGroup with a new path alone moves the group."""
    iam.create_group(GroupName="dev")
    iam.update_group(GroupName="dev", NewPath="/teams/")
    assert iam.get_group(GroupName="dev")["Group"]["Path"] == "/teams/"


@pytest.mark.parametrize("path", ["nopath", "/x", "x/", "//é/", "/" + "a" * 511 + "/"])
def test_a_path_begins_and_ends_with_a_slash(iam, refused, path):
    """A path is a slash, or printable characters between two of them, 512 in all."""
    with refused("ValidationError", 400):
        iam.create_user(UserName="alice", Path=path)
    iam.create_user(UserName="alice", Path="/a/b/")


BAD_TAGS = {
    "51 tags": ([{"Key": f"k{n}", "Value": ""} for n in range(51)], "ValidationError"),
    "the same key in another case": (
        [{"Key": "Team", "Value": "a"}, {"Key": "team", "Value": "b"}],
        "InvalidInput",
    ),
    "a reserved key": ([{"Key": "AWS:x", "Value": "a"}], "InvalidInput"),
    "a long key": ([{"Key": "k" * 129, "Value": ""}], "ValidationError"),
    "a long value": ([{"Key": "k", "Value": "v" * 257}], "ValidationError"),
    "an angle bracket": ([{"Key": "k", "Value": "<b>"}], "ValidationError"),
}


@pytest.mark.parametrize("case", sorted(BAD_TAGS))
def test_tags_are_legal(iam, refused, case):
    """50 tags, keys unique without regard to case, no aws: prefix, 128 and 256 characters."""
    tags, code = BAD_TAGS[case]
    with refused(code, 400):
        iam.create_user(UserName="alice", Tags=tags)
    iam.create_user(UserName="bob")
    with refused(code, 400):
        iam.tag_user(UserName="bob", Tags=tags)


def test_a_user_has_50_tags_in_all(iam, refused):
    """New tags count with those that are there; a key in another case is the same tag."""
    tags = [{"Key": f"k{number}", "Value": "é ü"} for number in range(50)]
    iam.create_user(UserName="alice", Tags=tags)
    iam.tag_user(UserName="alice", Tags=[{"Key": "K1", "Value": "new"}])
    with refused("LimitExceeded", 409):
        iam.tag_user(UserName="alice", Tags=[{"Key": "one-more", "Value": ""}])
    found = {tag["Key"]: tag["Value"] for tag in iam.list_user_tags(UserName="alice")["Tags"]}
    assert len(found) == 50
    assert found["K1"] == "new"
    iam.untag_user(UserName="alice", TagKeys=["k1"])
    assert len(iam.list_user_tags(UserName="alice")["Tags"]) == 49


@pytest.mark.parametrize("items", [0, 1001, "x"])
def test_max_items_has_a_range(iam, refused, items):
    """MaxItems is 1 to 1,000."""
    with refused("ValidationError", 400):
        iam.list_users(MaxItems=items)


def test_a_missing_parameter_and_an_unknown_action(iam, refused):
    """What the model requires must be there; what it does not know is no action."""
    with refused("ValidationError", 400):
        iam.create_user()
    with refused("NoSuchEntity", 404):
        iam.get_user(UserName="nobody")


def test_a_password_is_never_repeated(iam, refused):
    """A refusal names the parameter at fault, and not what was in it."""
    iam.create_user(UserName="alice")
    with refused("ValidationError", 400) as error:
        iam.create_login_profile(UserName="alice", Password="secret\u20ac" * 30)
    assert "password" in str(error.value)
    assert "secret" not in str(error.value)
