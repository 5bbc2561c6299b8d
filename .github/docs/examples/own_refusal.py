# ruff: noqa: INP001
"""A refusal of one's own: in this practice account, contractors live under /contractors/."""

from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.errors import Refused
from iamkit.sandbox.server.iam.rules import Parameters, rule


@rule("CreateUser")
def contractors_live_apart(_: Account, parameters: Parameters) -> None:
    """A user whose name begins with ext- has the path /contractors/."""
    outside = parameters["UserName"].startswith("ext-")
    if outside and parameters.get("Path") != "/contractors/":
        raise Refused("AccessDenied", 403, "Contractors are made under /contractors/.")
