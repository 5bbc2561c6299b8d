"""What each notebook's parameters want of the account."""

from functools import singledispatch

from iamkit.account.api_replies import RULES
from iamkit.account.state import JSON
from iamkit.parameters.field_types import moment_of
from iamkit.parameters.lost import LostParameters
from iamkit.parameters.models import (
    AccountAliasParameters,
    AdminGroupParameters,
    DevGroupParameters,
    PolicyStudioParameters,
    UsersParameters,
)
from iamkit.parameters.notebook import NotebookParameters
from iamkit.parameters.sign_in_rules import SignInRulesParameters
from iamkit.plan.desired import Desired, DesiredGroup, DesiredUser
from iamkit.policies.self_management import self_management_policy

ANY_PARTITION = "*"
"""In ARNs of a policy: parameters do not tell in which partition their account is.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""


@singledispatch
def desired_of(_: NotebookParameters) -> Desired:
    """What a notebook's parameters alone want of the account; nothing, if it only looks."""
    return Desired()


def wants_of_account(model: type[NotebookParameters]) -> bool:
    """Whether the parameters of this kind alone want something of the account."""
    return desired_of.dispatch(model) is not desired_of.dispatch(object)


@desired_of.register
def admin_group(parameters: AdminGroupParameters) -> Desired:
    """The administrators' group with its policy, and the first admin with a key."""
    group = DesiredGroup(
        name=parameters.admin_group,
        inline_policies={parameters.admin_policy_name: parameters.admin_policy},
        attached_policies=tuple(parameters.admin_attached_policies),
        origins={
            "existence": "admin_group",
            "inline policy": "admin_policy",
            "attached policy": "admin_attached_policies",
        },
    )
    admin = DesiredUser(
        name=parameters.admin_user,
        groups=(group.name,),
        access_key=True,
        origins={"existence": "admin_user"},
    )
    return Desired(groups=(group,), users=(admin,))


@desired_of.register
def dev_group(parameters: DevGroupParameters) -> Desired:
    """The developers' group, which may only look at EC2."""
    group = DesiredGroup(
        name=parameters.dev_group,
        inline_policies={parameters.dev_policy_name: parameters.dev_policy},
        attached_policies=tuple(parameters.dev_attached_policies),
        origins={
            "existence": "dev_group",
            "inline policy": "dev_policy",
            "attached policy": "dev_attached_policies",
        },
    )
    return Desired(groups=(group,))


@desired_of.register
def team_users(parameters: UsersParameters) -> Desired:
    """The team's users."""
    users = tuple(
        DesiredUser(
            name=row.name,
            path=row.path,
            tags=row.tags,
            groups=tuple(row.groups),
            groups_only=row.groups_only,
            access_key=row.access_key,
            console_password=row.console_password,
            hand_over=row.hand_over,
            origins={"existence": "users"},
        )
        for row in parameters.users
    )
    return Desired(users=users)


@desired_of.register
def account_alias(parameters: AccountAliasParameters) -> Desired:
    """The account's alias, which makes the sign-in address one that people remember."""
    return Desired(alias=parameters.account_alias, origins={"alias": "account_alias"})


def lost_credentials(parameters: LostParameters) -> Desired:
    """Of each user who has lost something: nothing of it that is older than its moment."""
    users = (
        DesiredUser(
            name=row.user,
            make=False,
            password_since=moment_of(row.before) if row.password else None,
            devices_since=moment_of(row.before) if row.devices or row.serials else None,
            lost_serials=tuple(row.serials),
            hand_over=row.hand_over,
            origins={"existence": "lost"},
        )
        for row in parameters.lost
    )
    return Desired(users=tuple(users))


@desired_of.register
def sign_in_rules(parameters: SignInRulesParameters) -> Desired:
    """The account's rules for passwords, and a group whose members manage their own sign-in.

    What is not named stays as it is.
    """
    named = parameters.password_rules.model_dump(exclude_none=True)
    rules = {RULES["".join(map(str.capitalize, name.split("_")))]: v for name, v in named.items()}
    # AWS has no 0 for these: never, and none, are said by leaving them out.
    without = {rule: None for rule in ("max_age", "reuse_prevention") if rules.get(rule) == 0}
    return Desired(
        groups=_self_managing(parameters) if parameters.self_management_group else (),
        password_policy=rules | without,
        origins={"password_policy": "password_rules"},
    )


def _self_managing(parameters: SignInRulesParameters) -> tuple[DesiredGroup]:
    document = self_management_policy(parameters.mfa, ANY_PARTITION)
    group = DesiredGroup(
        name=parameters.self_management_group,
        make=False,
        inline_policies={parameters.self_management_policy_name: document},
        demands_mfa=parameters.mfa == "demanded",
        demanded_despite=tuple(parameters.demanded_despite),
        origins={"existence": "self_management_group", "inline policy": "mfa"},
    )
    return (group,)


def held_policy(parameters: PolicyStudioParameters, document: JSON) -> Desired:
    """A policy of the studio as an inline policy of its holder, who must be there already.

    Nothing, if it has no holder, or if nothing is chosen and the document is empty.
    """
    kind, _, name = parameters.policy_holder.partition(" ")
    policies = {parameters.policy_name: document}
    if kind == "group" and document:
        return Desired(groups=(DesiredGroup(name=name, make=False, inline_policies=policies),))
    if kind == "user" and document:
        return Desired(users=(DesiredUser(name=name, make=False, inline_policies=policies),))
    return Desired()
