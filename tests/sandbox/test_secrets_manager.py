"""Secrets Manager in the sandbox: the few calls of a hand-over, refused where AWS refuses."""

import json

import pytest

from iamkit.sandbox import start_sandbox, stop_sandbox

NAME = "iamkit/alice/access-key"
TOKEN = "a" * 32


@pytest.fixture
def manager(sandbox, client_of):
    """Secrets Manager of a new, empty account, as its root."""
    return client_of(sandbox, "secretsmanager")


def test_a_secret_is_made_and_gets_new_versions(manager):
    """The newest value is current, the one before is previous, and both have their own ids."""
    made = manager.create_secret(Name=NAME, SecretString="one")
    assert made["ARN"].startswith(f"arn:aws:secretsmanager:us-east-1:000000000000:secret:{NAME}-")
    put = manager.put_secret_value(SecretId=NAME, SecretString="two")
    assert put["VersionStages"] == ["AWSCURRENT"]
    for by in (NAME, made["ARN"]):
        assert manager.get_secret_value(SecretId=by)["SecretString"] == "two"
    before = manager.get_secret_value(SecretId=NAME, VersionStage="AWSPREVIOUS")
    assert (before["SecretString"], before["VersionId"]) == ("one", made["VersionId"])
    assert [found["Name"] for found in manager.list_secrets()["SecretList"]] == [NAME]


def test_a_call_that_is_repeated_acts_once(manager, refused):
    """The same token with the same value is ignored, with another value refused."""
    for _ in range(2):
        made = manager.create_secret(Name=NAME, SecretString="one", ClientRequestToken=TOKEN)
        assert made["VersionId"] == TOKEN
    with refused("ResourceExistsException", 400):
        manager.create_secret(Name=NAME, SecretString="two", ClientRequestToken=TOKEN)
    with refused("ResourceExistsException", 400):
        manager.create_secret(Name=NAME, SecretString="one", ClientRequestToken="b" * 32)
    assert len(manager.describe_secret(SecretId=NAME)["VersionIdsToStages"]) == 1


@pytest.mark.parametrize(
    ("action", "arguments", "code"),
    [
        ("create_secret", {"Name": "a,b", "SecretString": "x"}, "ValidationException"),
        ("create_secret", {"Name": "", "SecretString": "x"}, "ValidationException"),
        ("create_secret", {"Name": "a" * 513, "SecretString": "x"}, "ValidationException"),
        ("create_secret", {"Name": "a", "SecretString": "x" * 65_537}, "ValidationException"),
        (
            "create_secret",
            {"Name": "a", "SecretString": "x", "ClientRequestToken": "short"},
            "ValidationException",
        ),
        (
            "create_secret",
            {"Name": "a", "SecretString": "x", "KmsKeyId": "k"},
            "InvalidParameterException",
        ),
        ("create_secret", {"SecretString": "x"}, "ValidationException"),
        (
            "put_secret_value",
            {"SecretId": "none", "SecretString": "x"},
            "ResourceNotFoundException",
        ),
        ("get_secret_value", {"SecretId": "none"}, "ResourceNotFoundException"),
        ("describe_secret", {"SecretId": "none"}, "ResourceNotFoundException"),
    ],
)
def test_what_aws_refuses_is_refused(manager, refused, action, arguments, code):
    """With AWS's code and the protocol's one status, and without repeating the value."""
    with refused(code, 400) as error:
        getattr(manager, action)(**arguments)
    assert "xxx" not in str(error.value)


def test_what_is_scheduled_for_deletion_takes_no_value(manager, refused):
    """It cannot be made again, read or written, until it is restored."""
    manager.create_secret(Name=NAME, SecretString="one")
    manager.delete_secret(SecretId=NAME)
    assert manager.describe_secret(SecretId=NAME)["DeletedDate"]
    with refused("InvalidRequestException", 400):
        manager.create_secret(Name=NAME, SecretString="two")
    with refused("InvalidRequestException", 400):
        manager.put_secret_value(SecretId=NAME, SecretString="two")
    with refused("InvalidRequestException", 400):
        manager.get_secret_value(SecretId=NAME)
    manager.restore_secret(SecretId=NAME)
    assert manager.get_secret_value(SecretId=NAME)["SecretString"] == "one"


def send(sandbox, target, body):
    """A signed call with a body that AWS's own library would not send."""
    import urllib.error
    import urllib.request

    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest("POST", sandbox.endpoint_url + "/", headers, body)
    key = Credentials(sandbox.access_key_id, sandbox.secret_access_key)
    SigV4Auth(key, "secretsmanager", "us-east-1").add_auth(request)
    prepared = request.prepare()
    sent = urllib.request.Request(
        prepared.url, prepared.body, dict(prepared.headers), method="POST"
    )
    try:
        with urllib.request.urlopen(sent) as reply:
            return "", reply.status
    except urllib.error.HTTPError as error:
        return json.loads(error.read())["__type"], error.code


