"""Everything that is a user's, and everywhere they are named: what a leaving must look at first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Literal

from iamkit.account.gaps import REPORT
from iamkit.account.state import JSON, AccountState, ReportRow, Role, User
from iamkit.policies.evaluation.access import who_can
from iamkit.policies.evaluation.matrix import UNTOLD
from iamkit.policies.grammar.patterns import matches_text
from iamkit.policies.grammar.statements import statements_of, texts_of

Relation = Literal["theirs", "names them", "lives on", "cannot be told"]
HOUR = 3_600
RESTORED = ("group", "inline policy", "attached policy", "permissions boundary", "tag")
"""What a file makes again of a user who was deleted."""
OPERATIONS_TOLD = {
    "ListAccessKeys": "access keys",
    "ListVirtualMFADevices": "virtual MFA devices",
    "ListSSHPublicKeys": "SSH public keys",
    "ListServiceSpecificCredentials": "service-specific credentials",
    "ListSessions": "sessions of aws login",
}
"""By the operation that tells of them, what a user may have."""
ADVICE = {
    "users": "04_users would make them again: take it out",
    "lost": "12_lost_and_forgotten would hand them a new password, and stops once they are gone: "
    "take it out",
    "rotate": "10_rotate_keys says each time that they are not there: take it out",
}
"""By a list of the parameters file, what comes of a name that stays in it."""
ALL_OF_THEM = "all of them"
LONGEST = 12 * HOUR
"""Seconds that a role's session may last at most.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
"""


@dataclass(frozen=True, kw_only=True)
class Belonging:
    """A thing that is a user's, or a place that names them.

    Attributes:
        user: whose it is.
        relation: what it is to them; ``lives on`` for what stage one does not end.
        what: its kind, such as ``access key``.
        name: of it.
        said: what there is to know, such as its last use.
    """

    user: str
    relation: Relation
    what: str
    name: str
    said: str = ""

    @property
    def afterwards(self) -> str:
        """What becomes of it when the user is deleted."""
        if self.relation == "theirs":
            return "comes back by the file" if self.what in RESTORED else "is gone for good"
        if self.relation == "lives on":
            return "until it ends, or its role revokes older sessions"
        if self.relation == "names them" and self.what != "parameters file":
            new_id = "as principal" in self.said or "aws:userid" in self.said.lower()
            return "does not know them if made again" if new_id else "knows them again by name"
        return ""


@dataclass(frozen=True, kw_only=True)
class ResourcePolicy:
    """The policy of a resource; ``document`` is None if it could not be read, and ``note`` why."""

    what: str
    name: str
    document: JSON | None
    note: str = ""


def list_belongings(
    state: AccountState,
    names: Iterable[str],
    resources: Sequence[ResourcePolicy] = (),
    values: Mapping[str, Any] | None = None,
) -> list[Belonging]:
    """Everything that is theirs, and everywhere they are named.

    Args:
        state: the account, with ``LEAVERS_READ`` and ``OF_EACH_LEAVER`` of these users.
        names: of users who are there.
        resources: the policies of buckets and secrets, and of those that could not be read why.
        values: of the account's parameters file; None if no file is known.
    """
    places = [*_documents(state), *resources]
    found: list[Belonging] = []
    for name in names:
        user = state.users[name]
        found += _theirs(state, user)
        found += _live_on(state, user)
        found += (one for place in places for one in _naming(place, user))
        found += _in_parameters(values, name)
    unread = partial(Belonging, user=ALL_OF_THEM, relation="cannot be told")
    found += (
        unread(what=one.what, name=one.name, said=one.note)
        for one in resources
        if one.document is None
    )
    if values is None:
        found.append(unread(what="parameters file", name="", said="none is known here"))
    return found


def _theirs(state: AccountState, user: User) -> Iterator[Belonging]:
    own = partial(Belonging, user=user.name, relation="theirs")
    yield from (own(what="group", name=group) for group in sorted(user.groups))
    yield from (own(what="inline policy", name=policy) for policy in sorted(user.inline_policies))
    for arn in sorted(user.attached_policies):
        yield own(what="attached policy", name=arn.rpartition("/")[2], said=arn)
    if bound := user.permissions_boundary:
        yield own(what="permissions boundary", name=bound.rpartition("/")[2], said=bound)
    yield from (own(what="tag", name=key, said=value) for key, value in sorted(user.tags.items()))
    yield from _credentials(state, user)


def _credentials(state: AccountState, user: User) -> Iterator[Belonging]:
    row = state.reported(user) if state.was_read(REPORT) else None
    own = partial(Belonging, user=user.name, relation="theirs")
    yield from _keys(state, user, row)
    if row is None:
        note = state.source(REPORT).note or "the credential report does not tell of them yet"
        yield Belonging(
            user=user.name,
            relation="cannot be told",
            what="console password, certificates",
            name="",
            said=note,
        )
    elif row.password_enabled:
        yield own(what="console password", name="", said=_last_use(row.password_last_used))
    devices = state.mfa_devices.get(user.name, ())
    yield from (own(what="MFA device", name=one.serial, said=one.kind) for one in devices)
    if row and row.mfa_active and not devices:
        yield own(what="MFA device", name="", said="a passkey or hardware device, by the report")
    for one in state.ssh_public_keys.get(user.name, ()):
        yield own(what="SSH public key", name=one.id, said=one.status)
    for one in state.service_credentials.get(user.name, ()):
        said = f"{one.status} {one.service}".strip()
        yield own(what="service-specific credential", name=one.id, said=said)
    for certificate in filter(None, row.certificates if row else ()):
        said = {True: "Active", False: "Inactive", None: "cannot be told"}[certificate.active]
        yield own(what="signing certificate", name="", said=said)
    for session in state.sign_in_sessions.get(user.name, ()):
        until = f"until {session.expires:%Y-%m-%d %H:%M} UTC" if session.expires else ""
        yield own(what="session of aws login", name=session.arn, said=until)
    for operation, what in OPERATIONS_TOLD.items():
        if not state.was_read(operation, user.name):
            note = state.source(operation).note or f"{operation} was not read."
            yield Belonging(
                user=user.name, relation="cannot be told", what=what, name="", said=note
            )


def _keys(state: AccountState, user: User, row: ReportRow | None) -> Iterator[Belonging]:
    """The access keys; the report, which tells of their use, knows them by their birthday."""
    used = {key.last_rotated: key for key in row.keys if key} if row else {}
    for key in state.access_keys.get(user.name, ()):
        reported = used.get(key.created)
        said = _last_use(reported.last_used) if reported else "last use cannot be told"
        via = f" by {reported.last_used_service}" if reported and reported.last_used else ""
        yield Belonging(
            user=user.name,
            relation="theirs",
            what="access key",
            name=key.id,
            said=f"{key.status}; {said}{via}",
        )


def _last_use(at: datetime | None) -> str:
    return f"last used {at:%Y-%m-%d}" if at else "never used"


def _live_on(state: AccountState, user: User) -> Iterator[Belonging]:
    """The roles that they may have assumed, whose sessions a deny of theirs does not end.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
    """
    for role in state.roles.values():
        if not _may_be_named(role, user, state.account_id):
            continue
        alone = replace(state, users={user.name: user}, roles={role.name: role})
        answers = who_can(alone, "sts:AssumeRole", role.arn)
        for answer in answers[answers["principal"] == user.name]["answer"]:
            longest = role.max_session
            lasts = f"{longest // HOUR} h" if longest else f"not told, {LONGEST // HOUR} h at most"
            unsure = {"allowed": "", UNTOLD: "; whether they may assume it cannot be told"}
            sure = unsure.get(str(answer), f"; {answer}")
            yield Belonging(
                user=user.name,
                relation="lives on",
                what="session of a role",
                name=role.name,
                said=f"its longest session: {lasts}{sure}",
            )


def _may_be_named(role: Role, user: User, account_id: str) -> bool:
    """Whether its trust policy may let a user in: by name, or as one of the account."""
    names = {user.arn, user.id, account_id, "*"}
    statements = statements_of(role.trust_policy)
    principals = [one for s in statements for one in _principals(s)]
    opposite = any("NotPrincipal" in statement for statement in statements)
    return opposite or any(p in names or p.endswith(f":{account_id}:root") for p in principals)


def _documents(state: AccountState) -> Iterator[ResourcePolicy]:
    """Every policy of the account's own."""
    for holder, one in state.holders():
        for name, document in one.inline_policies.items():
            yield ResourcePolicy(what="policy", name=f"{holder}/{name}", document=document)
        if isinstance(one, Role):
            trust = one.trust_policy
            yield ResourcePolicy(what="trust policy", name=holder, document=trust)
    for policy in state.policies.values():
        if not policy.is_aws_managed:
            yield ResourcePolicy(what="policy", name=policy.name, document=policy.document)


