import boto3
import pytest


def test_a_new_account_is_empty(iamkit_sandbox):
    boto3.client("iam").create_user(UserName="alice")
    assert [call["action"] for call in iamkit_sandbox.calls()] == ["CreateUser"]


@pytest.mark.iamkit_sandbox(people=20, weather="typical")
def test_everyone_is_found(iamkit_sandbox):
    users = boto3.client("iam").get_paginator("list_users").paginate().build_full_result()
    assert len(users["Users"]) == 20
