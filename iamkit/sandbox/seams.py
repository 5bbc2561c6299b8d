"""Where the sandbox takes hold of moto: its settings, its clock, its chance and its users.

This module alone knows moto's insides beyond its service classes. It is imported before moto by
everyone who needs it, and refuses a moto whose seams have moved.
"""

import os

from iamkit.sandbox.client import ACCOUNT_ID
from iamkit.sandbox.documents import JudgedAlready

# moto reads both when it is imported, which only the server's process does.
os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT_ID
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"

import base64
import sys
from datetime import UTC, datetime
from functools import cache
from types import SimpleNamespace
from typing import Any

from moto.core import responses, utils
from moto.core.utils import method_names_from_class
from moto.ec2 import models as ec2_models
from moto.iam import models as iam_models
from moto.iam.access_control import PermissionResult
from moto.iam.models import AccessKeyLastUsed
from moto.iam.responses import IamResponse
from moto.moto_api._internal import mock_random
from moto.s3 import models as s3_models
from moto.secretsmanager import models as secrets_models
from moto.sts import models as sts_models
from moto.sts.responses import TokenResponse

__all__ = [
    "ACCOUNT_ID",
    "AccessKeyLastUsed",
    "clock",
    "draw",
    "ec2_backend",
    "iam_models",
    "mock_random",
    "s3_backend",
    "secrets_backend",
    "sts_models",
]


class Clock:
    """The time of the call at hand, in whole seconds as IAM has it; naive UTC as moto has it."""

    def __init__(self) -> None:
        self.fixed: datetime | None = None

    def now(self) -> datetime:
        """The moment at which the call at hand was, or is, made."""
        return self.fixed or datetime.now(UTC).replace(tzinfo=None, microsecond=0)


class SandboxUser(iam_models.User):
    """moto's user, with what it has no place for.

    Attributes:
        permissions_boundary: ``PermissionsBoundaryType`` and ``PermissionsBoundaryArn``, or None.
        password_created: when the login profile was made.
        password_changed: when its password was last set.
        former_passwords: digests of the passwords before, the oldest first.
        service_credentials: by id, in the API's names, ``ServicePassword`` included.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.permissions_boundary: dict[str, str] | None = None
        self.password_created: datetime | None = None
        self.password_changed: datetime | None = None
        self.former_passwords: list[str] = []
        self.service_credentials: dict[str, dict[str, Any]] = {}


def _check_seams() -> None:
    """Raise at import if moto has none of the names that the sandbox overrides."""
    named: list[tuple[Any, tuple[str, ...]]] = [
        (iam_models, ("User", "AccessKey", "AccessKeyLastUsed", "MFADevice", "iam_backends")),
        (iam_models, ("IAMPolicyDocumentValidator",)),
        (iam_models.IAMBackend, ("create_user", "get_user", "get_groups_for_user", "create_role")),
        (IamResponse, ("call_action", "parse_parameters", "serialized", "_get_param")),
        (TokenResponse, ("call_action", "assume_role", "get_caller_identity")),
        (sts_models, ("random_session_token",)),
        (responses, ("method_names_from_class",)),
        (s3_models.FakeBucket, ("get_permission",)),
        (secrets_models, ("secretsmanager_backends", "time")),
        (utils, ("utcnow",)),
    ]
    moved = [
        f"{owner.__name__}.{n}" for owner, names in named for n in names if not hasattr(owner, n)
    ]
    if moved:
        raise ImportError(
            f"This moto is not one that the sandbox knows; missing: {', '.join(moved)}"
        )


clock = Clock()


def ec2_backend(region: str) -> Any:
    """moto's EC2 of a region, whose default network has the same ids in every account.

    moto makes it when it is first looked at, which may be a look that is not remembered; so its
    ids must not come from the chance of the call at hand.
    """
    of_regions = ec2_models.ec2_backends[ACCOUNT_ID]
    if region in of_regions.keys() or region not in of_regions:  # noqa: SIM118 - its own `in` knows all regions
        return of_regions[region]
    state = mock_random.getstate()
    mock_random.seed(region)
    try:
        return of_regions[region]
    finally:
        mock_random.setstate(state)


def s3_backend() -> Any:
    """moto's S3 of this account."""
    return s3_models.s3_backends[ACCOUNT_ID]["aws"]


def secrets_backend(region: str) -> Any:
    """moto's Secrets Manager of a region."""
    return secrets_models.secretsmanager_backends[ACCOUNT_ID][region]


def _seconds() -> int:
    return int(clock.now().replace(tzinfo=UTC).timestamp())


def _session_token() -> str:
    """Drawn from the call's seed, so that a session comes back as it was; moto asks the system."""
    return "IQoJ" + base64.b64encode(mock_random.randbytes(264)).decode()


def _no_opinion(*_: Any) -> PermissionResult:
    return PermissionResult.NEUTRAL


def _install() -> None:
    """Give moto our clock and our user, and spare it the search for its own methods."""
    before = utils.utcnow
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.") and getattr(module, "utcnow", None) is before:
            module.utcnow = clock.now  # type: ignore[attr-defined]
    iam_models.User = SandboxUser  # type: ignore[misc]
    vars(iam_models)["IAMPolicyDocumentValidator"] = JudgedAlready
    vars(sts_models)["random_session_token"] = _session_token
    # It asks the system for the time, which would be another when a secret comes back.
    vars(secrets_models)["time"] = SimpleNamespace(time=_seconds)
    # Whether a bucket's policy allows is the gate's to say; moto's own look at it knows neither
    # principals nor conditions.
    s3_models.FakeBucket.get_permission = _no_opinion  # type: ignore[method-assign, assignment]
    # moto looks them up at each call, which takes longer than the call.
    vars(responses)["method_names_from_class"] = cache(method_names_from_class)


def draw(seed: bytes) -> None:
    """Let moto draw its next ids and secrets from a seed, so that a call can be repeated."""
    mock_random.seed(seed)


_check_seams()
_install()