def _naming(place: ResourcePolicy, user: User) -> Iterator[Belonging]:
    """Where a policy names a user; their own go with them."""
    told = partial(Belonging, user=user.name, what=place.what, name=place.name)
    if place.name.startswith(f"user {user.name}/"):
        return
    ways = dict.fromkeys(w for s in statements_of(place.document or {}) for w in _ways(s, user))
    if ways:
        yield told(relation="names them", said="; ".join(ways))


def _ways(statement: JSON, user: User) -> Iterator[str]:
    if {user.arn, user.id} & set(_principals(statement)) - {""}:
        yield "as principal"
    if any(user.arn in texts_of(statement, key) for key in ("Resource", "NotResource")):
        yield "as resource"
    conditions = statement.get("Condition")
    for operator, tests in (conditions if isinstance(conditions, Mapping) else {}).items():
        for key in tests if isinstance(tests, Mapping) else ():
            value = _of_user(key, user)
            like = "like" in str(operator).lower()
            for text in texts_of(tests, key):
                same = matches_text(text.lower(), value.lower(), None, wildcards=like)
                if value and text != "*" and same:
                    yield f"{key} is {text}"


def _of_user(key: str, user: User) -> str:
    """What a condition's key is for a user; empty for a key that is about nobody's name."""
    lower = key.lower()
    plain = {
        "aws:username": user.name,
        "aws:userid": user.id,
        "aws:principalarn": user.arn,
    }
    if lower.startswith("aws:principaltag/"):
        tags = {name.lower(): value for name, value in user.tags.items()}
        return tags.get(lower.partition("/")[2], "")
    return plain.get(lower, "")


def _principals(statement: JSON) -> Iterator[str]:
    for element in (statement.get("Principal"), statement.get("NotPrincipal")):
        if isinstance(element, Mapping):
            yield from (name for kind in element for name in texts_of(element, str(kind)))
        elif element:
            yield str(element)


def _in_parameters(values: Mapping[str, Any] | None, name: str) -> Iterator[Belonging]:
    told = partial(Belonging, user=name, what="parameters file")
    for place in _places(values or {}, name.lower(), ""):
        if not place.startswith("leavers["):
            yield told(relation="names them", name=place, said=_advice(place))


def _advice(place: str) -> str:
    return next((said for list_, said in ADVICE.items() if place.startswith(f"{list_}[")), "")


def _places(value: Any, name: str, path: str) -> Iterator[str]:
    """Where a name stands in a file's values, as ``users[2].name``, counted from 1."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _places(inner, name, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value, 1):
            yield from _places(inner, name, f"{path}[{number}]")
    elif isinstance(value, str) and value.lower() in (name, f"user {name}"):
        yield path
