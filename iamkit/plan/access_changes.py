"""What a policy would change for the people who get it, before anyone does anything."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iamkit.account.gaps import is_described
from iamkit.account.state import AccountState, User
from iamkit.plan.change import subject_of
from iamkit.plan.desired import DesiredHolder, DesiredUser
from iamkit.plan.preview import account_after
from iamkit.policies.actions.catalogue import Catalogue, load_catalogue
from iamkit.policies.actions.expansion import shortest_patterns
from iamkit.policies.evaluation.holdings import Holdings
from iamkit.policies.evaluation.reach import Reach
from iamkit.policies.grammar.document import count_characters
from iamkit.policies.grammar.quotas import QUOTAS, Gauge
from iamkit.text import few

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("user", "new", "wider", "less", "examples", "unknown")


def impact_of(
    state: AccountState, wanted: DesiredHolder, catalogue: Catalogue | None = None
) -> "pd.DataFrame":
    """What the inline policies of a group or user would change, for each who would have them.

    Args:
        state: the account with everyone's policies.
        wanted: the group or user; policies of those names are replaced.
        catalogue: of AWS's actions; by default the installed one.

    Returns:
        A row for each user concerned: ``user``; how many actions are ``new`` to it, go ``wider``
        than before (more resources, fewer conditions), and are ``less`` than before (int64);
        ``examples`` of the new ones, as short patterns; ``unknown``, what was not read of its
        policies and may make the difference another. Empty if the holder has no members.
    """
    known = catalogue or load_catalogue()
    concerned = sorted(concerned_by(state, wanted))
    after = account_with(state, wanted) if concerned else state
    rows = []
    for name, step in access_steps(state, after, concerned, known):
        patterns = shortest_patterns(step.new, known)
        counts = (step.new.bit_count(), step.wider.bit_count(), step.less.bit_count())
        rows.append((name, *counts, few(patterns, 4), "; ".join(step.unknown)))
    types = dict.fromkeys(COLUMNS, "str") | dict.fromkeys(("new", "wider", "less"), "int64")
    import pandas as pd  # noqa: PLC0415 - the meaning of a plan needs no tables

    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(types)


def account_with(state: AccountState, wanted: DesiredHolder) -> AccountState:
    """The account, where a group or user that is there has the inline policies that are wanted."""
    subject = subject_of(wanted)
    changes = [
        subject.change(
            "update", f"put_{subject.kind}_policy", PolicyName=name, PolicyDocument=document
        )
        for name, document in wanted.inline_policies.items()
    ]
    return account_after(state, changes)


def size_of_inline(state: AccountState, wanted: DesiredHolder) -> Gauge | None:
    """How much of its quota a group's or user's inline policies would take, all of them together.

    Returns:
        None if the text of one that stays was not read, so that it cannot be told.
    """
    kind = subject_of(wanted).kind
    there = (state.users if kind == "user" else state.groups).get(wanted.name)
    documents = {**(there.inline_policies if there else {}), **wanted.inline_policies}
    if not all(map(is_described, documents.values())):
        return None
    quota = f"{kind}'s inline policies"
    return Gauge(quota, sum(map(count_characters, documents.values())), QUOTAS[quota])


@dataclass(frozen=True)
class AccessStep:
    """How a user's access differs between two states, as sets of actions, as far as it was read.

    Attributes:
        new: actions that were not allowed at all.
        wider: actions that go farther than before.
        less: actions that go less far than before, or are gone.
        limited: those of ``new`` and ``wider`` that hold for some resources or under conditions.
        becomes_admin: whether the user becomes an administrator by it.
        unknown: what was not read and may make the difference another.
    """

    new: int
    wider: int
    less: int
    limited: int
    becomes_admin: bool
    unknown: tuple[str, ...] = ()


def access_steps(
    before: AccountState, after: AccountState, users: Iterable[str], catalogue: Catalogue
) -> Iterator[tuple[str, AccessStep]]:
    """How the access of each of these users differs between two states of an account.

    Args:
        before: with everyone's policies.
        after: the same account at another time.
        users: names; who is in one of the states alone has no access in the other.
        catalogue: of AWS's actions.
    """
    had_by, has_by = Holdings(before, catalogue), Holdings(after, catalogue)
    for name in users:
        old, now = before.users.get(name, User(name=name)), after.users.get(name, User(name=name))
        holding, held = has_by.of(now), had_by.of(old)
        had, has = held.reach_as_read, holding.reach_as_read
        new = has.known & ~had.known
        wider = gained(had, has) & ~new
        yield (
            name,
            AccessStep(
                new=new,
                wider=wider,
                less=gained(has, had),
                limited=(new | wider) & ~has.everything,
                becomes_admin=bool(holding.admin_path) and not held.admin_path,
                unknown=tuple(dict.fromkeys(held.lacking + holding.lacking)),
            ),
        )


def concerned_by(state: AccountState, wanted: DesiredHolder) -> list[str]:
    """The users who have what a group or user has; none if it is not there."""
    if isinstance(wanted, DesiredUser):
        return [wanted.name] if wanted.name in state.users else []
    return [user.name for user in state.users.values() if wanted.name in user.groups]


def gained(before: Reach, after: Reach) -> int:
    """The actions that go farther than before, as a set of the catalogue's."""
    return (
        (after.everything & ~before.everything)
        | (after.most & ~(before.everything | before.most))
        | (after.some & ~before.always)
        | (after.conditional & ~before.known)
    )
