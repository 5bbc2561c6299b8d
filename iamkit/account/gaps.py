"""What an account's state names and does not describe: what hangs on it is unknown.

A dump that was cut off, made with ``--filter`` or put together by hand still names the groups of
its users and the policies that are attached. Whoever is in such a group may be allowed anything.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from iamkit.account.state import JSON, ROOT_USER, AccountState, Group, Holder, Source, User
from iamkit.text import few

DETAILS, REPORT = "GetAccountAuthorizationDetails", "GetCredentialReport"
STALE = timedelta(hours=24)
"""A credential report older than this says nothing about now."""
KINDS = ("users", "groups", "roles", "policies")
_OF_USERS = (
    (REPORT, "report"),
    ("ListAccessKeys", "access_keys"),
    ("ListVirtualMFADevices", "mfa_devices"),
    ("ListMFADevices", "mfa_devices"),
    ("GetLoginProfile", "login_profiles"),
    ("ListSSHPublicKeys", "ssh_public_keys"),
    ("ListSigningCertificates", "signing_certificates"),
    ("ListServiceSpecificCredentials", "service_credentials"),
)
"""The operations whose replies name users, and where a state has those, by the users' names."""


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """What was not described, by its kind.

    Attributes:
        kinds: those of which more may be there than are known: some of ``KINDS``.
        users: named by the credential report or by what is theirs, and nowhere described, in order.
        groups: named by a user alone, in order.
        policies: ARNs of managed policies whose text is not known.
        inline: holders of an inline policy whose text is not known, as ``user ann``.
    """

    kinds: frozenset[str]
    users: tuple[str, ...]
    groups: tuple[str, ...]
    policies: frozenset[str]
    inline: tuple[str, ...]
    _broken: frozenset[str]
    """Groups that grant what is not known: ``groups``, and those with a policy without text."""

    def grants_of(self, holder: Holder) -> bool:
        """Whether some of what a user, group or role is granted is not known."""
        if isinstance(holder, User) and holder.groups & self._broken:
            return True
        if isinstance(holder, Group) and holder.name in self._broken:
            return True
        return _has_unread_policy(holder, self.policies)

    def bounds(self, holder: Holder) -> bool:
        """Whether a permissions boundary's text is not known."""
        return holder.permissions_boundary in self.policies

    @property
    def holders(self) -> frozenset[str]:
        """The kinds of holders of policies of whom some may be unknown, wholly or in part."""
        named = {"users": self.users, "groups": self.groups}
        known = {"users", "groups", "roles"} & self.kinds
        return frozenset(known | {kind for kind, names in named.items() if names})

    def say_missing(self, name: str, *kinds: str) -> str:
        """That there is none of a name or, where not all were described, that nobody can tell.

        Args:
            name: of what is asked for.
            kinds: of what it may be, such as ``users``, ``roles``.

        Returns:
            Words without a full stop, such as ``The account has no user 'ann'``.
        """
        what = f"{' or '.join(kind.removesuffix('s') for kind in kinds)} {name!r}"
        if not self.kinds.isdisjoint(kinds):
            return f"Whether the account has a {what} cannot be told: not all were read"
        if name in {"users": self.users, "groups": self.groups}.get(kinds[0], ()):
            return f"The account has a {what}, of which nothing more was read"
        return f"The account has no {what}"

    def in_words(self) -> Iterator[str]:
        """A few words for each kind of gap but ``kinds``, with the first names."""
        for names, said in (
            (self.users, "named and not described: user"),
            (self.groups, "named and not described: group"),
            (sorted(self.policies), "without their text: policy"),
            (self.inline, "with an inline policy without text:"),
        ):
            if names:
                yield f"{said} {few(names)}"


def is_described(document: JSON) -> bool:
    """Whether a policy's text is known: AWS keeps no policy without statements.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_statement.html
    """
    found = document.get("Statement")
    if isinstance(found, list | tuple):
        return all(isinstance(statement, Mapping) for statement in found)
    return isinstance(found, Mapping)


def find_gaps(state: AccountState) -> Gaps:
    """What a state names and does not describe."""
    known = {arn for arn, policy in state.policies.items() if is_described(policy.document)}
    named = {arn for _, holder in state.holders() for arn in _policies_of(holder)}
    policies = frozenset((named | set(state.policies)) - known)
    groups = {group for user in state.users.values() for group in user.groups}
    absent = tuple(sorted(groups - set(state.groups)))
    broken = {n for n, group in state.groups.items() if _has_unread_policy(group, policies)}
    inline = (told for told, holder in state.holders() if _has_unread_policy(holder, frozenset()))
    users = _named_alone(state)
    kinds = state.source(DETAILS).lacking - (
        {"users"} if state.report and state.source(REPORT).status == "read" else set()
    )
    return Gaps(
        kinds=kinds,
        users=users,
        groups=absent,
        policies=policies,
        inline=tuple(inline),
        _broken=frozenset(broken | set(absent)),
    )


def judge_sources(state: AccountState) -> dict[str, Source]:
    """The sources of a state, with what its details lack told by name."""
    gaps, source = find_gaps(state), state.source(DETAILS)
    told = list(gaps.in_words())
    if source.status == "unknown" or not told:
        return dict(state.sources)
    missing = {
        name for name, user in state.users.items() if gaps.grants_of(user) or gaps.bounds(user)
    }
    named = {"users": gaps.users, "groups": gaps.groups, "policies": gaps.policies}
    lacking = source.lacking | {kind for kind, names in named.items() if names}
    lacking |= {"policies"} if gaps.inline else set()
    found = replace(
        source,
        status="read",
        note="; ".join(filter(None, [source.note, *told])),
        missing=source.missing | missing | set(gaps.users),
        lacking=lacking,
    )
    return dict(sorted({**state.sources, DETAILS: found}.items()))


def failed_sources(state: AccountState) -> dict[str, Source]:
    """What was asked for and could not be read, wholly or in part, by operation."""
    return {name: source for name, source in judge_sources(state).items() if source.failed}


def _named_alone(state: AccountState) -> tuple[str, ...]:
    """Users whom other replies name and the details do not describe.

    Where all of the details were read after such a reply, they have been deleted since.
    """
    details = state.source(DETAILS)
    whole = None if "users" in details.lacking else details.at
    named: set[str] = set()
    for operation, field in _OF_USERS:
        at = state.source(operation).at
        if not (at and whole and whole > at):
            named.update(getattr(state, field))
    return tuple(sorted(named - set(state.users) - {ROOT_USER}))


def _policies_of(holder: Holder) -> Iterator[str]:
    yield from holder.attached_policies
    if holder.permissions_boundary:
        yield holder.permissions_boundary


def _has_unread_policy(holder: Holder, unread: frozenset[str]) -> bool:
    inline = any(not is_described(document) for document in holder.inline_policies.values())
    return inline or not holder.attached_policies.isdisjoint(unread)
