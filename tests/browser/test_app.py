"""`iamkit lab --app`, over HTTP and in a real browser: a token wanted, no code, nothing applied."""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
import yaml
from browser.conftest import PATIENCE, wait_for_text
from paths import GUIDE
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from iamkit.aws.read import read_account

IAMKIT = Path(sys.executable).parent / "iamkit"
SOURCE = ("import iamkit", "make_plan(", "iamkit.show", "hidden_source")
BROKEN = "value = 1 / 0  # hidden_source"
SHOWN = """() => !document.getElementById('loading')
  && document.querySelector('#rendered_cells')?.style.display === ''"""


class App:
    """A running app.

    Attributes:
        address: without the token.
        token: as it was printed.
        notebooks: the folder that it serves.
    """

    def __init__(self, link, notebooks):
        self.address, _, self.token = link.partition("/?token=")
        self.port = int(self.address.rpartition(":")[2])
        self.notebooks = notebooks

    def ask(self, path, method="GET", **headers):
        """The status and body of an answer; no redirection is followed."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace")
        connection.close()
        return answer, body

    def sign_in(self):
        """The cookie that the printed link is traded for."""
        answer, _ = self.ask(f"/?token={self.token}")
        cookies = [value for name, value in answer.getheaders() if name.lower() == "set-cookie"]
        assert any("SameSite=Lax" in cookie and "HttpOnly" in cookie for cookie in cookies)
        assert self.token not in answer.headers["Location"]
        return "; ".join(cookie.partition(";")[0] for cookie in cookies)


@contextmanager
def running_app(folder, home, *options, **parameters):
    """An app on a folder of its own, with the guide's parameters and these."""
    file = folder / "team.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(GUIDE.read_text()) | parameters))
    ops = folder / "ops"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [IAMKIT, "lab", "--app", *options, "--folder", ops, "-f", file]
    log = folder / "app.log"
    with tempfile.TemporaryDirectory(prefix="app-") as sockets, log.open("w") as written:
        environment = {
            "HOME": str(folder),
            "IAMKIT_HOME": str(home),
            "JUPYTER_RUNTIME_DIR": sockets,
        }
        server = subprocess.Popen(
            [*command, "--", "--no-browser", f"--port={port}"],
            env=os.environ | environment,
            stdout=written,
            stderr=written,
        )
        try:
            yield App(_link(server, log), ops / "notebooks")
        finally:
            server.terminate()
            server.wait(30)


def _link(server, log):
    for _ in range(4 * PATIENCE):
        assert server.poll() is None, log.read_text()
        if found := re.search(r"http://127\.0\.0\.1:\d+/\?token=\S{40,}", log.read_text()):
            return found[0]
        time.sleep(0.25)
    raise AssertionError(log.read_text())


def open_from_file(page, app, folder):
    """Open the app as a browser is started with it: by a file that leads on to the link."""
    file = folder / "open.html"
    file.write_text(f'<meta http-equiv="refresh" content="0;url={app.address}/?token={app.token}">')
    page.goto(file.as_uri())
    page.wait_for_url(f"{app.address}/voila/render/00_start_here.ipynb", wait_until="commit")


def open_notebook(page, app, name):
    """Open a notebook by the printed link's cookie, and wait until all of it ran."""
    page.goto(f"{app.address}/voila/render/{name}.ipynb")
    page.wait_for_function(SHOWN)


def test_without_the_token_there_is_nothing(sandbox, private_home, tmp_path):
    """No page, list, kernel, socket or file; nor by another name, or on another address."""
    with running_app(tmp_path, private_home) as app:
        (app.notebooks / "secret.png").write_text("what is only for some")
        cookie = app.sign_in()
        page = app.ask("/voila/render/01_credentials.ipynb", Cookie=cookie)[1]
        assert "000000000000" in page
        kernel = re.search(r'"kernelId": "([0-9a-f-]{36})"', page)[1]

        private = {
            "/": 302,
            "/voila/tree": 302,
            "/voila/render/01_credentials.ipynb": 302,
            "/voila/api/contents": 403,
            f"/api/kernels/{kernel}": 403,
        }
        for path, status in private.items():
            for wrong in ("", "?token=", "?token=wrong", f"?token={app.token[:-1]}"):
                answer, body = app.ask(path + wrong)
                assert answer.status == status, path
                assert "/login" in answer.headers.get("Location", "/login")
                assert "credentials" not in body
        assert app.ask(f"/voila/api/shutdown/{kernel}", "POST")[0].status == 403
        assert app.ask(f"/api/kernels/{kernel}", Cookie=cookie)[0].status == 200

        for known in ({}, {"Cookie": cookie}):
            answer, body = app.ask("/voila/files/secret.png", **known)
            assert answer.status == 404
            assert "only for some" not in body
        assert app.ask("/voila/tree", Cookie=cookie, Host="evil.example")[0].status == 403
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", app.port), timeout=5)

        asyncio.run(_check_socket(app, kernel, cookie, tmp_path / "made"))
        answer, _ = app.ask(f"/voila/api/shutdown/{kernel}", "POST", Cookie=cookie)
        assert answer.status == 204