@pytest.mark.parametrize(
    ("target", "body", "answer"),
    [
        ("CreateSecret", b'{"Name": "a", "SecretString": "x"}', ("InvalidRequestException", 400)),
        ("CreateSecret", b'{"Name": ["a"]}', ("SerializationException", 400)),
        ("CreateSecret", b"[]", ("SerializationException", 400)),
        ("CreateSecret", b"{" * 100_000, ("SerializationException", 400)),
        ("DescribeSecret", b'{"SecretId": ["a"]}', ("SerializationException", 400)),
        ("RotateSecret", b'{"SecretId": "a"}', ("InvalidAction", 501)),
        ("PutResourcePolicy", b'{"SecretId": "a"}', ("InvalidAction", 501)),
        ("No.Such", b"{}", ("UnknownOperationException", 400)),
        ("ListSecrets", b"", ("", 200)),
    ],
)
def test_a_raw_call_is_read_strictly(sandbox, target, body, answer):
    """No token, another type, no JSON and what the sandbox does not serve are refused."""
    assert send(sandbox, f"secretsmanager.{target}", body) == answer


def test_secrets_come_back_after_a_restart(started, state, client_of):
    """Values, versions, ARNs and dates are as they were."""
    manager = client_of(started, "secretsmanager")
    manager.create_secret(Name=NAME, SecretString="one")
    manager.put_secret_value(SecretId=NAME, SecretString="two")
    manager.create_secret(Name="gone", SecretString="x")
    manager.delete_secret(SecretId="gone", ForceDeleteWithoutRecovery=True)

    def look(client):
        found = client.list_secrets()["SecretList"], client.get_secret_value(SecretId=NAME)
        found[1].pop("ResponseMetadata")
        return found

    before = look(manager)
    stop_sandbox(state)
    assert look(client_of(start_sandbox(state), "secretsmanager")) == before


def test_the_calls_are_logged_without_their_values(sandbox, manager, refused):
    """The log names action and outcome; a value is nowhere in it."""
    manager.create_secret(Name=NAME, SecretString="precious")
    with refused("ResourceNotFoundException", 400):
        manager.get_secret_value(SecretId="none")
    calls = [call for call in sandbox.calls() if call["service"] == "secretsmanager"]
    assert [(call["action"], call["outcome"]) for call in calls] == [
        ("CreateSecret", "ok"),
        ("GetSecretValue", "ResourceNotFoundException"),
    ]
    assert "precious" not in json.dumps(calls)


def test_a_key_that_is_unknown_is_refused_in_this_services_words(sandbox, client_of, refused):
    """JSON protocols have their own codes for who cannot be told."""
    with refused("UnrecognizedClientException", 400):
        client_of(sandbox, "secretsmanager", ("AKIA" + "X" * 16, "x" * 40)).list_secrets()
    wrong = (sandbox.access_key_id, "x" * 40)
    with refused("InvalidSignatureException", 400):
        client_of(sandbox, "secretsmanager", wrong).list_secrets()


def test_secrets_are_authorized_by_their_arns(sandbox, iam, manager, client_of, refused):
    """A policy on iamkit/* lets make and write there, and neither elsewhere nor read."""
    iam.create_user(UserName="keeper")
    key = iam.create_access_key(UserName="keeper")["AccessKey"]
    statement = {
        "Effect": "Allow",
        "Action": ["secretsmanager:CreateSecret", "secretsmanager:PutSecretValue"],
        "Resource": "arn:aws:secretsmanager:*:*:secret:iamkit/*",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="keeper", PolicyName="own", PolicyDocument=document)
    manager.create_secret(Name="other", SecretString="x")
    sandbox.set_authorize(True)
    own = client_of(sandbox, "secretsmanager", (key["AccessKeyId"], key["SecretAccessKey"]))
    own.create_secret(Name=NAME, SecretString="one")
    own.put_secret_value(SecretId=NAME, SecretString="two")
    who = "User: arn:aws:iam::000000000000:user/keeper is not authorized to perform: "
    with refused("AccessDeniedException", 400) as error:
        own.create_secret(Name="elsewhere", SecretString="x")
    assert f"{who}secretsmanager:CreateSecret on resource: elsewhere because" in str(error.value)
    for call in (
        lambda: own.put_secret_value(SecretId="other", SecretString="y"),
        lambda: own.get_secret_value(SecretId=NAME),
        lambda: own.get_secret_value(SecretId="iamkit/none"),
        lambda: own.create_secret(
            Name="iamkit/tagged", SecretString="x", Tags=[{"Key": "a", "Value": "b"}]
        ),
        own.list_secrets,
    ):
        with refused("AccessDeniedException", 400):
            call()
    sandbox.set_authorize(False)
    assert manager.get_secret_value(SecretId="other")["SecretString"] == "x"


def test_one_secret_cannot_be_named_to_the_gate_and_another_to_the_service(
    sandbox, iam, manager, client_of
):
    """A Name beside the SecretId decides nothing."""
    iam.create_user(UserName="reader")
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    statement = {
        "Effect": "Allow",
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "arn:aws:secretsmanager:*:*:secret:mine-*",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="reader", PolicyName="own", PolicyDocument=document)
    for name in ("mine", "theirs"):
        manager.create_secret(Name=name, SecretString=name)
    sandbox.set_authorize(True)

    class Reader:
        endpoint_url = sandbox.endpoint_url
        access_key_id, secret_access_key = key["AccessKeyId"], key["SecretAccessKey"]

    answers = [
        send(Reader, "secretsmanager.GetSecretValue", json.dumps(body).encode())
        for body in ({"SecretId": "mine"}, {"Name": "mine", "SecretId": "theirs"})
    ]
    sandbox.set_authorize(False)
    assert answers == [("", 200), ("AccessDeniedException", 400)]
