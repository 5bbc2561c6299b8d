"""The parameters of 08_sign_in_rules: rules for passwords, and what a group's members do alone."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from iamkit.parameters.checking import Model
from iamkit.parameters.field_types import GroupName, PolicyName, Term, UserName
from iamkit.parameters.notebook import RunAsParameters


class PasswordRules(Model):
    """The account's rules for console passwords, by IAM's names; what is None stays as it is.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html
    """

    minimum_password_length: Annotated[int, Field(ge=6, le=128)] | None = Field(
        None, title="Characters, at least", description="6 to 128"
    )
    require_uppercase_characters: bool | None = Field(
        None, title="An uppercase letter", description="A to Z"
    )
    require_lowercase_characters: bool | None = Field(
        None, title="A lowercase letter", description="a to z"
    )
    require_numbers: bool | None = Field(None, title="A digit", description="0 to 9")
    require_symbols: bool | None = Field(None, title="A symbol", description="such as ! or -")
    password_reuse_prevention: Annotated[int, Field(ge=0, le=24)] | None = Field(
        None, title="Former passwords refused", description="0 to 24"
    )
    allow_users_to_change_password: bool | None = Field(
        None,
        title="All may change their own",
        description="else only whom a policy allows iam:ChangePassword",
    )
    max_password_age: Annotated[int, Field(ge=0, le=1095)] | None = Field(
        None, title="Days until it expires", description="1 to 1095; 0 for never"
    )
    hard_expiry: bool | None = Field(
        None,
        title="Expired: locked out",
        description="who lets it expire, until an administrator sets another",
    )


class SignInRulesParameters(RunAsParameters):
    """08_sign_in_rules."""

    purpose: ClassVar = "How people sign in: passwords, a second factor, what they do themselves"
    password_rules: Annotated[PasswordRules, Term("account password policy")] = Field(
        default_factory=lambda: PasswordRules.model_validate({}),
        title="Rules for passwords",
        description="rules for console passwords; what is not named stays",
    )
    self_management_group: Annotated[GroupName | Literal[""], Term("group")] = Field(
        "",
        title="Group that manages itself",
        description="a group whose members manage their own sign-in; empty for none",
    )
    self_management_policy_name: PolicyName = Field(
        "selfManagement", title="Name of its policy", description="the group's inline policy"
    )
    mfa: Literal["offered", "demanded"] = Field(
        "offered",
        title="Second factor (MFA)",
        description="offered, or demanded for all but enrolling one",
    )
    demanded_despite: Annotated[list[UserName], Term("users")] = Field(
        [],
        title="Demanded despite",
        description="members whom it stops, each named because it is meant",
    )
    allow_destructive: bool = Field(False, description="true lets passwords in use expire")

    @field_validator("demanded_despite")
    @classmethod
    def _only_if_demanded(cls, names: list[str], info: ValidationInfo) -> list[str]:
        if names and info.data.get("mfa") == "offered":
            raise ValueError("nobody is stopped while MFA is offered; leave it empty, or demand it")
        return names
