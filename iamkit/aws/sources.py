"""What can be read of an account: each operation, how it is called, and where its reply goes.

To read something new, add a line to ``OF_ACCOUNT`` or ``OF_USERS``, and its reader.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from iamkit.account.api_replies import (
    Details,
    read_credential,
    read_date,
    read_details,
    read_policies,
    read_profiles,
    read_rules,
)
from iamkit.account.credential_report import parse_credential_report
from iamkit.account.gaps import DETAILS, REPORT, STALE
from iamkit.account.state import (
    ROOT_USER,
    AccessKey,
    AccountState,
    Credential,
    InstanceProfile,
    KeyUse,
    LoginProfile,
    MfaDevice,
    PasswordPolicy,
    ReportRow,
    SignInSession,
    User,
)
from iamkit.aws.call_errors import CALL_ERRORS, code_of
from iamkit.aws.pages import list_pages, whole_pages
from iamkit.aws.session import Session
from iamkit.errors import AwsError

REPORT_SECONDS = 120
NOT_READY = {"ReportNotPresent", "ReportExpired", "ReportInProgress"}
FILTERS = {
    "users": ("User",),
    "groups": ("Group",),
    "roles": ("Role",),
    "policies": ("LocalManagedPolicy", "AWSManagedPolicy"),
}
"""By kind, how GetAccountAuthorizationDetails is asked for it alone."""

Into = Callable[[AccountState, Any], AccountState]


@dataclass(frozen=True)
class OfAccount:
    """One operation that tells of the whole account.

    Attributes:
        read: calls it, and makes of its replies what the state holds.
        into: the field of the state that this goes into, or what puts it there.
        service: the prefix of its action.
        audited: whether an audit asks for it.
    """

    read: Callable[[Session], Any]
    into: str | Into
    service: str = "iam"
    audited: bool = True

    def put(self, state: AccountState, reply: Any) -> AccountState:
        """The state with what was read."""
        if isinstance(self.into, str):
            return replace(state, **{self.into: reply})
        return self.into(state, reply)


@dataclass(frozen=True)
class OfUser:
    """One operation that is called for each user.

    Attributes:
        read: calls it for a user of this name.
        field: of the state: a mapping from the user's name.
        word: the parameters' name of it (``PerUser``); empty where an audit never asks.
        says: whether a user's row in the credential report leaves it open that there is one.
        of_new: whether a user may have it of whom the report does not know yet.
    """

    read: Callable[[Session, str], Any]
    field: str
    word: str = ""
    says: Callable[[ReportRow], bool] = lambda _: True
    of_new: bool = True

    def may_have(self, state: AccountState, user: User) -> bool:
        """Whether an audit asks for a user, by what was read in bulk."""
        row = state.reported(user)
        if row is None:
            return self.of_new
        return self.says(row) and user.name not in getattr(state, self.field)


def read_details_of(session: Session, kinds: Iterable[str] = tuple(FILTERS)) -> Details:
    """Users, groups, roles and policies, or those kinds alone."""
    wanted = [name for kind in kinds for name in FILTERS[kind]]
    chosen = {} if set(kinds) == set(FILTERS) else {"Filter": wanted}
    return read_details(whole_pages(session.iam, "get_account_authorization_details", **chosen))


def _with_details(state: AccountState, found: Details) -> AccountState:
    users, groups, roles, policies = found
    return replace(state, users=users, groups=groups, roles=roles, policies=policies)


def _report(session: Session) -> tuple[dict[str, ReportRow], datetime]:
    """Ask for a report, wait until AWS has made it, and get it.

    Raises:
        AwsError: it was not ready in time, or is stale.
        InputError: it cannot be read.
    """
    deadline, pause = time.monotonic() + REPORT_SECONDS, 0.5
    while True:
        try:
            session.iam.generate_credential_report()
            reply = session.iam.get_credential_report()
            break
        except CALL_ERRORS as error:
            if code_of(error) not in NOT_READY:
                raise
            if time.monotonic() > deadline:
                text = f"iam:{REPORT}: AWS had not made it after {REPORT_SECONDS} s. Run it again."
                raise AwsError(text) from None
            time.sleep(pause)
            pause = min(2 * pause, 5)
    made = reply["GeneratedTime"]
    if datetime.now(UTC) - made > STALE:
        raise AwsError(f"iam:{REPORT}: it is stale, made at {made:%Y-%m-%d %H:%M} UTC.")
    return parse_credential_report(reply["Content"].decode()), made


def read_password_policy(session: Session) -> PasswordPolicy | None:
    """The account's own; None where AWS's default is in force."""
    try:
        return read_rules(session.iam.get_account_password_policy()["PasswordPolicy"])
    except CALL_ERRORS as error:
        if code_of(error) == "NoSuchEntity":
            return None
        raise


def _virtual_mfa_devices(session: Session) -> dict[str, tuple[MfaDevice, ...]]:
    """The virtual devices that are in use, by user; the root's too."""
    found: dict[str, tuple[MfaDevice, ...]] = {}
    listed = list_pages(
        session, "list_virtual_mfa_devices", "VirtualMFADevices", AssignmentStatus="Assigned"
    )
    for item in listed:
        owner = item.get("User", {})
        name = ROOT_USER if owner.get("Arn", "").endswith(":root") else owner.get("UserName", "")
        device = MfaDevice(serial=item["SerialNumber"], enabled=item.get("EnableDate"))
        found[name] = (*found.get(name, ()), device)
    return found


