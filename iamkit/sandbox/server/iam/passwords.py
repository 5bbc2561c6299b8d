"""Console passwords: the login profile, the account's password policy, ChangePassword.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html
"""

import hashlib
import string
from collections.abc import Collection
from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from iamkit.sandbox.server.errors import Refused, already_exists, invalid, no_such_entity
from iamkit.sandbox.server.iam.base import IamAnswers
from iamkit.sandbox.server.moto_patches import clock

SYMBOLS = "!@#$%^&*()_+-=[]{}|'"


def check_password(policy: Any, password: str, names: Collection[str]) -> None:
    """Hold a password against the account's policy, or AWS's own where there is none.

    AWS's own wants eight characters, three of four kinds, and none of the account's names, which
    are its id and its alias.

    Raises:
        Refused: PasswordPolicyViolation; the password is not repeated.
    """
    has = {
        "uppercase": any(c in string.ascii_uppercase for c in password),
        "lowercase": any(c in string.ascii_lowercase for c in password),
        "number": any(c in string.digits for c in password),
        "symbol": any(c in SYMBOLS for c in password),
    }
    if policy is None:
        _check_length(password, 8)
        if sum(has.values()) < 3:
            raise _violation("at least three of uppercase, lowercase, number and symbol")
        if password in names:
            raise _violation("not to be the account's name or id")
        return
    _check_length(password, policy.minimum_password_length)
    wanted = {
        "uppercase": policy.require_uppercase_characters,
        "lowercase": policy.require_lowercase_characters,
        "number": policy.require_numbers,
        "symbol": policy.require_symbols,
    }
    for kind, required in wanted.items():
        if required and not has[kind]:
            raise _violation(f"at least one {kind} character")


def set_password(user: Any, password: str, policy: Any, names: Collection[str]) -> None:
    """Give a user a password that the policy allows and that is none of its former ones.

    Raises:
        Refused: PasswordPolicyViolation.
    """
    check_password(policy, password, names)
    kept = (policy and policy.password_reuse_prevention) or 0
    digest = hashlib.sha256(password.encode()).hexdigest()
    if kept and digest in user.former_passwords[-kept:]:
        raise _violation(f"not to be one of the last {kept} passwords")
    user.password = password
    user.password_changed = clock.now()
    user.former_passwords.append(digest)


def _check_length(password: str, least: int) -> None:
    if len(password) < least:
        raise _violation(f"a minimum length of {least} characters")


def _violation(what: str) -> Refused:
    text = f"Password does not conform to the account password policy: it has {what}."
    return Refused("PasswordPolicyViolation", 400, text)


class PasswordAnswers(IamAnswers):
    """Login profiles."""

    def create_login_profile(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateLoginProfile.html."""
        user = self.user
        if user.password:
            raise already_exists(f"Login Profile for user {user.name} already exists.")
        password = self._get_param("Password")
        if password is None:
            raise invalid("A login profile needs a password.")
        self._set_password(user, password)
        user.password_created = clock.now()
        user.password_reset_required = self._get_param("PasswordResetRequired", False)
        return self.get_login_profile()

    def get_login_profile(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetLoginProfile.html."""
        user = self._user_with_password()
        profile = {
            "UserName": user.name,
            "CreateDate": user.password_created,
            "PasswordResetRequired": user.password_reset_required,
        }
        return ActionResult({"LoginProfile": profile})

    def update_login_profile(self) -> ActionResult:
        """What is left out stays as it is.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateLoginProfile.html
        """
        user = self._user_with_password()
        if password := self._get_param("Password"):
            self._set_password(user, password)
        required = self._get_param("PasswordResetRequired")
        if required is not None:
            user.password_reset_required = required
        return EmptyResult()

    def delete_login_profile(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteLoginProfile.html."""
        user = self._user_with_password()
        user.password = user.password_created = user.password_changed = None
        user.password_last_used = None
        user.password_reset_required = False
        return EmptyResult()

    def change_password(self) -> ActionResult:
        """A user's own password, with the old one as proof.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_ChangePassword.html
        """
        name = self.call.caller.user_name
        if name is None:
            text = "Only users can change their password with this call."
            raise Refused("InvalidUserType", 400, text)
        user = self.account.user(name)
        if not user.password:
            raise no_such_entity(f"Login Profile for user {name} cannot be found.")
        if user.password != self._get_param("OldPassword"):
            raise Refused("AccessDenied", 403, "The old password was incorrect.")
        self._set_password(user, self._get_param("NewPassword"))
        user.password_reset_required = False
        return EmptyResult()

    def _set_password(self, user: Any, password: str) -> None:
        iam = self.account.iam
        names = (self.account.id, *iam.account_aliases)
        set_password(user, password, iam.account_password_policy, names)

    def _user_with_password(self) -> Any:
        user = self.user
        if not user.password:
            raise no_such_entity(f"Login Profile for User {user.name} cannot be found.")
        return user
