"""The guard: a wrong target really listens, on loopback, and receives nothing."""

import socket
import threading

import pytest
from accounts import READ

from iamkit.account.state import AccountState, CallerIdentity, sign_in_url
from iamkit.aws.apply import apply_plan
from iamkit.aws.clients import check_host
from iamkit.aws.session import check_account, open_session, refuse_endpoint_overrides
from iamkit.credentials.welcome import Delivery, Welcome, welcome_page
from iamkit.errors import GuardError, SandboxError
from iamkit.parameters.models import AdminGroupParameters, AuditUsersParameters, DevGroupParameters
from iamkit.plan.changes import make_plan
from iamkit.plan.consequences import say_meaning
from iamkit.plan.desired import Desired
from iamkit.policies import allow, policy


@pytest.fixture
def listener():
    """A server that answers nobody and counts who came; its URL and the list of connections."""
    server = socket.create_server(("127.0.0.1", 0))
    came = []

    def listen():
        while True:
            try:
                connection, address = server.accept()
            except OSError:
                return
            came.append(address)
            connection.close()

    threading.Thread(target=listen, daemon=True).start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}", came
    server.close()


def in_aws(**values):
    return AuditUsersParameters(environment="aws", account_id="111122223333", **values)


@pytest.mark.parametrize(
    "name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_IAM", "AWS_ENDPOINT_URL_STS"]
)
def test_a_left_over_endpoint_variable_is_refused_on_aws(listener, monkeypatch, name):
    """On aws an endpoint in the environment is an error, and nothing is sent to it."""
    url, came = listener
    monkeypatch.setenv(name, url)
    with pytest.raises(GuardError, match=f"{name} is set"):
        open_session(in_aws())
    assert came == []


@pytest.mark.parametrize(
    "setting",
    ["endpoint_url = {url}", "services = mine\n[services mine]\niam =\n  endpoint_url = {url}"],
)
def test_an_endpoint_in_a_profile_is_refused_on_aws(listener, monkeypatch, tmp_path, setting):
    """On aws an endpoint in the profile is an error, and nothing is sent to it."""
    url, came = listener
    config = tmp_path / "config"
    config.write_text("[profile team]\nregion = us-east-1\n" + setting.format(url=url) + "\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with pytest.raises(GuardError, match="in the profile"):
        open_session(in_aws(profile="team"))
    assert came == []


def test_a_missing_profile_is_said(monkeypatch, tmp_path):
    """A profile that is not there is named, and no other credentials are taken instead."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(GuardError, match="no AWS profile 'team'"):
        open_session(in_aws(profile="team"))


def test_the_sandbox_ignores_every_endpoint_variable(listener, sandbox, guide, monkeypatch):
    """In the sandbox, endpoints in the environment lead no call astray."""
    url, came = listener
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_IAM", "AWS_ENDPOINT_URL_STS"):
        monkeypatch.setenv(name, url)
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    session = open_session(guide("02_admin_group"))
    session.iam.create_group(GroupName="here")
    assert session.identity.is_root
    assert came == []


def test_the_sandbox_ignores_keys_and_profiles(sandbox, guide, monkeypatch):
    """In the sandbox, keys in the environment and a profile that is not there mean nothing."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "not-a-token")
    monkeypatch.setenv("AWS_PROFILE", "not-there")
    assert open_session(guide("02_admin_group")).identity.account_id == "000000000000"


def test_a_proxy_captures_no_call_to_the_sandbox(listener, sandbox, guide, monkeypatch):
    """HTTP_PROXY, which captures even loopback calls, is not asked."""
    url, came = listener
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    open_session(guide("02_admin_group")).iam.list_users()
    assert came == []


def test_the_wrong_account_is_refused(sandbox, guide):
    """The credentials must belong to the account that the parameters name."""
    with pytest.raises(GuardError, match=r"of account 000000000000.*111122223333"):
        open_session(guide("02_admin_group", account_id="111122223333"))


def test_the_identity_must_be_of_the_account():
    """The guard compares the identity with the account, and says both."""
    identity = CallerIdentity(
        account_id="444455556666", arn="arn:aws:iam::444455556666:root", user_id="444455556666"
    )
    check_account(identity, "444455556666")
    with pytest.raises(GuardError, match=r"444455556666.*111122223333"):
        check_account(identity, "111122223333")


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://iam.amazonaws.com.example.org/", None),
        ("http://iam.amazonaws.com/", None),
        ("https://127.0.0.1:5000/", None),
        ("http://127.0.0.1:5001/", "http://127.0.0.1:5000"),
        ("https://iam.amazonaws.com/", "http://127.0.0.1:5000"),
    ],
)
def test_a_request_to_another_host_is_not_sent(url, endpoint):
    """Each request's host must be AWS's over TLS, or exactly the sandbox's."""
    with pytest.raises(GuardError, match="not sent"):
        check_host(url, endpoint)


HOSTS = {
    "aws": "iam.amazonaws.com iam.global.api.aws sts-fips.us-east-1.amazonaws.com",
    "aws-us-gov": "iam.us-gov.amazonaws.com sts.us-gov-west-1.api.aws",
    "aws-cn": "iam.cn-north-1.amazonaws.com.cn sts.cn-north-1.api.amazonwebservices.com.cn",
    "aws-eusc": "iam.eusc-de-east-1.amazonaws.eu iam.global.api.amazonwebservices.eu",
    "aws-iso": "iam.us-iso-east-1.c2s.ic.gov sts.us-iso-east-1.api.aws.ic.gov",
    "aws-iso-b": "iam.us-isob-east-1.sc2s.sgov.gov sts.us-isob-east-1.api.aws.scloud",
    "aws-iso-e": "sts.eu-isoe-west-1.cloud.adc-e.uk sts.eu-isoe-west-1.api.cloud-aws.adc-e.uk",
    "aws-iso-f": "iam.us-isof-south-1.csp.hci.ic.gov sts.us-isof-south-1.api.aws.hci.ic.gov",
}
SHARED = {"aws", "aws-us-gov"}
"""Two partitions whose hosts end alike."""


