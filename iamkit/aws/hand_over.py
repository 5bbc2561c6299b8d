"""Make the credentials of a plan: each is stored where its owner wants it before all else."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from iamkit.account.state import PasswordPolicy, sign_in_url
from iamkit.aws.call_errors import status_of
from iamkit.aws.pages import list_pages
from iamkit.aws.read import read_account
from iamkit.aws.secrets_manager import destination_for
from iamkit.aws.session import Session
from iamkit.credentials import Destination, NotCreated, Receipt, Secret, What, make_password
from iamkit.errors import AwsError, HandoverError
from iamkit.plan.changes import Plan
from iamkit.storage.home import ends_with_the_job

SETTLING = 15.0
"""Seconds until a name that AWS says exists already must be seen, if it was us who made it."""


CREDENTIALS: Mapping[str, What] = {
    "create_access_key": "access key",
    "create_login_profile": "console password",
}
"""What a call makes that must be kept."""


def check_destinations(plan: Plan, session: Session) -> None:
    """Check for each new credential that it could be kept where its owner wants it."""
    for change in plan.changes:
        if what := CREDENTIALS.get(change.operation):
            user = change.name
            keeper = destination_for(session, plan.desired.hand_over_of(user))
            keeper.check(user, what)
            if keeper.can_read and session.environment == "aws" and ends_with_the_job():
                raise HandoverError(
                    f"The new {what} of {user} would go to a private file on a CI runner that is "
                    f"thrown away. Give {user} a hand_over, or set IAMKIT_HOME to a folder that is "
                    "kept, outside the job's own. Nothing was changed."
                )


@dataclass
class CredentialMaker:
    """Makes access keys and passwords in AWS, and hands them over.

    Attributes:
        plan: says where the credentials of each user go, and which keys they had.
    """

    session: Session
    plan: Plan
    _passwords: dict[str, Secret] = field(default_factory=dict, repr=False)

    def make_key(self, user: str) -> Receipt:
        """Make an access key and store it.

        Raises:
            AwsError, HandoverError: and others of ``CredentialStore.hand_over_key``.
        """
        self._await_earlier_key(user)
        present = list_pages(self.session, "list_access_keys", "AccessKeyMetadata", UserName=user)

        def create() -> tuple[str, Secret]:
            try:
                key = self.session.clients.iam_once.create_access_key(UserName=user)["AccessKey"]
            except ClientError as error:
                if status_of(error) < 500:
                    raise NotCreated from error
                raise
            return key["AccessKeyId"], Secret(key["SecretAccessKey"])

        def delete(key_id: str) -> None:
            self.session.iam.delete_access_key(UserName=user, AccessKeyId=key_id)

        before = frozenset(key["AccessKeyId"] for key in present)
        try:
            return self.session.store.hand_over_key(
                user, before, create, delete, self._keeper(user)
            )
        except NotCreated as refused:
            raise refused.__cause__ or refused from None

    def _await_earlier_key(self, user: str) -> None:
        """Where a key was made a moment ago that AWS may not show yet, look until it must be seen.

        A run that was interrupted, or the one before, may have made it; the plan wants a key as it
        did not see that one.

        Raises:
            AwsError: one is seen now, so the plan must be made again.
        """
        known = {key.id for key in self.plan.current.access_keys.get(user, ())}
        begun = self.session.store.last_key_at(user)
        while begun and datetime.now(UTC) < begun + timedelta(seconds=SETTLING):
            keys = list_pages(self.session, "list_access_keys", "AccessKeyMetadata", UserName=user)
            if any(key["AccessKeyId"] not in known for key in keys):
                raise AwsError(f"An access key of {user}, made a moment ago, is seen only now.")
            time.sleep(1)

    def make_password(self, arguments: dict[str, Any]) -> Receipt:
        """Make a console password by the account's rules, store it, and set it.

        Raises:
            AwsError, HandoverError: and others of ``CredentialStore.hand_over_password``.
        """

        def set_password(password: Secret) -> None:
            self.session.iam.create_login_profile(**arguments, Password=password.reveal())

        identity = self.session.identity
        url = sign_in_url(self.session.alias or identity.account_id, identity.partition)
        user = arguments["UserName"]
        # Repeated, it is the same: of two, AWS might have taken the one that is not kept.
        password = self._passwords.setdefault(user, make_password(self._rules))
        return self.session.store.hand_over_password(
            user, password, url or "", set_password, self._keeper(user)
        )

    def is_named_in(self, text: str) -> bool:
        """Whether a text holds a password that was made here, as AWS may repeat what it refuses."""
        return any(password.reveal() in text for password in self._passwords.values())

    @cached_property
    def _rules(self) -> PasswordPolicy:
        asked = ("GetAccountPasswordPolicy",)
        found = read_account(self.session, operations=asked).password_policy
        return found or PasswordPolicy()

    def _keeper(self, user: str) -> Destination:
        return destination_for(self.session, self.plan.desired.hand_over_of(user))
