"""Read a whole account for an audit: in bulk, and by single users only where nothing else tells.

Whatever cannot be read is said in the state's ``sources``, and the rest is read all the same.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from iamkit.account.api_replies import read_credential, read_details, read_rules
from iamkit.account.credential_report import parse_credential_report
from iamkit.account.state import (
    ROOT_USER,
    AccessKey,
    AccountState,
    Credential,
    LoginProfile,
    MfaDevice,
    PasswordPolicy,
    ReportRow,
    Source,
    User,
)
from iamkit.aws.call_errors import CALL_ERRORS, STOPS_ALL, code_of, explain_error
from iamkit.aws.read import READERS, whole_pages
from iamkit.aws.session import Session
from iamkit.errors import AwsError, InputError
from iamkit.parameters.models import DEFAULT_PER_USER

STALE = timedelta(hours=24)
"""A credential report older than this says nothing about now."""
REPORT_SECONDS = 120
NOT_READY = {"ReportNotPresent", "ReportExpired", "ReportInProgress"}

Progress = Callable[[str, int, int], None]
"""Called with an operation, and how many of how many calls are done."""


def survey_account(
    session: Session,
    per_user: Iterable[str] = DEFAULT_PER_USER,
    on_progress: Progress = lambda *_: None,
) -> AccountState:
    """Read everything that an audit looks at.

    Some ten bulk calls and the pages of GetAccountAuthorizationDetails; then, of ``per_user``,
    one call for each user that has such a thing, or of whom the credential report, which may be
    four hours old, does not know yet.

    Args:
        session: an open session.
        per_user: some of ``parameters.PerUser``; for what is left out, the tables say "not read".
            ``login_profiles`` and ``ssh_public_keys`` cost a call for every user that may have one.
        on_progress: called after each bulk call, and while single users are read.

    Returns:
        The state; ``failed_sources`` names what could not be read.

    Raises:
        AwsError: the users themselves could not be read.
    """
    survey = _Survey(session, on_progress)
    with ThreadPoolExecutor(READERS) as pool:
        bulk = survey.read_bulk(pool)
        state = _state_of(session, bulk)
        found = survey.read_users(pool, state, per_user)
    return _complete(state, found, survey.sources)


@dataclass
class _Survey:
    """Calls that may fail, each on its own, and how they went."""

    session: Session
    on_progress: Progress
    sources: dict[str, Source] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read_bulk(self, pool: ThreadPoolExecutor) -> dict[str, Any]:
        """The replies of the bulk calls by operation; what failed is not in it."""
        readers = {
            operation: pool.submit(self._try, operation, read, self.session)
            for operation, read in _BULK.items()
        }
        operations = {future: operation for operation, future in readers.items()}
        replies = {}
        for done, future in enumerate(as_completed(operations), 1):
            operation = operations[future]
            self.on_progress(operation, done, len(_BULK))
            error, reply = future.result()
            if error is None:
                replies[operation] = reply
            elif operation == DETAILS:
                raise error
        return replies

    def read_users(
        self, pool: ThreadPoolExecutor, state: AccountState, per_user: Iterable[str]
    ) -> dict[str, dict[str, Any]]:
        """By operation, what single users have."""
        found: dict[str, dict[str, Any]] = {}
        for kind, (operation, needs, read) in _OF_USERS.items():
            if kind not in per_user:
                continue
            names = [user.name for user in state.users.values() if needs(state, user)]
            found[operation] = self._read_each(pool, operation, names, read)
        return found

    def _read_each(
        self, pool: ThreadPoolExecutor, operation: str, names: list[str], read: Any
    ) -> dict[str, Any]:
        stopped, found, lacking, notes = threading.Event(), {}, [], []

        def one(name: str) -> Any:
            if stopped.is_set():
                return None
            try:
                return read(self.session, name)
            except CALL_ERRORS as error:
                if code_of(error) in STOPS_ALL:
                    stopped.set()
                notes.append(str(explain_error(error, operation)))
                return None

        for done, (name, reply) in enumerate(zip(names, pool.map(one, names), strict=True), 1):
            self.on_progress(operation, done, len(names))
            if reply is None:
                lacking.append(name)
            else:
                found[name] = reply
        self.sources[operation] = Source(
            status="unknown" if stopped.is_set() else "read",
            at=datetime.now(UTC),
            note=notes[0] if notes else "",
            missing=frozenset(lacking),
        )
        return found

    def _try(
        self, operation: str, read: Callable[[Session], Any], session: Session
    ) -> tuple[AwsError | InputError | None, Any]:
        at, reply = datetime.now(UTC), None
        failure: AwsError | InputError | None = None
        try:
            reply = read(session)
        except CALL_ERRORS as error:
            failure = explain_error(error, operation, _SERVICES.get(operation, "iam"))
        except (AwsError, InputError) as error:
            failure = error
        if failure:
            source = Source(status="unknown", at=at, note=str(failure))
        else:
            source = Source(status="read", at=reply[1] if operation == REPORT and reply else at)
        with self._lock:
            self.sources[operation] = source
        return failure, reply


def _state_of(session: Session, bulk: Mapping[str, Any]) -> AccountState:
    users, groups, roles, policies = bulk[DETAILS]
    return AccountState(
        account_id=session.identity.account_id,
        partition=session.identity.partition,
        alias=next(iter(bulk.get("ListAccountAliases", ())), None),
        users=users,
        groups=groups,
        roles=roles,
        policies=policies,
        read_at=datetime.now(UTC),
        password_policy=bulk.get("GetAccountPasswordPolicy"),
        report=bulk.get(REPORT, ({}, None))[0],
        summary=bulk.get("GetAccountSummary", {}),
        mfa_devices=bulk.get("ListVirtualMFADevices", {}),
        service_credentials=bulk.get("ListServiceSpecificCredentials", {}),
        server_certificates=bulk.get("ListServerCertificates", ()),
        analyzers=bulk.get("ListAnalyzers", ()),
    )


def _complete(
    state: AccountState, found: Mapping[str, Mapping[str, Any]], sources: Mapping[str, Source]
) -> AccountState:
    return replace(
        state,
        read_at=datetime.now(UTC),
        access_keys=found.get("ListAccessKeys", {}),
        mfa_devices={**state.mfa_devices, **found.get("ListMFADevices", {})},
        login_profiles={n: p for n, (p,) in found.get("GetLoginProfile", {}).items()},
        ssh_public_keys=found.get("ListSSHPublicKeys", {}),
        signing_certificates=found.get("ListSigningCertificates", {}),
        sources=dict(sorted(sources.items())),
    )


# Bulk calls


DETAILS, REPORT = "GetAccountAuthorizationDetails", "GetCredentialReport"
_SERVICES = {"ListAnalyzers": "access-analyzer"}


def _details(session: Session) -> Any:
    return read_details(whole_pages(session.iam, "get_account_authorization_details"))


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


def _aliases(session: Session) -> list[str]:
    return list(session.iam.list_account_aliases()["AccountAliases"])


def _password_policy(session: Session) -> PasswordPolicy | None:
    """The account's own; None where AWS's default is in force."""
    try:
        return read_rules(session.iam.get_account_password_policy()["PasswordPolicy"])
    except CALL_ERRORS as error:
        if code_of(error) == "NoSuchEntity":
            return None
        raise


def _summary(session: Session) -> dict[str, int]:
    return dict(session.iam.get_account_summary()["SummaryMap"])


def _virtual_mfa_devices(session: Session) -> dict[str, tuple[MfaDevice, ...]]:
    """The virtual devices that are in use, by user; the root's too."""
    found: dict[str, tuple[MfaDevice, ...]] = {}
    pages = whole_pages(session.iam, "list_virtual_mfa_devices", AssignmentStatus="Assigned")
    for item in (item for page in pages for item in page["VirtualMFADevices"]):
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
    pages = whole_pages(session.iam, "list_server_certificates")
    return tuple(
        read_credential(item, "ServerCertificateName")
        for page in pages
        for item in page["ServerCertificateMetadataList"]
    )


