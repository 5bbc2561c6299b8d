"""Two audits of one account, and what has changed from the one to the other, as far as both tell.

Something is gone only if the later state would show it, and new only if the earlier one would have:
what either could not read has neither come nor gone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import pandas as pd

from iamkit.account.state import AccountState
from iamkit.audit import Audit
from iamkit.audit.checks import CHECKS
from iamkit.audit.columns import STAMP
from iamkit.errors import InputError

UNTOLD = "cannot be told"
"""What of two states is known of one alone."""
CHANGES = ("new", "gone", "waived", UNTOLD, "still")
"""What may have become of a finding, in the order of ``Comparison.findings``."""
_CELL = ["user", "service", "access_level", "path"]
_FINDING = ["check", "principal", "resource"]


@dataclass(frozen=True)
class Comparison:
    """What has changed; every table is empty where nothing has.

    Attributes:
        users: user, change (came, went, replaced: another user by that name, or that it cannot
            be told), created.
        permissions: user, service, access_level, path, before and after (numbers of actions,
            missing where they are not known), change (grew, shrank, or that it cannot be told);
            users who came or went are in ``users`` alone.
        findings: severity, check, principal, resource, change (one of ``CHANGES``), since (the
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
    rows = [(n, _if_whole(new, "went"), was[n].created) for n in was if n not in _names(new)]
    rows += [(n, _if_whole(old, "came"), now[n].created) for n in now if n not in _names(old)]
    rows += [(n, "replaced", now[n].created) for n in now if n in was and was[n].id != now[n].id]
    for one, other in ((old, new), (new, old)):  # the report tells no id: perhaps another user
        rows += [(n, UNTOLD, None) for n in one.gaps.users if n in other.state.users]
    rows += [(n, _if_whole(old, "came"), None) for n in new.gaps.users if n not in _names(old)]
    rows += [(n, _if_whole(new, "went"), None) for n in old.gaps.users if n not in _names(new)]
    frame = pd.DataFrame(sorted(rows, key=itemgetter(0, 1)), columns=["user", "change", "created"])
    frame["created"] = pd.to_datetime(frame["created"], utc=True).dt.as_unit("us")
    return frame.astype({"user": "str", "change": "str", "created": STAMP})


def _names(audit: Audit) -> set[str]:
    return {*audit.state.users, *audit.gaps.users}


def _if_whole(other: Audit, word: str) -> str:
    """A word for whom another state does not have, if that has all users."""
    return UNTOLD if "users" in other.gaps.kinds else word


def _permissions(old: Audit, new: Audit) -> pd.DataFrame:
    """Only users whose policies differ or are not known are looked at, which are few."""
    both = sorted(set(old.state.users) & set(new.state.users))
    unread = [{n for n in both if _is_unread(audit, n)} for audit in (old, new)]
    unsure = unread[0] | unread[1]
    changed = [n for n in both if n in unsure or _holding(old, n) != _holding(new, n)]
    cells = [
        side.permissions(changed).dropna(subset="service").astype(dict.fromkeys(_CELL, "str"))
        for side in (old, new)
    ]
    joined = pd.concat(
        [
            part.groupby(_CELL)["actions"].max().rename(name)
            for part, name in zip(cells, _SIDES, strict=True)
        ],
        axis=1,
    ).reset_index()
    for name, lacks in zip(_SIDES, unread, strict=True):
        joined[name] = joined[name].astype("Int64")
        joined[name] = joined[name].mask(joined[name].isna() & ~joined["user"].isin(lacks), 0)
    joined["change"] = _direction(joined, bounded=_bounded(old, both) | _bounded(new, both))
    joined = joined[joined["change"] != ""]
    told = set(joined.loc[joined["change"] == UNTOLD, "user"])
    rest = pd.DataFrame({"user": sorted(unsure - told)}).assign(change=UNTOLD)
    found = pd.concat([joined, rest], ignore_index=True)[[*_CELL, *_SIDES, "change"]]
    types = dict.fromkeys([*_CELL, "change"], "str") | dict.fromkeys(_SIDES, "Int64")
    return found.astype(types).sort_values(_CELL, ignore_index=True)


def _direction(cells: pd.DataFrame, bounded: set[str]) -> Any:
    """Whether each cell grew or shrank, cannot be told, or (empty) stayed."""
    grew, shrank = (cells["after"] > cells["before"]), (cells["after"] < cells["before"])
    words = pd.Series("", index=cells.index, dtype="str")
    words = words.mask(grew.fillna(False), "grew").mask(shrank.fillna(False), "shrank")
    unsure = cells["after"].isna() | cells["before"].isna()
    return words.mask(unsure | (cells["user"].isin(bounded) & (words != "")), UNTOLD)


def _is_unread(audit: Audit, name: str) -> bool:
    user = audit.state.users[name]
    return audit.gaps.grants_of(user) or audit.gaps.bounds(user)


def _bounded(audit: Audit, names: list[str]) -> set[str]:
    """Users within a boundary that nobody described, which may take anything away."""
    return {name for name in names if audit.gaps.bounds(audit.state.users[name])}


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
    was, now = (_known(audit) for audit in (old, new))
    in_old, in_new = _is_untold(old), _is_untold(new)
    rows = []
    for identity, row in now.items():
        before = was.get(identity)
        if row["status"] == "fail":
            word = "still" if before else UNTOLD if in_old(row) else "new"
            rows.append(_told(row, word, old if before else new))
        elif before and before["status"] == "fail":
            rows.append(_told(row, "waived", old))
    for identity, row in was.items():
        if row["status"] == "fail" and identity not in now:
            rows.append(_told(row, UNTOLD if in_new(row) else "gone", old))
    names = ["severity", *_FINDING, "change", "since"]
    frame = pd.DataFrame(rows, columns=names)
    frame["since"] = pd.to_datetime(frame["since"], utc=True).dt.as_unit("us")
    frame["severity"] = frame["severity"].astype(old.findings["severity"].dtype)
    frame = frame.astype(dict.fromkeys([*_FINDING, "change"], "str"))
    order = frame["change"].map({word: place for place, word in enumerate(CHANGES)})
    return (
        frame.assign(order=order)
        .sort_values(["order", "severity", *_FINDING], kind="stable")
        .drop(columns="order")
        .reset_index(drop=True)
    )


def _known(audit: Audit) -> dict[str, dict[Any, Any]]:
    """The findings that are sure, waived ones too, by their fingerprint."""
    sure = audit.findings[audit.findings["status"].isin(["fail", "waived"])]
    return {str(row["fingerprint"]): row for row in sure.to_dict("records")}


def _is_untold(audit: Audit) -> Callable[[dict[Any, Any]], bool]:
    """Whether an audit could not tell what another one found.

    It could not for whom it has an unknown finding of that check, nor for anybody of whose kind it
    may not have all.
    """
    unknown = audit.findings[audit.findings["status"] == "unknown"]
    pairs = set(zip(unknown["check"], unknown["principal"], strict=True))
    account = audit.state.account_id
    everywhere = {c for c, who in pairs if who == account and CHECKS[c].table != "account"}
    return lambda row: row["check"] in everywhere or (row["check"], row["principal"]) in pairs


def _told(row: dict[Any, Any], word: str, since: Audit) -> list[Any]:
    return [row["severity"], *(row[name] for name in _FINDING), word, since.now]