def _service_credentials(session: Session) -> dict[str, tuple[Credential, ...]]:
    found: dict[str, tuple[Credential, ...]] = {}
    reply: dict[str, Any] = {"Marker": ""}
    while "Marker" in reply:  # botocore has no paginator for this call
        more = {"Marker": reply["Marker"]} if reply["Marker"] else {}
        reply = session.iam.list_service_specific_credentials(AllUsers=True, MaxItems=1_000, **more)
        for item in reply["ServiceSpecificCredentials"]:
            credential = read_credential(item, "ServiceSpecificCredentialId")
            found[item["UserName"]] = (*found.get(item["UserName"], ()), credential)
    return found


def _server_certificates(session: Session) -> tuple[Credential, ...]:
    listed = list_pages(session, "list_server_certificates", "ServerCertificateMetadataList")
    return tuple(read_credential(item, "ServerCertificateName") for item in listed)


def _analyzers(session: Session) -> tuple[str, ...]:
    """The active analyzers of external access in the session's region."""
    found = whole_pages(session.clients.make("accessanalyzer"), "list_analyzers")
    return tuple(
        item["name"]
        for page in found
        for item in page["analyzers"]
        if item["status"] == "ACTIVE" and item["type"] in ("ACCOUNT", "ORGANIZATION")
    )


def _sign_in_sessions(session: Session) -> dict[str, tuple[SignInSession, ...]]:
    """Of every user, those that can still be refreshed; AWS tells of the session's region."""
    identity, found = session.identity, dict[str, tuple[SignInSession, ...]]()
    everyone = f"arn:{identity.partition}:iam::{identity.account_id}:*"
    asked = {"principalArn": everyone, "status": "ACTIVE"}
    pages = session.clients.sign_in.get_paginator("list_sessions").paginate(**asked)
    for item in (item for page in pages for item in page["items"]):
        kind, _, name = item["principalArn"].rpartition(":")[2].partition("/")
        one = SignInSession(
            arn=item["sessionArn"],
            began=read_date(item["issuedAt"]),
            expires=read_date(item["expiresAt"]),
        )
        if kind == "user" and (one.expires is None or one.expires > datetime.now(UTC)):
            name = name.rpartition("/")[2]
            found[name] = (*found.get(name, ()), one)
    return found


def _instance_profiles(session: Session) -> dict[str, InstanceProfile]:
    return read_profiles(list_pages(session, "list_instance_profiles", "InstanceProfiles"))


def _with_roles(state: AccountState, listed: Iterable[Mapping[str, Any]]) -> AccountState:
    """What ListRoles tells and the details do not."""
    roles = dict(state.roles)
    for item in listed:
        if role := roles.get(item["RoleName"]):
            more = {"description": item.get("Description", "")}
            more["max_session"] = item.get("MaxSessionDuration")
            roles[role.name] = replace(role, **more)
    return replace(state, roles=roles)


def _with_last_use(state: AccountState, listed: Iterable[Mapping[str, Any]]) -> AccountState:
    """What ListUsers tells and the details do not."""
    used = {item["UserName"]: read_date(item.get("PasswordLastUsed")) for item in listed}
    users = {n: replace(u, password_last_used=used.get(n)) for n, u in state.users.items()}
    return replace(state, users=users)


