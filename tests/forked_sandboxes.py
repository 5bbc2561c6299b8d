"""Sandboxes that start in some hundredths of a second, forked from a process that has loaded moto.

What starts is the real server with its real arguments, standard streams and environment; only the
second that Python takes to load it is paid once, not for every test that wants an empty account.
"""

import importlib
import json
import os
import runpy
import selectors
import socket
import subprocess
import sys
import warnings
from contextlib import contextmanager
from types import SimpleNamespace
from unittest import mock

LAUNCHER = f"""#!{sys.executable} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({{address!r}})
    start = sys.argv[1:], dict(os.environ)
    socket.send_fds(server, [json.dumps(start).encode() + b"\\n"], [0, 1, 2])
    os._exit(int(server.recv(10) or 1))
"""
"""Stands where the interpreter stands, and ends as the forked interpreter ends."""
LARGEST = 1 << 20
LOADED = ("process", "gateway", "persistent_accounts")
"""What the server itself imports, and no more, so that what it forgets is missed here too."""


@contextmanager
def forking_interpreter(folder):
    """A program to start sandboxes by, in place of the interpreter: its path.

    Args:
        folder: an empty one, with a short name.
    """
    launcher = folder / "python"
    launcher.write_text(LAUNCHER.format(address=str(folder / "socket")))
    launcher.chmod(0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        listener.listen()
        command = [sys.executable, "-P", __file__, str(listener.fileno())]
        process = subprocess.Popen(
            command,
            pass_fds=[listener.fileno()],
            stdin=subprocess.PIPE,
            env=os.environ | {"PYTHONHASHSEED": "0"},  # as every sandbox has it
        )
    try:
        yield launcher
    finally:
        process.communicate()


@contextmanager
def starting_by(interpreter):
    """Start sandboxes by this program."""
    with mock.patch("iamkit.sandbox.process.sys", SimpleNamespace(executable=str(interpreter))):
        yield


def main(listener):
    """Serve until the input ends, which it does when the tests end, however they end."""
    for name in LOADED:
        importlib.import_module(f"iamkit.sandbox.server.{name}")
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    while sys.stdin not in {key.fileobj for key, _ in selector.select()}:
        client, _ = listener.accept()
        if os.fork() == 0:
            os._exit(_answer(client))
        client.close()
        os.wait()


def _answer(client):
    """In a child of the server: run what a launcher asks for in a child of its own; say its end."""
    text, streams, _, _ = socket.recv_fds(client, LARGEST, 3)
    while not text.endswith(b"\n"):
        text += client.recv(LARGEST)
    arguments, environment = json.loads(text)
    if (child := os.fork()) == 0:
        client.close()
        os._exit(_run(arguments, environment, streams))
    client.sendall(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 255).encode())
    return 0


def _run(arguments, environment, streams):
    """``python -P -m MODULE ARGUMENTS``, in a session of its own."""
    os.setsid()
    os.chdir("/")
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
    os.closerange(3, max(streams) + 1)
    os.environ.update(environment)  # moto's settings, made when it was loaded, stay
    safe_path, dash_m, module, *rest = arguments
    assert (safe_path, dash_m) == ("-P", "-m")
    sys.argv = [module, *rest]
    warnings.simplefilter("ignore", RuntimeWarning)  # of running what is imported already
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        return ended.code or 0
    return 0


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as given:
        main(given)
