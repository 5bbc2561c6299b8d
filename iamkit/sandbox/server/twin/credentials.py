"""What a twin's users and its root sign in with: passwords, MFA devices, keys, certificates."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from iamkit.account.state import (
    ROOT_USER,
    AccessKey,
    AccountState,
    Credential,
    MfaDevice,
    ReportedKey,
    ReportRow,
    User,
)
from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.iam.keys import parts_of, service_secret
from iamkit.sandbox.server.moto_patches import (
    AccessKeyLastUsed,
    SandboxUser,
    iam_models,
    mock_random,
)
from iamkit.sandbox.server.twin.values import naive, new_id

REGION = "us-east-1"


class _RootUser(SandboxUser):
    """The root as the owner of an MFA device."""

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account_id}:root"


class TwinCredentials:
    """Makes credentials in an account while it is being filled; none of them has its secret.

    Attributes:
        invented: what the state tells of without its id, in words, and how often.

    Args:
        account: the twin.
        state: of the account that it is the twin of.
    """

    def __init__(self, account: Account, state: AccountState) -> None:
        self.account, self.iam, self.state = account, account.iam, state
        self.invented: dict[str, int] = {}

    def give(self, made: Any, user: User) -> None:
        """What a user has."""
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
        changed = naive(row.password_last_changed) if row else None
        made.password = mock_random.token_urlsafe(18) + "-Aa1"
        made.password_created = changed or made.create_date
        if profile and profile.created:
            made.password_created = naive(profile.created)
        made.password_changed = changed or made.password_created
        made.password_reset_required = bool(profile and profile.reset_required)
        reported_use = row.password_last_used if row else None
        made.password_last_used = naive(user.password_last_used or reported_use)

    def _mfa_devices(self, made: Any, row: ReportRow | None) -> None:
        devices = self.state.mfa_devices.get(made.name, ())
        read = self.state.was_read("ListMFADevices", made.name)
        if not devices and not read and row and row.mfa_active:
            devices = (MfaDevice(serial=self._invent("MFA device", "TWIN")),)
        for device in devices:
            mine: Any = iam_models.MFADevice(device.serial, "", "")
            mine.enable_date = naive(device.enabled) or made.create_date
            made.mfa_devices[device.serial] = mine
            if device.kind == "virtual":
                self._virtual_device(device, made)

    def _virtual_device(self, device: MfaDevice, owner: Any) -> None:
        """With a seed of its own."""
        virtual: Any = iam_models.VirtualMfaDevice(self.account.id, REGION, "/")
        virtual.serial_number, virtual.tags, virtual.user = device.serial, [], owner
        virtual.enable_date = naive(device.enabled) or owner.create_date
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
            key.upload_date = naive(one.created) or key.upload_date
            made.ssh_public_keys.append(key)
        for one in self._certificates_of(made.name, row):
            certificate: Any = iam_models.SigningCertificate(one.id, made.name, "")
            certificate.status = one.status
            certificate.upload_date = naive(one.created) or certificate.upload_date
            made.signing_certificates[one.id] = certificate
        for one in self.state.service_credentials.get(made.name, ()):
            public, secret = parts_of(one.service)
            made.service_credentials[one.id] = {
                "UserName": made.name,
                "Status": one.status,
                "ServiceName": one.service,
                public: f"{made.name}-at-{self.account.id}",
                secret: service_secret(one.service),
                "CreateDate": naive(one.created),
                "ExpirationDate": naive(one.expires),
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

    def give_root(self) -> None:
        """What the root has, as far as the report tells."""
        row = self.state.report.get(ROOT_USER)
        devices = self.state.mfa_devices.get(ROOT_USER, ())
        self.account.token_version = self.state.summary.get("GlobalEndpointTokenVersion", 1)
        self.account.root_mfa = bool(devices or (row and row.mfa_active))
        if row:
            self.account.created = naive(row.created) or self.account.created
            self.account.root_last_used = naive(row.password_last_used)
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
        return new_id(prefix)


def _is_same(told: ReportedKey, key: AccessKey) -> bool:
    return (told.active, told.last_rotated) == (key.status == "Active", key.created)


def _dated(key: Any, created: datetime | None, told: ReportedKey | None) -> Any:
    """A key with its dates."""
    key.create_date = naive(created) or key.create_date
    if told and (moment := naive(told.last_used)):
        key.last_used = AccessKeyLastUsed(moment, told.last_used_service, told.last_used_region)
    return key