def _analyzers(session: Session) -> tuple[str, ...]:
    """The active analyzers of external access in the session's region."""
    found = whole_pages(session.clients.make("accessanalyzer"), "list_analyzers")
    return tuple(
        item["name"]
        for page in found
        for item in page["analyzers"]
        if item["status"] == "ACTIVE" and item["type"] in ("ACCOUNT", "ORGANIZATION")
    )


_BULK: Mapping[str, Callable[[Session], Any]] = {
    REPORT: _report,
    DETAILS: _details,
    "GetAccountSummary": _summary,
    "ListAccountAliases": _aliases,
    "GetAccountPasswordPolicy": _password_policy,
    "ListVirtualMFADevices": _virtual_mfa_devices,
    "ListServiceSpecificCredentials": _service_credentials,
    "ListServerCertificates": _server_certificates,
    "ListAnalyzers": _analyzers,
}


# Calls for single users


def _access_keys(session: Session, user: str) -> tuple[AccessKey, ...]:
    pages = whole_pages(session.iam, "list_access_keys", UserName=user)
    return tuple(
        AccessKey(id=item["AccessKeyId"], status=item["Status"], created=item["CreateDate"])
        for page in pages
        for item in page["AccessKeyMetadata"]
    )


def _mfa_devices(session: Session, user: str) -> tuple[MfaDevice, ...]:
    pages = whole_pages(session.iam, "list_mfa_devices", UserName=user)
    return tuple(
        MfaDevice(serial=item["SerialNumber"], enabled=item["EnableDate"])
        for page in pages
        for item in page["MFADevices"]
    )


