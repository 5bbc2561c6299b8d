"""The sandbox's process: ``python -m iamkit.sandbox.server.process --state DIR``.

It leaves for the background once it listens, and ends after some hours with no request.
"""

import argparse
import errno
import json
import logging
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Any

from iamkit.errors import SandboxError
from iamkit.sandbox.journal import NAME, NO_ROOM, read_header
from iamkit.sandbox.private import private_folder, remove_instances, take_lock, write_private
from iamkit.sandbox.server.http_message import Delivery, Reply, Request

if TYPE_CHECKING:
    from iamkit.sandbox.server.gateway import Gateway

LARGEST_BODY = 64 * 1024 * 1024
_SINGLE = ("host", "content-length", "authorization", "x-amz-date", "origin")

NOT_POSSIBLE = 4
"""The exit code of a server that has said why in its log."""
_TELL_EVERY = 0.2
"""Seconds between two words of how far the account is back."""

log = logging.getLogger("iamkit.sandbox")


class Server(ThreadingMixIn, TCPServer):
    """Listens on loopback, on a port that the system chooses; a thread for each connection."""

    daemon_threads = True
    request_queue_size = 128
    front: "Gateway"

    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        try:
            super().__init__(("127.0.0.1", port), Handler)
        except OSError:  # someone else has that port by now
            super().__init__(("127.0.0.1", 0), Handler)

    @property
    def host(self) -> str:
        """``127.0.0.1:PORT``."""
        return f"127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: Any) -> None:
        """A client that went away is no event; another error is, without its text."""
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError):
            log.error("a connection ended with %s", type(error).__name__)


class Handler(BaseHTTPRequestHandler):
    """Speaks HTTP/1.1 with connections that stay open."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 600
    wbufsize = -1
    server: Server

    def handle_one_request(self) -> None:
        """Read one request, answer it, and close the connection if one of the two wants that."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        request = self._read()
        reply = self.server.front(request) if isinstance(request, Request) else request
        if not isinstance(request, Request) or reply.delivery is not Delivery.WHOLE:
            self.close_connection = True
        self._write(reply)

    def _read(self) -> Request | Reply:
        """The request, or the reply to one that is not fit to be read."""
        length = self.headers.get("content-length", "0")
        if "transfer-encoding" in self.headers:
            return Reply.text(411, "The sandbox wants a Content-Length.\n")
        if any(len(self.headers.get_all(name, [])) > 1 for name in _SINGLE):
            return Reply.text(400, "A header is there twice.\n")
        if not (length.isascii() and length.isdigit()) or int(length) > LARGEST_BODY:
            return Reply.text(413, "The request is too large.\n")
        headers = {name.lower(): ",".join(self.headers.get_all(name, [])) for name in self.headers}
        return Request(self.command, self.path, headers, self.rfile.read(int(length)))

    def _write(self, reply: Reply) -> None:
        """One write for head and body, so that no segment waits for another's acknowledgement."""
        if reply.delivery is Delivery.NONE:
            return
        body = b"" if self.command == "HEAD" else reply.body
        if reply.delivery is Delivery.CUT:
            body = body[: len(body) // 2]
        headers = {
            "Date": self.date_time_string(),
            "Content-Length": str(len(reply.body)),
            "Connection": "close" if self.close_connection else "keep-alive",
            **reply.headers,
        }
        lines = [f"HTTP/1.1 {reply.status} {self.responses.get(reply.status, ('',))[0]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body)
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        """Requests are in the call log, not in the server's."""


def main() -> int:
    """Serve the sandbox of a state folder; 3 if it has one already."""
    parser = argparse.ArgumentParser(prog="python -m iamkit.sandbox.server.process")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--idle-hours", type=float, default=8)
    arguments = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    try:
        return _serve(arguments.state, arguments.idle_hours)
    except SandboxError as error:
        log.error("%s", error)  # noqa: TRY400 - says it all
        return NOT_POSSIBLE
    except OSError as error:
        log.error("%s cannot be written: %s.", arguments.state, error.strerror)  # noqa: TRY400
        return NO_ROOM if error.errno == errno.ENOSPC else NOT_POSSIBLE


def _serve(state: Path, idle_hours: float) -> int:
    """Bring the account back, leave for the background, and serve until nobody asks any more."""
    private_folder(state)
    try:
        alive = take_lock(state / "alive.lock", seconds=0)
    except TimeoutError:
        log.error("Another sandbox lives in %s.", state)  # noqa: TRY400 - says it all
        return 3
    (state / "server.json").unlink(missing_ok=True)  # of one that was killed, on our port
    server = Server(_port_before(state))
    _bear_name(alive)
    publish = _open_accounts(server, state, Teller(alive))
    if os.fork():  # who started us waits until here
        os._exit(0)
    _bear_name(alive)
    publish()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _await_idleness(server, idle_hours * 3600)
    (state / "server.json").unlink(missing_ok=True)
    return 0


def _bear_name(alive: int) -> None:
    """Write our process id into the lock that we hold, for who wants to stop us."""
    _write(alive, str(os.getpid()))


def _write(alive: int, text: str) -> None:
    """Our lock's text; a full disk is no reason not to live."""
    with suppress(OSError):
        os.ftruncate(alive, os.pwrite(alive, f"{text}\n".encode(), 0))


class Teller:
    """Says how far the account is back, in the lock that we hold.

    Args:
        alive: the lock's descriptor.
    """

    def __init__(self, alive: int) -> None:
        self._alive = alive
        self._told = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Say it, unless something was said a moment ago."""
        if time.monotonic() - self._told > _TELL_EVERY:
            self._told = time.monotonic()
            _write(self._alive, f"{os.getpid()} {done} {total}")


def _port_before(state: Path) -> int:
    """The port of the account's first start, which shells and profiles may still name."""
    path = state / NAME
    try:
        return int(read_header(path)["port"]) if path.exists() else 0
    except (SandboxError, KeyError, TypeError, ValueError):  # opening it will say so
        return 0


def _open_accounts(server: Server, state: Path, teller: Teller) -> Callable[[], None]:
    """The accounts behind the front, and how to tell their users where they are."""
    from iamkit.sandbox.server.gateway import Gateway  # noqa: PLC0415 - moto's import takes the most time
    from iamkit.sandbox.server.persistent_accounts import PersistentAccounts  # noqa: PLC0415

    token = secrets.token_urlsafe(32)
    life = PersistentAccounts(state, server.server_address[1], teller)

    def publish() -> None:
        (state / life.instance).mkdir(mode=0o700, exist_ok=True)
        details = {"endpoint_url": f"http://{server.host}", "pid": os.getpid(), "token": token}
        details |= {"instance": life.instance, **life.root_key}
        write_private(state / "server.json", json.dumps(details))
        remove_instances(state, but=life.instance)

    server.front = Gateway(server.host, token, life, publish)
    return publish


def _await_idleness(server: Server, seconds: float) -> None:
    while (idle := time.monotonic() - server.front.last_request) < seconds:
        time.sleep(seconds - idle)


if __name__ == "__main__":
    sys.exit(main())
