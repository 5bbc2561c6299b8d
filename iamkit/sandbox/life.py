"""One life of the account: what it is, and the memory that brings it back."""

import os
import secrets
from pathlib import Path
from typing import Any

from iamkit.errors import SandboxError
from iamkit.sandbox.account import Account
from iamkit.sandbox.authority.gate import Gate
from iamkit.sandbox.call import Call
from iamkit.sandbox.deeds import Deed, may_change
from iamkit.sandbox.memory import NAME, Memory
from iamkit.sandbox.message import Reply
from iamkit.sandbox.services import perform
from iamkit.sandbox.unknown import as_seen


class Life:
    """The account of a state folder, as it was left, or new.

    Attributes:
        account: the account; hold its lock to look at it.
        instance: the name of this life, new at each reset.
        root_key: the root's first ``access_key_id`` and ``secret_access_key``.

    Args:
        state: the state folder.
        port: where a new account listens; it will ask for the same port when it comes back.

    Raises:
        SandboxError: the memory is of other versions, or damaged, or comes out differently.
    """

    def __init__(self, state: Path, port: int) -> None:
        self.account = Account()
        self._gate = Gate(self.account)
        path = state / NAME
        self._memory = (
            Memory.open(path)
            if path.exists()
            else Memory.create(path, instance=secrets.token_hex(16), port=port)
        )
        self.instance = str(self._memory.header["instance"])
        self.root_key = self._restore() or self.command("open_account", {})

    def act(self, call: Call, seconds_unknown: float) -> Reply:
        """AWS's reply to a call; a change is acknowledged when it is safe on the disk.

        Args:
            call: the call.
            seconds_unknown: for how long looks do not see what is new.

        Raises:
            Refused: AWS does not take the call.
        """
        with self.account.lock:
            self._gate.check(call)
            if not may_change(call):
                with as_seen(self.account, seconds_unknown):
                    return perform(call, self.account)
            self._gate.forget()
            deed, answer = Deed.of_call(call).do(self.account)
            reply: Reply = answer
            if reply.status < 400:
                self._keep(deed)
            return reply

    def command(self, name: str, arguments: dict[str, Any]) -> Any:
        """Do one of the sandbox's own commands, and remember it.

        Raises:
            ValueError: it does not take its arguments.
        """
        with self.account.lock:
            self._gate.forget()
            deed, result = Deed.of_command(name, arguments).do(self.account)
            self._keep(deed)
            return result

    def _keep(self, deed: Deed) -> None:
        try:
            self._memory.keep(deed)
        except OSError:
            # What is in memory is ahead of the disk, and must never be acknowledged.
            os._exit(5)

    def _restore(self) -> dict[str, str] | None:
        """Do all deeds again, of which the first opened the account; None if there is none."""
        first = None
        for number, data in enumerate(self._memory.deeds(), 1):
            deed = Deed(**data)
            again, result = deed.do(self.account)
            if again.digest != deed.digest:
                raise SandboxError(
                    f"Deed {number} of the practice account came out differently this time. "
                    "`iamkit sandbox reset` starts a new account."
                )
            first = first or result
        return first
