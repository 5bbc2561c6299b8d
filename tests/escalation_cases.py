"""Accounts from a few words, for who can become administrator: as a state, and for the sandbox."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import yaml

from iamkit.account.state import (
    AccessKey,
    AccountState,
    Group,
    LoginProfile,
    ManagedPolicy,
    MfaDevice,
    PolicyVersion,
    Role,
    Source,
    User,
)
from iamkit.policies.escalation.catalogue import load_paths

ACCOUNT = "000000000000"
"""The sandbox's, so that the same account is judged and walked."""
ARN = f"arn:aws:iam::{ACCOUNT}"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CASES = yaml.safe_load((Path(__file__).parent / "policies/cases/escalation.yaml").read_text())
PATHS = {path.id: path for path in load_paths()}
_STATEMENT = re.compile(r"(allow|deny) (\S+)(?: on (\S+))?(?: if (\S+) (\S+) (\S+))?")


def statement(text):
    """A statement from its words."""
    effect, action, resource, operator, key, value = _STATEMENT.fullmatch(text).groups()
    whole = {"Effect": effect.capitalize(), "Action": action, "Resource": arn(resource or "*")}
    return whole | ({"Condition": {operator: {key: value}}} if operator else {})


def arn(tail):
    """An ARN of IAM's in the account from its last part."""
    return tail if tail == "*" or tail.startswith("arn:") else f"{ARN}:{tail}"


def document(statements):
    """A policy from the words of its statements."""
    return {"Version": "2012-10-17", "Statement": [statement(text) for text in statements]}


def trust(who):
    """A trust policy for the account, a user, a role, a SAML provider or a service."""
    kind = "Service" if who.endswith(".amazonaws.com") else "AWS"
    name = {"account": f"{ARN}:root"}.get(who, who if kind == "Service" else arn(who))
    action = "sts:AssumeRole"
    if "saml-provider" in who:
        kind, action = "Federated", "sts:AssumeRoleWithSAML"
    if who == "cognito-identity.amazonaws.com":
        kind, action = "Federated", "sts:AssumeRoleWithWebIdentity"
    allows = {"Effect": "Allow", "Principal": {kind: name}, "Action": action}
    return {"Version": "2012-10-17", "Statement": [allows]}


class World:
    """One account of a case, as its state."""

    def __init__(self, case):
        self.case = case
        self.policies = {}
        users = {
            "ada": self.user("ada", groups={"Admins"}),
            "bob": self.user("bob", case.get("bob"), {"team"}, case.get("policies")),
            "eve": self.user("eve", case.get("eve")),
        }
        if case.get("boundary"):
            older = case.get("older_boundary")
            versions = [case["boundary"], *([older] if older else [])]
            limit = self.managed("limit", versions)
            users["bob"] = replace(users["bob"], permissions_boundary=limit)
        if case.get("eve_boundary"):
            limit = self.managed("limit-eve", [case["eve_boundary"]])
            users["eve"] = replace(users["eve"], permissions_boundary=limit)
        groups = {
            "Admins": self.group("Admins", ["allow *"]),
            "team": self.group("team", case.get("team"), case.get("group_policies")),
        }
        roles = {name: self.role(name, one) for name, one in case.get("roles", {}).items()}
        ada = {"keys": 1, "password": False, "mfa": False} | case.get("ada", {})
        read = Source(status="read", at=NOW)
        self.ada = ada
        self.state = AccountState(
            account_id=ACCOUNT,
            read_at=NOW,
            users=users,
            groups=groups,
            roles=roles,
            policies=self.policies,
            access_keys={"ada": tuple(AccessKey(id=f"AKIA{n}") for n in range(ada["keys"]))},
            login_profiles={"ada": LoginProfile(reset_required=False) if ada["password"] else None},
            mfa_devices={"ada": (MfaDevice(serial=f"{ARN}:mfa/ada"),) if ada["mfa"] else ()},
            sources=dict.fromkeys(
                "ListAccessKeys GetLoginProfile ListVirtualMFADevices ListMFADevices".split(), read
            ),
        )

    def user(self, name, statements=None, groups=(), policies=None):
        inline = {"own": document(statements)} if statements else {}
        attached = {self.managed(n, versions) for n, versions in (policies or {}).items()}
        return User(
            name=name,
            arn=arn(f"user/{name}"),
            groups=frozenset(groups),
            inline_policies=inline,
            attached_policies=frozenset(attached),
        )

    def group(self, name, statements=None, policies=None):
        inline = {"own": document(statements)} if statements else {}
        attached = {self.managed(n, versions) for n, versions in (policies or {}).items()}
        return Group(
            name=name,
            arn=arn(f"group/{name}"),
            inline_policies=inline,
            attached_policies=frozenset(attached),
        )

    def role(self, name, one):
        inline = {"own": document(one["has"])} if one.get("has") else {}
        attached = {self.managed(n, versions) for n, versions in one.get("policies", {}).items()}
        limit = self.managed(f"limit-{name}", [one["boundary"]]) if one.get("boundary") else None
        return Role(
            name=name,
            arn=arn(f"role/{name}"),
            inline_policies=inline,
            attached_policies=frozenset(attached),
            trust_policy=trust(one["trust"]),
            permissions_boundary=limit,
        )

    def managed(self, name, versions):
        """A managed policy whose first version is the default one."""
        first, *others = map(document, versions)
        older = (PolicyVersion(id=f"v{n}", document=text) for n, text in enumerate(others, 2))
        found = arn(f"policy/{name}")
        self.policies[found] = ManagedPolicy(
            arn=found,
            name=name,
            document=first,
            versions=len(versions),
            other_versions=tuple(older),
        )
        return found


def who(case):
    """Of whom a case asks."""
    return case.get("role", "bob")


def twins(case):
    """The closed twins that a case names."""
    rest = {key: value for key, value in case.items() if key != "closed"}
    return [rest | twin for twin in case["closed"]]


def service_case(path):
    """Somebody who may make just the calls of a path through a service, and a role for it."""
    return {
        "path": path.id,
        "bob": [f"allow {call.action}" for call in path.calls],
        "roles": {"ops": {"trust": path.service, "has": ["allow *"]}},
    }


def name_of(case):
    """A short name for a report of tests."""
    return f"{case['path']}-{json.dumps(case, sort_keys=True)[-40:]}"
