"""Pages of every list: ``MaxItems``, ``IsTruncated`` and ``Marker``.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from functools import cache
from operator import itemgetter
from typing import Any

import botocore.session

from iamkit.sandbox.server.errors import invalid

DEFAULT_ITEMS = 100
_AWSS_OWN = "arn:aws:iam::aws:"
_NAMES = (
    "access_key_id ssh_public_key_id certificate_id VersionId ServiceSpecificCredentialId "
    "SerialNumber serial_number name UserName GroupName RoleName PolicyName Key "
    "ServerCertificateName EvalActionName"
).split()
"""What an item goes by in its list; the first that it has."""


@cache
def list_keys(action: str) -> tuple[str, ...]:
    """The names of the lists in the reply of an action that is paged; none if it is not."""
    model = _paginators().get(action, {})
    keys = model.get("result_key", ())
    return (keys,) if isinstance(keys, str) else tuple(keys)


class Pager:
    """Cuts a list of items to the page that a call asks for.

    A page goes on after the last item of the page before, not at a number, so that items deleted
    in between make it skip none.

    Args:
        secret: signs the markers, which so can be neither read nor made up.
        largest: no page is longer, however many items a call asks for.
    """

    def __init__(self, secret: bytes, largest: int = 1_000) -> None:
        self._secret = secret
        self.largest = largest

    def page(
        self, action: str, lists: Mapping[str, Iterable[Any]], parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The lists cut to one page over all of them, with ``IsTruncated`` and ``Marker``.

        Raises:
            Refused: ValidationError, for a marker that is not one of ours for this action.
        """
        size = min(parameters.get("MaxItems", DEFAULT_ITEMS), self.largest)
        placed = [
            ([number, *_order(action, item, index), *_place(item)], name, item)
            for number, (name, items) in enumerate(lists.items())
            for index, item in enumerate(items)
        ]
        placed.sort(key=itemgetter(0))
        if "Marker" in parameters:
            after = self._read(action, parameters["Marker"])
            placed = [entry for entry in placed if entry[0] > after]
        page: dict[str, Any] = {name: [] for name in lists}
        for _, name, item in placed[:size]:
            page[name].append(item)
        page["IsTruncated"] = len(placed) > size
        if page["IsTruncated"]:
            page["Marker"] = self._write(action, placed[size - 1][0])
        return page

    def _write(self, action: str, place: list[Any]) -> str:
        text = json.dumps([action, place], ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(self._signature(text) + text).decode()

    def _read(self, action: str, marker: str) -> list[Any]:
        try:
            data = base64.urlsafe_b64decode(marker.encode())
        except ValueError:
            raise invalid("Invalid Marker.") from None
        signature, text = data[:16], data[16:]
        if not hmac.compare_digest(signature, self._signature(text)):
            raise invalid("Invalid Marker.")
        of_action, place = json.loads(text)
        if of_action != action:
            raise invalid("Invalid Marker.")
        return list(place)

    def _signature(self, text: bytes) -> bytes:
        return hmac.digest(self._secret, text, "sha256")[:16]


def _order(action: str, item: Any, index: int) -> list[int]:
    """What comes before the name where AWS lists otherwise than by name."""
    if action == "ListPolicies":
        return [item["Arn"].startswith(_AWSS_OWN)]
    if action == "ListPolicyVersions":
        return [-int(item["VersionId"].removeprefix("v"))]
    return [index] if action.endswith("Tags") else []


def _place(item: Any) -> list[str]:
    """Where an item stands in its list; short, because a marker has 320 characters at most."""
    name = item if isinstance(item, str) else next(filter(None, (_get(item, n) for n in _NAMES)))
    arns = (_get(item, key) for key in ("arn", "Arn", "PolicyArn", "EvalResourceName"))
    arn = next(filter(None, arns), name)
    return [name[:48], hashlib.sha256(arn.encode()).hexdigest()[:8]]


def _get(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)


@cache
def _paginators() -> dict[str, Any]:
    return dict(
        botocore.session.get_session().get_paginator_model("iam")._paginator_config  # noqa: SLF001
    )
