"""Sign in once: botocore's credentials, resolved in one place for every command and notebook.

botocore finds credentials when a client is made; here it does so before, and whatever comes up
becomes a sentence. The kernels of a run take what was resolved before they started, and the search
for leaks takes what was resolved at all, so that nobody signs in, or is asked for a code, twice.
https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
"""

import getpass
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
from botocore import exceptions as botocore
from botocore.credentials import Credentials, RefreshableCredentials

from iamkit.aws.call_errors import SignInError, harmless
from iamkit.aws.credential_errors import (
    NOTHING,
    say,
    say_empty,
    say_headless,
    say_no_profile,
)
from iamkit.aws.credential_place import Place, botocore_session
from iamkit.credentials import Fingerprint, Secret
from iamkit.errors import AwsError, GuardError, IamkitError

HANDED_OVER = "IAMKIT_SIGNED_IN"
"""The variable by which the kernels of a run get what was resolved once, before they started."""


def _without_traceback(record: logging.LogRecord) -> bool:
    """A traceback of botocore's own may hold what a credential process printed."""
    record.exc_info = None
    return True


for _name in ("botocore.credentials", "botocore.tokens"):
    logging.getLogger(_name).addFilter(_without_traceback)


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """Credentials as botocore resolved them.

    Attributes:
        profile: as the parameters name it; empty for botocore's own chain.
        method: botocore's name for where they come from.
        expires: when they end; None if botocore does not know of an end.
        asked: whether a person was asked for a code, so that nobody renews them unasked.
    """

    profile: str
    method: str
    access_key: str
    secret_key: Secret
    token: Secret | None
    expires: datetime | None = None
    asked: bool = False

    def credentials(self) -> Credentials:
        """For a session: fixed, or renewed in the same way when they end."""
        token = self.token.reveal() if self.token else None
        keys = (self.access_key, self.secret_key.reveal(), token)
        if self.expires is None or self.asked:
            return _Fixed(*keys, self.method, self.expires)
        return RefreshableCredentials(
            *keys, expiry_time=self.expires, refresh_using=self._renew, method=self.method
        )

    def _renew(self) -> dict[str, Any]:
        try:
            new = resolve(open_profile(self.profile), self.profile, ask=None)
        except IamkitError as error:
            raise SignInError(text=str(error)) from None
        return {
            "access_key": new.access_key,
            "secret_key": new.secret_key.reveal(),
            "token": new.token.reveal() if new.token else None,
            "expiry_time": (new.expires or datetime.max.replace(tzinfo=UTC)).isoformat(),
        }


def _tell_of(found: SignedIn) -> None:
    """In a kernel of a run: leave the digests of its own secrets to the run's search for leaks."""
    folder = json.loads(_INHERITED or "{}").get("folder")
    for secret in (found.secret_key, found.token):
        if folder and secret:
            digest = json.dumps(asdict(Fingerprint.of(secret.reveal())))
            with suppress(OSError):
                Path(folder, f"{uuid4()}.json").write_text(digest)


class _Fixed(Credentials):  # type: ignore[misc]
    """Credentials that nobody renews, with the moment when they end, if it is known."""

    def __init__(
        self, key: str, secret: str, token: str | None, method: str, ends: datetime | None
    ) -> None:
        super().__init__(key, secret, token, method)
        self._expiry_time = ends


_FOLDERS: list[str] = []
"""Where the kernels of a run leave the digests of what they resolved themselves; private."""

_RESOLVED: list[SignedIn] = []
"""What this process resolved, so that the search for leaks need not sign in."""


