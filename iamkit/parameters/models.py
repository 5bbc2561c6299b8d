"""The parameters of the notebooks as typed models; one YAML file serves them all.

Each notebook declares its parameters in its first code cell; the model of that notebook says
what is valid. A test holds the two together. No secret is ever a parameter.

A default here wants nothing of the account: whatever would be made in it has no default, and has
to be said. The guide's own values are in ``parameters/sandbox.yaml``, for the practice account.
"""

import ipaddress
import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails

from iamkit.errors import InputError
from iamkit.parameters import iam_names, thresholds
from iamkit.parameters.hand_over import check_hand_over
from iamkit.parameters.practice import practice_values
from iamkit.policies import check_policy, count_characters, parse_policy
from iamkit.policies.actions.builder import Verb
from iamkit.policies.grammar.quotas import QUOTAS
from iamkit.policies.grammar.reading import unwrap_policy
from iamkit.text import did_you_mean


def _policy(value: object) -> object:
    """Take a policy as an object or as its JSON text, within a group's quota."""
    try:
        document = parse_policy(value) if isinstance(value, str) else unwrap_policy(value)
        if isinstance(document, dict):
            check_policy(document)
    except InputError as error:
        first, *more = str(error).removeprefix("policy: ").split("\n")
        raise ValueError("\n".join([first.rstrip("."), *more])) from None
    quota = QUOTAS["group's inline policies"]
    if isinstance(document, dict) and (size := count_characters(document)) > quota:
        raise ValueError(f"it has {size:,} characters; a group may have {quota:,}")
    return document


def _network(text: str) -> str:
    """Take an address, or a network such as 203.0.113.0/24."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError(f"{text!r} is no address or network such as 203.0.113.0/24") from None


def _day(text: str) -> str:
    """Take a day that is written like 2027-01-31."""
    try:
        if len(text) == 10:
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise ValueError(f"{text!r} is no day such as 2027-01-31")


AccountId = Annotated[str, StringConstraints(pattern=r"^\d{12}$")]
UserName = Annotated[str, AfterValidator(lambda name: iam_names.check_name("user", name))]
GroupName = Annotated[str, AfterValidator(lambda name: iam_names.check_name("group", name))]
PolicyName = Annotated[str, AfterValidator(lambda name: iam_names.check_name("policy", name))]
OptionalPolicyName = Annotated[
    str, AfterValidator(lambda n: n and iam_names.check_name("policy", n))
]
OptionalUserName = Annotated[str, AfterValidator(lambda n: n and iam_names.check_name("user", n))]
IamPath = Annotated[str, AfterValidator(iam_names.check_path)]
HandOver = Annotated[str, AfterValidator(check_hand_over)]
Tags = Annotated[dict[str, str], AfterValidator(iam_names.check_tags)]
PolicyDocument = Annotated[dict[str, Any], BeforeValidator(_policy)]
PerUser = Literal["access_keys", "mfa_devices", "login_profiles", "ssh_public_keys", "certificates"]
DEFAULT_PER_USER: tuple[PerUser, ...] = ("access_keys", "mfa_devices", "certificates")
"""What is needed to act on a finding, at a call for each user that has such a thing."""
Alias = Annotated[str, AfterValidator(iam_names.check_alias)]


CURRENT = "IAMKIT_PARAMETERS"
"""The environment variable that names the account's parameters file, for kernels to inherit."""

FILES = (
    "credential_file",
    "users_csv",
    "state_files",
    "compare_to",
    "save_to",
    "policy_file",
    "policy_source",
)
"""Parameters that name files or folders; a relative one counts from the parameters file's folder.

``policy_source`` may also name a policy of the account."""

MOST = 20
"""Mistakes that are told at once; a person mends these, and runs it again."""


