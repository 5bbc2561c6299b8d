"""Every list is paged by MaxItems and Marker."""

import pytest

LISTS = {
    "list_users": ("Users", "UserName", {}),
    "list_groups": ("Groups", "GroupName", {}),
    "list_policies": ("Policies", "PolicyName", {"Scope": "Local"}),
    "get_group": ("Users", "UserName", {"GroupName": "g0"}),
    "list_groups_for_user": ("Groups", "GroupName", {"UserName": "u0"}),
    "list_user_policies": ("PolicyNames", None, {"UserName": "u0"}),
    "list_group_policies": ("PolicyNames", None, {"GroupName": "g0"}),
    "list_attached_user_policies": ("AttachedPolicies", "PolicyName", {"UserName": "u0"}),
    "list_attached_group_policies": ("AttachedPolicies", "PolicyName", {"GroupName": "g0"}),
    "list_user_tags": ("Tags", "Key", {"UserName": "u0"}),
    "list_virtual_mfa_devices": ("VirtualMFADevices", "SerialNumber", {}),
}
COUNT = 5


@pytest.fixture
def full(iam, allow):
    """An account with five of everything, all of it with the first user and group."""
    tags = [{"Key": f"t{number}", "Value": "x"} for number in range(COUNT)]
    for number in range(COUNT):
        iam.create_user(UserName=f"u{number}", Tags=tags if number == 0 else [])
        iam.create_group(GroupName=f"g{number}")
        arn = iam.create_policy(PolicyName=f"p{number}", PolicyDocument=allow())["Policy"]["Arn"]
        iam.create_virtual_mfa_device(VirtualMFADeviceName=f"m{number}")
        iam.put_user_policy(UserName="u0", PolicyName=f"i{number}", PolicyDocument=allow())
        iam.put_group_policy(GroupName="g0", PolicyName=f"i{number}", PolicyDocument=allow())
        iam.attach_user_policy(UserName="u0", PolicyArn=arn)
        iam.attach_group_policy(GroupName="g0", PolicyArn=arn)
        iam.add_user_to_group(GroupName=f"g{number}", UserName="u0")
        if number:
            iam.add_user_to_group(GroupName="g0", UserName=f"u{number}")
    return iam


def pages(iam, call, key, arguments, size=2):
    found, marker = [], {}
    while True:
        page = getattr(iam, call)(**arguments, **marker, MaxItems=size)
        assert len(page[key]) <= size
        found.append(page[key])
        assert page["IsTruncated"] == ("Marker" in page)
        if not page["IsTruncated"]:
            return found
        assert len(page["Marker"]) <= 320
        marker = {"Marker": page["Marker"]}


def test_pages_hold_everything_once(full):
    """The pages of each list together give all of it, and nothing twice."""
    for call, (key, name, arguments) in LISTS.items():
        found = pages(full, call, key, arguments)
        items = [item[name] if name else item for page in found for item in page]
        assert len(found) == 3, call
        assert len(set(items)) == len(items) == COUNT, call


def test_the_details_of_an_account_are_paged_over_all_kinds(full):
    """MaxItems counts users, groups and policies together."""
    seen = []
    arguments = {"Filter": ["User", "Group", "LocalManagedPolicy"]}
    marker = {}
    while True:
        page = full.get_account_authorization_details(**arguments, **marker, MaxItems=4)
        items = page["UserDetailList"] + page["GroupDetailList"] + page["Policies"]
        assert 1 <= len(items) <= 4
        seen += [item["Arn"] for item in items]
        if not page["IsTruncated"]:
            break
        marker = {"Marker": page["Marker"]}
    assert len(seen) == len(set(seen)) == 3 * COUNT


def test_a_deletion_between_two_pages_skips_nobody(full):
    """Who deletes what a page showed, and goes on, meets everyone else."""
    first = full.list_users(MaxItems=2)
    for user in first["Users"][1:]:
        full.remove_user_from_group(GroupName="g0", UserName=user["UserName"])
        full.delete_user(UserName=user["UserName"])
    rest = full.list_users(Marker=first["Marker"])["Users"]
    assert [user["UserName"] for user in rest] == ["u2", "u3", "u4"]


@pytest.mark.parametrize("marker", ["2", "AAAA", "%%%", "é", "x" * 321])
def test_a_bad_marker_is_refused(full, refused, marker):
    """A marker that is not one of AWS's for this list is an error."""
    with refused("ValidationError", 400):
        full.list_users(Marker=marker)


def test_a_marker_of_another_list_is_refused(full, refused):
    """Markers are for the list that gave them."""
    marker = full.list_users(MaxItems=1)["Marker"]
    with refused("ValidationError", 400):
        full.list_groups(Marker=marker)


def test_the_default_page_has_100_items(iam):
    """Who asks for nothing gets 100, and boto3's paginator gets all."""
    for number in range(101):
        iam.create_group(GroupName=f"g{number}")
    assert len(iam.list_groups()["Groups"]) == 100
    whole = iam.get_paginator("list_groups").paginate().build_full_result()
    assert len(whole["Groups"]) == 101


def test_a_path_prefix_chooses(iam):
    """Lists of users and groups can be narrowed by path."""
    iam.create_user(UserName="alice", Path="/team/")
    iam.create_user(UserName="bob")
    iam.create_group(GroupName="dev", Path="/team/")
    iam.create_group(GroupName="ops")
    assert [u["UserName"] for u in iam.list_users(PathPrefix="/team/")["Users"]] == ["alice"]
    assert [g["GroupName"] for g in iam.list_groups(PathPrefix="/team/")["Groups"]] == ["dev"]
