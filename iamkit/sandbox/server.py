"""The sandbox's process: it listens on loopback, and leaves for the background once it does."""

import argparse
import json
import os
import secrets
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from iamkit.sandbox.backend import Backend
from iamkit.sandbox.client import ACCOUNT_ID
from iamkit.sandbox.front import Front
from iamkit.sandbox.http import Delivery, Request
from iamkit.sandbox.private import private_folder, take_lock, write_private

MAX_BODY = 10_000_000


class _Handler(BaseHTTPRequestHandler):
    """Reads a request and writes a reply in one piece, over connections that stay open."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 600
    server: "_Server"

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def answer(self) -> None:
        self.server.last_request = time.monotonic()
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY or "Transfer-Encoding" in self.headers:
            self.send_error(413)
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.rfile.read(length))
        reply = self.server.front.answer(request)
        if reply.delivery is Delivery.NONE:
            self.close_connection = True
            return
        lines = [f"HTTP/1.1 {reply.status} -"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        if "Date" not in reply.headers:
            lines.append(f"Date: {self.date_time_string()}")
        lines.append(f"Content-Length: {len(reply.body)}")
        body = reply.body
        if reply.delivery is Delivery.CUT:
            body, self.close_connection = body[: len(body) // 2], True
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = answer  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing: a request's line may hold what belongs in no log."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    front: Front
    last_request = 0.0


def main() -> None:
    """Serve a new, empty account until SIGTERM, or until nobody has asked for a while."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--idle-hours", type=float, default=8)
    arguments = parser.parse_args()
    state: Path = arguments.state
    os.umask(0o077)
    lock = take_lock(state / "alive.lock", 5)
    server = _Server(("127.0.0.1", 0), _Handler)
    listening, ready = os.pipe()
    if os.fork():
        os.close(ready)
        sys.exit(0 if os.read(listening, 1) else 1)
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    _open_account(server, state)
    os.write(ready, b".")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    threading.Thread(target=_end_when_idle, args=[server, state, arguments.idle_hours]).start()
    server.serve_forever()


def _open_account(server: _Server, state: Path) -> None:
    """Make the account's root key and its private folder, and say where it is."""
    host = f"127.0.0.1:{server.server_port}"
    letters = (secrets.choice("ABCDEFGHIJKLMNOP234567") for _ in range(16))
    record = {
        "endpoint_url": f"http://{host}",
        "instance": secrets.token_hex(16),
        "pid": os.getpid(),
        "access_key_id": "AKIA" + "".join(letters),
        "secret_access_key": secrets.token_urlsafe(30),
        "token": secrets.token_hex(32),
        "account_id": ACCOUNT_ID,
    }
    root = (str(record["access_key_id"]), str(record["secret_access_key"]))
    server.front = Front(Backend(server.server_port), host, str(record["token"]), root)
    server.last_request = time.monotonic()
    private_folder(state / str(record["instance"]))
    write_private(state / "server.json", json.dumps(record))


def _end_when_idle(server: _Server, state: Path, idle_hours: float) -> None:
    """End when nobody has asked for long, or when the state folder is gone."""
    while time.monotonic() - server.last_request < idle_hours * 3600 and state.exists():
        time.sleep(min(5.0, idle_hours * 900))
    os._exit(0)


if __name__ == "__main__":
    main()
