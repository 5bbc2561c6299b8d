"""What a plan means for people, in sentences: who will be able to do what, and who no longer."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from iamkit.account.state import JSON, AccountState, PasswordPolicy, User, sign_in_url
from iamkit.plan.access_changes import AccessStep, access_steps, account_with, concerned_by
from iamkit.plan.changes import Change, Plan, demand_of
from iamkit.plan.desired import DesiredHolder
from iamkit.plan.first_minutes import say_beginning
from iamkit.plan.leavers import denies_everything
from iamkit.plan.password_rules import say_rules, say_touched
from iamkit.plan.preview import account_after
from iamkit.plan.without_device import say_without_device
from iamkit.policies.actions.catalogue import Catalogue, load_catalogue
from iamkit.policies.actions.expansion import shortest_patterns
from iamkit.policies.escalation.search import Escalation, search_paths
from iamkit.policies.escalation.wording import PathsChange, compare_paths
from iamkit.policies.wording.actions import say_mask
from iamkit.policies.wording.explanation import explain
from iamkit.text import listed

WHOEVER = "whoever gets it"
TAKEN = "deactivate_mfa_device"
NAMED = 5
"""How many people a sentence names; the others are counted."""
NO_UNDO = "There is no undo for this"
WAYS_NAMED = 3
"""How many ways to an administrator's rights a sentence names; the others are counted."""


def say_meaning(current: AccountState, plan: Plan, catalogue: Catalogue | None = None) -> list[str]:
    """What a plan means for people, in sentences; none for an empty plan."""
    if not plan.changes:
        return []
    known = catalogue or load_catalogue()
    after = account_after(current, plan.changes)
    return [
        *_say_leaving(plan.changes),
        *_say_stopped(plan.changes),
        *_say_moving(plan.changes),
        *_say_limits(plan.changes),
        *_say_rules(say_touched, plan.current, after, plan.changes),
        *demand_of(plan.current, plan.desired, plan.changes).sentences,
        *say_without_device(after, plan.changes, known),
        *_say_access(current, after, plan.changes, known),
        *say_paths(current, after),
        *_say_empty_groups(after, plan.changes),
        *_say_credentials(plan.changes),
        *say_beginning(after, plan.changes, known),
        *_say_keys(plan.changes),
        *_say_alias(plan.changes, current.partition),
        *_say_rules(say_rules, plan.current, after, plan.changes),
    ]


def _say_leaving(changes: Iterable[Change]) -> Iterator[str]:
    for operation in ("delete_user", "delete_group"):
        gone = [change.name for change in changes if change.operation == operation]
        if gone:
            yield f"{_people(gone)} will be gone, with everything of theirs."
        if gone and operation == "delete_user":
            yield (
                "A file that is written first makes them again (iamkit undo), with path, tags, "
                "groups, policies and boundary."
            )


def _say_stopped(changes: Sequence[Change]) -> Iterator[str]:
    """Who can do nothing from now on; of who is deleted that need not be said."""
    gone = {change.name for change in changes if change.operation == "delete_user"}
    stopped = [change.name for change in changes if change.name not in gone and _denies_all(change)]
    if stopped:
        yield f"{_people(stopped)} will be able to do nothing at all: everything is denied."
    ended = [c.name for c in changes if c.part == "sign-in session" and c.name not in gone]
    if ended:
        yield f"Sessions of aws login of {_people(list(dict.fromkeys(ended)))} end."


def _denies_all(change: Change) -> bool:
    given = change.arguments
    if change.operation == "put_user_policy":
        return denies_everything(given["PolicyDocument"])
    attaches = change.operation == "attach_user_policy"
    return attaches and given["PolicyArn"].endswith(":aws:policy/AWSDenyAll")


