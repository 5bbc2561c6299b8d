"""Filling an account from the saved state of another one.

What a state names and does not describe stays so: a group or a policy of which it has the name
alone is there, and GetAccountAuthorizationDetails does not tell of it here either.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from iamkit.account.credential_report import format_credential_report, parse_credential_report
from iamkit.account.gaps import find_gaps
from iamkit.account.state import (
    AccountState,
    Credential,
    Holder,
    ManagedPolicy,
    Role,
    User,
)
from iamkit.sandbox.server.account import Account, Report
from iamkit.sandbox.server.iam.accounts import summary_of
from iamkit.sandbox.server.iam.report import write_report
from iamkit.sandbox.server.iam.roles import LINKED
from iamkit.sandbox.server.moto_patches import (
    SandboxUser,
    clock,
    iam_models,
    mock_random,
)
from iamkit.sandbox.server.twin.credentials import REGION, TwinCredentials
from iamkit.sandbox.server.twin.values import naive, new_id, pairs
from iamkit.text import few

_LONG_AGO = datetime(1990, 1, 1, tzinfo=UTC)


def fill_twin(account: Account, state: AccountState) -> list[str]:
    """Fill an account from a state of that account.

    Args:
        account: with nothing in it.
        state: of the same id.

    Returns:
        What could not be carried over, a sentence each.

    Raises:
        ValueError: the account is another one or not empty, or no account of the partition
            ``aws``; nothing was changed.
    """
    if state.account_id != account.id:
        raise ValueError(f"the state is of account {state.account_id}, not of {account.id}")
    if state.partition != "aws":
        raise ValueError(f"the sandbox has accounts of the partition aws, not {state.partition}")
    holders = (*state.users.items(), *state.groups.items(), *state.roles.items())
    arns = ((arn, policy.arn) for arn, policy in state.policies.items())
    if any(name != one.name for name, one in holders) or any(arn != own for arn, own in arns):
        raise ValueError("the state is damaged: something in it goes by two names")
    iam = account.iam
    if any((iam.users, iam.groups, iam.roles, account.local_policies)):
        raise ValueError("the account is not empty")
    return list(_Twin(account, state).fill())


class _Twin:
    """An account while it is being filled."""

    def __init__(self, account: Account, state: AccountState) -> None:
        self.account, self.iam, self.state = account, account.iam, state
        self.credentials = TwinCredentials(account, state)

    def fill(self) -> Iterator[str]:
        """Make everything; what is owned after its owners, policies before who has them."""
        for policy in self.state.policies.values():
            self._policy(policy)
        self._undescribed_policies()
        for group in self.state.groups.values():
            self._group(group)
        self._undescribed_groups()
        for user in self.state.users.values():
            self._user(user)
        for role in self.state.roles.values():
            self._role(role)
        self._keep_policies_in_use()
        self._instance_profiles()
        for certificate in self.state.server_certificates:
            self._server_certificate(certificate)
        self._account()
        self.credentials.give_root()
        yield from self._lacks()
        made = parse_credential_report(write_report(self.account))
        if self.state.report and made != self.state.report:
            content = format_credential_report(self.state.report.values())
            self.account.report = Report(clock.now(), content)
            yield "The credential report is the state's own for four hours, as AWS keeps one."

    def _policy(self, policy: ManagedPolicy) -> None:
        made = self.iam.managed_policies.get(policy.arn)
        if made is None:
            made = self._new_policy(policy.arn, policy.name, policy.path)
        made.description, made.default_version_id = policy.description, policy.default_version
        made.create_date = naive(policy.created) or made.create_date
        made.update_date = naive(policy.updated) or made.update_date
        make: Any = iam_models.PolicyVersion
        versions = [
            make(policy.arn, json.dumps(policy.document), True, policy.default_version),
            *(
                make(policy.arn, json.dumps(one.document), False, one.id, naive(one.created))
                for one in policy.other_versions
            ),
        ]
        versions[0].create_date = made.update_date
        made.versions = versions
        numbers = (one.version_id.lstrip("v") for one in versions)
        made.next_version_num = 1 + max(int(n) if n.isdecimal() else 0 for n in numbers)

    def _new_policy(self, arn: str, name: str, path: str) -> Any:
        """A policy with no text, which is AWS's own if its ARN says so."""
        of_aws = arn.split(":")[4:5] == ["aws"]
        make: Any = iam_models.AWSManagedPolicy if of_aws else iam_models.ManagedPolicy
        made = make(name, account_id=self.account.id, region=REGION, path=path, document="{}")
        self.iam.managed_policies[arn] = made
        if of_aws:
            self.iam.aws_managed_policies.append(made)
        return made

    def _undescribed_policies(self) -> None:
        for arn in sorted(find_gaps(self.state).policies - set(self.state.policies)):
            path, _, name = arn.partition(":policy")[2].rpartition("/")
            if arn not in self.iam.managed_policies:
                self._new_policy(arn, name, f"{path}/")
            self.account.undescribed.add(arn)

    def _undescribed_groups(self) -> None:
        for name in find_gaps(self.state).groups:
            self.account.undescribed.add(self.iam.create_group(name, "/").arn)

    def _group(self, group: Holder) -> None:
        self._grant(self.iam.create_group(group.name, group.path), group)

    def _grant(self, made: Any, holder: Holder) -> None:
        """What users, groups and roles have in common."""
        made.id, made.create_date = (
            holder.id or made.id,
            naive(holder.created) or made.create_date,
        )
        made.policies = {n: json.dumps(text) for n, text in holder.inline_policies.items()}
        for arn in sorted(holder.attached_policies):
            self.iam.managed_policies[arn].attach_to(made)

    def _user(self, user: User) -> None:
        make: Any = SandboxUser
        made = make(self.account.id, REGION, user.name, user.path)
        self.iam.users[user.name] = made
        self._grant(made, user)
        if user.permissions_boundary:
            kind = {"PermissionsBoundaryType": "Policy"}
            made.permissions_boundary = {
                **kind,
                "PermissionsBoundaryArn": user.permissions_boundary,
            }
        if user.tags:
            self.iam.tagger.tag_resource(made.arn, pairs(user.tags))
        for name in sorted(user.groups):
            self.iam.groups[name].users.append(made)
        self.credentials.give(made, user)

    def _role(self, role: Role) -> None:
        service = role.path.removeprefix(LINKED).strip("/")
        make: Any = iam_models.Role
        made = make(
            self.account.id,
            "aws",
            role.id or new_id("AROA"),
            role.name,
            json.dumps(role.trust_policy),
            role.path,
            role.permissions_boundary,
            role.description,
            pairs(role.tags),
            str(role.max_session or 3600),
            linked_service=service if role.path.startswith(LINKED) else None,
        )
        self._grant(made, role)
        made.last_used = naive(role.last_used)
        made.last_used_region = role.last_region or None
        self.iam.roles[made.id] = made

    def _keep_policies_in_use(self) -> None:
        """Of AWS's own a state tells those in use, be it by somebody of whom it does not tell."""
        bounds = {one.permissions_boundary for _, one in self.state.holders()}
        for policy in self.iam.aws_managed_policies:
            if policy.arn in self.state.policies and policy.arn not in bounds:
                policy.attachment_count = policy.attachment_count or 1

    def _instance_profiles(self) -> None:
        roles = {role.name: role for role in self.iam.roles.values()}
        known = self.state.instance_profiles
        paths = {name: profile.path for name, profile in known.items()}
        held: dict[str, list[Any]] = {
            name: [roles[role] for role in profile.roles if role in roles]
            for name, profile in known.items()
        }
        for role in self.state.roles.values():
            for name in role.instance_profiles:
                of_profile = held.setdefault(name, [])
                if roles[role.name] not in of_profile:
                    of_profile.append(roles[role.name])
        for name, of_profile in held.items():
            self.iam.create_instance_profile(name, paths.get(name, "/"), [], [])
            self.iam.instance_profiles[name].roles = of_profile

    def _server_certificate(self, one: Credential) -> None:
        make: Any = iam_models.Certificate
        body = "unknown"
        if one.expires:
            with suppress(ValueError):  # no name or date that a certificate can have
                body = _certificate_until(one.id, one.expires)
        made = make(self.account.id, REGION, one.id, body, "")
        made.id = new_id("ASCA")
        made.upload_date, made.tags = naive(one.created), []
        self.iam.certificates[made.id] = made

    def _account(self) -> None:
        if self.state.alias:
            self.iam.account_aliases = [self.state.alias]
        if rules := self.state.password_policy:
            made: Any = iam_models.AccountPasswordPolicy(
                False, 0, 0, 8, 0, False, False, False, False
            )
            made.minimum_password_length = rules.minimum_length
            made.require_symbols, made.require_numbers = rules.symbols, rules.numbers
            made.require_uppercase_characters = rules.uppercase
            made.require_lowercase_characters = rules.lowercase
            made.allow_users_to_change_password = rules.users_may_change
            made.max_password_age = rules.max_age or 0
            made.password_reuse_prevention = rules.reuse_prevention or 0
            made.hard_expiry = rules.hard_expiry
            self.iam.account_password_policy = made

    def _lacks(self) -> Iterator[str]:
        """What could not be carried over, and what is otherwise."""
        state, users = self.state, self.iam.users.values()
        if keys := len(self.iam.access_keys) + len(self.account.root_keys):
            yield f"Secrets: none of the {keys:,} access keys signs a call."
        if passwords := sum(bool(user.password) for user in users):
            yield f"Passwords: {passwords:,} were drawn anew, and nobody knows them."
        if devices := len(self.iam.virtual_mfa_devices):
            yield f"Seeds: {devices:,} virtual MFA devices have new ones."
        bodies = [*state.ssh_public_keys.values(), *state.signing_certificates.values()]
        if any(bodies):
            yield "Bodies of SSH public keys and signing certificates: a state has only their ids."
        for kind, count in sorted(self.credentials.invented.items()):
            yield f"Ids made up, since the state tells of none: {kind}, {count:,}."
        yield from (f"Unknown there and here: {words}." for words in find_gaps(state).in_words())
        if state.server_certificates:
            yield "Server certificates: bodies and keys are new, good until the same moment."
        if state.analyzers:
            yield f"Analyzers of IAM Access Analyzer: {few(sorted(state.analyzers))}."
        counted = summary_of(self.account)
        otherwise = [name for name, n in sorted(state.summary.items()) if counted.get(name) != n]
        if otherwise:
            yield f"Counts and quotas of GetAccountSummary, otherwise here: {few(otherwise)}."
        yield (
            "A state holds no identity providers, no unassigned MFA devices, no tags of policies, "
            "no last accesses, and nothing outside of IAM."
        )


def _certificate_until(name: str, expires: datetime) -> str:
    """A self-signed certificate, which tells until when it is good."""
    key = Ed25519PrivateKey.from_private_bytes(mock_random.randbytes(32))
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    builder = x509.CertificateBuilder(
        named, named, key.public_key(), 1 + mock_random.getrandbits(64), _LONG_AGO, expires
    )
    return builder.sign(key, None).public_bytes(Encoding.PEM).decode()
