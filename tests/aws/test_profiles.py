"""Profiles and environments as people bring them: each is used, or is one sentence, on one road."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_aws import ACCOUNT, CODE, LATER, ROLE_SECRET, FakeAws

from iamkit.aws.session import open_session
from iamkit.doctor import examine
from iamkit.errors import IamkitError
from iamkit.parameters.models import CredentialsParameters

CASES = json.loads((Path(__file__).parent / "cases" / "profiles.json").read_text())
PRINTED = "wJalrXUtnFEMIthatWasPrinted"
PROGRAMS = {
    "fails": f"echo {PRINTED}; echo {PRINTED} >&2; exit 3",
    "no-json": f"echo hello {PRINTED}",
    "list": "echo '[1]'",
    "version-2": "echo '{\"Version\": 2}'",
    "half": f'echo \'{{"Version": 1, "SecretAccessKey": "{PRINTED}"}}\'',
    "number": 'echo \'{"Version": 1, "AccessKeyId": 5, "SecretAccessKey": 6}\'',
    "expired": f'echo \'{{"Version": 1, "AccessKeyId": "ASIAP", "SecretAccessKey": "{PRINTED}", '
    '"SessionToken": "tokentokentoken1", "Expiration": "2020-01-01T00:00:00Z"}\'',
    "good": f'echo x >> "$0.count"; echo \'{{"Version": 1, "AccessKeyId": "ASIAP", '
    f'"SecretAccessKey": "{PRINTED}", "SessionToken": "tokentokentoken1", '
    f'"Expiration": "{LATER}"}}\'',
    "binary": "printf '\\377\\376'",
}


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    """AWS on loopback."""
    server = FakeAws(tmp_path_factory.mktemp("aws")).start()
    yield server
    server.stop()


@pytest.fixture
def place(aws, tmp_path, monkeypatch):
    """A home, with programs and tokens, from which AWS on loopback is reached."""
    for name in [n for n in os.environ if n.startswith("AWS_") or "proxy" in n.lower()]:
        monkeypatch.delenv(name)
    for name, text in PROGRAMS.items():
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o700)
    (tmp_path / "bin" / "not-executable").write_text("x")
    (tmp_path / ".aws").mkdir()
    home = tmp_path / "iamkit"
    home.mkdir(mode=0o700)
    for name, value in {
        "HOME": str(tmp_path),
        "IAMKIT_HOME": str(home),
        "AWS_EC2_METADATA_DISABLED": "true",
        "HTTPS_PROXY": aws.url,
        "AWS_CA_BUNDLE": str(aws.bundle),
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    write_tokens(tmp_path)
    for provider in ("botocore.credentials.SSOProvider", "botocore.tokens.SSOTokenProvider"):
        monkeypatch.setattr(
            f"{provider}._SSO_TOKEN_CACHE_DIR", str(tmp_path / ".aws" / "sso" / "cache")
        )
    aws.calls.clear()
    return tmp_path


def write_tokens(home):
    """What `aws sso login` and `aws login` leave behind."""
    cache = home / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    for name, (token, ends) in {
        "good": ("token-good", LATER),
        "ended": ("token-ended", LATER),
        "forbidden": ("token-forbidden", LATER),
        "over": ("token-over", "2020-01-01T00:00:00Z"),
    }.items():
        content = json.dumps({"accessToken": token, "expiresAt": ends})
        file = hashlib.sha1(name.encode()).hexdigest() + ".json"
        (cache / file).write_text(content)
    cache = home / ".aws" / "login" / "cache"
    cache.mkdir(parents=True)
    for name, refresh, ends in (
        ("good", "refresh", LATER),
        ("renew", "refresh", "2020-01-01T00:00:00Z"),
        ("ended", "refresh-ended", "2020-01-01T00:00:00Z"),
    ):
        keys = {
            "accessKeyId": "ASIALOGIN",
            "secretAccessKey": PRINTED,
            "sessionToken": "tokentokentokentoken",
        }
        keys |= {"expiresAt": ends, "accountId": ACCOUNT}
        told = {"accessToken": keys, "refreshToken": refresh, "clientId": "c", "dpopKey": a_key()}
        file = hashlib.sha256(name.encode()).hexdigest() + ".json"
        (cache / file).write_text(json.dumps(told))
    broken = hashlib.sha256(b"broken").hexdigest() + ".json"
    (cache / broken).write_text(json.dumps({"accessToken": 5}))


def a_key():
    """A private key as `aws login` makes it for its session."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        .decode()
    )


def set_up(case, place, aws, monkeypatch):
    """Write a case's files and variables; its parameters."""

    def fill(text):
        return text.replace("{home}", str(place)).replace("{url}", aws.url)

    for name in ("config", "credentials"):
        if name in case:
            (place / ".aws" / name).write_text(fill("\n".join(case[name])) + "\n")
    for name, value in case.get("env", {}).items():
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, fill(value))
    return CredentialsParameters(
        environment="aws", account_id=ACCOUNT, profile=case.get("profile", "team")
    )


