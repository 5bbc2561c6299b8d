"""What the owner of a lost MFA device can do until a new one is registered, in sentences."""

from collections.abc import Iterator, Sequence

from iamkit.account.state import AccountState
from iamkit.plan.access_changes import gained
from iamkit.plan.change import Change
from iamkit.plan.first_minutes import loses_device
from iamkit.policies.actions.catalogue import Catalogue
from iamkit.policies.actions.expansion import shortest_patterns
from iamkit.policies.evaluation.shown_mfa import RequestsOfUsers
from iamkit.policies.wording.actions import say_mask
from iamkit.text import few, listed


def say_without_device(
    after: AccountState, changes: Sequence[Change], catalogue: Catalogue
) -> Iterator[str]:
    """What those may do from whom a plan takes a device: with MFA, against without it.

    Args:
        after: the account as it would be after the changes, with everyone's policies.
        changes: of a plan.
        catalogue: of AWS's actions.
    """
    requests = RequestsOfUsers(after, catalogue)
    alike: dict[str, list[str]] = {}
    for name in loses_device(changes):
        if left := [device.serial for device in after.mfa_devices.get(name, ())]:
            yield f"{name} keeps {few(left)}, and signs in with it."
        elif name in after.users:
            said = _say(requests, name, catalogue)
            alike.setdefault(said, []).append(name)
    for said, names in alike.items():
        yield f"Without an MFA device {listed(sorted(names))} {said}."


def _say(requests: RequestsOfUsers, name: str, catalogue: Catalogue) -> str:
    user = requests.account.users[name]
    held = requests.holding(user, "with MFA"), requests.holding(user, "without MFA")
    if lacking := dict.fromkeys([*held[0].lacking, *held[1].lacking]):
        return f"may do what cannot be told, for want of {listed(lacking)}"
    had, has = (holding.reach_as_read for holding in held)
    lost = gained(has, had)
    if not lost:
        return "will be able to do the same as with one: no policy of theirs asks for it"
    said = say_mask(lost, shortest_patterns(lost, catalogue), catalogue)
    if not has.known:
        return f"will be able to do nothing; with one, to {said}"
    stays = say_mask(has.known, shortest_patterns(has.known, catalogue), catalogue)
    return f"will be able to {stays}, and not, or less far, to {said}"
