"""The front: who may ask at all, and what the side door wants."""

import http.client
import json
import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


def ask(sandbox, method, path, body=None, **headers):
    """One raw request; its status and text."""
    address = urlsplit(sandbox.endpoint_url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    text = reply.read().decode()
    found = reply.status, text, {name.lower() for name in reply.headers}
    connection.close()
    return found


@pytest.mark.parametrize("host", ["evil.example", "localhost", "127.0.0.1", "127.0.0.1:1", ""])
def test_a_foreign_host_is_refused(sandbox, host):
    """DNS rebinding gets no answer: the Host must be the sandbox's own address and port."""
    status, text, _ = ask(sandbox, "GET", "/", Host=host)
    assert status == 403
    assert "own address" in text


@pytest.mark.parametrize("path", ["/", "/_iamkit/calls", "/_iamkit/prove", "/moto-api/data.json"])
def test_a_web_page_is_refused(sandbox, path):
    """A request with an Origin gets nothing, and no word that lets another origin read."""
    headers = {"Origin": "https://evil.example", "X-Iamkit-Token": sandbox.token}
    for method in ("GET", "POST", "OPTIONS"):
        status, _, names = ask(sandbox, method, path, **headers)
        assert status == 403
        assert not any(name.startswith("access-control") for name in names)


@pytest.mark.parametrize(
    "path",
    [
        "/_iamkit/calls",
        "/_iamkit/secrets",
        "/moto-api/data.json",
        "/moto-api/reset",
        "/%6doto-api/data.json",
        "/_iamkit/../moto-api/data.json",
    ],
)
def test_the_side_door_wants_its_token(sandbox, path):
    """Without the token nobody reads the log or the secrets; moto's own door is not there."""
    assert ask(sandbox, "GET", path)[0] == 403
    assert ask(sandbox, "POST", path)[0] == 403
    assert ask(sandbox, "GET", path, **{"X-Iamkit-Token": "guessed"})[0] == 403


def test_motos_own_door_is_not_there(sandbox):
    """Even with the token there is no moto-api."""
    status, text, _ = ask(
        sandbox, "GET", "/moto-api/data.json", **{"X-Iamkit-Token": sandbox.token}
    )
    assert status == 400
    assert "no such door" in text


def test_an_unsigned_request_is_refused(sandbox):
    """Without a signature there is no call."""
    status, text, _ = ask(sandbox, "POST", "/", "Action=ListUsers&Version=2010-05-08")
    assert status == 403
    assert "MissingAuthenticationToken" in text


def test_the_call_log_names_calls_and_holds_no_argument(sandbox, iam, refused):
    """The log tells action, caller, outcome and duration, and nothing that was said."""
    iam.create_user(UserName="alice")
    iam.create_login_profile(UserName="alice", Password="Secret-Pass-1")
    with refused("NoSuchEntity", 404):
        iam.get_user(UserName="bob")
    calls = sandbox.calls()
    assert [(call["action"], call["outcome"]) for call in calls] == [
        ("CreateUser", "ok"),
        ("CreateLoginProfile", "ok"),
        ("GetUser", "NoSuchEntity"),
    ]
    assert calls[0]["caller"] == "arn:aws:iam::000000000000:root"
    assert 0 < calls[0]["seconds"] < 10
    assert "Secret-Pass-1" not in json.dumps(calls)
    assert "alice" not in json.dumps(calls)


PAGE = """<!doctype html><title>waiting</title><script>
const target = "TARGET", found = [];
const tries = [
  () => fetch(target + "/moto-api/data.json").then(r => r.text()),
  () => fetch(target + "/_iamkit/secrets").then(r => r.text()),
  () => fetch(target + "/", {method: "POST", body: "Action=CreateUser&UserName=mallory",
    headers: {"Content-Type": "application/x-www-form-urlencoded"}}).then(r => r.text()),
  () => fetch(target + "/_iamkit/command", {method: "POST", mode: "no-cors",
    body: '{"name": "age", "arguments": {"days": 900}}'}).then(r => r.text()),
  () => new Promise((yes, no) => { const i = new Image(); i.onload = () => yes("an image");
    i.onerror = () => no("none"); i.src = target + "/?Action=CreateUser&UserName=mallory"; }),
];
(async () => {
  for (const one of tries) {
    try { found.push("read:" + await one()); } catch (error) { found.push("refused"); }
  }
  document.title = "done";
  document.body.innerText = found.join("|");
})();
</script><body></body>"""


@pytest.fixture
def foreign_site(sandbox):
    """A web page from another origin that tries what it can."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE.replace("TARGET", sandbox.endpoint_url).encode())

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.skipif(BROWSER is None, reason="NO CHROMIUM: install Debian's package chromium")
@pytest.mark.parametrize("rebound", [False, True])
def test_a_foreign_web_page_in_a_browser_reads_and_changes_nothing(
    sandbox, iam, foreign_site, tmp_path, rebound
):
    """In real Chromium a page of another origin, or of a rebound name, gets to nothing."""
    iam.create_user(UserName="alice")
    before = iam.get_account_authorization_details(Filter=["User"])["UserDetailList"]
    url = foreign_site
    if rebound:  # the page's own name leads to the sandbox by now
        url = "http://rebound.example:" + str(urlsplit(sandbox.endpoint_url).port)
    done = subprocess.run(
        [
            BROWSER,
            *("--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            *("--virtual-time-budget=8000", f"--user-data-dir={tmp_path}"),
            "--host-resolver-rules=MAP rebound.example 127.0.0.1",
            url,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if rebound:
        assert "own address only" in done.stdout
    else:
        body = re.search(r"<body>(.*)</body>", done.stdout, re.DOTALL)[1].strip()
        # A no-cors request is sent, and its answer is opaque: an empty text.
        assert body == "refused|refused|refused|read:|refused"
    assert iam.get_account_authorization_details(Filter=["User"])["UserDetailList"] == before


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("organizations", "describe_organization"),
        ("lambda", "list_functions"),
        ("sns", "list_topics"),
        ("cloudtrail", "describe_trails"),
    ],
)
def test_a_service_that_is_not_here_is_refused_in_its_protocol(
    sandbox, client_of, refused, service, call
):
    """JSON, REST or query: the client reads the code, and no XML as if it were the message."""
    with refused("UnknownEndpoint", 501):
        getattr(client_of(sandbox, service), call)()