def sentence_in_process(parameters):
    """What opening a session says; None if it is open."""
    try:
        open_session(parameters)
    except IamkitError as error:
        return str(error)
    return None


def expected(case, place, aws):
    """The case's sentence, with the paths of this run."""
    said = case["says"]
    port = aws.url.rpartition(":")[2]
    return said and said.replace("{home}", str(place)).replace("{port}", port)


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_each_profile_is_used_or_one_sentence(case, place, aws, monkeypatch):
    """A session and doctor say the same; nothing that a program printed; nobody is asked."""
    monkeypatch.setattr("getpass.getpass", lambda *_: pytest.fail("a person was asked"))
    parameters = set_up(case, place, aws, monkeypatch)
    wanted = expected(case, place, aws)
    assert sentence_in_process(parameters) == wanted
    *_, found = examine(parameters_file(place, case))
    if wanted is None:  # then doctor goes on, to reads that this AWS refuses
        wanted = "iam:GetAccountAuthorizationDetails: denied. These credentials lack the "
        wanted += "permission iam:GetAccountAuthorizationDetails."
    assert (found.what, found.ok) == ("account", False)
    assert found.found == wanted
    assert PRINTED not in wanted
    assert "hunter2" not in wanted


def parameters_file(place, case):
    """A parameters file that names the case's profile."""
    file = place / "team.yaml"
    values = {"environment": "aws", "account_id": ACCOUNT, "profile": case.get("profile", "team")}
    file.write_text(json.dumps(values))
    return file