@pytest.mark.parametrize(
    ("partition", "host"), [(p, h) for p, hosts in HOSTS.items() for h in hosts.split()]
)
def test_the_hosts_of_every_partition_are_accepted_and_only_there(partition, host):
    """All partitions of AWS are AWS, over TLS; a session of one goes to none of another."""
    check_host(f"https://{host}/", None)
    check_host(f"https://{host}/", None, partition)
    for url in (f"http://{host}/", f"https://{host}.example.org/", f"https://{host}@example.org/"):
        with pytest.raises(GuardError, match="not sent"):
            check_host(url, None, partition)
    for other in set(HOSTS) - {partition} - (SHARED if partition in SHARED else set()):
        with pytest.raises(GuardError, match="not sent"):
            check_host(f"https://{host}/", None, other)


def test_every_partition_that_botocore_knows_is_in_the_table():
    """A partition that is new in botocore wants its hosts, and a sign-in address or none, above."""
    import botocore.session

    known = botocore.session.Session().get_data("partitions")["partitions"]
    assert {one["id"] for one in known} == set(HOSTS)


@pytest.mark.parametrize("partition", HOSTS)
def test_a_sign_in_address_is_documented_or_there_is_none(partition):
    """Nobody is sent to an address that AWS does not document; nothing fails for want of one."""
    documented = {"aws", "aws-cn", "aws-us-gov"}
    state = AccountState(
        account_id="111122223333", partition=partition, alias="old-team", sources=READ
    )
    assert (state.sign_in_url is not None) == (partition in documented)
    *_, said = say_meaning(state, make_plan(state, Desired(alias="x-team")))
    assert "x-team" in said
    assert "old-team" in said
    assert "None" not in said
    page = welcome_page(
        Welcome(
            user="bob",
            account_id="111122223333",
            alias=None,
            sign_in_url=sign_in_url("x-team", partition),
            deliveries=[Delivery.of("console password", "bob.csv")],
        )
    )
    assert "None" not in page


def test_the_hook_stops_a_request_that_was_bent_on_the_way(session, listener):
    """A request whose URL was changed after its client was made is stopped before it leaves."""
    url, came = listener

    def bend(request, **_):
        request.url = url

    session.iam.meta.events.register_first("before-send", bend)
    with pytest.raises(GuardError, match="not sent"):
        session.iam.list_users()
    assert came == []


def test_another_server_on_the_sandboxs_port_is_not_trusted(listener, tmp_path, monkeypatch, guide):
    """A server that cannot prove to be our sandbox gets no credentials."""
    import json

    url, _ = listener
    home = tmp_path / "home"
    (home / "sandbox").mkdir(parents=True, mode=0o700)
    home.chmod(0o700)
    monkeypatch.setenv("IAMKIT_HOME", str(home))
    from iamkit.sandbox import find_sandbox, start_sandbox, stop_sandbox

    running = start_sandbox(home / "sandbox")
    state = home / "sandbox" / "server.json"
    facts = json.loads(state.read_text())
    stop_sandbox(home / "sandbox")
    state.write_text(json.dumps(facts | {"endpoint_url": url}))
    state.chmod(0o600)
    assert running.endpoint_url != url
    try:
        found = find_sandbox(home / "sandbox")
    except SandboxError:
        found = None
    assert found is None


def test_overrides_are_fine_when_there_are_none():
    """A plain profile passes."""
    refuse_endpoint_overrides({"AWS_REGION": "us-east-1"}, {"region": "us-east-1"})


ROOT = CallerIdentity(
    account_id="111122223333", arn="arn:aws:iam::111122223333:root", user_id="111122223333"
)


ADMINS = {"admin_user": "alice", "admin_group": "Admins", "admin_policy_name": "all"}
ADMINS |= {"admin_policy": policy(allow("*"))}
DEV = {"dev_group": "dev", "dev_policy_name": "look", "dev_policy": policy(allow("ec2:Describe*"))}


@pytest.mark.parametrize(
    ("model", "facts", "refused"),
    [
        (AdminGroupParameters, ADMINS, False),
        (DevGroupParameters, DEV, True),
        (DevGroupParameters, DEV | {"allow_root": True}, False),
        (DevGroupParameters, DEV | {"run_as": "alice", "allow_root": True}, True),
    ],
)
def test_root_is_for_the_first_admin_alone(monkeypatch, tmp_path, model, facts, refused):
    """48: on a live account root is said aloud, and refused but for 02_admin_group."""
    monkeypatch.setenv("IAMKIT_HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    monkeypatch.setattr("iamkit.aws.session._caller_identity", lambda *_, **__: ROOT)
    monkeypatch.setattr("iamkit.aws.session._account_alias", lambda _: "team")
    session = open_session(model(environment="aws", account_id="111122223333", **facts))
    assert any("root credentials" in warning for warning in session.warnings)
    assert (session.refusal is not None) == refused
    desired = Desired(alias="x-team")
    plan = make_plan(AccountState(account_id="111122223333", sources=READ), desired)
    if refused:
        with pytest.raises(GuardError, match="Not applied"):
            apply_plan(plan, session)
