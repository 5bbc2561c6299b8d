"""Rules on what conditions say of MFA, addresses and dates: whether they do what was meant."""

from collections.abc import Iterator
from datetime import UTC
from ipaddress import IPv4Network, IPv6Network, ip_network

from iamkit.policies.grammar.conditions import Test, read_date
from iamkit.policies.lint.statement import Part, Remark

MFA = "aws:MultiFactorAuthPresent"
_PRIVATE = tuple(
    map(
        ip_network,
        "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 "
        "fc00::/7 fe80::/10".split(),
    )
)


def find_loose_mfa(part: Part) -> Iterator[Remark]:
    """Conditions on MFA in an ``Allow`` that calls without it pass.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    tests = part.tests_of(MFA) if part.statement.allows else []
    binding = any(_says(test, "Bool", "true") and not test.if_exists for test in tests)
    binding = binding or any(test.name.startswith("Numeric") for test in part.tests_of(_AGE))
    for test in [] if binding else tests:
        if _says(test, "Bool", "true"):
            text = (
                f"{test.written} lets calls with a long-term access key through, since they have "
                f'no {MFA} at all. Write "Bool": {{"{MFA}": "true"}}.'
            )
            yield part.remark("mfa-if-exists", "warning", text, f"{test.path}#")
        elif _says(test, "Null", "false"):
            text = (
                f"Null asks only that {MFA} is there, and it may say false. Write "
                f'"Bool": {{"{MFA}": "true"}}.'
            )
            yield part.remark("mfa-null", "warning", text, f"{test.path}#")


_AGE = "aws:MultiFactorAuthAge"


def find_mfa_gaps(parts: tuple[Part, ...]) -> Iterator[Remark]:
    """A ``Deny`` without MFA that calls with a long-term access key escape."""
    denies = [part for part in parts if not part.statement.allows]
    caught = any(_says(test, "Null", "true") for part in denies for test in part.tests_of(MFA))
    for part in [] if caught else denies:
        for test in part.tests_of(MFA):
            if _says(test, "Bool", "false") and not test.if_exists:
                text = (
                    f"This Deny does not catch calls with a long-term access key, since they "
                    f'have no {MFA} at all. Write "BoolIfExists".'
                )
                yield part.remark("mfa-deny-not-if-exists", "warning", text, f"{test.path}#")


def _says(test: Test, operator: str, value: str) -> bool:
    return test.name.startswith(operator) and [text.lower() for text in test.values] == [value]


def find_odd_networks(part: Part) -> Iterator[Remark]:
    """IP ranges that are malformed, that are everything, or that the internet does not show."""
    for test in part.statement.tests:
        if test.name not in ("IpAddress", "NotIpAddress"):
            continue
        for path, value in part.statement.values(test):
            network = _network(value)
            if network is None:
                text = f"{value!r} is no IP range. Write it as 203.0.113.0/24 or 2001:db8::/32."
                yield part.remark("malformed-ip-range", "error", text, path)
            elif network.prefixlen == 0:
                text = f"{value} is every address, so it restricts nothing. Name your own range."
                yield part.remark("any-address", "warning", text, path)
            elif test.key.lower() == "aws:sourceip" and _is_private(network):
                text = (
                    f"{value} is private, and aws:SourceIp is the address that the internet sees; "
                    "through a VPC endpoint the key is aws:VpcSourceIp."
                )
                yield part.remark("private-address", "hint", text, path)


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _is_private(network: IPv4Network | IPv6Network) -> bool:
    return any(
        wide.version == network.version and network.subnet_of(wide)  # type: ignore[arg-type]
        for wide in _PRIVATE
    )


def find_past_dates(part: Part) -> Iterator[Remark]:
    """Dates before which something held, and which are over."""
    if part.now is None:
        return
    now = part.now if part.now.tzinfo else part.now.replace(tzinfo=UTC)
    for test in part.tests_of("aws:CurrentTime"):
        if not test.name.startswith("DateLessThan"):
            continue
        dates = [read_date(value) for _, value in part.statement.values(test)]
        if all(date is not None and date < now for date in dates):
            verb = "allows" if part.statement.allows else "denies"
            text = f"{test.values[-1]} is over, so the statement {verb} nothing any more."
            advice = " Remove it, or set a later date."
            yield part.remark("date-in-the-past", "warning", text + advice, test.path)
