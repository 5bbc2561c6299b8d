"""A twin: an account filled from the saved state of another one, without a secret of it.

What a state names and does not describe stays so: a group or a policy of which it has the name
alone is there, and GetAccountAuthorizationDetails does not tell of it here either.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
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
    ROOT_USER,
    AccessKey,
    AccountState,
    Credential,
    Holder,
    ManagedPolicy,
    MfaDevice,
    ReportedKey,
    ReportRow,
    Role,
    User,
)
from iamkit.sandbox.server.account import Account, Report
from iamkit.sandbox.server.iam.accounts import summary_of
from iamkit.sandbox.server.iam.keys import parts_of, service_secret
from iamkit.sandbox.server.iam.report import write_report
from iamkit.sandbox.server.iam.roles import LINKED
from iamkit.sandbox.server.moto_patches import (
    AccessKeyLastUsed,
    SandboxUser,
    clock,
    iam_models,
    mock_random,
)
from iamkit.text import few

REGION = "us-east-1"

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


class _RootUser(SandboxUser):
    """The root as the owner of an MFA device."""

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account_id}:root"


class _Twin:
    """An account while it is being filled.

    Attributes:
        invented: what the state tells of without its id, in words, and how often.
    """

    def __init__(self, account: Account, state: AccountState) -> None:
        self.account, self.iam, self.state = account, account.iam, state
        self.invented: dict[str, int] = {}

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
        self._root()
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
        made.create_date = _naive(policy.created) or made.create_date
        made.update_date = _naive(policy.updated) or made.update_date
        make: Any = iam_models.PolicyVersion
        versions = [
            make(policy.arn, json.dumps(policy.document), True, policy.default_version),
            *(
                make(policy.arn, json.dumps(one.document), False, one.id, _naive(one.created))
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
            _naive(holder.created) or made.create_date,
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
            self.iam.tagger.tag_resource(made.arn, _pairs(user.tags))
        for name in sorted(user.groups):
            self.iam.groups[name].users.append(made)
        row = self.state.reported(user)
        self._password(made, user, row)
        self._mfa_devices(made, row)
        for key in self._keys_of(row, self.state.access_keys.get(user.name)):
            key.user_name = user.name
            made.access_keys.append(key)
            self.iam.access_keys[key.access_key_id] = key
        self._credentials(made, row)

    def _password(self, made: Any, user: User, row: ReportRow | None) -> None:
        profile = self.state.login_profiles.get(user.name)
        reported = row is not None and user.name not in self.state.login_profiles
        if not profile and not (reported and row and row.password_enabled):
            return
        changed = _naive(row.password_last_changed) if row else None
        made.password = mock_random.token_urlsafe(18) + "-Aa1"
        made.password_created = changed or made.create_date
        if profile and profile.created:
            made.password_created = _naive(profile.created)
        made.password_changed = changed or made.password_created
        made.password_reset_required = bool(profile and profile.reset_required)
        reported_use = row.password_last_used if row else None
        made.password_last_used = _naive(user.password_last_used or reported_use)

    def _mfa_devices(self, made: Any, row: ReportRow | None) -> None:
        devices = self.state.mfa_devices.get(made.name, ())
        read = self.state.was_read("ListMFADevices", made.name)
        if not devices and not read and row and row.mfa_active:
            devices = (MfaDevice(serial=self._invent("MFA device", "TWIN")),)
        for device in devices:
            mine: Any = iam_models.MFADevice(device.serial, "", "")
            mine.enable_date = _naive(device.enabled) or made.create_date
            made.mfa_devices[device.serial] = mine
            if device.kind == "virtual":
                self._virtual_device(device, made)

    def _virtual_device(self, device: MfaDevice, owner: Any) -> None:
        """With a seed of its own."""
        virtual: Any = iam_models.VirtualMfaDevice(self.account.id, REGION, "/")
        virtual.serial_number, virtual.tags, virtual.user = device.serial, [], owner
        virtual.enable_date = _naive(device.enabled) or owner.create_date
        self.iam.virtual_mfa_devices[device.serial] = virtual

    def _keys_of(self, row: ReportRow | None, known: Iterable[AccessKey] | None) -> Iterator[Any]:
        """A holder's keys, which sign nothing: by id if that was read, else as they are reported.

        Which of them the report tells of is known by its status and date.
        """
        reported = [key for key in row.keys if key] if row else []
        if known is None:
            for told in reported:
                made = self._key(self._invent("access key", "AKIA"), bool(told.active))
                yield _dated(made, told.last_rotated, told)
            return
        left = list(known)
        for told in reported:  # in whose order the next report will tell of them
            key = next((key for key in left if _is_same(told, key)), None)
            if key:
                left.remove(key)
                yield _dated(self._key(key.id, key.status == "Active"), key.created, told)
        for key in left:
            yield _dated(self._key(key.id, key.status == "Active"), key.created, None)

    def _key(self, key_id: str, active: bool) -> Any:
        make: Any = iam_models.AccessKey
        key = make(user_name=None, prefix="AKIA", account_id=self.account.id)
        key.access_key_id, key.secret_access_key = key_id, ""
        key.status = "Active" if active else "Inactive"
        return key

    def _credentials(self, made: Any, row: ReportRow | None) -> None:
        for one in self.state.ssh_public_keys.get(made.name, ()):
            key: Any = iam_models.SshPublicKey(made.name, "")
            key.ssh_public_key_id, key.status = one.id, one.status
            key.upload_date = _naive(one.created) or key.upload_date
            made.ssh_public_keys.append(key)
        for one in self._certificates_of(made.name, row):
            certificate: Any = iam_models.SigningCertificate(one.id, made.name, "")
            certificate.status = one.status
            certificate.upload_date = _naive(one.created) or certificate.upload_date
            made.signing_certificates[one.id] = certificate
        for one in self.state.service_credentials.get(made.name, ()):
            public, secret = parts_of(one.service)
            made.service_credentials[one.id] = {
                "UserName": made.name,
                "Status": one.status,
                "ServiceName": one.service,
                public: f"{made.name}-at-{self.account.id}",
                secret: service_secret(one.service),
                "CreateDate": _naive(one.created),
                "ExpirationDate": _naive(one.expires),
                "ServiceSpecificCredentialId": one.id,
            }

    def _certificates_of(self, user: str, row: ReportRow | None) -> Iterable[Credential]:
        known = self.state.signing_certificates.get(user)
        if known is not None or row is None:
            return known or ()
        return [
            Credential(
                id=self._invent("signing certificate", "TWIN"),
                status="Active" if one.active else "Inactive",
                created=one.last_rotated,
            )
            for one in row.certificates
            if one
        ]

    def _role(self, role: Role) -> None:
        service = role.path.removeprefix(LINKED).strip("/")
        make: Any = iam_models.Role
        made = make(
            self.account.id,
            "aws",
            role.id or _new_id("AROA"),
            role.name,
            json.dumps(role.trust_policy),
            role.path,
            role.permissions_boundary,
            role.description,
            _pairs(role.tags),
            str(role.max_session or 3600),
            linked_service=service if role.path.startswith(LINKED) else None,
        )
        self._grant(made, role)
        made.last_used = _naive(role.last_used)
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
        made.id = _new_id("ASCA")
        made.upload_date, made.tags = _naive(one.created), []
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

    def _root(self) -> None:
        row = self.state.report.get(ROOT_USER)
        devices = self.state.mfa_devices.get(ROOT_USER, ())
        self.account.token_version = self.state.summary.get("GlobalEndpointTokenVersion", 1)
        self.account.root_mfa = bool(devices or (row and row.mfa_active))
        if row:
            self.account.created = _naive(row.created) or self.account.created
            self.account.root_last_used = _naive(row.password_last_used)
        for device in devices:
            make: Any = _RootUser
            owner = make(self.account.id, REGION, ROOT_USER)
            owner.create_date = self.account.created
            self._virtual_device(device, owner)
        signs = next(iter(self.account.root_keys.values()), None)
        for number, told in enumerate(key for key in (row.keys if row else ()) if key):
            if number == 0 and signs is not None:
                _dated(signs, told.last_rotated, told)
                continue
            key = self._key(self._invent("access key of the root", "AKIA"), bool(told.active))
            self.account.root_keys[key.access_key_id] = _dated(key, told.last_rotated, told)

    def _invent(self, kind: str, prefix: str) -> str:
        """The id of something of which the state tells without its id."""
        self.invented[kind] = self.invented.get(kind, 0) + 1
        return _new_id(prefix)

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
        for kind, count in sorted(self.invented.items()):
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


def _new_id(prefix: str) -> str:
    return f"{prefix}{mock_random.randbytes(8).hex().upper()}"


def _is_same(told: ReportedKey, key: AccessKey) -> bool:
    return (told.active, told.last_rotated) == (key.status == "Active", key.created)


def _dated(key: Any, created: datetime | None, told: ReportedKey | None) -> Any:
    """A key with its dates."""
    key.create_date = _naive(created) or key.create_date
    if told and (moment := _naive(told.last_used)):
        key.last_used = AccessKeyLastUsed(moment, told.last_used_service, told.last_used_region)
    return key


def _certificate_until(name: str, expires: datetime) -> str:
    """A self-signed certificate, which tells until when it is good."""
    key = Ed25519PrivateKey.from_private_bytes(mock_random.randbytes(32))
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    builder = x509.CertificateBuilder(
        named, named, key.public_key(), 1 + mock_random.getrandbits(64), _LONG_AGO, expires
    )
    return builder.sign(key, None).public_bytes(Encoding.PEM).decode()


def _pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _naive(moment: datetime | None) -> datetime | None:
    """A time as the sandbox has them: UTC, without saying so."""
    return moment and moment.astimezone(UTC).replace(tzinfo=None)
