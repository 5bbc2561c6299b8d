# ruff: noqa: ANN001, ANN201, ARG001, INP001, T201
"""A check of one's own: every user has a team tag. Run it where state.json is."""

import iamkit


@iamkit.check(
    "team-tag",
    "Every user has a team",
    severity="low",
    data=["tags"],
    action="Tag the user with their team",
    remedy="aws iam tag-user --user-name {user} --tags Key=team,Value=...",
)
def has_no_team(users, limits):
    """Fails for each row in which this is True."""
    return ~users.tags.str.contains("team=")


findings = iamkit.audit_findings(iamkit.load_state("state.json"))
print(findings[findings["check"] == "team-tag"][["principal", "status", "data"]])
