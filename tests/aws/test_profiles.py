"""Profiles and environments as people bring them: each is used, or is one sentence, on one road."""

import hashlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from fake_aws import ACCOUNT, LATER, FakeAws

from iamkit.aws.session import open_session
from iamkit.doctor import examine
from iamkit.errors import IamkitError
from iamkit.parameters import CredentialsParameters

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
    '"SessionToken": "t", "Expiration": "2020-01-01T00:00:00Z"}\'',
    "good": f'echo x >> "$0.count"; echo \'{{"Version": 1, "AccessKeyId": "ASIAP", '
    f'"SecretAccessKey": "{PRINTED}", "SessionToken": "t", "Expiration": "{LATER}"}}\'',
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
        keys = {"accessKeyId": "ASIALOGIN", "secretAccessKey": PRINTED, "sessionToken": "t"}
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
    """No traceback, nothing that a program printed, and nobody is asked for anything."""
    monkeypatch.setattr("getpass.getpass", lambda *_: pytest.fail("a person was asked"))
    said = sentence_in_process(set_up(case, place, aws, monkeypatch))
    assert said == expected(case, place, aws)
    assert PRINTED not in str(said)
