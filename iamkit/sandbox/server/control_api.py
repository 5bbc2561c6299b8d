"""The side door, for tests and for the kit's own commands; all but the proof wants the token."""

import hmac
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from iamkit.sandbox.faults import FaultPlan
from iamkit.sandbox.protocol import ACCOUNT_ID, TOKEN_HEADER, proof
from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.call_log import CallLog
from iamkit.sandbox.server.http_message import Reply, Request
from iamkit.sandbox.server.persistent_accounts import PersistentAccounts
from iamkit.text import parse_json

_CLOSED = ("/_iamkit", "/moto-api")
"""moto's own door is not there at all; who asks for it without the token does not learn that."""


class SideDoor:
    """Answers what is under ``/_iamkit/``.

    Args:
        host: where the sandbox listens.
        token: what opens the door.
        life: the accounts, and what can be done to them.
        plan: takes the faults.
        calls: is asked for the log.
        publish: says where the sandbox is after a reset.
    """

    def __init__(
        self,
        host: str,
        token: str,
        life: PersistentAccounts,
        plan: FaultPlan,
        calls: CallLog,
        *,
        publish: Callable[[], None],
    ) -> None:
        self._host = host
        self._token = token
        self._life = life
        self._plan = plan
        self._calls = calls
        self._publish = publish

    def is_for(self, request: Request) -> bool:
        """Whether a request is for the side door."""
        return request.path.startswith(_CLOSED)

    def answer(self, request: Request) -> Reply:
        """The side door's reply."""
        path = request.raw_path
        if (request.method, path) == ("GET", "/_iamkit/prove"):
            return self._prove(request)
        given = request.headers.get(TOKEN_HEADER.lower(), "")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            return Reply.text(403, "This door wants its token.\n")
        try:
            account = self._life.at(parse_qs(request.query).get("account", [ACCOUNT_ID])[0])
            what = path.removeprefix("/_iamkit/")
            return _json(self._do(account, request.method, what, request.body))
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            return Reply.text(400, f"{error}\n")

    def _do(self, account: Account, method: str, what: str, body: bytes) -> Any:
        match method, what:
            case "GET", "calls":
                return self._calls.as_dicts()
            case "GET", "secrets":
                with account.lock:
                    everyone = account.accounts.values()
                    return sorted(secret for one in everyone for secret in one.secrets())
            case "GET", "authorizes":
                return account.authorizes
            case "PUT", "faults":
                self._plan.replace(parse_json(body))
            case "PUT", "page-size":
                account.pager.largest = int(parse_json(body))
            case "POST", "command":
                return self._life.command(**parse_json(body), account_id=account.id)
            case "POST", "reset":
                return self._reset(account, **parse_json(body))
            case _:
                raise ValueError("There is no such door.")
        return None

    def _reset(self, account: Account, *, same_key: bool) -> dict[str, str]:
        """An account anew; the main one with all that there is."""
        if account.id == ACCOUNT_ID:
            self._plan.replace([])
            self._calls.clear()
        self._life.reset(account.id, same_key=same_key)
        self._publish()
        return {"instance": self._life.instance, **self._life.root_key}

    def _prove(self, request: Request) -> Reply:
        challenge = parse_qs(request.query).get("challenge", [""])[0]
        if not re.fullmatch("[0-9a-f]{64}", challenge):
            return Reply.text(400, "A challenge is 64 hexadecimal digits.\n")
        return Reply.text(200, proof(self._token, self._host, challenge))


def _json(value: Any) -> Reply:
    return Reply.text(200, json.dumps(value), "application/json")