async def _check_socket(app, kernel, cookie, made):
    """Closed to strangers and to other sites' pages; and it runs nobody's code."""
    address = f"ws://127.0.0.1:{app.port}/api/kernels/{kernel}/channels"
    for headers in ({}, {"Cookie": cookie, "Origin": "http://127.0.0.1:1"}):
        with pytest.raises(HTTPClientError, match="403"):
            await websocket_connect(HTTPRequest(address, headers=headers))
    socket = await websocket_connect(HTTPRequest(address, headers={"Cookie": cookie}))
    code = f"open({str(made)!r}, 'w')"
    for kind, content in (("execute_request", {"code": code}), ("kernel_info_request", {})):
        header = {"msg_id": kind, "msg_type": kind, "session": "s", "username": "", "version": "5"}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        await socket.write_message(json.dumps(message | {"channel": "shell", "buffers": []}))
    answered = set()
    while "kernel_info_request" not in answered:
        reply = json.loads(await asyncio.wait_for(socket.read_message(), 30))
        answered.add(reply["parent_header"].get("msg_id"))
    assert "execute_request" not in answered
    assert not made.exists()
    socket.close()


def test_pages_show_no_code_and_apply_nothing(page, session, private_home, tmp_path):
    """Though dry_run is false: forms and tables work, Apply is off, errors hold no source."""
    requests, problems, frames = [], [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))),
    )
    page.emulate_media(color_scheme="dark")
    with running_app(tmp_path, private_home, dry_run=False, run_as="") as app:
        broken = json.loads((app.notebooks / "01_credentials.ipynb").read_text())
        cell = next(c for c in broken["cells"] if c["metadata"].get("tags") == ["session"])
        cell["source"] = BROKEN
        (app.notebooks / "broken.ipynb").write_text(json.dumps(broken))

        open_from_file(page, app, tmp_path)
        open_notebook(page, app, "03_dev_group")
        wait_for_text(page, "Apply is switched off in this app")
        apply = page.locator('button:has-text("Apply")')
        assert all(button.is_disabled() for button in apply.all())
        assert page.evaluate("document.body.dataset.jpThemeLight") == "false"
        name = page.locator('input[type="text"]:visible').first
        name.fill("developers")
        name.press("Tab")
        wait_for_text(page, "create group")
        assert read_account(session).groups == {}
        contents = [page.content()]

        open_notebook(page, app, "06_audit_users")
        wait_for_text(page, "Everything that was asked for was read")
        page.fill('[data-table="findings"] input[type=search]', "root-mfa")
        page.wait_for_selector('[data-table="findings"] .count:has-text("1 of")')
        assert "Error displaying widget" not in page.inner_text("body")
        assert "Run All" not in page.inner_text("body"), "an app has no such menu"
        contents.append(page.content())

        open_notebook(page, app, "broken")
        wait_for_text(page, "ZeroDivisionError: division by zero")
        assert "What follows was not run" in page.inner_text("body")
        contents.append(page.content())

        page.goto(f"{app.address}/voila/tree")
        wait_for_text(page, "Everyone as a table")
        assert [
            url for url in requests if not url.startswith((app.address, "data:", "blob:", "file:"))
        ] == []
    for text in SOURCE:
        assert [place for place, html in enumerate(contents) if text in html] == [], text
        assert not [frame for frame in frames if text in frame], text
    assert problems == []


def test_with_apply_a_click_applies_and_loading_does_not(page, session, private_home, tmp_path):
    """The page is loaded with dry_run false, and nothing is there until the click."""
    with running_app(tmp_path, private_home, "--apply", dry_run=False, run_as="") as app:
        open_from_file(page, app, tmp_path)
        open_notebook(page, app, "03_dev_group")
        wait_for_text(page, "Apply: 2 to create")
        assert read_account(session).groups == {}
        page.click('button:has-text("Apply: 2 to create")')
        wait_for_text(page, "Verified")
        assert "dev" in read_account(session).groups


def test_a_missing_voila_and_an_apply_without_app_are_said_in_a_line():
    """With the line that installs it; and what --apply goes with."""
    program = (
        "import sys; sys.modules['voila'] = None; sys.argv = ['iamkit', 'lab', '--app']\n"
        "from iamkit.__main__ import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "pip install 'iamkit[app]'" in done.stderr
    assert done.stderr.count("\n") == 1
    done = subprocess.run([IAMKIT, "lab", "--apply"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "--apply goes with --app" in done.stderr
