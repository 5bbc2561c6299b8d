"""boto3, the AWS CLI and a raw signed request see the same refusals."""

import http.client
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

CALLS = {
    "NoSuchEntity": (404, "GetUser", {"UserName": "nobody"}),
    "EntityAlreadyExists": (409, "CreateUser", {"UserName": "ALICE"}),
    "DeleteConflict": (409, "DeleteGroup", {"GroupName": "dev"}),
    "ValidationError": (400, "CreateUser", {"UserName": "a b"}),
    "PasswordPolicyViolation": (400, "CreateLoginProfile", {"UserName": "alice", "Password": "x"}),
}


@pytest.fixture
def settled(iam):
    """An account with a user in a group."""
    iam.create_user(UserName="alice")
    iam.create_group(GroupName="dev")
    iam.add_user_to_group(GroupName="dev", UserName="alice")
    return iam


def dashed(name, sign):
    return re.sub(r"(?<!^)(?=[A-Z])", sign, name).lower()


def by_boto3(sandbox, iam, action, arguments):
    with pytest.raises(iam.exceptions.ClientError) as error:
        getattr(iam, dashed(action, "_"))(**arguments)
    reply = error.value.response
    return reply["ResponseMetadata"]["HTTPStatusCode"], reply["Error"]["Code"]


def by_cli(sandbox, iam, action, arguments):
    command = [str(Path(sys.executable).with_name("aws")), "iam", dashed(action, "-")]
    for name, value in arguments.items():
        command += [f"--{dashed(name, '-')}", value]
    environ = {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": sandbox.endpoint_url,
        "AWS_ACCESS_KEY_ID": sandbox.access_key_id,
        "AWS_SECRET_ACCESS_KEY": sandbox.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
    }
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    code = re.search(r"\((\w+)\)", done.stderr)
    assert code, done.stderr
    return CALLS[code[1]][0], code[1]


def raw(method):
    def ask(sandbox, iam, action, arguments):
        pairs = {"Action": action, "Version": "2010-05-08", **arguments}
        query = urlencode(pairs, quote_via=quote)
        url = f"{sandbox.endpoint_url}/" + (f"?{query}" if method == "GET" else "")
        headers = {"Host": urlsplit(url).netloc}
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        request = AWSRequest(method, url, headers, query if method == "POST" else None)
        credentials = Credentials(sandbox.access_key_id, sandbox.secret_access_key)
        SigV4Auth(credentials, "iam", "us-east-1").add_auth(request)
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        target = url.removeprefix(sandbox.endpoint_url)
        connection.request(method, target, request.data or None, dict(request.headers))
        reply = connection.getresponse()
        body = reply.read().decode()
        connection.close()
        return reply.status, re.search("<Code>(.*)</Code>", body)[1]

    return ask


@pytest.mark.parametrize("ask", [by_boto3, by_cli, raw("POST"), raw("GET")])
def test_all_clients_see_the_same_refusals(sandbox, settled, ask):
    """Status and code are AWS's, whoever asks and however."""
    for code, (status, action, arguments) in CALLS.items():
        assert ask(sandbox, settled, action, arguments) == (status, code)
