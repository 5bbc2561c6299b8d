"""Where the sandbox takes hold of moto: its settings, its clock, its chance and its users.

This module alone knows moto's insides beyond its service classes. It is imported before moto by
everyone who needs it, and refuses a moto whose seams have moved.
"""

import os

from iamkit.sandbox.protocol import ACCOUNT_ID
from iamkit.sandbox.server.call import Call
from iamkit.sandbox.server.policy_grammar import JudgedAlready

# moto reads both, and only the server's process imports it.
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
os.environ["MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS"] = "false"

import base64
from datetime import datetime
from functools import cache
from typing import Any

from moto.core import responses, utils
from moto.core.base_backend import AccountSpecificBackend
from moto.core.common_models import BaseModel
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

from iamkit.sandbox.server.chance import backends, clock, draw, drawn, install

__all__ = [
    "ACCOUNT_ID",
    "AccessKeyLastUsed",
    "backends",
    "bucket_owner",
    "clock",
    "draw",
    "drawn",
    "ec2_backend",
    "iam_models",
    "mock_random",
    "s3_backend",
    "secrets_backend",
    "sts_models",
]


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
        (iam_models.IAMBackend, ("_init_aws_policies",)),
        (IamResponse, ("call_action", "parse_parameters", "serialized", "_get_param")),
        (TokenResponse, ("call_action", "assume_role", "get_caller_identity")),
        (sts_models, ("random_session_token",)),
        (responses, ("method_names_from_class",)),
        (responses.BaseResponse, ("get_current_account",)),
        (s3_models.FakeBucket, ("get_permission",)),
        (secrets_models, ("secretsmanager_backends", "time")),
        (s3_models.S3Backend, ("log_incoming_request",)),
        (s3_models.FakeKey, ("advance",)),
        (iam_models, ("mark_account_as_visited",)),
        (utils, ("utcnow",)),
        (AccountSpecificBackend, ("__getitem__", "keys")),
    ]
    moved = [
        f"{owner.__name__}.{n}" for owner, names in named for n in names if not hasattr(owner, n)
    ]
    if moved:
        raise ImportError(
            f"This moto is not one that the sandbox knows; missing: {', '.join(moved)}"
        )


def ec2_backend(call: Call) -> Any:
    """moto's EC2 of the caller's account and the call's region."""
    return ec2_models.ec2_backends[call.caller.account_id][call.region]


def s3_backend(call: Call) -> Any:
    """moto's S3 of the caller's account."""
    return s3_models.s3_backends[call.caller.account_id]["aws"]


def bucket_owner(name: str) -> str:
    """The id of the account that has a bucket; empty if none has."""
    return str(s3_models.s3_backends.bucket_accounts.get(name, ("", ""))[1])


def secrets_backend(call: Call) -> Any:
    """moto's Secrets Manager of the caller's account and the call's region."""
    return secrets_models.secretsmanager_backends[call.caller.account_id][call.region]


def _session_token() -> str:
    """Drawn from the call's seed, so that a session comes back as it was; moto asks the system."""
    return "IQoJ" + base64.b64encode(mock_random.randbytes(264)).decode()


_make_aws_policies = iam_models.IAMBackend._init_aws_policies  # noqa: SLF001
_aws_policies: list[Any] = []


def _copy_aws_policies(iam: Any) -> list[Any]:
    """AWS's own managed policies are the same in every account, so they are made once and copied.

    Each account counts for itself to whom they are attached.
    """
    if not backends.apart:
        return _make_aws_policies(iam)
    if not _aws_policies:
        _aws_policies.extend(_make_aws_policies(iam))
    return [_copy(policy) for policy in _aws_policies]


def _copy(thing: Any) -> Any:
    """What ``copy.copy`` answers, in a fifth of its time."""
    made = object.__new__(type(thing))
    vars(made).update(vars(thing))
    return made


def _permitted(*_: Any) -> PermissionResult:
    return PermissionResult.PERMITTED


def _untracked(cls: type, *_: Any, **__: Any) -> Any:
    return object.__new__(cls)


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _install() -> None:
    """Give moto our chance, time and user, and take from it what changes the account unasked."""
    install()
    iam_models.User = SandboxUser  # type: ignore[misc]
    vars(iam_models)["IAMPolicyDocumentValidator"] = JudgedAlready
    vars(sts_models)["random_session_token"] = _session_token
    # Whether a bucket's policy allows is the gate's to say, and it has let this call pass; moto's
    # own look knows neither principals nor conditions, nor that a change is signed.
    s3_models.FakeBucket.get_permission = _permitted  # type: ignore[method-assign, assignment]
    backend: Any = iam_models.IAMBackend
    backend._init_aws_policies = _copy_aws_policies  # noqa: SLF001
    # moto keeps everything that was ever made for its dashboard, which is not here.
    BaseModel.__new__ = _untracked  # type: ignore[method-assign]
    # A look must change nothing: when keys were used is remembered by `PersistentAccounts`, AWS
    # delivers the log of a bucket late or never, and nothing here waits to be looked at.
    vars(iam_models)["mark_account_as_visited"] = _nothing
    s3_models.S3Backend.log_incoming_request = _nothing  # type: ignore[method-assign]
    s3_models.FakeKey.advance = _nothing  # type: ignore[method-assign]
    # moto looks them up at each call, which takes longer than the call.
    vars(responses)["method_names_from_class"] = cache(method_names_from_class)


_check_seams()
_install()
