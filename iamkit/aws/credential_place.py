"""Where botocore looks for credentials: the profile in force, and those that it leads to."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import boto3

from iamkit.aws.call_errors import harmless

WEB_IDENTITY = "AWS_WEB_IDENTITY_TOKEN_FILE"


def botocore_session(session: boto3.Session) -> Any:
    """The botocore session beneath, whose settings boto3 does not show."""
    return session._session  # noqa: SLF001


def profile_in_force(profile: str) -> tuple[str, str]:
    """The profile that botocore takes, and the variable that names it, if one does."""
    if profile:
        return profile, ""
    for variable in ("AWS_DEFAULT_PROFILE", "AWS_PROFILE"):
        if variable in os.environ:
            return os.environ[variable], variable
    return "default", ""


def profile_flag(profile: str) -> str:
    """The option by which a command of the AWS CLI is given the profile."""
    return "" if profile == "default" else f" --profile {shlex.quote(harmless(profile))}"


@dataclass(frozen=True)
class Place:
    """Where botocore looks: the profile in force and those that it leads to.

    Attributes:
        explicit: whether the parameters name the profile, so that variables do not count.
        name: the profile in force.
        subject: how a sentence about it begins.
    """

    explicit: bool
    name: str
    subject: str
    profiles: Mapping[str, Mapping[str, Any]] = field(repr=False)
    sso_sessions: Mapping[str, Any] = field(repr=False)
    region: str

    @classmethod
    def of(cls, session: boto3.Session, profile: str) -> "Place":
        """Of a session, with the profile as the parameters name it."""
        config = botocore_session(session).full_config
        name, variable = profile_in_force(profile)
        profiles = config.get("profiles", {})
        subject = f"AWS profile {harmless(name)}" + (f" ({variable})" if variable else "")
        if not profile and not variable and name not in profiles:
            subject = "AWS credentials"
        sso = config.get("sso_sessions", {})
        return cls(bool(profile), name, subject, profiles, sso, str(session.region_name))

    @cached_property
    def chain(self) -> tuple[str, ...]:
        """The profile, that of its source_profile, and so on; the first that repeats ends it."""
        chain, profile = [self.name], self.profiles.get(self.name, {})
        while "role_arn" in profile and "web_identity_token_file" not in profile:
            source = profile.get("source_profile")
            if source is None or chain[-1] == source:
                break
            chain.append(source)
            if source in chain[:-1]:
                break
            profile = self.profiles.get(source, {})
        return tuple(chain)

    @property
    def base(self) -> Mapping[str, Any]:
        """The settings of the profile where the first credentials come from."""
        return self.profiles.get(self.chain[-1], {})

    @property
    def flag(self) -> str:
        """The option that names the profile of the base."""
        return profile_flag(self.chain[-1])

    @property
    def where(self) -> str:
        """The subject, and the profile behind it if there is one."""
        if len(self.chain) == 1:
            return self.subject
        return f"{self.subject}, by its source_profile {harmless(self.chain[-1])}"

    def setting(self, name: str, variable: str = "") -> str:
        """A setting of the base, or of a variable if those count."""
        inherited = "" if self.explicit or not variable else os.environ.get(variable, "")
        return harmless(str(inherited or self.base.get(name, "")))

    @property
    def kind(self) -> str:
        """Which source botocore takes, by its order, told from settings alone."""
        for kind, there in (
            ("web identity", self.setting("web_identity_token_file", WEB_IDENTITY)),
            ("sso", self.setting("sso_account_id") or self.setting("sso_role_name")),
            ("keys", self.setting("aws_access_key_id") or self.setting("aws_secret_access_key")),
            ("login", self.setting("login_session")),
            ("process", self.setting("credential_process")),
            ("container", container_variable()),
        ):
            if there:
                return kind
        return ""

    @property
    def program(self) -> str:
        """The program of the credential process, without its arguments."""
        command = self.setting("credential_process")
        try:
            return shlex.split(command)[0]
        except (ValueError, IndexError):
            return command.split(" ")[0]


def container_variable() -> str:
    """The variable by which a container names the source of its credentials; empty for none."""
    names = (f"AWS_CONTAINER_CREDENTIALS_{end}_URI" for end in ("RELATIVE", "FULL"))
    return next((name for name in names if name in os.environ), "")