def secrets_in_force(profile: str) -> set[str]:
    """The secrets that this process resolved, or that stand in variables and the profile's files.

    Nobody signs in for it: what was never resolved can leak nowhere.
    """
    secrets = [secret for one in _RESOLVED for secret in (one.secret_key, one.token) if secret]
    found = {secret.reveal() for secret in secrets}
    found |= {os.environ.get(name, "") for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")}
    try:
        place = Place.of(open_profile(profile), profile)
    except IamkitError:
        return found - {""}
    for name in place.chain:
        settings = place.profiles.get(name, {})
        found |= {settings.get("aws_secret_access_key", ""), settings.get("aws_session_token", "")}
    return found - {""}


def digests_of_kernels() -> list[Fingerprint]:
    """The digests of what the kernels of this process's run resolved themselves."""
    files = [file for folder in _FOLDERS for file in Path(folder).glob("*.json")]
    return [Fingerprint.from_data(json.loads(file.read_text())) for file in files]


def ask_in_terminal(prompt: str) -> str:
    """Ask a person for a code, in a terminal alone.

    Raises:
        EOFError: there is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise EOFError
    return getpass.getpass(prompt)


def open_profile(profile: str) -> boto3.Session:
    """A session of a profile, or of botocore's own chain if it is empty; nothing is sent.

    Raises:
        GuardError: there is no such profile.
        AwsError: a file cannot be read.
    """
    try:
        session = boto3.Session(profile_name=profile or None)
        botocore_session(session).get_scoped_config()
        if session.region_name:
            return session
        # IAM has one endpoint a partition; any region names it.
        return boto3.Session(profile_name=profile or None, region_name="us-east-1")
    except botocore.ProfileNotFound:
        raise GuardError(say_no_profile(profile)) from None
    except botocore.ConfigParseError as error:
        path = harmless(str(error.kwargs.get("path", "~/.aws/config")))
        raise AwsError(
            f"{path} cannot be read as an AWS configuration file: each line must be a "
            f"[section], name = value, or # a remark. Mend it. {NOTHING}"
        ) from None


def sign_in(
    session: boto3.Session, profile: str, ask: Callable[[str], str] | None = ask_in_terminal
) -> None:
    """Give a session its credentials: those that were resolved for this run, or new ones.

    Raises:
        AwsError: there are none; one or two sentences.
    """
    found = _handed_over(profile) or resolve(session, profile, ask)
    botocore_session(session)._credentials = found.credentials()  # noqa: SLF001


def resolve(session: boto3.Session, profile: str, ask: Callable[[str], str] | None) -> SignedIn:
    """Let botocore find the credentials of a session, and freeze them.

    Raises:
        AwsError: it found none, or none that can be used; one or two sentences.
    """
    place = Place.of(session, profile)
    prompter = _Prompter(place, ask)
    try:
        chain = botocore_session(session).get_component("credential_provider")
        chain.get_provider("assume-role")._prompter = prompter  # noqa: SLF001
        credentials = session.get_credentials()
        frozen = credentials.get_frozen_credentials() if credentials else None
    except IamkitError:
        raise
    except Exception as error:  # noqa: BLE001 - anything may come up from files and programs
        raise AwsError(f"{say(place, error)} {NOTHING}") from None
    if frozen is None:
        raise AwsError(f"{say(place, botocore.NoCredentialsError())} {NOTHING}")
    if not (_is_text(frozen.access_key) and _is_text(frozen.secret_key)):
        raise AwsError(f"{say_empty(place)} {NOTHING}")
    found = SignedIn(
        profile=profile,
        method=str(credentials.method),
        access_key=frozen.access_key,
        secret_key=Secret(frozen.secret_key),
        token=Secret(frozen.token) if frozen.token else None,
        expires=getattr(credentials, "_expiry_time", None),
        asked=prompter.asked,
    )
    _RESOLVED.append(found)
    _tell_of(found)
    return found


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


@contextmanager
def handing_over(profile: str, ask: Callable[[str], str] | None) -> Iterator[None]:
    """Sign in now; kernels that start within take what was found, or the sentence why not.

    Raises:
        GuardError: there is no such profile.
    """
    try:
        found = resolve(open_profile(profile), profile, ask)
        told = vars(found) | {
            "secret_key": found.secret_key.reveal(),
            "token": found.token.reveal() if found.token else None,
            "expires": found.expires.isoformat() if found.expires else None,
        }
    except AwsError as error:
        told = {"profile": profile, "error": str(error)}
    with tempfile.TemporaryDirectory(prefix="iamkit-") as folder:
        os.environ[HANDED_OVER] = json.dumps(told | {"folder": folder})
        _FOLDERS.append(folder)
        try:
            yield
        finally:
            _FOLDERS.remove(folder)
            os.environ.pop(HANDED_OVER, None)


_INHERITED = os.environ.pop(HANDED_OVER, "")
"""What this kernel was given when it started; no child of it and no cell sees the variable."""


def _handed_over(profile: str) -> SignedIn | None:
    """What the run resolved for this profile, unless it has ended since.

    Raises:
        AwsError: as it was raised there.
    """
    told = json.loads(_INHERITED or "{}")
    if told.get("profile") != profile:
        return None
    if "error" in told:
        raise AwsError(told["error"])
    expires = datetime.fromisoformat(told["expires"]) if told["expires"] else None
    if expires and expires <= datetime.now(UTC) and not told["asked"]:
        return None
    secret, token = Secret(told["secret_key"]), Secret(told["token"]) if told["token"] else None
    facts = {name: told[name] for name in ("profile", "method", "access_key", "asked")}
    found = SignedIn(**facts, secret_key=secret, token=token, expires=expires)
    _RESOLVED.append(found)
    return found


@dataclass
class _Prompter:
    """Asks for an MFA code once, or says how to do without."""

    place: "Place"
    ask: Callable[[str], str] | None
    asked: bool = False

    def __call__(self, prompt: str) -> str:
        if self.ask and not self.asked:
            self.asked = True
            try:
                return self.ask(f"{self.place.subject}. {harmless(prompt)}").strip()
            except EOFError:
                self.asked = False
        raise AwsError(say_headless(self.place))
