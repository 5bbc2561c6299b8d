"""What ends a finding, as a desired state like any other: planned, reviewed, applied, taken back.

No remedy deletes a credential: a key is switched off, and what can only be deleted is left to a
person.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from iamkit.account.state import JSON, AccountState, Holder, PasswordPolicy, Role
from iamkit.parameters.thresholds import Thresholds
from iamkit.plan.changes import changes_to
from iamkit.plan.desired import (
    Absent,
    Desired,
    DesiredGroup,
    DesiredRole,
    DesiredUser,
)
from iamkit.policies.grammar.statements import read_statements

Choice = Literal["group", "role"]
PLACEHOLDERS: Mapping[Choice, str] = {"group": "GROUP", "role": "ROLE"}
"""What stands in a command for what is still to be chosen."""
SUPPORT = "AWSSupportAccess"
CLOUDSHELL = "AWSCloudShellFullAccess"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A row that fails, and what its remedy may need.

    Attributes:
        row: its cells as texts, by the columns of the check's table.
        choice: the group or role that somebody chose.
    """

    row: Mapping[str, str]
    state: AccountState
    thresholds: Thresholds
    choice: str = ""


@dataclass(frozen=True)
class Remedy:
    """How a finding ends.

    Attributes:
        wanted: what is wanted of the account then.
        choice: what somebody must choose first; empty if nothing.
        needs: the columns that ``wanted`` looks at.
    """

    wanted: Callable[[Case], Desired]
    needs: tuple[str, ...] = ()
    choice: Choice | Literal[""] = ""


def commands_for(remedy: Remedy, case: Case) -> str:
    """The remedy as ``aws iam`` commands, the same as a plan's; why not, if it cannot be told.

    A word in capitals stands for what is still to be chosen.
    """
    state = case.state
    if remedy.choice == "role" and not case.choice:
        role = PLACEHOLDERS["role"]
        state = replace(state, roles={**state.roles, role: Role(name=role)})
    if remedy.choice and not case.choice:
        case = replace(case, choice=PLACEHOLDERS[remedy.choice])
    wanted = remedy.wanted(case)
    lacking = [name for name in wanted.operations if not state.was_read(name)]
    if lacking:
        return f"# it cannot be told, since {lacking[0]} was not read"
    return "\n".join(change.command for change in changes_to(state, wanted))


def _user(case: Case, **facts: object) -> Desired:
    one = DesiredUser(name=case.row["user"], make=False, **facts)  # type: ignore[arg-type]
    return Desired(users=(one,))


def _switch_off(case: Case) -> Desired:
    return _user(case, key_status={case.row["key"]: "Inactive"})


def _join(case: Case) -> Desired:
    return _user(case, groups=(case.choice,))


def _move(case: Case) -> Desired:
    """What denies stays: by it AWS or somebody barred the user."""
    user = case.state.users.get(case.row["user"])
    inline = user.inline_policies if user else {}
    known = {arn: case.state.policies.get(arn) for arn in (user.attached_policies if user else ())}
    own = Absent(
        inline_policies=tuple(name for name, text in inline.items() if not _denies(text)),
        attached_policies=tuple(
            sorted(arn for arn, policy in known.items() if policy and not _denies(policy.document))
        ),
    )
    return _user(case, groups=(case.choice,), absent=own)


def _denies(document: JSON) -> bool:
    return any(not statement.allows for statement in read_statements(document))


def _password_rules(case: Case) -> Desired:
    """Both rules that are checked: each command carries all of them, so that none undoes another.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html
    """
    rules = case.state.password_policy or PasswordPolicy()
    return Desired(
        password_policy={
            "minimum_length": max(rules.minimum_length, case.thresholds.password_length),
            "reuse_prevention": max(rules.reuse_prevention or 0, case.thresholds.password_reuse),
        }
    )


def _support(case: Case) -> Desired:
    arn = f"arn:{case.state.partition}:iam::aws:policy/{SUPPORT}"
    return Desired(roles=(DesiredRole(name=case.choice, attached_policies=(arn,)),))


def _take_cloudshell(case: Case) -> Desired:
    state = case.state
    arn = f"arn:{state.partition}:iam::aws:policy/{CLOUDSHELL}"
    gone = Absent(attached_policies=(arn,))

    def having(holders: Mapping[str, Holder]) -> list[str]:
        return [name for name, holder in holders.items() if arn in holder.attached_policies]

    return Desired(
        users=tuple(DesiredUser(name=n, make=False, absent=gone) for n in having(state.users)),
        groups=tuple(DesiredGroup(name=n, make=False, absent=gone) for n in having(state.groups)),
        roles=tuple(DesiredRole(name=n, absent=gone) for n in having(state.roles)),
    )


SWITCH_OFF = Remedy(_switch_off, ("user", "key"))
JOIN = Remedy(_join, ("user",), "group")
MOVE = Remedy(_move, ("user",), "group")
PASSWORD_RULES = Remedy(_password_rules)
GIVE_SUPPORT = Remedy(_support, (), "role")
TAKE_CLOUDSHELL = Remedy(_take_cloudshell)
DELETE_GROUP = Remedy(lambda case: Desired(absent_groups=(case.row["group"],)), ("group",))
DELETE_POLICY = Remedy(lambda case: Desired(absent_policies=(case.row["policy"],)), ("policy",))
