"""Temporary credentials: of a user or the root by themselves, or for a federated user.

Sessions of roles are moto's own, in `Account.sts`.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access.html
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class Session:
    """Temporary credentials that are no role's.

    Attributes:
        key: moto's access key.
        token: the session token.
        expires: until when they hold; naive UTC.
        began: when they were given.
        user_id: the id of the user who asked; empty for the account's root.
        name: of the federated user; empty for a session of the user itself.
        with_mfa: whether the user showed a code.
        policy: the text of the session's own policy, if it has one.
        policy_arns: the managed policies that are the session's.
        tags: of the session.
        signed_in: whether they are of ``aws login``.
    """

    key: Any = field(repr=False)
    token: str = field(repr=False)
    expires: datetime
    began: datetime
    user_id: str
    name: str = ""
    with_mfa: bool = False
    policy: str | None = None
    policy_arns: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    signed_in: bool = False

    @property
    def calls_iam(self) -> bool:
        """Whether IAM takes them."""
        return (self.with_mfa or self.signed_in) and not self.name
