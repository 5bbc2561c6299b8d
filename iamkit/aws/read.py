"""Read the account into one immutable AccountState: bulk reads, every call paged."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.parsers import ResponseParserError

from iamkit.account.api_replies import Details, read_details, read_rules
from iamkit.account.state import (
    AccessKey,
    AccountState,
    PasswordPolicy,
    UserDetail,
)
from iamkit.aws.call_errors import CALL_ERRORS, code_of, explain_error
from iamkit.aws.session import Session
from iamkit.plan.desired import Desired

PAGE = 1_000
INTERRUPTED = timedelta(minutes=10)
"""How far a lost key's creation may lie from our intent, clocks that differ included."""
READERS = 8
"""Calls for single users that run side by side; IAM throttles at some more."""


def read_account(
    session: Session, desired: Desired | None = None, *, every_user: bool = False
) -> AccountState:
    """Read users, groups and the alias, and the details of the users that matter.

    Args:
        session: an open session.
        desired: what is wanted; the details of the users that it names are read fresh.
        every_user: whether to read the details of all users, at two calls a user.

    Raises:
        AwsError: a call failed; the message names it.
    """
    desired = desired or Desired()
    users, groups, _, _ = _read_details(session, "User", "Group")
    names = [n for n in users if every_user or desired.concerns(n)]
    with ThreadPoolExecutor(READERS) as pool:
        details = list(pool.map(lambda name: read_detail(session, name, desired), names))
    for name, detail in zip(names, details, strict=True):
        users[name] = replace(users[name], detail=detail)
    aliases = read_pages(session, "list_account_aliases", "AccountAliases")
    return AccountState(
        account_id=session.identity.account_id,
        partition=session.identity.partition,
        alias=next(iter(aliases), None),
        users=users,
        groups=groups,
        read_at=datetime.now(UTC),
    )


def read_permissions(session: Session) -> AccountState:
    """Read everyone's policies, and nothing else: users, groups, roles, managed policies.

    Raises:
        AwsError: the call failed.
    """
    users, groups, roles, policies = _read_details(session)
    return AccountState(
        account_id=session.identity.account_id,
        partition=session.identity.partition,
        alias=session.alias,
        users=users,
        groups=groups,
        roles=roles,
        policies=policies,
        read_at=datetime.now(UTC),
    )


def read_password_policy(session: Session) -> PasswordPolicy:
    """The account's rules for passwords, or AWS's own where it has none."""
    try:
        rules = session.iam.get_account_password_policy()["PasswordPolicy"]
    except CALL_ERRORS as error:
        if code_of(error) == "NoSuchEntity":
            return PasswordPolicy()
        raise explain_error(error, "GetAccountPasswordPolicy") from None
    return read_rules(rules)


def read_pages(session: Session, operation: str, key: str, **arguments: Any) -> list[Any]:
    """Every item of a list call, over all of its pages.

    Args:
        session: an open session.
        operation: the boto3 method, such as ``list_access_keys``.
        key: the name of the list in the reply.
        arguments: the call's arguments.

    Raises:
        AwsError: the call failed.
    """
    name = session.iam.meta.method_to_api_mapping[operation]
    try:
        return list_pages(session, operation, key, **arguments)
    except CALL_ERRORS as error:
        raise explain_error(error, name) from None


def list_pages(session: Session, operation: str, key: str, **arguments: Any) -> list[Any]:
    """Like ``read_pages``, with botocore's own errors, for who knows what to do about them.

    Raises:
        ClientError: or another of ``CALL_ERRORS``.
    """
    return [item for page in whole_pages(session.iam, operation, **arguments) for item in page[key]]


def whole_pages(client: Any, operation: str, **arguments: Any) -> list[Any]:
    """The pages of a list call, as long as AWS makes them; one if the call is not paged.

    Raises:
        ClientError: or another of ``CALL_ERRORS``.
    """
    if not client.can_paginate(operation):
        return [_again(lambda: getattr(client, operation)(**arguments))]
    pages = client.get_paginator(operation).paginate(
        **arguments, PaginationConfig={"PageSize": PAGE}
    )
    return list(_again(lambda: list(pages)))


def _again(read: Callable[[], Any]) -> Any:
    """Read once more when a reply was broken, which botocore does not do itself."""
    for pause in (0.2, 1, 3):
        try:
            return read()
        except ResponseParserError:
            time.sleep(pause)
    return read()


def _read_details(session: Session, *wanted: str) -> Details:
    """All that is of these kinds, or everything."""
    arguments = {"Filter": list(wanted)} if wanted else {}
    try:
        pages = whole_pages(session.iam, "get_account_authorization_details", **arguments)
    except CALL_ERRORS as error:
        raise explain_error(error, "GetAccountAuthorizationDetails") from None
    return read_details(pages)


def read_detail(session: Session, user: str, desired: Desired) -> UserDetail:
    """Read what only calls for one user tell; all that is theirs, if the plan needs to know it.

    Raises:
        AwsError: a call failed; the message names it.
    """
    detail = UserDetail(
        access_keys=_read_keys(session, user),
        has_login_profile=_has_login_profile(session, user),
    )
    return _with_belongings(session, user, detail) if desired.needs_all_of(user) else detail


def _with_belongings(session: Session, user: str, detail: UserDetail) -> UserDetail:
    """Add what a user must have given back before IAM deletes them."""

    def ids(operation: str, key: str, item_id: str) -> tuple[str, ...]:
        return tuple(i[item_id] for i in read_pages(session, operation, key, UserName=user))

    return replace(
        detail,
        mfa_devices=ids("list_mfa_devices", "MFADevices", "SerialNumber"),
        ssh_public_keys=ids("list_ssh_public_keys", "SSHPublicKeys", "SSHPublicKeyId"),
        signing_certificates=ids("list_signing_certificates", "Certificates", "CertificateId"),
        service_specific_credentials=ids(
            "list_service_specific_credentials",
            "ServiceSpecificCredentials",
            "ServiceSpecificCredentialId",
        ),
    )


def _has_login_profile(session: Session, user: str) -> bool:
    try:
        session.iam.get_login_profile(UserName=user)
    except CALL_ERRORS as error:
        if code_of(error) == "NoSuchEntity":
            return False
        raise explain_error(error, "GetLoginProfile") from None
    return True


def _read_keys(session: Session, user: str) -> tuple[AccessKey, ...]:
    store = session.store
    stored = store.stored_key_ids()
    interrupted = next((i for i in store.pending() if i.user == user), None)
    keys = []
    for item in read_pages(session, "list_access_keys", "AccessKeyMetadata", UserName=user):
        key_id = item["AccessKeyId"]
        orphan = (
            interrupted is not None
            and key_id not in interrupted.keys_before | stored
            and abs(item["CreateDate"] - interrupted.started) < INTERRUPTED
            and _never_used(session, key_id)
        )
        keys.append(
            AccessKey(
                id=key_id,
                status=item["Status"],
                created=item["CreateDate"],
                stored=key_id in stored,
                orphan=orphan,
            )
        )
    return tuple(keys)


def _never_used(session: Session, key_id: str) -> bool:
    try:
        reply = session.iam.get_access_key_last_used(AccessKeyId=key_id)
    except CALL_ERRORS as error:
        raise explain_error(error, "GetAccessKeyLastUsed") from None
    return "LastUsedDate" not in reply["AccessKeyLastUsed"]
