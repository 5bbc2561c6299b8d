"""The one client factory: every request of a client goes to AWS, or to the sandbox, alone.

Only the explicit ``endpoint_url`` argument beats every endpoint in the environment and in
profiles, and ``HTTP_PROXY`` captures even loopback calls; hence how the clients are made here.
https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
"""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import UnknownRegionError

from iamkit.aws.call_errors import harmless
from iamkit.aws.credential_errors import explain_client
from iamkit.credentials import Secret
from iamkit.errors import GuardError
from iamkit.sandbox.environment import redirect_sign_in

ATTEMPTS = 10
"""botocore's standard three give up after some 1.5 s; IAM's throttling lasts longer."""


@dataclass
class Clients:
    """Makes every client of a session, each guarded by its host.

    Attributes:
        endpoint_url: the sandbox, or None for AWS.
        profile: as the parameters name it.
    """

    session: boto3.Session = field(repr=False)
    endpoint_url: str | None
    profile: str = ""

    @cached_property
    def iam(self) -> Any:
        """The IAM client that retries, and slows down when AWS asks for it."""
        return self.make("iam")

    @cached_property
    def iam_once(self) -> Any:
        """The IAM client that does not, for the one call that must not happen twice."""
        return self.make("iam", attempts=1)

    @cached_property
    def secrets_manager(self) -> Any:
        """The Secrets Manager client; its calls bear a token, so that a repeated one acts once.

        It gives up sooner than the others, because Ctrl-C waits for it.
        """
        return self.make("secretsmanager", attempts=4)

    @cached_property
    def sign_in(self) -> Any:
        """The client of the service that keeps the sessions of ``aws login``, of one region."""
        return self.make("signin")

    def of(self, service: str) -> Any:
        """The client that makes the changes of a service."""
        return self.sign_in if service == "signin" else self.iam

    @property
    def method(self) -> str:
        """Botocore's name for where the credentials come from; ``explicit`` if we gave them."""
        return str(self.session.get_credentials().method)

    @property
    def key_id(self) -> str:
        """The id of the access key that signs the calls."""
        return str(self.session.get_credentials().access_key)

    @property
    def life(self) -> str:
        """How long the credentials still live, in words; botocore tells no end of fixed ones."""
        credentials = self.session.get_credentials()
        ends = getattr(credentials, "_expiry_time", None)
        if ends is None:
            return "temporary, of unknown end" if credentials.token else "a key that never expires"
        left = int((ends - datetime.now(UTC)).total_seconds() // 60)
        told = f"{left // 60} h {left % 60} min" if left >= 60 else f"{left} min"
        return f"expires in {told} ({ends:%H:%M} UTC)" if left > 0 else "expired"

    def make(self, service: str, attempts: int = ATTEMPTS) -> Any:
        """A client for a service whose requests go to AWS, or to the sandbox, and nowhere else.

        Raises:
            GuardError: its requests would go elsewhere.
            AwsError: it cannot be made, such as for a region that is none.
        """
        config = Config(
            retries={"mode": "adaptive", "total_max_attempts": attempts},
            connect_timeout=10,
            read_timeout=30,
            ignore_configured_endpoint_urls=True,
        )
        if self.endpoint_url:
            config = config.merge(Config(proxies={}))
        try:
            client = self.session.client(service, endpoint_url=self.endpoint_url, config=config)
        except Exception as error:  # noqa: BLE001 - settings of all kinds come up from here
            raise explain_client(error, self.session, self.profile) from None
        check_host(client.meta.endpoint_url, self.endpoint_url)
        client.meta.events.register("before-send", self._check_request)
        if self.endpoint_url and service == "signin":
            redirect_sign_in(client, self.endpoint_url)
        return client

    @cached_property
    def partition(self) -> str:
        """The partition of the session's region, such as ``aws-eusc``."""
        try:
            return str(self.session.get_partition_for_region(self.session.region_name))
        except UnknownRegionError:  # newer than botocore, which then takes this one too
            return "aws"

    def _check_request(self, request: Any, **_: Any) -> None:
        check_host(request.url, self.endpoint_url, self.partition)


@cache
def domains_of(partition: str | None = None) -> tuple[str, ...]:
    """The domains of a partition's endpoints, dual-stack ones too, by botocore's own data."""
    known = botocore.session.Session().get_data("partitions")["partitions"]
    outputs = [one["outputs"] for one in known if partition in (None, one["id"])]
    return tuple(out[name] for out in outputs for name in ("dnsSuffix", "dualStackDnsSuffix"))


def check_host(url: str, endpoint_url: str | None, partition: str | None = None) -> None:
    """Check that a request goes to the sandbox's endpoint, or over TLS to AWS.

    Args:
        url: where it would go.
        endpoint_url: the sandbox's, or None for AWS.
        partition: the one whose hosts are right; None for those of every partition.

    Raises:
        GuardError: it would go elsewhere; nothing was sent.
    """
    parts = urlsplit(url)
    if endpoint_url:
        expected = urlsplit(endpoint_url)
        right = (parts.scheme, parts.netloc) == (expected.scheme, expected.netloc)
    else:
        ends = tuple(f".{domain}" for domain in domains_of(partition))
        right = parts.scheme == "https" and (parts.hostname or "").endswith(ends)
    if not right:
        raise GuardError(
            f"A call would go to {harmless(parts.netloc)}, not to the target. It was not sent."
        )


def session_of(key_id: str, secret: Secret, region: str | None) -> boto3.Session:
    """A session of literal keys that no variable and no profile can bend."""
    isolated = botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
    return boto3.Session(
        aws_access_key_id=key_id,
        aws_secret_access_key=secret.reveal(),
        region_name=region,
        botocore_session=isolated,
    )
