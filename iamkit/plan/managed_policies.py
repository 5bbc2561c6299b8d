"""Managed policies as parameters name them: by ARN, or by the name of AWS's or the account's own.

AWS's own are told by ListPolicies, with the path and the partition that each has:
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html
"""

from collections.abc import Iterable, Iterator

from iamkit.account.state import AccountState, ManagedPolicy
from iamkit.parameters.iam_names import near_names


def is_arn(reference: str) -> bool:
    """Whether a policy is named by its ARN."""
    return reference.startswith("arn:")


def named(account: AccountState, name: str) -> list[ManagedPolicy]:
    """The policies that a name may mean, whatever its case: the account's own, and AWS's."""
    known = [*account.policies.values(), *account.aws_policies.values()]
    return list({p.arn: p for p in known if p.name.lower() == name.lower()}.values())


def as_arns(account: AccountState, references: Iterable[str]) -> tuple[str, ...]:
    """Each by its ARN, once; a name that means no policy, or two, stays as it is."""
    found = (_as_arn(account, reference) for reference in references)
    return tuple(dict.fromkeys(found))


def _as_arn(account: AccountState, reference: str) -> str:
    meant = [] if is_arn(reference) else named(account, reference)
    return meant[0].arn if len(meant) == 1 else reference


def say_unfound(account: AccountState, target: str, reference: str) -> Iterator[str]:
    """Why what ``as_arns`` gave cannot be attached; nothing if it can, as far as is known.

    Args:
        account: with all of its own policies, and AWS's if a name is not an ARN.
        target: who would have it, as ``group dev``.
        reference: an ARN or a name.
    """
    asked = f"Policy {reference}, for {target},"
    if not is_arn(reference):
        meant = named(account, reference)
        if meant:
            arns = " or ".join(sorted(policy.arn for policy in meant))
            yield f"{asked} is the account's own and AWS's too: name it by its ARN, {arns}."
        else:
            yield f"{asked} is neither the account's own nor AWS's{_near(account, reference)}"
        return
    _, partition, _, _, owner, _ = reference.split(":", 5)
    if partition != account.partition:
        yield (
            f"{asked} is of the partition {partition}, and this account is in "
            f"{account.partition}: write its name alone."
        )
    elif owner not in ("aws", account.account_id):
        yield f"{asked} is another account's, which cannot be attached here."
    elif owner != "aws" and reference not in account.policies:
        name = reference.rpartition("/")[2]
        yield f"{asked} is not there{_near(account, name)}"


def _near(account: AccountState, name: str) -> str:
    known = {p.name for p in (*account.policies.values(), *account.aws_policies.values())}
    near = near_names([name], known)[name]
    return f"; near is {', '.join(near)}." if near else "."
