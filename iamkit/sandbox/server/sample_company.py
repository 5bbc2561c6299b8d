"""A believable company for the practice account: what audits look for is in it, and more.

The first users are the cases that matter; those after them are ordinary people and services.
Everything is drawn from the seed, so the same seed gives the same company.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from iamkit.sandbox.server.moto_patches import (
    ACCOUNT_ID,
    AccessKeyLastUsed,
    draw,
    iam_models,
    mock_random,
)

_AWS = "arn:aws:iam::aws:policy/"
_GIVEN = (
    "alice bob carol dave erin frank grace heidi ivan judy karl laura mike nina oscar peggy quinn "
    "rupert sybil trent uma victor wendy xavier yara zoe"
).split()
_FAMILY = (
    "archer baker carter dyer fisher glover hunter joiner keeper mason miller painter potter "
    "sawyer skinner smith tanner tiler turner weaver"
).split()
_SERVICES = "backup billing build cdn crawler deploy export import mail metrics search sync".split()
_TEAMS = {
    "admins": ["AdministratorAccess"],
    "developers": ["AmazonEC2ReadOnlyAccess", "AmazonS3ReadOnlyAccess"],
    "operations": ["PowerUserAccess", "IAMReadOnlyAccess"],
    "data": ["AmazonAthenaFullAccess"],
    "finance": ["job-function/Billing"],
    "support": ["AWSSupportAccess"],
    "security-audit": ["SecurityAudit"],
    "contractors": [],
    "empty": ["ReadOnlyAccess"],
}
_HOSTILE = ("=1+1,@x", "-1+cmd,x", "@SUM.1", "..", "con", "x" * 64)


def populate(iam: Any, users: int, seed: int, now: datetime) -> None:
    """Fill an account; what is there already stays as it is.

    Args:
        iam: moto's IAM of the account.
        users: how many users to make.
        seed: the same one gives the same company, ids and secrets included.
        now: the moment from which ages count back; naive UTC.
    """
    draw(seed.to_bytes(16, "big", signed=True))
    _Company(iam, Random(seed), now).found(users)  # noqa: S311 - a company, no secret


class _Company:
    """The account while it is being filled."""

    def __init__(self, iam: Any, random: Random, now: datetime) -> None:
        self.iam = iam
        self.random = random
        self.now = now
        self.taken = {name.lower() for name in (*iam.users, *iam.groups)}

    def found(self, users: int) -> None:
        """Make the groups, the policies, the roles, and as many users as asked for."""
        for team, policies in _TEAMS.items():
            self._team(team, policies)
        self.deploy = self._policy("deploy", _allow(["s3:PutObject", "lambda:UpdateFunctionCode"]))
        self.boundary = self._policy("boundary", _allow(["ec2:*", "s3:*", "iam:Get*"]))
        root = f"arn:aws:iam::{self.iam.account_id}:root"
        self._role("operator", {"AWS": root}, "ReadOnlyAccess")
        self._role("instance", {"Service": "ec2.amazonaws.com"}, "AmazonS3ReadOnlyAccess")
        self._role("partner", {"AWS": "arn:aws:iam::111122223333:root"}, "SecurityAudit", "ticket")
        cases = self._cases()
        for number in range(users):
            if number < len(cases):
                cases[number]()
            elif self.random.random() < 0.2:
                self._service()
            else:
                self._person()
        if not self.iam.account_aliases:
            own = "" if self.iam.account_id == ACCOUNT_ID else f"-{self.iam.account_id}"
            self.iam.account_aliases = [f"example-company{own}"]

    def _cases(self) -> list[Callable[[], Any]]:
        """The users that an audit must find, the most telling first."""
        allow = _allow
        deny = {**allow(["*"]), "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
        mfa = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}
        return [
            lambda: self._person(team="admins"),
            lambda: self._person(team="admins", mfa=False, last_used=400),
            lambda: self._service(ages=(1200, 400), used=900),
            lambda: self._person(last_used=None),
            lambda: self._user("nobody"),
            lambda: self._person(inline=("self-service", allow(["iam:PutUserPolicy"]))),
            lambda: self._service(ages=(100,), used=None),
            lambda: self._person(inline=("everything", _allow([], not_actions=["aws-portal:*"]))),
            lambda: self._service(inline=("pass", allow(["iam:PassRole", "lambda:*"]))),
            lambda: self._person(team="admins", bounded=True),
            lambda: self._person(team="admins", inline=("suspended", deny)),
            lambda: self._person(inline=("with-mfa", allow(["iam:*"], condition=mfa))),
            lambda: self._person(inline=("groups", allow(["iam:AttachGroupPolicy"]))),
            lambda: self._person(team="contractors", bounded=True, mfa=False),
            lambda: self._service(ages=(30, 30)),
            lambda: self._service(ages=(700,), inactive=True),
            *(lambda name=name: self._person(name=name) for name in _HOSTILE),
        ]

    def _person(
        self,
        name: str = "",
        team: str = "",
        *,
        mfa: bool | None = None,
        last_used: float | None = -1,
        inline: tuple[str, dict[str, Any]] | None = None,
        bounded: bool = False,
    ) -> None:
        """Someone with a password; days since the last sign-in, -1 for any, None for never."""
        pick = self.random
        name = name or f"{pick.choice(_GIVEN)}.{pick.choice(_FAMILY)}"
        user = self._user(name, "/people/", pick.expovariate(1 / 500) + 30)
        made = (self.now - user.create_date).days
        changed = self._ago(pick.uniform(0, min(made, 300)))
        user.password = mock_random.token_urlsafe(18) + "-Aa1"
        user.password_created, user.password_changed = user.create_date, changed
        user.password_reset_required = last_used is None
        if last_used is not None:
            days = pick.expovariate(1 / 20) if last_used < 0 else last_used
            user.password_last_used = self._ago(min(days, made))
        if mfa or (mfa is None and pick.random() < 0.7):
            self._mfa(user)
        self._join(user, team or pick.choice(["developers", "operations", "data", "support"]))
        if not team and pick.random() < 0.3:
            self._join(user, pick.choice(["finance", "security-audit", "data"]))
        if pick.random() < 0.25:
            self._key(user, pick.uniform(1, min(made, 500)), used=pick.expovariate(1 / 15))
        self._grant(user, inline, bounded=bounded)
        tags = {"team": team or "people", "cost-center": str(pick.randint(1000, 1020))}
        self._tag(user, {**tags, "note": "=HYPERLINK:x @a +b -c", "Größe": "\u0627\u0628 e\u0301"})

    def _service(
        self,
        ages: tuple[float, ...] = (),
        *,
        used: float | None = -1,
        inactive: bool = False,
        inline: tuple[str, dict[str, Any]] | None = None,
    ) -> None:
        """A program's user: keys of some ages in days, and no password."""
        pick = self.random
        ages = ages or (pick.choice([3, 20, 80, 100, 200, 500, 1200]),)
        user = self._user(f"svc-{pick.choice(_SERVICES)}", "/service/", max(ages) + 5)
        for age in ages:
            days = pick.uniform(0, age) if used == -1 else used
            self._key(user, age, used=days).status = "Inactive" if inactive else "Active"
        policy = self.iam.managed_policies[self.deploy]
        policy.attach_to(user)
        self._grant(user, inline, bounded=False)

    def _user(self, name: str, path: str = "/", age: float = 200) -> Any:
        user = self.iam.create_user("us-east-1", self._free(name), path, [])
        user.create_date = self._ago(age)
        return user

    def _free(self, name: str) -> str:
        """The name, or with a number behind it if it is taken; 64 characters at most."""
        found, number = name, 1
        while found.lower() in self.taken:
            number += 1
            found = f"{name[: 64 - len(str(number))]}{number}"
        self.taken.add(found.lower())
        return found

    def _key(self, user: Any, age: float, used: float | None) -> Any:
        key = self.iam.create_access_key(user.name)
        key.create_date = self._ago(age)
        if used is not None:
            service = self.random.choice(["s3", "ec2", "sts", "lambda"])
            key.last_used = AccessKeyLastUsed(self._ago(min(used, age)), service, "eu-central-1")
        return key

    def _mfa(self, user: Any) -> None:
        device = self.iam.create_virtual_mfa_device(user.name, "/")
        device.user, device.enable_date = user, user.create_date
        mine = iam_models.MFADevice(device.serial_number, "", "")
        mine.enable_date = device.enable_date
        user.mfa_devices[device.serial_number] = mine

    def _join(self, user: Any, team: str) -> None:
        group = self.groups[team]
        if user not in group.users:
            group.users.append(user)

    def _grant(
        self, user: Any, inline: tuple[str, dict[str, Any]] | None, *, bounded: bool
    ) -> None:
        if inline:
            user.put_policy(inline[0], json.dumps(inline[1]))
        if bounded:
            kind = {"PermissionsBoundaryType": "Policy"}
            user.permissions_boundary = {**kind, "PermissionsBoundaryArn": self.boundary}

    def _tag(self, user: Any, tags: dict[str, str]) -> None:
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        self.iam.tagger.tag_resource(user.arn, pairs)

    def _team(self, team: str, policies: list[str]) -> None:
        group = self.iam.create_group(self._free(team), "/teams/")
        group.create_date = self._ago(900)
        self.groups = {**getattr(self, "groups", {}), team: group}
        for name in policies:
            self.iam.managed_policies[_AWS + name].attach_to(group)
        if team == "developers":
            group.put_policy("own-buckets", json.dumps(_allow(["s3:GetObject", "s3:PutObject"])))

    def _policy(self, name: str, document: dict[str, Any]) -> str:
        existing = {policy.rpartition("/")[2] for policy in self.iam.managed_policies}
        while name in existing:
            name += "-2"
        policy = self.iam.create_policy("", "/", json.dumps(document), name, [])
        self.iam.create_policy_version(policy.arn, json.dumps(_allow(["*"])), False)
        policy.create_date = self._ago(700)
        return str(policy.arn)

    def _role(
        self, name: str, principal: dict[str, str], policy: str, external_id: str = ""
    ) -> None:
        if any(role.name == name for role in self.iam.roles.values()):
            return
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        if external_id:
            trust["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
        text = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = self.iam.create_role(name, text, "/", None, "", [], "3600")
        role.create_date = self._ago(800)
        self.iam.managed_policies[_AWS + policy].attach_to(role)

    def _ago(self, days: float) -> datetime:
        return (self.now - timedelta(days=days)).replace(microsecond=0)


def _allow(
    actions: list[str], *, not_actions: list[str] | None = None, condition: Any = None
) -> dict[str, Any]:
    """A policy of one statement on all resources."""
    statement: dict[str, Any] = {"Effect": "Allow", "Resource": "*"}
    statement |= {"NotAction": not_actions} if not_actions else {"Action": actions}
    if condition:
        statement["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [statement]}