class Model(BaseModel):
    """Strict: an unknown key or another type is an error, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class NotebookParameters(Model):
    """What every notebook wants to know: which account, and whose credentials."""

    purpose: ClassVar[str]
    """What the notebook is for, in a line."""

    environment: Literal["sandbox", "aws"] = Field(description="sandbox (for practice) or aws")
    account_id: AccountId = Field(description="the 12 digits of the account, as text")
    profile: str = Field("", description="AWS profile; empty takes botocore's own chain")

    @classmethod
    def from_cell(cls, variables: Mapping[str, Any]) -> Self:
        """Check the values that a notebook's parameters cell set, or papermill after it.

        None says that nobody gave a value. In the practice account the guide's value stands for
        it; in any other the model's own default, and what has none is missing.

        Args:
            variables: the notebook's ``globals()``; only the declared names are read.

        Raises:
            InputError: naming each parameter that is wrong or missing, and what was expected.
        """
        given = {n: variables[n] for n in cls.model_fields if variables.get(n) is not None}
        if given.get("environment") == "sandbox":
            given = practice_values(cls.model_fields) | given
        return check(cls, _located(given))


class ChangingParameters(NotebookParameters):
    """What every notebook that may change the account wants to know as well."""

    dry_run: bool = Field(True, description="true plans only; false applies the plan")


class RunAsParameters(ChangingParameters):
    """For the notebooks that run as the admin whom 02_admin_group made."""

    run_as: OptionalUserName = Field(
        "", description="user whose stored key is used; empty for none"
    )
    allow_root: bool = Field(False, description="true insists on changing things as root")


class StartParameters(NotebookParameters):
    """00_start_here."""

    purpose: ClassVar = "The account at a glance: what comes next, what is urgent"
    run_as: OptionalUserName = Field(
        "", description="user whose stored key is used; empty for none"
    )


class CredentialsParameters(NotebookParameters):
    """01_credentials."""

    purpose: ClassVar = "Who am I, and in which account?"
    credential_file: str = Field("", description="an old AWS_CREDENTIAL_FILE to look at")


class AdminGroupParameters(ChangingParameters):
    """02_admin_group."""

    purpose: ClassVar = "The administrators, and the first of them with a key"
    admin_group: GroupName = Field(description="the administrators' group")
    admin_policy_name: PolicyName = Field(description="its inline policy")
    admin_policy: PolicyDocument = Field(description="what administrators may do")
    admin_user: UserName = Field(description="the first administrator, who gets a key")
    admin_profile: str = Field("", description="AWS profile to write the key to as well")


class DevGroupParameters(RunAsParameters):
    """03_dev_group."""

    purpose: ClassVar = "The developers, who may look and not touch"
    dev_group: GroupName = Field(description="the developers' group")
    dev_policy_name: PolicyName = Field(description="its inline policy")
    dev_policy: PolicyDocument = Field(description="what developers may do")


class UserRow(Model):
    """One user of the team."""

    name: UserName = Field(description="user name")
    path: IamPath | None = Field(None, description="IAM path, such as /team/")
    tags: Tags = Field(default_factory=dict, description="tags")
    groups: list[GroupName] = Field(default_factory=list, description="groups")
    access_key: bool = Field(False, description="whether they get an access key")
    console_password: bool = Field(False, description="whether they may sign in to the console")
    hand_over: HandOver = Field(
        "",
        description="where new credentials go: empty for a private file, an age public key, "
        "or secretsmanager",
    )


class UsersParameters(RunAsParameters):
    """04_users."""

    purpose: ClassVar = "Who joins the team, and who leaves it"
    users: list[UserRow] = Field(default_factory=list, description="the users who should exist")
    users_csv: str = Field("", description="a CSV file with more of them")
    remove_users: list[UserName] = Field(default_factory=list, description="users who must go")
    allow_destructive: bool = Field(False, description="true lets users be removed")

    @field_validator("users")
    @classmethod
    def _each_once(cls, users: list[UserRow]) -> list[UserRow]:
        iam_names.check_no_twins("user", [user.name for user in users])
        return users

    @field_validator("remove_users")
    @classmethod
    def _not_wanted_too(cls, leaving: list[str], info: ValidationInfo) -> list[str]:
        staying = [info.data.get("run_as", ""), *(u.name for u in info.data.get("users", []))]
        lower = {name.lower() for name in staying}
        for name in leaving:
            if name.lower() in lower:
                raise ValueError(f"the user {name!r} is wanted too, in users or as run_as")
        return leaving


class AccountAliasParameters(RunAsParameters):
    """05_account_alias."""

    purpose: ClassVar = "A sign-in address that people remember"
    account_alias: Alias = Field(description="the name in the sign-in address")
    allow_destructive: bool = Field(False, description="true lets another alias be replaced")


_CIS = thresholds.Thresholds()


class Thresholds(Model, thresholds.Thresholds):  # type: ignore[misc]  # frozen by its config
    """From when on an audit minds; the defaults are the CIS AWS Foundations Benchmark's."""

    unused_days: int = Field(
        _CIS.unused_days, ge=1, description="a credential idle for so long is unused"
    )
    rotation_days: int = Field(
        _CIS.rotation_days, ge=1, description="a key older than this wants rotation"
    )
    root_days: int = Field(
        _CIS.root_days, ge=1, description="the root was used within so many days"
    )
    setup_days: int = Field(
        _CIS.setup_days, ge=0, description="a key made at set-up has so long to be used"
    )
    password_length: int = Field(
        _CIS.password_length, ge=6, le=128, description="characters, at least"
    )
    password_reuse: int = Field(
        _CIS.password_reuse, ge=1, le=24, description="former passwords to refuse"
    )


