"""Who calls, with all policies that apply to them; compiled once, until the account changes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from iamkit.account.state import JSON
from iamkit.policies.evaluation.layers import Policies, Text
from iamkit.policies.evaluation.request import Principal
from iamkit.policies.grammar.statements import read_statements, statements_of
from iamkit.sandbox.server.account import Account, Accounts
from iamkit.sandbox.server.arns import listed_tags, tag_keys
from iamkit.sandbox.server.call import Caller
from iamkit.text import parse_json


@dataclass(frozen=True)
class Holder:
    """A caller and what is known of it.

    Attributes:
        context: the context keys that follow from who calls.
        policies: of the caller itself, with no resource's own.
        mfa_since: when a session with MFA began; None for all others.
    """

    principal: Principal
    context: Mapping[str, Any]
    policies: Policies
    mfa_since: datetime | None = None
    _about: dict[tuple[str, str | None], Policies] = field(default_factory=dict, repr=False)

    def context_at(self, moment: datetime) -> Mapping[str, Any]:
        """The context at a moment, with how long ago MFA was."""
        if self.mfa_since is None:
            return self.context
        age = int((moment - self.mfa_since).total_seconds())
        return {**self.context, "aws:MultiFactorAuthAge": age}

    def policies_about(self, action: str, resource: str | None) -> Policies:
        """The policies that apply to an action on a resource with its own policy, or with none.

        Statements about other actions are left out, because they decide nothing.
        """
        about = action, resource
        if about not in self._about:
            self._about[about] = _about(self.policies, action, resource)
        return self._about[about]


def _about(own: Policies, action: str, resource: str | None) -> Policies:
    bound = own.permissions_boundary
    return Policies(
        identity=_narrow_all(own.identity, action),
        permissions_boundary=None if bound is None else _narrow(bound, "boundary", action),
        session=None if own.session is None else _narrow_all(own.session, action),
        resource=None if resource is None else read_document(resource),
    )


def _narrow_all(policies: Mapping[str, Text], action: str) -> dict[str, Text]:
    return {name: _narrow(policy, name, action) for name, policy in policies.items()}


def _narrow(policy: Text, name: str, action: str) -> Text:
    """A policy's statements about one action, as if they named no other."""
    statements = policy if isinstance(policy, tuple) else read_statements(policy, name)
    return tuple(
        replace(statement, actions=(action,), not_action=False)
        for statement in statements
        if statement.names_action(action)
    )