def _say_moving(changes: Sequence[Change]) -> Iterator[str]:
    """Who leaves which groups, and joins which; those who are deleted are not moving."""
    gone = {change.target for change in changes if change.operation == "delete_user"}
    left, joined = dict[str, list[str]](), dict[str, list[str]]()
    by_operation = {"remove_user_from_group": left, "add_user_to_group": joined}
    for change in changes:
        if change.operation in by_operation and change.target not in gone:
            groups = by_operation[change.operation].setdefault(change.name, [])
            groups.append(change.arguments["GroupName"])
    alike: dict[str, list[str]] = {}
    for name, groups in left.items():
        joins = f" and join {listed(joined[name])}" if name in joined else ""
        alike.setdefault(f"will leave {listed(groups)}{joins}", []).append(name)
    yield from (f"{_people(names)} {said}." for said, names in alike.items())


def _say_access(
    before: AccountState, after: AccountState, changes: Iterable[Change], catalogue: Catalogue
) -> Iterator[str]:
    concerned = {change.name for change in changes if change.kind == "user"}
    changed = {change.name for change in changes if change.kind == "group"}
    concerned |= {user.name for user in after.users.values() if user.groups & changed}
    staying = sorted(name for name in concerned if name in after.users)
    by_step: dict[AccessStep, list[str]] = {}
    for name, step in access_steps(before, after, staying, catalogue):
        by_step.setdefault(step, []).append(name)
    for step, names in by_step.items():
        who = _people(names)
        if step.becomes_admin:
            yield f"{who} will be able to do everything in this account, as administrator."
            continue
        if step.unknown:
            yield (
                f"What {who} will be able to do cannot be told in full, for want of "
                f"{listed(list(step.unknown), most=NAMED)}."
            )
        limits = " (on some resources, or under conditions)" if step.limited else ""
        if step.new:
            yield f"{who} will be able to {_say(step.new, catalogue)}{limits}."
        if step.wider:
            yield f"{who} will be able to go farther than now: {_say(step.wider, catalogue)}."
        if step.less:
            yield f"{who} will no longer be able to, or less far: {_say(step.less, catalogue)}."


def say_paths(before: AccountState, after: AccountState) -> Iterator[str]:
    """Who can become administrator by a change, or no longer can, and how."""
    if before.users == after.users and before.groups == after.groups:
        return
    alike: dict[PathsChange, list[str]] = {}
    for name, found in compare_paths(search_paths(before), Escalation(after)).items():
        alike.setdefault(found, []).append(name.removeprefix("user "))
    for found, names in alike.items():
        who = _people(names)
        if found.opened:
            more = " in more ways than now" if found.others else ""
            will = "will" if found.surely else "may"
            yield f"{who} {will} be able to become administrator{more}: {_ways(found.opened)}."
        if found.closed:
            left = found.others + len(found.opened)
            still = f" ({left} other way{'s' * (left > 1)} to it stay open)" if left else ""
            yield (
                f"{who} will no longer be able to become administrator{still} by this: "
                f"{_ways(found.closed)}."
            )


def say_paths_of(
    state: AccountState, policies: Mapping[str, JSON], wanted: DesiredHolder | None = None
) -> Iterator[str]:
    """Who could become administrator by policies: those who would have them, or whoever gets them.

    Args:
        state: the account.
        policies: by their names.
        wanted: the group or user that would have them, if that is said.
    """
    if wanted and concerned_by(state, wanted):
        yield from say_paths(state, account_with(state, wanted))
    elif policies:
        somebody = User(name=WHOEVER, inline_policies=policies)
        yield from say_paths(state, replace(state, users={**state.users, WHOEVER: somebody}))


def _ways(said: tuple[str, ...]) -> str:
    more = f"; and {len(said) - WAYS_NAMED} more" if len(said) > WAYS_NAMED else ""
    return "; or ".join(said[:WAYS_NAMED]) + more


