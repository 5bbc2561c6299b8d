"""The parameters of the notebooks as typed models; one YAML file serves them all.

Each notebook declares its parameters in its first code cell; the model of that notebook says
what is valid. A test holds the two together. No secret is ever a parameter.

A default here wants nothing of the account: whatever would be made in it has no default, and has
to be said. The guide's own values are in ``parameters/sandbox.yaml``, for the practice account.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from iamkit.parameters import iam_names
from iamkit.parameters.checking import Model
from iamkit.parameters.field_types import (
    Alias,
    GroupName,
    ManagedPolicies,
    Network,
    OptionalDay,
    OptionalPolicyName,
    OptionalUserName,
    PolicyDocument,
    PolicyName,
    Term,
    UserName,
)
from iamkit.parameters.leavers import LeaversParameters
from iamkit.parameters.lost import LostParameters
from iamkit.parameters.notebook import (
    CallerParameters,
    ChangingParameters,
    NotebookParameters,
    RunAsParameters,
    Thresholds,
    Waiver,
)
from iamkit.parameters.rotate_keys import RotateKeysParameters
from iamkit.parameters.sign_in_rules import SignInRulesParameters
from iamkit.parameters.user_row import UserRow
from iamkit.policies.actions.builder import Verb

PerUser = Literal["access_keys", "mfa_devices", "login_profiles", "ssh_public_keys", "certificates"]
DEFAULT_PER_USER: tuple[PerUser, ...] = ("access_keys", "mfa_devices", "certificates")
"""What is needed to act on a finding, at a call for each user that has such a thing."""


class StartParameters(CallerParameters):
    """00_start_here."""

    purpose: ClassVar = "The account at a glance: what comes next, what is urgent"


class CredentialsParameters(NotebookParameters):
    """01_credentials."""

    purpose: ClassVar = "Who am I, and in which account?"
    credential_file: str = Field("", description="an old AWS_CREDENTIAL_FILE to look at")


class AdminGroupParameters(ChangingParameters):
    """02_admin_group."""

    purpose: ClassVar = "The administrators, and the first of them with a key"
    admin_group: GroupName = Field(
        title="Administrators' group", description="the administrators' group"
    )
    admin_policy_name: PolicyName = Field(
        title="Name of their policy", description="its inline policy"
    )
    admin_policy: PolicyDocument = Field(
        title="What they may do", description="what administrators may do"
    )
    admin_attached_policies: ManagedPolicies = Field(
        [],
        title="Managed policies beside it",
        description="managed policies to attach, by name or ARN",
    )
    admin_user: UserName = Field(
        title="First administrator", description="the first administrator, who gets a key"
    )
    admin_profile: Annotated[str, Term("profile in ~/.aws/credentials")] = Field(
        "", title="AWS profile for the key", description="AWS profile to write the key to as well"
    )


class DevGroupParameters(RunAsParameters):
    """03_dev_group."""

    purpose: ClassVar = "The developers, who may look and not touch"
    dev_group: GroupName = Field(title="Developers' group", description="the developers' group")
    dev_policy_name: PolicyName = Field(
        title="Name of their policy", description="its inline policy"
    )
    dev_policy: PolicyDocument = Field(
        title="What they may do", description="what developers may do"
    )
    dev_attached_policies: ManagedPolicies = Field(
        [],
        title="Managed policies beside it",
        description="managed policies to attach, by name or ARN",
    )


class UsersParameters(RunAsParameters):
    """04_users."""

    purpose: ClassVar = "Who joins the team"
    users: Annotated[list[UserRow], Term("users")] = Field(
        [], title="Who should be there", description="the users who should exist"
    )
    users_csv: str = Field("", description="a CSV file with more of them")
    allow_destructive: bool = Field(False, description="true lets users leave groups")

    @field_validator("users")
    @classmethod
    def _each_once(cls, users: list[UserRow]) -> list[UserRow]:
        iam_names.check_no_twins("user", [user.name for user in users])
        return users


class AccountAliasParameters(RunAsParameters):
    """05_account_alias."""

    purpose: ClassVar = "A sign-in address that people remember"
    account_alias: Alias = Field(
        title="Name in the sign-in address", description="the name in the sign-in address"
    )
    allow_destructive: bool = Field(False, description="true lets another alias be replaced")


class AuditUsersParameters(CallerParameters):
    """06_audit_users."""

    purpose: ClassVar = "Everyone as a table, and what to do about it"
    state_files: list[str] = Field([], description="a saved state to audit; none reads the account")
    per_user: list[PerUser] = Field(list(DEFAULT_PER_USER), description="what to read user by user")
    thresholds: Thresholds = Field(
        default_factory=lambda: Thresholds.model_validate({}), description="when to mind"
    )
    waivers: list[Waiver] = Field([], description="findings that are accepted")
    compare_to: str = Field("", description="a state saved earlier, to see what has changed")
    user: OptionalUserName = Field("", description="the user to show in full; empty for the worst")
    save_to: str = Field("", description="a folder for tables, findings and state; or empty")


class PolicyChoice(Model):
    """One part of a policy, in a person's words: what may be done, to which things, and when."""

    do: list[Verb] = Field([], description="see, read, change, delete, tag, manage access")
    services: list[str] = Field([], description="prefixes, such as s3 and ec2")
    actions: list[str] = Field([], description="single actions beside the verbs")
    resources: list[str] = Field([], description="things by type and name; none for everything")
    with_mfa: bool = Field(False, description="only for who has signed in with MFA")
    from_addresses: list[Network] = Field([], description="only from these addresses or networks")
    until: OptionalDay = Field("", description="the last day, as 2027-01-31")
    tagged: dict[str, str] = Field({}, description="only resources that have these tags")


