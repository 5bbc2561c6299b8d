"""What is said when credentials cannot be had: one or two sentences, whatever came up.

They name the profile (and a program, never what it printed) and what to do. Where a reason is
given, it is one that a setting, a file or AWS told.
https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
"""

import json
import os
from collections.abc import Callable

import boto3
from botocore import exceptions as botocore

from iamkit.aws.call_errors import code_of, explain_error, explain_own, harmless
from iamkit.aws.credential_place import Place, container_variable, profile_flag, profile_in_force
from iamkit.errors import AwsError

NOTHING = "Nothing was changed."


def say_no_profile(profile: str) -> str:
    """That there is no such profile, and where its name comes from."""
    name, variable = profile_in_force(profile)
    by = f" ({variable})" if variable else ""
    if hidden := _hidden_file():
        return (
            f"There is no AWS profile '{harmless(name)}'{by} in what can be read; {hidden} cannot "
            "be read. Mend that first. Nothing was sent."
        )
    return (
        f"There is no AWS profile '{harmless(name)}'{by}. `aws configure list-profiles` names "
        "those that there are. Nothing was sent."
    )


def _hidden_file() -> str:
    """A file of profiles that is there, or named, and cannot be read; botocore passes it over."""
    for variable, usual in (
        ("AWS_CONFIG_FILE", "~/.aws/config"),
        ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
    ):
        path = os.path.expanduser(os.environ.get(variable) or usual)  # noqa: PTH111
        there = variable in os.environ or os.path.lexists(path)
        if there and not (os.path.isfile(path) and os.access(path, os.R_OK)):  # noqa: PTH113
            return f"{harmless(path)} ({variable})" if variable in os.environ else harmless(path)
    return ""


def say_headless(place: Place) -> str:
    """That a role wants a code where nobody may be asked, and how to do without."""
    return (
        f"{place.subject}: its role wants an MFA code (mfa_serial), and only a command in a "
        f"terminal may ask for one, once. Get temporary credentials first, with `aws configure "
        f"mfa-login{place.flag}` of the AWS CLI 2, `aws sts assume-role` or a "
        f"credential_process, and name their profile. {NOTHING}"
    )


def known(place: Place, error: Exception) -> str | None:
    """What an error of botocore's means here; None if it has no words of its own."""
    for kinds, sentence in _SENTENCES:
        if isinstance(error, kinds) and (said := sentence(place, error)):
            return said
    return None


def say(place: Place, error: Exception) -> str:
    """What went wrong while credentials were looked for, and what to do."""
    if said := known(place, error) or _by_kind(place, error):
        return said
    if isinstance(error, botocore.ClientError):
        return f"{place.where}: {explain_error(error, error.operation_name, 'sts')}"
    if isinstance(error, botocore.BotoCoreError):
        return f"{place.where}: {explain_own(error)}"
    return (
        f"{place.where}: the credentials could not be read ({type(error).__name__}). "
        f"`aws sts get-caller-identity{profile_flag(place.name)}` may tell more."
    )


def say_empty(place: Place) -> str:
    """Keys that are there and empty."""
    if place.kind in ("process", "container"):
        return _by_kind(place, ValueError()) or ""
    if not place.explicit and os.environ.get("AWS_ACCESS_KEY_ID"):
        return "AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is blank. Set both, or neither."
    return f"{place.where}: its aws_access_key_id or aws_secret_access_key is empty. Fill it in."


def _by_kind(place: Place, error: Exception) -> str | None:
    """What a failure without words of its own means, by the source that failed."""
    match place.kind:
        case "process":
            return _process(place, error)
        case "web identity":
            return _web_identity(place, error)
        case "container" if _is_about_credentials(error):
            return (
                f"{place.where}: the credentials of the container ({container_variable()}) could "
                "not be had: nothing, an error, or an answer that is not as documented came from "
                "there. Look at the task's role, and at that address."
            )
        case "login" if _is_about_credentials(error):
            return _login(place, error)
    return None


def _is_about_credentials(error: Exception) -> bool:
    """Whether it came up while they were read, and not in a call that was made with them."""
    if isinstance(error, botocore.CredentialRetrievalError | botocore.MetadataRetrievalError):
        return True
    return not isinstance(error, botocore.BotoCoreError | botocore.ClientError)


