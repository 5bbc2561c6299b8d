"""The kinds of values that parameters have, each with its check and IAM's word for it."""

import ipaddress
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StringConstraints
from pydantic.fields import FieldInfo

from iamkit.errors import InputError
from iamkit.parameters import iam_names
from iamkit.parameters.hand_over import check_hand_over
from iamkit.policies import check_policy, count_characters, parse_policy
from iamkit.policies.grammar.quotas import QUOTAS
from iamkit.policies.grammar.reading import unwrap_policy


def _policy(value: object) -> object:
    """Take a policy as an object or as its JSON text, within a group's quota."""
    try:
        document = parse_policy(value) if isinstance(value, str) else unwrap_policy(value)
        if isinstance(document, dict):
            check_policy(document)
    except InputError as error:
        first, *more = str(error).removeprefix("policy: ").split("\n")
        raise ValueError("\n".join([first.rstrip("."), *more])) from None
    quota = QUOTAS["group's inline policies"]
    if isinstance(document, dict) and (size := count_characters(document)) > quota:
        raise ValueError(f"it has {size:,} characters; a group may have {quota:,}")
    return document


def _network(text: str) -> str:
    """Take an address, or a network such as 203.0.113.0/24."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError(f"{text!r} is no address or network such as 203.0.113.0/24") from None


def _day(text: str) -> str:
    """Take a day that is written like 2027-01-31."""
    with suppress(ValueError):
        if len(text) == 10:
            return date.fromisoformat(text).isoformat()
    raise ValueError(f"{text!r} is no day such as 2027-01-31")


def moment_of(text: str) -> datetime:
    """The moment that a day or a time in UTC begins with.

    Args:
        text: such as ``2027-01-31``, ``2027-01-31T14:30`` or ``2027-01-31T14:30:05``.

    Raises:
        ValueError: it is none of these.
    """
    if re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?", text):
        with suppress(ValueError):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
    raise ValueError(f"{text!r} is no moment such as 2027-01-31 or 2027-01-31T14:30, in UTC")


def moment_after(made: Iterable[datetime | None]) -> str:
    """Today if all was made earlier, else a second after the last: what comes next is younger."""
    last = max((moment.astimezone(UTC) for moment in made if moment), default=None)
    now = datetime.now(UTC)
    if last is None or last.date() < now.date():
        return now.date().isoformat()
    return (last + timedelta(seconds=1)).replace(microsecond=0, tzinfo=None).isoformat()


def _moment(text: str) -> str:
    """Take what ``moment_of`` reads."""
    moment_of(text)
    return text


@dataclass(frozen=True)
class Term:
    """What IAM calls what a field holds, and more for those who fill in a form."""

    name: str
    more: str = ""


def _named(kind: str, *, optional: bool = False) -> AfterValidator:
    """Take the name of a kind of thing; an optional one may be empty."""
    return AfterValidator(
        lambda name: name if optional and not name else iam_names.check_name(kind, name)
    )


AccountId = Annotated[str, StringConstraints(pattern=r"^\d{12}$")]
UserName = Annotated[str, _named("user"), Term("user")]
GroupName = Annotated[str, _named("group"), Term("group")]
PolicyName = Annotated[str, _named("policy"), Term("inline policy")]
ManagedPolicies = Annotated[
    list[Annotated[str, AfterValidator(iam_names.check_managed_policy)]], Term("managed policies")
]
OptionalPolicyName = Annotated[str, _named("policy", optional=True)]
OptionalUserName = Annotated[str, _named("user", optional=True)]
IamPath = Annotated[str, AfterValidator(iam_names.check_path)]
HandOver = Annotated[str, AfterValidator(check_hand_over)]
Tags = Annotated[dict[str, str], AfterValidator(iam_names.check_tags)]
PolicyDocument = Annotated[dict[str, Any], BeforeValidator(_policy), Term("policy document")]
Alias = Annotated[str, AfterValidator(iam_names.check_alias), Term("account alias")]
Day = Annotated[str, AfterValidator(_day)]
Moment = Annotated[str, AfterValidator(_moment)]
OptionalDay = Annotated[str, AfterValidator(lambda day: day and _day(day))]
Network = Annotated[str, AfterValidator(_network)]


def term_of(field: FieldInfo) -> Term:
    """What IAM calls a field's values; empty if nothing is said, as the nearest type says it."""
    return next((each for each in reversed(field.metadata) if isinstance(each, Term)), Term(""))