class PolicyStudioParameters(RunAsParameters):
    """07_policy_studio."""

    purpose: ClassVar = "A policy by clicks, and who can do what"
    policy_choices: list[PolicyChoice] = Field([], description="what the policy allows, in parts")
    policy_name: OptionalPolicyName = Field("", description="the policy's name")
    policy_holder: Annotated[str, AfterValidator(iam_names.check_holder)] = Field(
        "", description="who gets it, as group dev or user bob; empty for nobody yet"
    )
    policy_file: str = Field("", description="a file to save the policy to; or empty")
    policy_source: str = Field(
        "", description="a policy to look at: a file, an ARN, or group dev/devGroupPolicy"
    )
    question: list[str] = Field(
        default_factory=lambda: ["ec2:RunInstances", ""],
        min_length=2,
        max_length=2,
        description="who can do this action, on this ARN or on anything",
    )

    @field_validator("policy_holder")
    @classmethod
    def _of_a_policy_with_a_name(cls, holder: str, info: ValidationInfo) -> str:
        if holder and info.data.get("policy_name") == "":
            raise ValueError(f"{holder} would get a policy without a name; say it (policy_name)")
        return holder


class MendRow(Model):
    """A finding that should end."""

    check: str = Field(description="the check's id, such as unused-key")
    principal: str = Field(description="the user, group, policy or account, as the audit names it")
    resource: str = Field("", description="what of it, such as a key's id")
    choice: str = Field("", description="the group or role, where the remedy needs one")


class MendParameters(RunAsParameters):
    """09_mend_findings."""

    purpose: ClassVar = "From findings to a reviewed mend, and back"
    mend: list[MendRow] = Field([], description="the findings that should end")
    thresholds: Thresholds = Field(
        default_factory=lambda: Thresholds.model_validate({}), description="when to mind"
    )
    waivers: list[Waiver] = Field([], description="findings that are accepted")
    allow_destructive: bool = Field(False, description="true lets something be taken away")


NOTEBOOKS: Mapping[str, type[NotebookParameters]] = {
    "00_start_here": StartParameters,
    "01_credentials": CredentialsParameters,
    "02_admin_group": AdminGroupParameters,
    "03_dev_group": DevGroupParameters,
    "04_users": UsersParameters,
    "05_account_alias": AccountAliasParameters,
    "06_audit_users": AuditUsersParameters,
    "07_policy_studio": PolicyStudioParameters,
    "08_sign_in_rules": SignInRulesParameters,
    "09_mend_findings": MendParameters,
    "10_rotate_keys": RotateKeysParameters,
    "11_leavers": LeaversParameters,
    "12_lost_and_forgotten": LostParameters,
}
"""The notebooks in their order, each with its model: its purpose and its parameters."""


def notebook_of(model: type[NotebookParameters]) -> str:
    """The name of the notebook that has these parameters."""
    return next(name for name, each in NOTEBOOKS.items() if each is model)


KNOWN = {name: field for model in NOTEBOOKS.values() for name, field in model.model_fields.items()}
"""Every parameter that some notebook declares, which is what a parameters file may hold."""


def plain_values(parameters: NotebookParameters) -> dict[str, Any]:
    """Every value of a notebook's parameters as plain data, defaults included.

    The rows of lists leave out what is their model's default, so that a report can be read.
    """
    return {n: plain_value(getattr(parameters, n)) for n in type(parameters).model_fields}


def plain_value(value: Any) -> Any:
    """A parameter's value as it stands in a parameters file."""
    if isinstance(value, list):
        return [v.model_dump(exclude_defaults=True) if isinstance(v, Model) else v for v in value]
    return value.model_dump(exclude_none=True) if isinstance(value, Model) else value