def command(place, *words):
    """Run the command line headless, with nothing to read from."""
    words = [sys.executable, "-m", "iamkit", *words]
    return subprocess.run(
        words,
        check=False,
        cwd=place,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def named(name):
    return next(case for case in CASES if case["case"] == name)


@pytest.mark.parametrize(
    "name",
    [
        "process: fails",
        "role with MFA, nobody to ask",
        "aws login that ended",
        "a config that does not parse",
        "unknown profile",
        "container: {}",
    ],
)
def test_the_commands_say_the_same_sentence(name, place, aws, monkeypatch):
    """`iamkit doctor` and `iamkit run 01_credentials`: one sentence, exit 1, no traceback."""
    case = named(name)
    set_up(case, place, aws, monkeypatch)
    file, wanted = parameters_file(place, case), expected(case, place, aws)
    output = place / "out"
    doctor = command(place, "doctor", "-f", str(file))
    run = command(place, "run", "01_credentials", "-f", str(file), "--output", str(output))
    kept = (output / "01_credentials.ipynb").read_text()
    shown = json.loads(kept)
    errors = [
        o for c in shown["cells"] for o in c.get("outputs", ()) if o["output_type"] == "error"
    ]
    assert errors[0]["evalue"] == wanted
    assert f"BAD account: {wanted}\n" in doctor.stdout
    assert f"  {wanted}\n" in run.stderr
    assert (doctor.returncode, run.returncode) == (1, 1)
    for text in (doctor.stdout, doctor.stderr, run.stdout, run.stderr, kept):
        assert "Traceback" not in text
        assert PRINTED not in text


@pytest.mark.parametrize(
    ("name", "call", "times"),
    [
        ("SSO", "/federation/credentials", 1),
        ("role", "AssumeRole", 1),
        ("aws login, to be renewed", "/v1/token", 1),
        ("process: good", "/no-call", 0),
    ],
)
def test_a_run_signs_in_once(name, call, times, place, aws, monkeypatch):
    """The kernel and the search for leaks take what was resolved before the first notebook."""
    case = named(name)
    set_up(case, place, aws, monkeypatch)
    done = command(place, "run", "01_credentials", "-f", str(parameters_file(place, case)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert aws.operations(call) == times
    count = place / "bin" / "good.count"
    assert not count.exists() or count.read_text() == "x\n"
    assert "IAMKIT_SIGNED_IN" not in os.environ


def test_in_a_terminal_the_code_is_asked_for_once_before_any_notebook(place, aws, monkeypatch):
    """One question, one AssumeRole; the notebook runs with it, and no output holds a secret."""
    case = named("role with MFA, nobody to ask")
    set_up(case, place, aws, monkeypatch)
    said, status = in_terminal(place, case, CODE)
    assert status == 0, said
    assert said.count("Enter MFA code for") == 1
    assert said.index("Enter MFA code for") < said.index("01_credentials")
    assert aws.operations("AssumeRole") == 1
    kept = "".join(path.read_text() for path in (place / "out").iterdir())
    assert "assume-role" in kept or "profile with a role" in kept
    assert ROLE_SECRET not in kept + said
    assert CODE not in said


def test_a_wrong_code_is_said_and_not_asked_for_again(place, aws, monkeypatch):
    """A person who errs starts again; nothing asks twice."""
    case = named("role with MFA, nobody to ask")
    set_up(case, place, aws, monkeypatch)
    said, status = in_terminal(place, case, "654321")
    assert status == 1
    assert said.count("Enter MFA code for") == 1
    assert aws.operations("AssumeRole") == 1
    assert "AWS did not take the MFA code." in said


def in_terminal(place, case, answer):
    """`iamkit run 01_credentials` in a terminal, with one answer typed; what it shows, its code."""
    import pty

    words = [sys.executable, "-m", "iamkit", "run", "01_credentials"]
    words += ["-f", str(parameters_file(place, case)), "--output", str(place / "out")]
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(place)
        os.execv(words[0], words)
    said = b""
    while True:
        try:
            more = os.read(terminal, 4096)
        except OSError:
            break
        if not more:
            break
        if b"Enter MFA code" in said + more and b"Enter MFA code" not in said:
            os.write(terminal, f"{answer}\n".encode())
        said += more
    os.close(terminal)
    return said.decode(), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_the_search_for_leaks_signs_in_nowhere(place, aws, monkeypatch):
    """It knows what was resolved and what stands in files, and starts no program and no call."""
    from iamkit.aws.session import known_secrets

    case = named("process: good")
    parameters = set_up(case, place, aws, monkeypatch)
    values = parameters.model_dump()
    monkeypatch.setattr("iamkit.aws.credential_chain._RESOLVED", [])
    assert known_secrets(values) == []
    assert not (place / "bin" / "good.count").exists()
    open_session(parameters)
    calls = list(aws.calls)
    assert PRINTED in known_secrets(values)
    assert aws.calls == calls
    assert (place / "bin" / "good.count").read_text() == "x\n"
    set_up(named("role"), place, aws, monkeypatch)
    (place / ".aws" / "config").write_text(
        "[profile team]\nrole_arn = arn:aws:iam::111122223333:role/deploy\nsource_profile = base\n"
        "[profile base]\naws_access_key_id = AKIAGOOD\naws_secret_access_key = of-the-file\n"
    )
    assert "of-the-file" in known_secrets(values)


def test_credentials_that_end_are_renewed_or_that_is_said(place, aws, monkeypatch):
    """In the midst of a session too: by the same road, and a failure is a sentence again."""
    from iamkit.aws.call_errors import CALL_ERRORS, explain_error

    parameters = set_up(named("process: good"), place, aws, monkeypatch)
    session = open_session(parameters)
    credentials = session.clients.session.get_credentials()
    credentials._expiry_time = credentials._expiry_time.replace(year=2020)
    session.iam.list_account_aliases()
    assert (place / "bin" / "good.count").read_text() == "x\nx\n"
    (place / "bin" / "good").write_text(f"#!/bin/sh\necho {PRINTED} >&2; exit 1\n")
    credentials._expiry_time = credentials._expiry_time.replace(year=2020)
    with pytest.raises(CALL_ERRORS) as raised:
        session.iam.list_account_aliases()
    said = str(explain_error(raised.value, "ListAccountAliases"))
    assert said.startswith("AWS profile team: its credential_process")
    assert PRINTED not in said


def test_what_a_kernel_renews_is_searched_for_too(place, aws, tmp_path, monkeypatch):
    """A kernel that outlives what it was given leaves digests of what it resolved to the run."""
    from iamkit.aws import credential_chain
    from iamkit.aws.session import known_secrets
    from iamkit.credentials import Fingerprint
    from iamkit.notebook.runs.secret_scan import SecretSearch

    folder = tmp_path / "digests"
    folder.mkdir()
    told = {"profile": "team", "folder": str(folder), "method": "custom-process", "token": "t"}
    told |= {"access_key": "ASIAOLD", "secret_key": "x", "asked": False}
    told |= {"expires": "2020-01-01T00:00:00+00:00"}
    monkeypatch.setattr(credential_chain, "_INHERITED", json.dumps(told))
    monkeypatch.setattr(credential_chain, "_RESOLVED", [])
    parameters = set_up(named("process: good"), place, aws, monkeypatch)
    open_session(parameters)
    assert (place / "bin" / "good.count").read_text() == "x\n"
    monkeypatch.setattr(credential_chain, "_RESOLVED", [])
    monkeypatch.setattr(credential_chain, "_FOLDERS", [str(folder)])
    found = known_secrets(parameters.model_dump())
    assert [type(one) for one in found] == [Fingerprint, Fingerprint]
    assert SecretSearch(found).finds_in(f"shown: {PRINTED}")


def test_a_file_that_cannot_be_read_is_no_missing_profile(place, aws, monkeypatch):
    """botocore passes over such a file; hidden is not absent."""
    parameters = set_up(named("unknown profile"), place, aws, monkeypatch)
    (place / ".aws" / "config").mkdir()
    assert "config cannot be read." in sentence_in_process(parameters)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(place / "gone"))
    assert f"{place}/gone (AWS_CONFIG_FILE) cannot be read." in sentence_in_process(parameters)
