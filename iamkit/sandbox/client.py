"""A running sandbox as its users see it, and the side door through which tests ask it things."""

import hmac
import http.client
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from iamkit.account.state import AccountState
from iamkit.account.state_file import format_state
from iamkit.errors import SandboxError
from iamkit.sandbox.faults import WEATHER
from iamkit.sandbox.protocol import ACCOUNT_ID, TOKEN_HEADER, proof
from iamkit.text import parse_json

SECONDS = 30
"""A sandbox that is busy with a thousand users may be slow to answer, but not slower."""


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox.

    Attributes:
        endpoint_url: ``http://127.0.0.1:PORT``, for every AWS service that it has.
        account_id: ``000000000000``, or that of another account beside it.
        instance: the name of this life of the main account, new at each fresh start and reset.
        pid: the process.
        access_key_id: the account's root key.
        secret_access_key: its secret.
        token: opens the side door.
        folder: a private folder that vanishes with this life of the main account.
    """

    endpoint_url: str
    instance: str
    pid: int
    access_key_id: str
    secret_access_key: str = field(repr=False)
    token: str = field(repr=False)
    folder: Path
    account_id: str = ACCOUNT_ID

    def account(self, account_id: str) -> "Sandbox":
        """Another account beside the main one, which is empty until somebody fills it.

        Its root signs with the account's id as the key id, and the main root's secret. What is
        asked of the answer concerns that account; only `calls` and the faults are of all.

        Args:
            account_id: 12 digits.

        Raises:
            SandboxError: these are not 12 digits.
        """
        if not re.fullmatch("[0-9]{12}", account_id):
            raise SandboxError(f"{account_id!r} is no account's id, which has 12 digits.")
        if account_id == self.account_id:
            return self
        if account_id == ACCOUNT_ID:
            raise SandboxError("The main account is reached from itself alone.")
        return replace(self, account_id=account_id, access_key_id=account_id)

    def reset(self, *, same_key: bool = False) -> "Sandbox":
        """Begin the account anew, with nothing in it, in the process that runs.

        With the main account everything begins anew: the accounts beside it are gone, and the
        calls, the faults and the weather are forgotten.

        Args:
            same_key: whether the main account's root keeps its key, so that clients go on.

        Returns:
            The account anew.

        Raises:
            SandboxError: it could not be; nothing was changed.
        """
        answer = self._ask("POST", "reset", {"same_key": same_key})
        if self.account_id != ACCOUNT_ID:
            return self
        return replace(self, **answer, folder=self.folder.with_name(answer["instance"]))

    def calls(self) -> list[dict[str, Any]]:
        """The AWS calls so far, oldest first; the last 100,000 are kept.

        Each has ``service``, ``action``, ``caller`` (an ARN, or the key id of someone unknown),
        ``status`` (HTTP, 0 when the connection was closed), ``outcome`` (``ok`` or AWS's error
        code), ``fault`` (the kind of a planned fault, or empty) and ``seconds``.
        """
        return list(self._ask("GET", "calls"))

    def set_faults(self, faults: Iterable[Mapping[str, Any]]) -> None:
        """Plan faults, in place of those that were planned before.

        Args:
            faults: each with ``action`` (``*`` for any), ``kind``, and optionally ``service``,
                ``times`` (None, as when left out, for always), ``skip`` (calls to let pass
                first), ``rate`` and ``seconds``; `iamkit.sandbox.faults` lists the kinds.

        Raises:
            SandboxError: a fault is not understood; the plan is as it was.
        """
        self._ask("PUT", "faults", [dict(fault) for fault in faults])

    def clear_faults(self) -> None:
        """Forget all planned faults, and let go of the calls that one of them holds."""
        self.set_faults([])

    def set_weather(self, name: str) -> None:
        """Plan the faults that can be expected of AWS: ``calm``, ``typical`` or ``storm``.

        Raises:
            SandboxError: there is no such weather.
        """
        if name not in WEATHER:
            raise SandboxError(f"There is no weather {name!r}, only {', '.join(WEATHER)}.")
        self.set_faults(WEATHER[name])

    def set_page_size(self, items: int) -> None:
        """Let no page of any list be longer, however many items a call asks for."""
        self._ask("PUT", "page-size", items)

    def populate(self, users: int, seed: int, *, root_mfa: bool = False) -> None:
        """Fill the account with a believable company; the same seed gives the same one.

        Args:
            users: how many users to make.
            seed: of every choice, id and secret.
            root_mfa: whether the account's root signs in with MFA.

        Raises:
            SandboxError: an account has 1 to 5,000 users.
        """
        self._do("add_people", users=users, seed=seed, root_mfa=root_mfa)

    def load(self, state: AccountState) -> list[str]:
        """Make this account, which is empty, a twin of the one whose state was saved.

        Its ids and dates are those of the state; its keys sign nothing, and its passwords and MFA
        seeds are new. The root signs as before.

        Args:
            state: of an account with the id of this one.

        Returns:
            What could not be carried over, a sentence each.

        Raises:
            SandboxError: the account is another one or not empty; nothing was changed.
        """
        return list(self._do("load_state", state=format_state(state)))

    def age(self, days: float) -> None:
        """Let everything in the account be older by some days; now stays now."""
        self._do("age", days=days)

    def set_key_last_used(
        self,
        access_key_id: str,
        at: datetime | None,
        service: str = "iam",
        region: str = "us-east-1",
    ) -> None:
        """Say when a key was last used, in UTC, and for what; None for never.

        Raises:
            SandboxError: there is no such key.
        """
        self._do(
            "set_key_last_used",
            access_key_id=access_key_id,
            at=_utc(at),
            service=service,
            region=region,
        )

    def set_password_last_used(self, user: str | None, at: datetime | None) -> None:
        """Say when a user, or the root if it is None, last signed in, in UTC; None for never.

        Raises:
            SandboxError: there is no such user, or it has no password.
        """
        self._do("set_password_last_used", user=user, at=_utc(at))

    def sign_in(self, user: str | None, region: str = "us-east-1") -> dict[str, str]:
        """Begin a session of ``aws login`` of a user, or of the root if it is None.

        Returns:
            ``session_arn``, ``client_id``, and ``refresh_token``, with which CreateOAuth2Token
            gives credentials, until somebody revokes the session.

        Raises:
            SandboxError: there is no such user, or it has no password.
        """
        return dict(self._do("sign_in", user=user, region=region))

    def set_root_mfa(self, *, enabled: bool) -> None:
        """Say whether the root signs in with MFA."""
        self._do("set_root_mfa", enabled=enabled)

    def set_authorize(self, enabled: bool) -> None:
        """Hold every call against the caller's policies, as AWS does, or none; it is kept."""
        self._do("set_authorize", enabled=enabled)

    def authorizes(self) -> bool:
        """Whether every call is held against the caller's policies."""
        return bool(self._ask("GET", "authorizes"))

    def secrets(self) -> list[str]:
        """Every secret access key and password that the sandbox ever held, to search for leaks."""
        return list(self._ask("GET", "secrets"))

    def _do(self, name: str, **arguments: Any) -> Any:
        return self._ask("POST", "command", {"name": name, "arguments": arguments})

    def _ask(self, method: str, what: str, body: Any = None) -> Any:
        headers = {TOKEN_HEADER: self.token}
        status, text = request(
            self.endpoint_url, method, f"/_iamkit/{what}?account={self.account_id}", headers, body
        )
        if status != 200:
            raise SandboxError(f"The sandbox did not take the {what}: {text.strip()}.")
        return parse_json(text)


def _utc(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat()


def proves_itself(endpoint_url: str, token: str) -> bool:
    """Whether what listens at the endpoint knows the token; the token itself is not sent.

    Raises:
        OSError: nothing listens there.
    """
    challenge = secrets.token_hex(32)
    status, answer = request(endpoint_url, "GET", f"/_iamkit/prove?challenge={challenge}", {})
    expected = proof(token, urlsplit(endpoint_url).netloc, challenge)
    return status == 200 and hmac.compare_digest(answer.encode(), expected.encode())


def request(
    endpoint_url: str, method: str, path: str, headers: Mapping[str, str], body: Any = None
) -> tuple[int, str]:
    """One request with no proxy and no redirect: its HTTP status and text.

    Raises:
        OSError: the connection failed.
    """
    host, _, port = urlsplit(endpoint_url).netloc.partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=SECONDS)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    except http.client.HTTPException as error:  # it answers, but not in HTTP
        return 0, type(error).__name__
    finally:
        connection.close()
