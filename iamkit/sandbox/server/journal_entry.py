"""Entries: everything that may change the account, in a form that can be done again.

An entry carries its time and its seed, so doing it again gives the same ids, keys and secrets. It
is an AWS call, or one of the sandbox's own commands.
"""

import base64
import hashlib
import os
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from iamkit.sandbox.server.account import Accounts
from iamkit.sandbox.server.call import Call, Caller, read_parameters
from iamkit.sandbox.server.commands import COMMANDS, open_account
from iamkit.sandbox.server.http_message import Reply, Request
from iamkit.sandbox.server.moto_patches import ACCOUNT_ID, clock, draw
from iamkit.sandbox.server.services import perform

_READS = ("Get", "List", "Describe", "Simulate", "Head", "Decode")
_CHANGES = ("GetSessionToken", "GetFederationToken")
"""Looks by their names, and makers of credentials."""
_REPEATABLE = ("iam", "secretsmanager", "signin", "sts")
_KEPT_HEADERS = ("content-type", "host")
"""Of a call's headers; beside them S3's own, and never a signature or a session token."""
_REFUSED = "refused"
_SAID_OTHERWISE = frozenset(
    """AssumeRole CreateOpenIDConnectProvider CreatePolicy CreatePolicyVersion CreateRole
    CreateSAMLProvider CreateServiceLinkedRole CreateServiceSpecificCredential
    CreateVirtualMFADevice DeleteServiceLinkedRole UpdateRoleDescription UploadSSHPublicKey
    UploadServerCertificate""".split()
)
"""Calls whose replies read otherwise in earlier formats."""


class Different(Exception):  # noqa: N818 - it says what the repetition was
    """An entry did not come out as it did the first time."""


@dataclass(frozen=True)
class JournalEntry:
    """One entry.

    Attributes:
        at: when; naive UTC, to the second.
        seed: what moto drew its ids and secrets from, in hexadecimal digits.
        command: the name of a command, or empty for a call.
        arguments: of the command, or the call's parts.
        digest: of the answer that was given, to know that a repetition came out the same; or that
            the call was refused, on which way it may have changed something nevertheless.
        drawn: how much of the seed was drawn, which says the same where no answer is written.
        account: the id of the account that it changes; the main one's where none is written.
    """

    at: str
    seed: str
    command: str
    arguments: dict[str, Any] = field(repr=False)
    digest: str = ""
    drawn: str = ""
    account: str = ACCOUNT_ID

    @classmethod
    def of_command(cls, account_id: str, command: str, arguments: dict[str, Any]) -> Self:
        """A command, now."""
        seed = os.urandom(16).hex()
        return cls(clock.now().isoformat(), seed, command, arguments, account=account_id)

    @classmethod
    def of_call(cls, account_id: str, call: Call) -> Self:
        """An AWS call that changes an account, now."""
        request = call.request
        parts = {
            "method": request.method,
            "target": request.target,
            "headers": {name: v for name, v in request.headers.items() if _is_kept(name)},
            "body": base64.b64encode(request.body).decode(),
            "service": call.service,
            "region": call.region,
            "action": call.action,
            "caller": asdict(call.caller),
        }
        return cls.of_command(account_id, "", parts)

    def do(self, accounts: Accounts) -> tuple["JournalEntry", Any]:
        """Do it, to accounts that the caller has locked.

        Returns:
            The entry with its digest, and the reply of a call or the result of a command.

        Raises:
            Refused: AWS does not take the call; nothing was changed.
            ValueError: the command does not take its arguments; nothing was changed.
        """
        with clock.at(datetime.fromisoformat(self.at)):
            draw(bytes.fromhex(self.seed))
            opens = self.command == open_account.__name__
            account = accounts.begin(self.account) if opens else accounts[self.account]
            account.drawn = ""
            if self.command:
                result = COMMANDS[self.command](account, **self.arguments)
                return replace(self, digest=_digest(repr(result).encode())), result
            call = self._call()
            reply = perform(call, account)
            return replace(self, digest=_reply_digest(call, reply), drawn=account.drawn), reply

    def refused(self) -> "JournalEntry":
        """The entry when AWS did not take it."""
        return replace(self, digest=_REFUSED, drawn="")

    @property
    def was_refused(self) -> bool:
        """Whether AWS did not take it."""
        return self.digest == _REFUSED

    @property
    def is_whole(self) -> bool:
        """Whether it is a call of a service that changes nothing when it refuses."""
        return self.arguments.get("service") in _REPEATABLE

    def repeat(self, accounts: Accounts, *, briefly: bool, earlier: bool = False) -> Any:
        """Do it again, to accounts that are brought back.

        Args:
            accounts: as they were before.
            briefly: write no answer, where what was drawn says enough.
            earlier: it is of an earlier format, whose answers were worded otherwise.

        Returns:
            The result of a command.

        Raises:
            Different: it did not come out as it did the first time.
        """
        accounts.wants_answers = not (briefly and self.drawn)
        accounts.judges = self.was_refused
        try:
            again, result = self.do(accounts)
        except Exception:  # noqa: BLE001 - whatever it was, it was the same then
            again, result = self.refused(), None
        finally:
            answered, accounts.wants_answers = accounts.wants_answers, True
            accounts.judges = True
        if isinstance(result, Reply) and result.status >= 400:
            again = self.refused()
        same = again.digest == self.digest if answered else again.drawn == self.drawn
        if not same and not (earlier and self._is_reworded(again)):
            raise Different
        return result

    def _is_reworded(self, again: "JournalEntry") -> bool:
        """Whether it was taken both times, and is a call that was answered otherwise once."""
        said_otherwise = self.arguments.get("action") in _SAID_OTHERWISE
        return said_otherwise and not (self.was_refused or again.was_refused)

    def _call(self) -> Call:
        parts = self.arguments
        request = Request(
            parts["method"], parts["target"], parts["headers"], base64.b64decode(parts["body"])
        )
        return Call(
            request,
            parts["service"],
            parts["region"],
            parts["action"],
            read_parameters(request, parts["service"]),
            Caller(**parts["caller"]),
        )


def may_change(call: Call) -> bool:
    """Whether a call may change the account; a look at it is no entry."""
    if call.service == "s3":
        return call.request.method not in ("GET", "HEAD")
    return call.action in _CHANGES or not call.action.startswith(_READS)


def _is_kept(name: str) -> bool:
    return name in _KEPT_HEADERS or (name.startswith("x-amz-") and name != "x-amz-security-token")


def _reply_digest(call: Call, reply: Reply) -> str:
    """EC2 and S3 put the time of the answer into it; that it was taken must do for those."""
    return _digest(reply.body if call.service in _REPEATABLE else str(reply.status).encode())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