def _say_empty_groups(after: AccountState, changes: Iterable[Change]) -> Iterator[str]:
    """What a policy would allow that nobody has yet."""
    peopled = {group for user in after.users.values() for group in user.groups}
    for change in changes:
        if change.operation == "put_group_policy" and change.name not in peopled:
            sentences = " ".join(e.text for e in explain(change.arguments["PolicyDocument"]))
            yield f"Nobody is in group {change.name} yet. Its policy says: {sentences}"
        elif change.operation == "attach_group_policy" and change.name not in peopled:
            name = change.arguments["PolicyArn"].rpartition("/")[2]
            yield f"Nobody is in group {change.name} yet. It will have the policy {name}."


def _say_credentials(changes: Sequence[Change]) -> Iterator[str]:
    old = {change.name for change in changes if change.operation == "delete_login_profile"}
    for operation, said in (
        ("create_access_key", "will get an access key, for programs"),
        ("create_login_profile", "will be able to sign in to the console, with a first password"),
    ):
        names = [change.name for change in changes if change.operation == operation]
        names = [n for n in names if operation != "create_login_profile" or n not in old]
        if names:
            yield f"{_people(names)} {said}."
    new = [c.name for c in changes if c.operation == "create_login_profile" and c.name in old]
    if new:
        yield f"The password of {_people(new)} will stop working; a new first one takes its place."


def _say_keys(changes: Iterable[Change]) -> Iterator[str]:
    """Keys that are switched off or on, beside those of who is deleted."""
    gone = {change.target for change in changes if change.operation == "delete_user"}
    for status, said in (
        ("Inactive", "will stop working, and whatever uses it with it"),
        ("Active", "will work again"),
    ):
        for change in changes:
            if change.arguments.get("Status") == status and change.target not in gone:
                yield f"Access key {change.arguments['AccessKeyId']} of {change.name} {said}."


def _say_alias(changes: Iterable[Change], partition: str) -> Iterator[str]:
    for change in changes:
        if change.operation == "create_account_alias":
            alias, before = change.name, change.before
            url = sign_in_url(alias, partition) or f"the console, with the alias {alias}"
            gone = before and (sign_in_url(before, partition) or f"the alias {before}")
            yield f"Everyone will sign in at {url}{f'; {gone} stops working' if gone else ''}."


def _say_rules(
    say: Callable[[AccountState, PasswordPolicy | None, PasswordPolicy | None], Iterator[str]],
    current: AccountState,
    after: AccountState,
    changes: Iterable[Change],
) -> Iterator[str]:
    """What other rules for passwords mean, by the account as it was read for the plan."""
    if any(change.part == "password policy" for change in changes):
        yield from say(current, current.password_policy, after.password_policy)


def _say_limits(changes: Sequence[Change]) -> Iterator[str]:
    """What could not be taken back afterwards, or not wholly; of who comes or goes, that alone.

    That a virtual device is deleted adds nothing to that it is taken from its owner.
    """
    gone = {c.target for c in changes if c.operation in ("delete_user", "create_user")}
    limited = [c for c in changes if c.limit and (c.target not in gone or c.part == "existence")]
    taken = {c.arguments["SerialNumber"] for c in limited if c.operation == TAKEN}
    limited = [
        c for c in limited if c.operation == TAKEN or c.arguments.get("SerialNumber") not in taken
    ]
    for operation, limit in dict.fromkeys((c.operation, c.limit) for c in limited):
        some = [c for c in limited if (c.operation, c.limit) == (operation, limit)]
        names = _people(list(dict.fromkeys(change.name for change in some)))
        call = f"{operation.replace('_', ' ')} ({names})"
        said = "Not all would be as before after an undo" if some[0].inverse else NO_UNDO
        yield f"{said}: {call}. {_sentence(limit)}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _people(names: list[str]) -> str:
    return listed(sorted(names), most=NAMED)


def _say(mask: int, catalogue: Catalogue) -> str:
    return say_mask(mask, shortest_patterns(mask, catalogue), catalogue)
