"""The policies of a user or role, and by which way each comes to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from iamkit.account.gaps import is_described
from iamkit.account.state import JSON, AccountState, Group, ManagedPolicy, Role, User
from iamkit.policies.grammar.statements import Statement, read_statements, unread


@dataclass(frozen=True)
class Path:
    """A policy on its way to a user.

    Attributes:
        group: the group through which it comes; empty for the user's own.
        kind: ``inline`` or ``attached``; ``unread`` for a group of which nothing was read.
        document: None if its text was not read.
    """

    group: str
    kind: Literal["inline", "attached", "unread"]
    policy: str
    document: JSON | None

    def __str__(self) -> str:
        holder = f"group {self.group}" if self.group else "own"
        return holder if self.kind == "unread" else f"{holder} > {self.kind} {self.policy}"

    @property
    def lacking(self) -> str:
        """What cannot be told without its text; empty if it was read."""
        if self.document is not None:
            return ""
        if self.kind == "unread":
            return f"the policies of group {self.group}, which were not read"
        return f"the text of {self}, which was not read"

    def statements(self) -> tuple[Statement, ...]:
        """What it says; if it was not read, that it may say anything."""
        name = str(self)
        if self.document is None:
            return unread(name, self.lacking)
        return read_statements(self.document, name)


def paths_to(who: User | Role, state: AccountState) -> Iterator[Path]:
    """The policies that a user or role has, own ones first, then group by group.

    A group that nobody described is a path whose policies were not read.
    """
    yield from own_paths(who, state)
    for name in sorted(who.groups) if isinstance(who, User) else ():
        yield from group_paths(name, state)


def group_paths(name: str, state: AccountState) -> Iterator[Path]:
    """The policies that a group gives its members."""
    if name in state.groups:
        yield from own_paths(state.groups[name], state, group=name)
    else:
        yield Path(name, "unread", "", None)


def own_paths(
    holder: User | Group | Role, state: AccountState, *, group: str = ""
) -> Iterator[Path]:
    """The policies that one holder has itself, inline ones first."""
    for name, document in sorted(holder.inline_policies.items()):
        yield Path(group, "inline", name, text_of(document))
    for arn in sorted(holder.attached_policies):
        policy = state.policies.get(arn)
        name = policy.name if policy else arn.rpartition("/")[2]
        yield Path(group, "attached", name, _text(policy))


def boundary_path(who: User | Role, state: AccountState) -> Path | None:
    """The permissions boundary of a user or role; None if it has none."""
    arn = who.permissions_boundary
    if arn is None:
        return None
    name = f"boundary {arn.rpartition('/')[2]}"
    return Path("", "attached", name, _text(state.policies.get(arn)))


def text_of(document: JSON) -> JSON | None:
    """A policy's document; None if there is none to read, as when no version is the default one."""
    return document if is_described(document) else None


def _text(policy: ManagedPolicy | None) -> JSON | None:
    return text_of(policy.document) if policy else None
