"""Two audits of one account, and what has changed from the one to the other."""

from dataclasses import dataclass
from operator import itemgetter

import pandas as pd

from iamkit.account import AccountState
from iamkit.audit import Audit
from iamkit.audit.schema import STAMP
from iamkit.errors import InputError

_CELL = ["user", "service", "access_level", "path"]
_FINDING = ["check", "principal", "resource"]


@dataclass(frozen=True)
class Comparison:
    """What has changed; every table is empty where nothing has.

    Attributes:
        users: user, change (came, went, replaced: another user by that name), created.
        permissions: user, service, access_level, path, before and after (numbers of actions),
            change (grew, shrank); users who came or went are in ``users`` alone.
        findings: severity, check, principal, resource, change (new, gone, still), since (the
            time of the audit that first had it, of these two).
    """

    users: pd.DataFrame
    permissions: pd.DataFrame
    findings: pd.DataFrame


def compare(before: AccountState | Audit, after: AccountState | Audit) -> Comparison:
    """Compare two states of one account, or audits of them with thresholds and waivers.

    Raises:
        InputError: they are of two accounts.
    """
    old = before if isinstance(before, Audit) else Audit(before)
    new = after if isinstance(after, Audit) else Audit(after)
    if old.state.account_id != new.state.account_id:
        raise InputError(
            f"The two states are of two accounts, {old.state.account_id} and "
            f"{new.state.account_id}; only one account can be compared with itself."
        )
    return Comparison(_users(old, new), _permissions(old, new), _findings(old, new))


def _users(old: Audit, new: Audit) -> pd.DataFrame:
    was, now = old.state.users, new.state.users
    rows = [(name, "went", was[name].created) for name in was if name not in now]
    rows += [(name, "came", now[name].created) for name in now if name not in was]
    rows += [
        (name, "replaced", now[name].created)
        for name in now
        if name in was and was[name].id != now[name].id
    ]
    frame = pd.DataFrame(sorted(rows, key=itemgetter(0, 1)), columns=["user", "change", "created"])
    frame["created"] = pd.to_datetime(frame["created"], utc=True).dt.as_unit("us")
    return frame.astype({"user": "str", "change": "str", "created": STAMP})


def _permissions(old: Audit, new: Audit) -> pd.DataFrame:
    """Only users whose policies differ are looked at, which are few."""
    was, now = old.state, new.state
    changed = [
        name
        for name in sorted(set(was.users) & set(now.users))
        if _holding(old, name) != _holding(new, name)
    ]
    cells = [
        side.permissions(changed).astype(dict.fromkeys(_CELL, "str")).set_index(_CELL)["actions"]
        for side in (old, new)
    ]
    joined = pd.concat(
        [part.groupby(level=_CELL).max().rename(n) for part, n in zip(cells, _SIDES, strict=True)],
        axis=1,
    ).fillna(0)
    joined = joined[joined["before"] != joined["after"]].sort_index().reset_index()
    grew = joined["after"] > joined["before"]
    joined["change"] = grew.map({True: "grew", False: "shrank"}).astype("str")
    return joined.astype(dict.fromkeys(_SIDES, "Int64"))


_SIDES = ("before", "after")


def _holding(audit: Audit, name: str) -> object:
    """What decides a user's permissions, to be compared; policies by their documents."""
    state = audit.state
    user = state.users[name]
    groups = [state.groups[group] for group in sorted(user.groups) if group in state.groups]
    arns = {user.permissions_boundary or "", *user.attached_policies}
    arns |= {arn for group in groups for arn in group.attached_policies}
    return (
        [(holder.name, holder.inline_policies, holder.attached_policies) for holder in groups],
        user.inline_policies,
        user.attached_policies,
        user.permissions_boundary,
        {arn: state.policies[arn].document for arn in arns if arn in state.policies},
    )


def _findings(old: Audit, new: Audit) -> pd.DataFrame:
    sides = {
        name: audit.findings[audit.findings["status"] == "fail"].set_index(_FINDING)
        for name, audit in zip(_SIDES, (old, new), strict=True)
    }
    was, now = (frame[~frame.index.duplicated()] for frame in sides.values())
    parts = [
        now[~now.index.isin(was.index)].assign(change="new", since=new.now),
        was[~was.index.isin(now.index)].assign(change="gone", since=old.now),
        now[now.index.isin(was.index)].assign(change="still", since=old.now),
    ]
    frame = pd.concat([part.reset_index() for part in parts], ignore_index=True)
    frame["since"] = pd.to_datetime(frame["since"], utc=True).dt.as_unit("us")
    frame = frame.astype({"change": "str"})[["severity", *_FINDING, "change", "since"]]
    order = frame["change"].map({"new": 0, "gone": 1, "still": 2})
    return (
        frame.assign(order=order)
        .sort_values(["order", "severity", *_FINDING], kind="stable")
        .drop(columns="order")
        .reset_index(drop=True)
    )
