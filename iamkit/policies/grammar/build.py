"""Build policy documents: plain functions that return plain dicts, in IAM's key order."""

from typing import Any


def allow(*actions: str, resource: str | list[str] = "*", sid: str = "") -> dict[str, Any]:
    """A statement that allows the actions on the resource."""
    named = {"Sid": sid} if sid else {}
    return named | {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    """A policy document of these statements, in the current version of the language."""
    return {"Version": "2012-10-17", "Statement": list(statements)}