def _process(place: Place, error: Exception) -> str | None:
    of = f"{place.where}: its credential_process"
    program = place.program
    hidden = "What it printed is not shown; run it in a terminal to see it."
    if isinstance(error, OSError) and error.filename == program:
        reason = "is not there" if isinstance(error, FileNotFoundError) else "cannot be started"
        return f"{of}, {program}, {reason}. Install it, or mend the profile."
    if isinstance(error, RuntimeError):  # botocore's only word for it
        return f"{of}, {program}, gives credentials that have expired. Renew what it gives."
    if isinstance(error, botocore.CredentialRetrievalError):
        said = str(error.kwargs.get("error_msg", ""))
        if not said.startswith(("Unsupported version", "Missing required key")):
            return f"{of}, {program}, failed. {hidden}"
    elif isinstance(error, botocore.BotoCoreError | botocore.ClientError):
        return None
    elif "quotation" in str(error) and not isinstance(error, UnicodeError | json.JSONDecodeError):
        return f"{of} is no command: a quotation mark in it has no end. Mend the profile."
    return f"{of}, {program}, does not answer with the JSON that AWS asks for. {hidden}"


def _web_identity(place: Place, error: Exception) -> str | None:
    if isinstance(error, OSError):
        path = place.setting("web_identity_token_file", "AWS_WEB_IDENTITY_TOKEN_FILE")
        reason = harmless(error.strerror or "not a file")
        return (
            f"{place.where}: the web identity token file {path} cannot be read ({reason}). It is "
            "written by what runs this, such as CI or a cluster: look at its settings."
        )
    return None


def _login(place: Place, error: Exception) -> str:
    if isinstance(error, botocore.LoginInsufficientPermissions):
        return (
            f"{place.where}: AWS does not renew its sign-in, as the permission "
            "signin:CreateOAuth2Token is missing (AWS's policy SignInLocalDevelopmentAccess)."
        )
    if type(error) is botocore.LoginError:
        return (
            f"{place.where}: AWS did not renew its sign-in with `aws login`, and why is not told. "
            f"Type: aws login{place.flag}."
        )
    return (
        f"{place.where}: its sign-in with `aws login` has ended, or there was none. "
        f"Type: aws login{place.flag}."
    )


def _sso(place: Place, _: Exception) -> str:
    return (
        f"{place.where}: its IAM Identity Center session has ended, or there was none. "
        f"Type: aws sso login{place.flag}."
    )


def _sso_call(place: Place, error: Exception) -> str | None:
    if not isinstance(error, botocore.ClientError):
        return None
    if error.operation_name != "GetRoleCredentials":
        return None
    if code_of(error) not in ("ForbiddenException", "ResourceNotFoundException"):
        return f"{place.where}: {explain_error(error, error.operation_name, 'sso')}"
    role, account = place.setting("sso_role_name"), place.setting("sso_account_id")
    return (
        f"{place.where}: IAM Identity Center gives no credentials for the role {role} in account "
        f"{account}. Ask who manages it for an assignment, or mend the profile."
    )


def _assume_role(place: Place, error: Exception) -> str | None:
    if not isinstance(error, botocore.ClientError):
        return None
    if error.operation_name not in ("AssumeRole", "AssumeRoleWithWebIdentity"):
        return None
    if "MultiFactorAuthentication failed" in str(error.response.get("Error", {}).get("Message")):
        return (
            f"{place.subject}: AWS did not take the MFA code. Wait for the next one, and start "
            "again."
        )
    told = explain_error(error, error.operation_name, "sts")
    return f"{place.subject}: its role could not be assumed. {told}"


def _half(place: Place, error: Exception) -> str:
    missing = harmless(str(getattr(error, "kwargs", {}).get("cred_var", "a key")))
    provider = getattr(error, "kwargs", {}).get("provider")
    if provider == "env":
        there = "AWS_ACCESS_KEY_ID" if "SECRET" in missing.upper() else "AWS_SECRET_ACCESS_KEY"
        return f"{there} is set, and {missing} is not. Set both, or neither."
    if "source_profile" in missing:
        return (
            f"{place.subject}: it has a role_arn, and neither source_profile nor "
            "credential_source to take it with. Add one to the profile."
        )
    return f"{place.where}: half a key: {missing} is missing. Add it to the profile."


def _loop(place: Place, _: Exception) -> str:
    way = " → ".join(harmless(name) for name in place.chain)
    if len(place.chain) == 1:
        way = f"{way} → {way}"
    return f"{place.subject}: its source_profile leads back to where it began: {way}. Mend it."


