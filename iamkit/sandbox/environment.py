"""The environment variables that point the AWS CLI and every AWS SDK at a sandbox."""

import os
import shlex
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from iamkit.sandbox.client import Sandbox

_UNSET = (
    "AWS_CA_BUNDLE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_CREDENTIAL_FILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ENDPOINT_URL_EC2",
    "AWS_ENDPOINT_URL_IAM",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_STS",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)


def sandbox_env(sandbox: Sandbox) -> str:
    """Shell lines for ``eval "$(iamkit sandbox env)"``; they hold the root key's secret."""
    lines = [
        f"unset {name}" if value is None else f"export {name}={shlex.quote(value)}"
        for name, value in sandbox_variables(sandbox).items()
    ]
    return "\n".join(lines) + "\n"


def sandbox_variables(sandbox: Sandbox) -> dict[str, str | None]:
    """The variables that lead every AWS client to a sandbox; None for those that must not be set.

    Profiles and every other source of credentials or endpoints are switched off, so that no call
    goes elsewhere.
    https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
    """
    return {**dict.fromkeys(_names_to_unset(os.environ)), **_exports(sandbox)}


def redirect_sign_in(client: Any, endpoint_url: str) -> None:
    """Lead a boto3 client of the sign-in service to a sandbox.

    That service's rules of endpoints give ListSessions, GetSession and BatchRevokeSessions AWS's
    own address, whatever ``endpoint_url`` the client was made with; so it is set at each call.

    Args:
        client: of ``signin``.
        endpoint_url: the sandbox's.
    """

    def redirect(params: dict[str, Any], **_: Any) -> None:
        params["url"] = endpoint_url + urlsplit(params["url"]).path

    client.meta.events.register("before-call.signin", redirect)


def _names_to_unset(environ: Iterable[str]) -> list[str]:
    others = {name for name in environ if name.startswith("AWS_ENDPOINT_URL_")}
    return sorted({*_UNSET, *others})


def _exports(sandbox: Sandbox) -> Mapping[str, str]:
    direct = ",".join(filter(None, ["127.0.0.1", os.environ.get("NO_PROXY", "")]))
    return {
        "AWS_ENDPOINT_URL": sandbox.endpoint_url,
        "AWS_ACCESS_KEY_ID": sandbox.access_key_id,
        "AWS_SECRET_ACCESS_KEY": sandbox.secret_access_key,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": direct,
        "no_proxy": direct,
    }
