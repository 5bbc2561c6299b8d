"""What the sandbox's own tests share: clients of AWS's own library, and expected refusals."""

import json
import shutil
import tempfile
from contextlib import contextmanager, nullcontext
from importlib.metadata import version
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from forked_sandboxes import forking_interpreter, starting_by

from iamkit.sandbox import start_sandbox, stop_sandbox


@pytest.fixture(scope="session")
def interpreter():
    """A program by which sandboxes start in some hundredths of a second."""
    with (
        tempfile.TemporaryDirectory(prefix="fork-") as folder,
        forking_interpreter(Path(folder)) as interpreter,
    ):
        yield interpreter


@pytest.fixture(autouse=True)
def quick_starts(request, interpreter):
    """Sandboxes start by a fork, but where a test is marked ``real_start``."""
    with (
        nullcontext() if request.node.get_closest_marker("real_start") else starting_by(interpreter)
    ):
        yield


@pytest.fixture
def sandbox(sandbox):
    """A new, empty account under a clear sky, with pages as long as AWS's."""
    sandbox.set_weather("calm")
    sandbox.set_page_size(1_000)
    return sandbox


@pytest.fixture
def state(tmp_path):
    """A state folder of the test's own; the sandbox in it ends with the test."""
    folder = tmp_path / "state"
    yield folder
    stop_sandbox(folder)


@pytest.fixture
def started(state):
    """A sandbox of the test's own, which it may stop, kill and start again."""
    return start_sandbox(state)


class Journals:
    """Journals that were written by earlier versions, and what their accounts had in them."""

    folder = Path(__file__).parent / "journals"

    def put(self, name, state):
        """Lay a journal into a state folder, as if this moto had written it."""
        state.mkdir(mode=0o700)
        path = state / "account.jsonl"
        shutil.copyfile(self.folder / f"{name}.jsonl", path)
        path.chmod(0o600)
        head, rest = path.read_text().split("\n", 1)
        header = json.loads(head)
        header["versions"]["moto"] = version("moto")
        path.write_text(json.dumps(header) + "\n" + rest)

    def expected(self, name):
        """What was in the account."""
        return json.loads((self.folder / f"{name}.json").read_text())


@pytest.fixture
def journals():
    """Journals of earlier versions."""
    return Journals()


@pytest.fixture
def client_of():
    """Clients of a service for a sandbox and a key, which check and retry nothing themselves."""

    def client(sandbox, service="iam", key=None):
        key_id, secret = key or (sandbox.access_key_id, sandbox.secret_access_key)
        return boto3.client(
            service,
            endpoint_url=sandbox.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            config=Config(
                parameter_validation=False, proxies={}, retries={"total_max_attempts": 1}
            ),
        )

    return client


@pytest.fixture
def iam(sandbox, client_of):
    """IAM of a new, empty account, as its root."""
    return client_of(sandbox)


@pytest.fixture
def refused():
    """Expect AWS's refusal with a code and an HTTP status."""

    @contextmanager
    def expect(code, status):
        with pytest.raises(ClientError) as error:
            yield error
        reply = error.value.response
        found = reply["Error"]["Code"], reply["ResponseMetadata"]["HTTPStatusCode"]
        assert found == (code, status), reply["Error"]

    return expect


@pytest.fixture
def allow():
    """The text of a policy that allows an action."""

    def policy(action="s3:ListBucket"):
        statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    return policy


@pytest.fixture
def sized(allow):
    """The text of a policy of so many characters without white space."""

    def policy(size):
        bare = len(allow("s3:").replace(" ", ""))
        return allow("s3:" + "a" * (size - bare))

    return policy


@pytest.fixture
def trust():
    """The text of a trust policy that trusts the whole account."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
        "Action": "sts:AssumeRole",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