OF_ACCOUNT: Mapping[str, OfAccount] = {
    REPORT: OfAccount(_report, lambda state, found: replace(state, report=found[0])),
    DETAILS: OfAccount(read_details_of, _with_details),
    "GetAccountSummary": OfAccount(
        lambda session: dict(session.iam.get_account_summary()["SummaryMap"]), "summary"
    ),
    "ListAccountAliases": OfAccount(
        lambda session: session.iam.list_account_aliases()["AccountAliases"],
        lambda state, found: replace(state, alias=next(iter(found), None)),
    ),
    "GetAccountPasswordPolicy": OfAccount(read_password_policy, "password_policy"),
    "ListVirtualMFADevices": OfAccount(_virtual_mfa_devices, "mfa_devices"),
    "ListServiceSpecificCredentials": OfAccount(_service_credentials, "service_credentials"),
    "ListServerCertificates": OfAccount(_server_certificates, "server_certificates"),
    "ListAnalyzers": OfAccount(_analyzers, "analyzers", "access-analyzer"),
    "ListInstanceProfiles": OfAccount(_instance_profiles, "instance_profiles", audited=False),
    "ListSessions": OfAccount(_sign_in_sessions, "sign_in_sessions", "signin", audited=False),
    "ListRoles": OfAccount(
        lambda session: list_pages(session, "list_roles", "Roles"), _with_roles, audited=False
    ),
    "ListPolicies": OfAccount(
        lambda session: read_policies(
            list_pages(session, "list_policies", "Policies", Scope="AWS")
        ),
        "aws_policies",
        audited=False,
    ),
    "ListUsers": OfAccount(
        lambda session: list_pages(session, "list_users", "Users"), _with_last_use, audited=False
    ),
}
"""By operation; what comes first is asked for first, as AWS takes a while to make the report."""


def _access_keys(session: Session, user: str) -> tuple[AccessKey, ...]:
    listed = list_pages(session, "list_access_keys", "AccessKeyMetadata", UserName=user)
    return tuple(
        AccessKey(id=item["AccessKeyId"], status=item["Status"], created=item["CreateDate"])
        for item in listed
    )


def _key_uses(session: Session, user: str) -> dict[str, KeyUse]:
    """By key, its last use; AWS says N/A for a service or region where it knows of none."""
    found = {}
    for key in _access_keys(session, user):
        told = session.iam.get_access_key_last_used(AccessKeyId=key.id)["AccessKeyLastUsed"]
        words = {"service": told["ServiceName"], "region": told["Region"]}
        known = {name: word for name, word in words.items() if word != "N/A"}
        found[key.id] = KeyUse(at=read_date(told.get("LastUsedDate")), **known)
    return found


def _mfa_devices(session: Session, user: str) -> tuple[MfaDevice, ...]:
    listed = list_pages(session, "list_mfa_devices", "MFADevices", UserName=user)
    return tuple(
        MfaDevice(serial=item["SerialNumber"], enabled=item["EnableDate"]) for item in listed
    )


def _login_profile(session: Session, user: str) -> LoginProfile | None:
    try:
        profile = session.iam.get_login_profile(UserName=user)["LoginProfile"]
    except CALL_ERRORS as error:
        if code_of(error) == "NoSuchEntity":
            return None
        raise
    return LoginProfile(
        reset_required=bool(profile.get("PasswordResetRequired")), created=profile["CreateDate"]
    )


def _credentials(operation: str, key: str, id_key: str) -> Callable[[Session, str], Any]:
    def read(session: Session, user: str) -> tuple[Credential, ...]:
        listed = list_pages(session, operation, key, UserName=user)
        return tuple(read_credential(item, id_key) for item in listed)

    return read


OF_USERS: Mapping[str, OfUser] = {
    "ListAccessKeys": OfUser(_access_keys, "access_keys", "access_keys", lambda row: any(row.keys)),
    "GetAccessKeyLastUsed": OfUser(_key_uses, "key_uses"),
    "ListMFADevices": OfUser(
        _mfa_devices, "mfa_devices", "mfa_devices", lambda row: row.mfa_active is not False
    ),
    "GetLoginProfile": OfUser(
        _login_profile,
        "login_profiles",
        "login_profiles",
        lambda row: row.password_enabled is not False,
    ),
    "ListSSHPublicKeys": OfUser(
        _credentials("list_ssh_public_keys", "SSHPublicKeys", "SSHPublicKeyId"),
        "ssh_public_keys",
        "ssh_public_keys",
    ),
    "ListSigningCertificates": OfUser(
        _credentials("list_signing_certificates", "Certificates", "CertificateId"),
        "signing_certificates",
        "certificates",
        lambda row: any(row.certificates),
        of_new=False,
    ),
    "ListServiceSpecificCredentials": OfUser(
        _credentials(
            "list_service_specific_credentials",
            "ServiceSpecificCredentials",
            "ServiceSpecificCredentialId",
        ),
        "service_credentials",
    ),
}
"""By operation. Of one user alone even the last is asked, which needs no leave to see all."""