class Waiver(Model, thresholds.Waiver):  # type: ignore[misc]  # frozen by its config
    """A finding that somebody has accepted, for a reason and until a day."""

    check: str = Field(description="the check's id")
    principal: str = Field(description="whom it concerns; * stands for any letters")
    reason: Annotated[str, StringConstraints(min_length=3)] = Field(description="why")
    until: Annotated[str, AfterValidator(_day)] = Field(description="the last day, as 2027-01-31")


class AuditUsersParameters(NotebookParameters):
    """06_audit_users."""

    purpose: ClassVar = "Everyone as a table, and what to do about it"
    run_as: OptionalUserName = Field(
        "", description="user whose stored key is used; empty for none"
    )
    state_files: list[str] = Field(
        default_factory=list, description="a saved state to audit; none reads the account"
    )
    per_user: list[PerUser] = Field(
        default_factory=lambda: list(DEFAULT_PER_USER), description="what to read user by user"
    )
    thresholds: Thresholds = Field(
        default_factory=lambda: Thresholds.model_validate({}), description="when to mind"
    )
    waivers: list[Waiver] = Field(default_factory=list, description="findings that are accepted")
    compare_to: str = Field("", description="a state saved earlier, to see what has changed")
    user: OptionalUserName = Field("", description="the user to show in full; empty for the worst")
    save_to: str = Field("", description="a folder for tables, findings and state; or empty")


class PolicyChoice(Model):
    """One part of a policy, in a person's words: what may be done, to which things, and when."""

    do: list[Verb] = Field(
        default_factory=list, description="see, read, change, delete, tag, manage access"
    )
    services: list[str] = Field(default_factory=list, description="prefixes, such as s3 and ec2")
    actions: list[str] = Field(default_factory=list, description="single actions beside the verbs")
    resources: list[str] = Field(
        default_factory=list, description="things by type and name; none for everything"
    )
    with_mfa: bool = Field(False, description="only for who has signed in with MFA")
    from_addresses: list[Annotated[str, AfterValidator(_network)]] = Field(
        default_factory=list, description="only from these addresses or networks"
    )
    until: Annotated[str, AfterValidator(lambda day: day and _day(day))] = Field(
        "", description="the last day, as 2027-01-31"
    )
    tagged: dict[str, str] = Field(
        default_factory=dict, description="only resources that have these tags"
    )


class PolicyStudioParameters(RunAsParameters):
    """07_policy_studio."""

    purpose: ClassVar = "A policy by clicks, and who can do what"
    policy_choices: list[PolicyChoice] = Field(
        default_factory=list, description="what the policy allows, in parts"
    )
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


NOTEBOOKS: Mapping[str, type[NotebookParameters]] = {
    "00_start_here": StartParameters,
    "01_credentials": CredentialsParameters,
    "02_admin_group": AdminGroupParameters,
    "03_dev_group": DevGroupParameters,
    "04_users": UsersParameters,
    "05_account_alias": AccountAliasParameters,
    "06_audit_users": AuditUsersParameters,
    "07_policy_studio": PolicyStudioParameters,
}
"""The notebooks in their order, each with its model: its purpose and its parameters."""

KNOWN = {name: field for model in NOTEBOOKS.values() for name, field in model.model_fields.items()}
"""Every parameter that some notebook declares, which is what a parameters file may hold."""

_NESTED: Mapping[str, type[Model]] = {
    "users": UserRow,
    "thresholds": Thresholds,
    "waivers": Waiver,
    "policy_choices": PolicyChoice,
}

AnyModel = TypeVar("AnyModel", bound=Model)


def check(model: type[AnyModel], given: Mapping[str, Any], where: str = "") -> AnyModel:
    """Make a model of these values, or say all that is wrong with them, a line each.

    Args:
        model: the model of a notebook's parameters, or of one user.
        given: the values by name.
        where: what to put before each field's name, such as a file and line.

    Raises:
        InputError: naming each field, what was expected and that nothing was changed.
    """
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        problems = error.errors(include_url=False)
        raise all_wrong([where + describe(problem, model) for problem in problems]) from None