class Holders:
    """The holders of all accounts, kept until `forget` is called."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._kept: dict[Caller, Holder] = {}

    def of(self, caller: Caller) -> Holder:
        """The holder for a caller.

        Raises:
            ValueError: one of its policies cannot be read.
        """
        if caller not in self._kept:
            self._kept[caller] = self._read(caller)
        return self._kept[caller]

    def forget(self) -> None:
        """Read everything again, because the account may have changed."""
        self._kept.clear()

    def _read(self, caller: Caller) -> Holder:
        account = self._accounts[caller.account_id]
        if caller.is_role:
            return _of_session(account, caller)
        context: dict[str, Any] = {"aws:userid": caller.user_id, "aws:TokenIssueTime": None}
        if caller.is_root:
            return Holder(Principal(caller.arn), context, Policies())
        if caller.is_federated:
            return _of_federated(account, caller, context)
        session = account.sessions.get(caller.session)
        if session is not None:
            context["aws:TokenIssueTime"] = _stamp(session.began)
            context["aws:MultiFactorAuthPresent"] = session.with_mfa
        user = account.user(caller.user_name or "")
        tags = account.iam.tagger.list_tags_for_resource(user.arn)["Tags"]
        context |= tag_keys(["aws:PrincipalTag"], listed_tags(tags))
        policies = Policies(
            identity=user_policies(account, user) | _given_by_password_policy(account, user),
            permissions_boundary=boundary_of(account, user),
        )
        since = session.began if session is not None and session.with_mfa else None
        return Holder(Principal(caller.arn), context, policies, since)


def _of_federated(account: Account, caller: Caller, context: dict[str, Any]) -> Holder:
    """A federated user: what both the one who asked for it and its own policies allow.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getfederationtoken.html
    """
    session = account.sessions[caller.session]
    user, everything = account.user_of(session), {"Effect": "Allow", "Action": "*", "Resource": "*"}
    tags = account.iam.tagger.list_tags_for_resource(user.arn)["Tags"] if user else ()
    context |= {
        "aws:TokenIssueTime": _stamp(session.began),
        "aws:MultiFactorAuthPresent": False,
        "aws:FederatedProvider": None,
        **tag_keys(["aws:PrincipalTag"], {**listed_tags(tags), **session.tags}),
    }
    policies = Policies(
        identity=user_policies(account, user) if user else {"": {"Statement": everything}},
        permissions_boundary=boundary_of(account, user) if user else None,
        session=_session_policies(account, session) or {"no session policy": {"Statement": []}},
    )
    return Holder(Principal(caller.arn, issuer=user.arn if user else ""), context, policies)


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _of_session(account: Account, caller: Caller) -> Holder:
    """A session of a role; of one that was deleted since, a session with no policies."""
    session = account.sts.get_assumed_role_from_access_key(caller.session)
    role = account.role_by_arn(session.role_arn)
    tags = {**listed_tags(role.tags if role else ()), **session.tags}
    context = {
        "aws:userid": caller.user_id,
        "aws:MultiFactorAuthPresent": session.with_mfa,
        "aws:SourceIdentity": session.source_identity,
        "aws:TokenIssueTime": _stamp(session.began),
        **tag_keys(["aws:PrincipalTag"], tags),
    }
    own = role is not None and caller.user_id.startswith(f"{role.id}:")
    policies = Policies(
        identity=own_policies("role", role) if own else {},
        permissions_boundary=boundary_of(account, role) if own else None,
        session=_session_policies(account, session),
    )
    since = session.began if session.with_mfa else None
    return Holder(Principal(caller.arn, issuer=session.role_arn), context, policies, since)


def _session_policies(account: Account, session: Any) -> dict[str, JSON] | None:
    texts = {arn: default_version(account.policy(arn)) for arn in session.policy_arns}
    if session.policy:
        texts["session policy"] = session.policy
    return {name: read_document(text) for name, text in texts.items()} or None


def user_policies(account: Account, user: Any) -> dict[str, JSON]:
    """A user's policies by name: its own, and those of its groups."""
    found = own_policies("user", user)
    for group in account.groups_of(user):
        found |= own_policies("group", group)
    return found


def _given_by_password_policy(account: Account, user: Any) -> dict[str, JSON]:
    """What the account's password policy lets every user do, if it does: change their own password.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_enable-user-change.html
    """
    rules = account.iam.account_password_policy
    if not (rules and rules.allow_users_to_change_password):
        return {}
    own = {"Effect": "Allow", "Action": "iam:ChangePassword", "Resource": user.arn}
    looking = {"Effect": "Allow", "Action": "iam:GetAccountPasswordPolicy", "Resource": "*"}
    return {"the account's password policy": {"Statement": [own, looking]}}


def own_policies(kind: str, entity: Any) -> dict[str, JSON]:
    """The inline and attached policies of a user, group or role, by name."""
    return {name: read_document(text) for name, text in _texts(kind, entity)}


def _texts(kind: str, entity: Any) -> Iterator[tuple[str, str]]:
    for name, text in entity.policies.items():
        yield f"{kind}_{entity.name}_{name}", text
    for arn, policy in entity.managed_policies.items():
        yield arn, default_version(policy)


def default_version(policy: Any) -> str:
    """The text of a managed policy's default version."""
    return next(
        str(version.document)
        for version in policy.versions
        if version.version_id == policy.default_version_id
    )


def boundary_of(account: Account, entity: Any) -> JSON | None:
    """The permissions boundary of a user or role; one that is gone allows nothing."""
    arn = (entity.permissions_boundary or {}).get("PermissionsBoundaryArn")
    if not arn:
        return None
    policy = account.iam.managed_policies.get(arn)
    return read_document(default_version(policy)) if policy else {}


@lru_cache(maxsize=10_000)
def read_document(text: str) -> JSON:
    """A policy as it is stored.

    Raises:
        ValueError: it is none that can be evaluated.
    """
    document = parse_json(text)
    if not isinstance(document, dict):
        raise ValueError("a policy is an object")  # noqa: TRY004 - of its text
    for statement in statements_of(document):
        if statement.get("Effect") not in ("Allow", "Deny"):
            raise ValueError("a statement allows or denies")
    return document
