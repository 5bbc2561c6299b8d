"""Open a session: the guard between practice and a real account."""

import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3

from iamkit.account.state import CallerIdentity
from iamkit.aws.call_errors import CALL_ERRORS, DENIED, code_of, explain_error, harmless
from iamkit.aws.clients import Clients, session_of
from iamkit.aws.credential_chain import (
    ask_in_terminal,
    digests_of_kernels,
    handing_over,
    open_profile,
    secrets_in_force,
    sign_in,
)
from iamkit.aws.credential_place import botocore_session
from iamkit.credentials import CredentialStore, Fingerprint, Secret
from iamkit.errors import AwsError, GuardError, IamkitError, LockedError
from iamkit.parameters.notebook import NotebookParameters, RunAsParameters
from iamkit.sandbox import Sandbox, find_sandbox, start_sandbox, twin_folder
from iamkit.sandbox.protocol import ACCOUNT_ID
from iamkit.storage.home import home_folder


@dataclass(frozen=True, kw_only=True)
class Session:
    """An open session with one account, by one caller.

    Attributes:
        environment: ``sandbox`` or ``aws``.
        source: where the credentials come from, in words.
        folder: the account's folder: the journal and the credential store.
        warnings: what the user should know before going on.
        refusal: why nothing may be applied with these credentials, or None.
    """

    environment: str
    identity: CallerIdentity
    alias: str | None
    source: str
    folder: Path
    warnings: tuple[str, ...] = ()
    refusal: str | None = None
    clients: Clients = field(repr=False)

    @property
    def store(self) -> CredentialStore:
        """The credential store of this account."""
        return CredentialStore(self.folder)

    @property
    def iam(self) -> Any:
        """The IAM client: it retries, and slows down when AWS asks for it."""
        return self.clients.iam


ASKING = 5
"""The first call finds out whether proxy and certificates are right, which no try mends."""

NEW_KEY = 60.0
"""Seconds to wait until AWS knows a key that was made a moment ago."""


def check_account(identity: CallerIdentity, account_id: str) -> None:
    """Check that the credentials belong to the account that the parameters name.

    Raises:
        GuardError: they belong to another account.
    """
    if identity.account_id != account_id:
        raise GuardError(
            f"These credentials are of account {identity.account_id}, the parameters say "
            f"{account_id} (account_id). Nothing was changed."
        )


def open_session(parameters: NotebookParameters) -> Session:
    """Open a session with the account that the parameters name, as ``run_as`` if they say so.

    Raises:
        GuardError: an endpoint override is in force, or the account is another one.
        AwsError: the credentials are missing, expired or unknown.
        SandboxError: the sandbox did not start.
    """
    practice = parameters.environment == "sandbox"
    target = _sandbox_target(parameters.account_id) if practice else _aws_target(parameters)
    warnings = [*target.warnings, *_recover(target.folder)]
    run_as = getattr(parameters, "run_as", "")
    stored = CredentialStore(target.folder).keys_of(run_as) if run_as else ()
    if stored:
        session = session_of(stored[0].id, stored[0].secret, target.session.region_name)
        target = replace(target, session=session, source=f"the stored key of {run_as}")
    elif not practice:
        sign_in(target.session, parameters.profile)
    clients = Clients(target.session, target.endpoint_url, target.profile)
    patience = NEW_KEY if stored and stored[0].is_new else 0
    identity = _caller_identity(clients, target.source, patience)
    check_account(identity, parameters.account_id)
    refusal = None
    if run_as and not stored:
        lack, remedy = _no_key(run_as, CredentialStore(target.folder))
        warnings.append(f"{run_as} {lack}, so this session uses {target.source}.")
        refusal = f"{run_as} (run_as) {lack}: {remedy}, or clear run_as"
    if identity.is_root:
        warnings.append("These are the account's root credentials, which nothing can restrict.")
        if isinstance(parameters, RunAsParameters) and not parameters.allow_root:
            refusal = refusal or "root credentials are for 02_admin_group alone; or set allow_root"
    return Session(
        environment=parameters.environment,
        identity=identity,
        alias=_account_alias(clients),
        source=target.source,
        folder=target.folder,
        warnings=tuple(warnings),
        refusal=None if practice else refusal,
        clients=clients,
    )


@contextmanager
def signed_in_ahead(notebooks: Iterable[NotebookParameters], *, ask: bool = True) -> Iterator[None]:
    """Within it, the kernels of a run start with credentials that were resolved once, before.

    In a terminal a person is asked for an MFA code here, and nowhere else. What fails is told by
    the first notebook that wants a session.
    """
    wanting = [one for one in notebooks if _signs_in(one)]
    try:
        profiles = [_aws_target(one).profile for one in wanting[:1]]
    except IamkitError:  # told by the notebook, which meets it again before anything is sent
        profiles = []
    if not profiles:
        yield
        return
    with handing_over(profiles[0], ask_in_terminal if ask else None):
        yield


def _signs_in(parameters: NotebookParameters) -> bool:
    """Whether it wants a session at AWS that no stored key opens."""
    if parameters.environment != "aws" or getattr(parameters, "state_files", None):
        return False
    run_as = getattr(parameters, "run_as", "")
    store = CredentialStore(_account_folder(parameters.account_id))
    return not (run_as and store.keys_of(run_as))


