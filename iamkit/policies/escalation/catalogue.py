"""The known paths to an administrator's rights, as ``paths.yaml`` lists them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Literal

import yaml

from iamkit.policies.actions.catalogue import Catalogue, load_catalogue

CATALOGUES: Mapping[str, str] = {
    "pathfinding": "https://pathfinding.cloud/paths",
    "prowler": "https://github.com/prowler-cloud/prowler/blob/master/prowler/providers/aws/services"
    "/iam/lib/privilege_escalation.py",
    "cloudsplaining": "https://github.com/salesforce/cloudsplaining/blob/master/cloudsplaining"
    "/shared/constants.py",
}
"""Public catalogues of paths, and where they are."""


@dataclass(frozen=True)
class Call:
    """One call of a path.

    Attributes:
        action: such as ``iam:PassRole``.
        on: what it is about: ``self``, ``user``, ``role``, ``group``, ``policy``, ``new user`` and
            so on; ``any`` where any resource of the service will do.
    """

    action: str
    on: str

    @property
    def within_iam(self) -> bool:
        """Whether it is a call of IAM or STS."""
        return self.action.startswith(("iam:", "sts:"))


@dataclass(frozen=True)
class EscalationPath:
    """One known way to become administrator.

    Attributes:
        id: what we call it.
        name: what one does, behind "can"; ``{target}`` stands for what it is about.
        calls: in their order.
        gives: what one has then; a key of ``outcomes.OUTCOMES``.
        source: a public page that describes it.
        who: ``user`` or ``role`` if only one of them can walk it.
        service: whose role it is about.
        needs: what must be there already, and is in no account's state.
        known: by which names a public catalogue knows it.
    """

    id: str
    name: str
    calls: tuple[Call, ...]
    gives: str
    source: str
    who: Literal["user", "role", ""] = ""
    service: str = ""
    needs: str = ""
    known: tuple[tuple[str, str], ...] = ()

    @property
    def within_iam(self) -> bool:
        """Whether all of its calls are IAM's or STS's, so that the sandbox can walk it."""
        return not self.service and all(call.within_iam for call in self.calls)

    @cached_property
    def is_about_others(self) -> bool:
        """Whether who walks it changes nothing of its own, and need not be told from its like."""
        own = {"self", "group", "device"} & {call.on for call in self.calls}
        return not own and self.gives.startswith(("user with room", "user with two", "role", "new"))

    def actions(self, catalogue: Catalogue) -> int:
        """Its actions as bits of the catalogue."""
        found = 0
        for call in self.calls:
            found |= catalogue.matching(call.action)
        return found


@cache
def load_paths() -> tuple[EscalationPath, ...]:
    """All known paths, in the order of the table."""
    return tuple(_path(entry) for entry in _read("paths.yaml"))


def left_out() -> list[dict[str, str]]:
    """What is no path, or none for this kit: ``catalogue``, ``name``, ``verdict`` and ``why``."""
    return _read("left_out.yaml")


@cache
def escalating_actions() -> int:
    """All actions that some path needs, as bits of the catalogue."""
    found = 0
    for path in load_paths():
        found |= path.actions(load_catalogue())
    return found


def _read(name: str) -> list[dict[str, Any]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: list[dict[str, Any]] = yaml.load(
        files(__package__).joinpath(name).read_text("utf-8"),
        Loader=loader,  # noqa: S506 - it is a safe one, whichever there is
    )
    return found


def _path(entry: dict[str, Any]) -> EscalationPath:
    known = tuple(_known(entry.pop("known", {})))
    pages = (f"{CATALOGUES['pathfinding']}/{name}" for by, name in known if by == "pathfinding")
    return EscalationPath(
        **{"source": next(pages, ""), **entry, "known": known, "calls": _calls(entry)}
    )


def _calls(entry: dict[str, Any]) -> tuple[Call, ...]:
    parts = (text.partition(" on ") for text in entry["calls"])
    return tuple(Call(action, on or "any") for action, _, on in parts)


def _known(names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for by, listed in names.items():
        yield from ((by, name) for name in listed.split(", "))