def _config(place: Place, error: Exception) -> str:
    """Settings that do not fit; botocore's own words name settings, and hold no secret."""
    session = place.setting("sso_session")
    if session and session not in place.sso_sessions:
        return (
            f"{place.where}: its sso_session is {session}, and the section [sso-session "
            f"{session}] is missing. Type: aws configure sso{place.flag}."
        )
    if isinstance(error, botocore.InvalidConfigError) and place.kind == "web identity":
        return f"{place.where}: a web identity wants a role: set role_arn or AWS_ROLE_ARN."
    for name in place.chain:
        settings = place.profiles.get(name, {})
        if "source_profile" in settings and "credential_source" in settings:
            return (
                f"{place.subject}: {harmless(name)} has both source_profile and "
                "credential_source. Remove one."
            )
    for name in place.chain[1:]:
        if name not in place.profiles:
            return f"{place.subject}: its source_profile {harmless(name)} does not exist. Mend it."
    if len(place.chain) > 1 and not place.kind:
        return f"{place.where}, which has no credentials. Add them, or name another."
    said = harmless(str(error)).rstrip(".")
    return f"{place.where}: its settings do not fit: {said}. Mend the profile."


def _region(place: Place, error: Exception) -> str:
    name = harmless(str(getattr(error, "kwargs", {}).get("region_name", place.region)))
    return (
        f"{place.subject}: {name!r} is no region. Write one such as eu-west-1 into the profile "
        "or AWS_REGION."
    )


def _none(place: Place, _: Exception) -> str:
    named = place.subject if place.subject != "AWS credentials" else "AWS"
    if place.profiles.get(place.name) is not None or place.explicit:
        return (
            f"{named}: it has no credentials. Type: aws login{profile_flag(place.name)} (or aws "
            "sso login), or name another profile in the parameters (profile)."
        )
    return (
        "No AWS credentials were found. Type: aws login (or aws sso login), or name a profile "
        "in the parameters (profile)."
    )


def _mfa_ended(place: Place, _: Exception) -> str:
    return f"{place.subject}: its session with MFA has ended. Start again, and give a new code."


def _not_taken(place: Place, error: Exception) -> str:
    report = str(getattr(error, "kwargs", {}).get("report", ""))
    names = ("RoleArn", "SerialNumber", "TokenCode", "RoleSessionName", "ExternalId")
    wrong = next((name for name in names if name in report), "setting")
    if wrong == "TokenCode":
        return f"{place.subject}: an MFA code has six digits. Start again."
    settings = {"RoleArn": "role_arn", "SerialNumber": "mfa_serial", "ExternalId": "external_id"}
    named = settings.get(wrong, "role_session_name" if wrong == "RoleSessionName" else wrong)
    return f"{place.subject}: its {named} is not one. Mend the profile."


def _source(place: Place, _: Exception) -> str | None:
    source = harmless(str(place.base.get("credential_source", "")))
    if "role_arn" in place.base and source:
        return (
            f"{place.where}: its credential_source, {source}, has no credentials here. Mend the "
            "profile, or run this where there are some."
        )
    return None


def _no_crt(place: Place, _: Exception) -> str:
    return (
        f"{place.where}: `aws login` needs the package awscrt, which is missing. "
        "Type: pip install 'boto3[crt]'."
    )


Sentence = Callable[[Place, Exception], str | None]
_SENTENCES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Sentence], ...] = (
    (botocore.ClientError, _sso_call),
    (botocore.ClientError, _assume_role),
    (botocore.InfiniteLoopConfigError, _loop),
    (botocore.InvalidConfigError, _config),
    (botocore.PartialCredentialsError, _half),
    (botocore.InvalidRegionError, _region),
    (botocore.LoginError, _login),
    (botocore.MissingDependencyException, _no_crt),
    ((botocore.SSOError, botocore.TokenRetrievalError), _sso),
    (botocore.RefreshWithMFAUnsupportedError, _mfa_ended),
    (botocore.ParamValidationError, _not_taken),
    (botocore.NoCredentialsError, _none),
    (botocore.CredentialRetrievalError, _source),
)
"""What each of botocore's errors means here; what is in none of them is told by its source."""


def explain_client(error: Exception, session: boto3.Session, profile: str) -> AwsError:
    """What kept a client from being made: settings alone, as nothing was sent yet."""
    place = Place.of(session, profile)
    said = known(place, error) or (
        f"{place.subject}: a setting of it, or a variable AWS_…, does not fit: "
        f"{harmless(str(error)).rstrip('.')}. Mend it."
    )
    return AwsError(f"{said} {NOTHING}")