def _no_key(user: str, store: CredentialStore) -> tuple[str, str]:
    """Why nobody can act as a user here, and what to do about it."""
    handed_over = [record for record in store.records(user) if record.key_id]
    if not handed_over:
        return "has no stored key yet", "run 02_admin_group first"
    where = handed_over[0].where
    return (
        f"has a key that was handed over to its owner ({where}) and cannot be read here",
        "name a user whose key is in a private file",
    )


def refuse_endpoint_overrides(environ: Mapping[str, str], config: Mapping[str, Any]) -> None:
    """Check that neither the environment nor the profile sends calls elsewhere than to AWS.

    Raises:
        GuardError: naming the override; nothing was sent.
    """
    found = [name for name in environ if name.startswith("AWS_ENDPOINT_URL") and environ[name]]
    found += [f"{name} in the profile" for name in ("endpoint_url", "services") if name in config]
    if found:
        raise GuardError(
            f"{found[0]} is set, so calls would not go to AWS. Remove it, or use the environment "
            "sandbox. Nothing was sent."
        )


def known_secrets(parameters: Mapping[str, Any]) -> list[str | Fingerprint]:
    """Every secret that may not be in any output: those in force, and those in the store.

    Args:
        parameters: with ``environment``, ``account_id`` and, if need be, ``profile``.

    Returns:
        The secrets; of those that cannot be read here, the digests.
    """
    if parameters.get("environment") == "sandbox":
        sandbox = find_sandbox(_sandbox_folder(str(parameters.get("account_id", ""))))
        if sandbox is None:
            return []
        secrets, folder = [*sandbox.secrets(), sandbox.secret_access_key], sandbox.folder
    else:
        folder = _account_folder(str(parameters.get("account_id", "")))
        secrets = list(secrets_in_force(str(parameters.get("profile") or "")))
    store = CredentialStore(folder)
    stored = [secret.reveal() for secret in store.secrets()]
    return [*secrets, *stored, *store.digests(), *digests_of_kernels()]


def _account_folder(account_id: str) -> Path:
    return home_folder() / "accounts" / account_id


@dataclass(frozen=True, kw_only=True)
class _Target:
    session: boto3.Session
    source: str
    folder: Path
    endpoint_url: str | None
    profile: str = ""
    warnings: tuple[str, ...] = ()


def _sandbox_folder(account_id: str) -> Path:
    """Where a sandbox lies: that of the twin of an account, if it has one, or the practice one."""
    practice = home_folder() / "sandbox"
    if account_id == ACCOUNT_ID or not re.fullmatch("[0-9]{12}", account_id):
        return practice
    twin = twin_folder(home_folder(), account_id)
    return twin if twin.exists() else practice


def _sandbox_target(account_id: str) -> _Target:
    folder = _sandbox_folder(account_id)
    sandbox = start_sandbox(folder)
    if folder != home_folder() / "sandbox":
        return _twin_target(sandbox.account(account_id))
    secret = Secret(sandbox.secret_access_key)
    return _Target(
        session=session_of(sandbox.access_key_id, secret, "us-east-1"),
        source="the sandbox's root key",
        folder=sandbox.folder,
        endpoint_url=sandbox.endpoint_url,
    )


def _twin_target(twin: Sandbox) -> _Target:
    text = (
        f"This is the TWIN of {twin.account_id}, made from a saved state, not the account itself."
    )
    return _Target(
        session=session_of(twin.access_key_id, Secret(twin.secret_access_key), "us-east-1"),
        source="the TWIN's root key",
        folder=twin.folder,
        endpoint_url=twin.endpoint_url,
        warnings=(text,),
    )


def _aws_target(parameters: NotebookParameters) -> _Target:
    profile = parameters.profile
    session = open_profile(profile)
    refuse_endpoint_overrides(os.environ, botocore_session(session).get_scoped_config())
    return _Target(
        session=session,
        source=f"AWS profile {profile}" if profile else "botocore's own chain",
        folder=_account_folder(parameters.account_id),
        endpoint_url=None,
        profile=profile,
    )


def _caller_identity(clients: Clients, source: str, patience: float = 0) -> CallerIdentity:
    """Who calls; a key that was made a moment ago may not be known for some seconds."""
    sts, deadline = clients.make("sts", ASKING), time.monotonic() + patience
    while True:
        try:
            reply = sts.get_caller_identity()
        except CALL_ERRORS as error:
            if code_of(error) != "InvalidClientTokenId" or time.monotonic() > deadline:
                told = explain_error(error, "GetCallerIdentity", "sts")
                raise AwsError(f"{harmless(source)}: {told}") from None
            time.sleep(1)
        else:
            return CallerIdentity(
                account_id=reply["Account"], arn=reply["Arn"], user_id=reply["UserId"]
            )


def _account_alias(clients: Clients) -> str | None:
    """The alias for the banner; someone who may not read it works without."""
    try:
        aliases = clients.iam.list_account_aliases()["AccountAliases"]
    except CALL_ERRORS as error:
        if code_of(error) in DENIED:
            return None
        raise explain_error(error, "ListAccountAliases") from None
    return aliases[0] if aliases else None


def _recover(folder: Path) -> list[str]:
    """Finish what a killed run left of a handover, unless a run is under way right now."""
    store = CredentialStore(folder)
    if not folder.exists():
        return []
    try:
        with store.lock():
            return list(store.recover())
    except LockedError:
        return []