def all_wrong(problems: Sequence[str]) -> InputError:
    """One error of all that is wrong, so that it is mended in one round.

    Args:
        problems: each without a full stop; lines after its first one show the place.
    """
    shown = [problem.partition("\n") for problem in problems[:MOST]]
    lines = [f"{_ended(first)}{newline}{rest}" for first, newline, rest in shown]
    if len(problems) == 1:
        first, newline, rest = problems[0].partition("\n")
        return InputError(f"{_ended(first)} Nothing was changed.{newline}{rest}")
    more = f", {MOST} of them shown" if len(problems) > MOST else ""
    last = f"{len(problems):,} mistakes{more}. Nothing was changed."
    return InputError("\n".join([*lines, last]))


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith("?") else f"{sentence}."


def plain_values(parameters: NotebookParameters) -> dict[str, Any]:
    """Every value of a notebook's parameters as plain data, defaults included.

    The rows of lists leave out what is their model's default, so that a report can be read.
    """
    return {name: _plain(getattr(parameters, name)) for name in type(parameters).model_fields}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [v.model_dump(exclude_defaults=True) if isinstance(v, Model) else v for v in value]
    return value.model_dump() if isinstance(value, Model) else value


def resolve_files(values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The same values, with paths that are relative counted from a folder.

    Args:
        values: parameters by name; those in ``FILES`` are texts or lists of them.
        folder: the parameters file's own folder, or where a command was typed.
    """
    return {n: _resolved(n, v, folder) if n in FILES else v for n, v in values.items()}


def _resolved(name: str, value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_resolved(name, one, folder) for one in value]
    if not isinstance(value, str) or not value:
        return value
    path = folder.absolute() / _at_home(value)
    return value if name == "policy_source" and _names_policy(value, path) else str(path)


def _names_policy(source: str, path: Path) -> bool:
    """Whether a ``policy_source`` is an ARN, a name, or such as ``group dev/devGroupPolicy``."""
    if source.startswith(("arn:", "group ", "user ", "role ")):
        return True
    is_path = "/" in source or source.endswith((".json", ".yaml", ".yml"))
    return not is_path and not path.is_file()


def _located(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a cell with their paths made whole.

    papermill does not tell in which file a value stood, so a relative path is only understood
    where ``IAMKIT_PARAMETERS`` says it.

    Raises:
        InputError: a path is relative, and to what is not known.
    """
    if file := os.environ.get(CURRENT):
        return resolve_files(values, Path(file).parent)
    whole = resolve_files(values, Path())
    wrong = [
        f"{name}: {text!r} is a relative path, and from which folder it counts is not known: "
        f"write it whole, or say in {CURRENT} which parameters file it stands in"
        for name in FILES
        for text in _texts(values.get(name))
        if not _at_home(text).is_absolute() and text not in _texts(whole[name])
    ]
    if wrong:
        raise all_wrong(wrong)
    return whole


def _at_home(text: str) -> Path:
    """A path with ``~`` for the home folder, if it is one."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # ~nobody
        return Path(text)


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str) and one]


def describe(problem: ErrorDetails, model: type[Model]) -> str:
    """One of pydantic's problems in words for the user: the field and what was expected."""
    place = field_path(problem["loc"])
    said = _expectation(problem, model)
    return f"{place}: {said}" if place else said


def field_path(location: tuple[int | str, ...]) -> str:
    """A place in the parameters as a person would write it: ``users[2].name``, counted from 1."""
    path = ""
    for part in location:
        path += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _expectation(problem: ErrorDetails, model: type[Model]) -> str:
    kind, value = problem["type"], problem.get("input")
    if kind == "missing":
        field = model.model_fields.get(str(problem["loc"][-1]))
        return f"this is missing ({field.description})" if field else "this is missing"
    if kind == "extra_forbidden":
        nested = _NESTED.get(str(problem["loc"][0]))
        known = nested.model_fields if nested and len(problem["loc"]) > 1 else KNOWN
        return f"unknown key{did_you_mean(str(problem['loc'][-1]), known)}"
    if kind == "value_error":
        return str(problem["ctx"]["error"])
    expected = {
        "string_type": "text",
        "bool_type": "true or false",
        "list_type": "a list",
        "dict_type": "names with values",
        "model_type": "names with values",
        "model_attributes_type": "names with values",
        "literal_error": str(problem.get("ctx", {}).get("expected", "")),
        "string_pattern_mismatch": "12 digits",
    }
    return f"expected {expected.get(kind, problem['msg'])}, got {_shorten(value)}"


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