def _login_profile(session: Session, user: str) -> tuple[LoginProfile | None]:
    """In a tuple, as None stands for a call that failed."""
    try:
        profile = session.iam.get_login_profile(UserName=user)["LoginProfile"]
    except CALL_ERRORS as error:
        if code_of(error) == "NoSuchEntity":
            return (None,)
        raise
    return (
        LoginProfile(
            reset_required=bool(profile.get("PasswordResetRequired")), created=profile["CreateDate"]
        ),
    )


def _credentials(operation: str, key: str, id_key: str) -> Callable[[Session, str], Any]:
    def read(session: Session, user: str) -> tuple[Credential, ...]:
        pages = whole_pages(session.iam, operation, UserName=user)
        return tuple(read_credential(item, id_key) for page in pages for item in page[key])

    return read


def _has_keys(state: AccountState, user: User) -> bool:
    row = state.reported(user)
    return row is None or any(row.keys)


def _has_unnamed_mfa(state: AccountState, user: User) -> bool:
    row = state.reported(user)
    return row is None or (row.mfa_active is not False and user.name not in state.mfa_devices)


def _has_password(state: AccountState, user: User) -> bool:
    row = state.reported(user)
    return row is None or row.password_enabled is not False


def _has_certificates(state: AccountState, user: User) -> bool:
    row = state.reported(user)
    return row is not None and any(row.certificates)


def _always(_: AccountState, __: User) -> bool:
    return True


_OF_USERS: Mapping[str, tuple[str, Callable[[AccountState, User], bool], Any]] = {
    "access_keys": ("ListAccessKeys", _has_keys, _access_keys),
    "mfa_devices": ("ListMFADevices", _has_unnamed_mfa, _mfa_devices),
    "login_profiles": ("GetLoginProfile", _has_password, _login_profile),
    "ssh_public_keys": (
        "ListSSHPublicKeys",
        _always,
        _credentials("list_ssh_public_keys", "SSHPublicKeys", "SSHPublicKeyId"),
    ),
    "certificates": (
        "ListSigningCertificates",
        _has_certificates,
        _credentials("list_signing_certificates", "Certificates", "CertificateId"),
    ),
}
