"""Find one policy: in a file, or in an account by the way a person would name it."""

from pathlib import Path

from iamkit.account.state import JSON, AccountState
from iamkit.errors import InputError
from iamkit.policies.grammar.document import read_policy_file
from iamkit.text import did_you_mean


def find_policy(state: AccountState, source: str) -> JSON:
    """The policy that a person means.

    Args:
        state: the account.
        source: a managed policy's ARN or name; ``group dev/devGroupPolicy``, or likewise of a
            ``user`` or ``role``; or the path of a JSON file.

    Returns:
        The document; one from a file has been checked.

    Raises:
        InputError: there is none, or the file holds no policy.
    """
    known = _policies(state)
    if source in known:
        return known[source]
    path = Path(source).expanduser()
    if path.is_file():
        return read_policy_file(path)
    hint = did_you_mean(source, known) or "; name a file, an ARN, or group dev/devGroupPolicy."
    raise InputError(f"There is no policy {source!r} in the account, and no such file{hint}")


def policy_names(state: AccountState) -> list[str]:
    """The account's own policies as ``find_policy`` takes them: inline ones, then managed ones."""
    inline = [f"{holder}/{name}" for holder, one in state.holders() for name in one.inline_policies]
    own = [policy.name for policy in state.policies.values() if not policy.is_aws_managed]
    return [*sorted(inline), *sorted(own)]


def _policies(state: AccountState) -> dict[str, JSON]:
    found: dict[str, JSON] = {}
    for policy in state.policies.values():
        found |= {policy.name: policy.document, policy.arn: policy.document}
    for holder, entity in state.holders():
        found |= {f"{holder}/{name}": d for name, d in entity.inline_policies.items()}
    return found
