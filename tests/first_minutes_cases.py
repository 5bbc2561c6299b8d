"""Accounts from a few words, for the first ten minutes of one user of the group ``team``."""

import json
from dataclasses import replace
from pathlib import Path

from accounts import ACCOUNT, account_of

from iamkit.account.state import AccessKey, LoginProfile, MfaDevice, PasswordPolicy, Source
from iamkit.policies.self_management import self_management_policy

GIVEN = json.loads((Path(__file__).parent / "plan/cases/first_minutes.json").read_text())
CASES = GIVEN["cases"]
BOUND = f"arn:aws:iam::{ACCOUNT}:policy/bound"
OF_USERS = ("ListMFADevices", "ListAccessKeys", "GetLoginProfile")
"""What is read of single users."""


def document(name):
    """A policy by its name in the cases, or one of the kit's own."""
    if name in ("offered", "demanded"):
        return self_management_policy(name)
    statements = GIVEN["policies"][name]
    return {"Version": "2012-10-17", "Statement": statements} if statements else {}


def account_in(case):
    """The state of a case: ``ann``, what she has, and what was read of it."""
    ann = {"name": "ann", "groups": ["team"], "tags": case.get("tags", {})}
    bounds = case.get("boundary")
    state = account_of(
        {
            "users": [ann | ({"boundary": BOUND} if bounds else {})],
            "groups": [
                {"name": "team", "inline": {name: document(name) for name in case["policies"]}}
            ],
            "policies": [{"arn": BOUND, "document": document(bounds)}] if bounds else [],
            "sources": {"GetCredentialReport": "not read"},
        }
    )
    path = case.get("path", "/")
    user = replace(state.users["ann"], path=path, arn=f"arn:aws:iam::{ACCOUNT}:user{path}ann")
    password, mfa, key = (
        case.get(n, d) for n, d in (("password", "first"), ("mfa", False), ("key", False))
    )
    rules = case.get("rules")
    read = dict(state.sources) | {name: Source(status="read") for name in OF_USERS}
    unread = {
        "ListMFADevices": mfa is None,
        "ListAccessKeys": key is None,
        "GetLoginProfile": password == "unread",
        "GetAccountPasswordPolicy": rules == "unread",
    }
    profile = password and LoginProfile(reset_required=password == "first")
    return replace(
        state,
        users={"ann": user},
        login_profiles={} if password == "unread" else {"ann": profile},
        mfa_devices={"ann": (MfaDevice(serial=f"arn:aws:iam::{ACCOUNT}:mfa/ann"),)} if mfa else {},
        access_keys={"ann": (AccessKey(id="AKIA1"),)} if key else {},
        password_policy=PasswordPolicy(**rules) if isinstance(rules, dict) else None,
        sources={name: source for name, source in read.items() if not unread.get(name)},
    )


OF_SOURCE = {
    "ListMFADevices": {"mfa_devices": {}},
    "ListAccessKeys": {"access_keys": {}},
    "GetLoginProfile": {"login_profiles": {}},
    "GetAccountPasswordPolicy": {"password_policy": None},
}
"""What is gone with what an operation tells."""


def unread(name):
    """Nobody asked for an operation, or it was refused."""
    return lambda state, status: replace(
        state,
        sources={**state.sources, name: Source(status=status, note="denied")},
        **OF_SOURCE[name],
    )
