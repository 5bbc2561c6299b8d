"""An account in this process, of which the cases of AWS's answers are asked."""

import datetime as dt
import json
import re
from functools import cache
from xml.etree import ElementTree as ET

import boto3
import jmespath
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from moto.core.utils import camelcase_to_underscores, get_service_model

from iamkit.sandbox.environment import redirect_sign_in
from iamkit.sandbox.journal import NAME
from iamkit.sandbox.server.call import root_of
from iamkit.sandbox.server.gateway import Gateway
from iamkit.sandbox.server.http_message import Request
from iamkit.sandbox.server.iam.service import SandboxIam
from iamkit.sandbox.server.moto_patches import ACCOUNT_ID
from iamkit.sandbox.server.one_time_passwords import STEP, totp
from iamkit.sandbox.server.persistent_accounts import PersistentAccounts, bring_back
from iamkit.sandbox.server.sts import SandboxSts

HOST = "127.0.0.1:1"
PLACE = re.compile(r"<([^<>]+)>")


class Practice:
    """An account in this process, asked through the gateway with signed requests.

    Args:
        folder: where its journals are kept.
    """

    def __init__(self, folder):
        self._folder = folder
        self._number = 0
        self._clients = {}

    def begin(self):
        """A new, empty account."""
        self._number += 1
        self._state = self._folder / str(self._number)
        self._state.mkdir(mode=0o700)
        self.life = PersistentAccounts(self._state, 1)
        self._gateway = Gateway(HOST, "token", self.life, lambda: None)
        self._root = self.life.root_key["access_key_id"], self.life.root_key["secret_access_key"]
        self._keys = {}
        self._replies = []
        self.faults = []

    def repeat(self):
        """Bring the account back from its journal, which raises if anything comes out otherwise."""
        journal = self.life._journal
        bring_back(self._state / NAME, journal.header, journal.count, lambda *_: None)

    def call(self, step):
        """One call: ``{Operation: {arguments}, by: caller}``; its reply."""
        name, arguments = next((k, v) for k, v in step.items() if k not in ("by", "token"))
        service, _, operation = name.rpartition(".")
        arguments = self.placed(arguments or {})
        if service == "command":
            done = self.life.command(operation, arguments)
            self._replies.append(done)
            return done
        client = self._client(service or "iam", step.get("by"))
        reply = client._make_api_call(operation, arguments)
        if service not in ("secretsmanager", "signin"):
            model = client.meta.service_model.operation_model(operation)
            self.faults += _member_faults(model, self._body)
        self._replies.append(reply)
        if "AccessKey" in reply:
            key = reply["AccessKey"]
            self._keys[key.get("UserName")] = key["AccessKeyId"], key["SecretAccessKey"]
        if found := reply.get("Credentials"):
            key = found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]
            self._keys["session"] = key
        if found := reply.get("tokenOutput", {}).get("accessToken"):
            key = found["accessKeyId"], found["secretAccessKey"], found["sessionToken"]
            self._keys["session"] = key
        return reply

    def answer(self, step, case):
        """What came of the call that a case is about, as far as the case speaks of it."""
        try:
            reply = self.call(step)
        except ClientError as error:
            said = error.response["Error"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            found = {"refused": f"{said['Code']} {status}"}
            if "says" in case or "refused" not in case:
                found["says"] = _matched(said.get("Message", ""), self.placed(case.get("says")))
            return found
        places = case.get("reply", {})
        return {place: _found(place, reply, self.placed(v)) for place, v in places.items()}

    def headers(self, step):
        """The headers of what comes of a call, refused or not."""
        try:
            reply = self.call(step)
        except ClientError as error:
            reply = error.response
        return reply["ResponseMetadata"]["HTTPHeaders"]

    def wanted(self, case):
        """What AWS is to answer."""
        if "refused" in case:
            return {key: self.placed(case[key]) for key in ("refused", "says") if key in case}
        return self.placed(case.get("reply", {}))

    def caller(self):
        """The account's root, who makes calls when nobody else is named."""
        return root_of(ACCOUNT_ID)

    def _client(self, service, who):
        if service not in self._clients:
            client = boto3.client(
                service,
                endpoint_url=f"http://{HOST}",
                region_name="us-east-1",
                aws_access_key_id="none",
                aws_secret_access_key="none",
                config=Config(
                    parameter_validation=False, proxies={}, retries={"total_max_attempts": 1}
                ),
            )
            client.meta.events.register("before-send", self._send)
            redirect_sign_in(client, f"http://{HOST}")
            self._clients[service] = client
        client = self._clients[service]
        credentials = Credentials(*self._keys[who] if who else self._root)
        client._request_signer._credentials = credentials
        return client

    def _send(self, request, **_):
        """The gateway's reply in place of a connection's."""
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        body = request.body or b""
        reply = self._gateway(
            Request(
                request.method,
                request.url.removeprefix(f"http://{HOST}"),
                {**headers, "host": HOST},
                body.encode() if isinstance(body, str) else body,
            )
        )
        self._body = reply.body
        answer = AWSResponse(request.url, reply.status, _Headers(reply.headers), None)
        answer._content = reply.body
        return answer

    def placed(self, value):
        """A value with what is named in angle brackets put in its place."""
        if isinstance(value, dict):
            return {key: self.placed(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.placed(inner) for inner in value]
        return PLACE.sub(self._place, value) if isinstance(value, str) else value

    def _place(self, found):
        """``<name>``: one of the things below, or the latest member of that name in a reply."""
        name, _, argument = found[1].partition(" ")
        if name in _MADE:
            return _MADE[name](argument)
        if name == "code":
            return self._code(int(argument))
        replies = self._replies if name == "first" else reversed(self._replies)
        for reply in replies:
            if (member := _member(reply, argument or name)) is not None:
                return str(member)
        return found[0]

    def _code(self, steps):
        device = list(self.life.account.iam.virtual_mfa_devices.values())[-1]
        now = dt.datetime.now(dt.UTC).timestamp()
        return totp(device.base32_string_seed, int(now) // STEP + steps)


def served():
    """The names of the operations of IAM and STS that the sandbox serves."""
    found = set()
    for service, answers in (("iam", SandboxIam), ("sts", SandboxSts)):
        for operation in get_service_model(service).operation_names:
            method = getattr(answers, camelcase_to_underscores(operation), None)
            if method is not None and method is not SandboxSts._not_here:
                found.add(operation)
    return found


class _Headers(dict):
    """Headers, as botocore reads them: without regard to case."""

    def __init__(self, headers):
        super().__init__({name.lower(): value for name, value in headers.items()})

    def get(self, name, default=None):
        return super().get(name.lower(), default)


def _member_faults(model, body):
    """What is too much in a reply, by the API's model, and what is missing of what it requires."""
    shape = model.output_shape
    if shape is None:
        return []
    root = ET.fromstring(re.sub(rb' xmlns="[^"]*"', b"", body))
    result = root.find(shape.serialization["resultWrapper"])
    return list(_faults(shape, result, model.name))


def _faults(shape, element, path):
    if shape.type_name == "structure":
        members = {m.serialization.get("name", n): m for n, m in shape.members.items()}
        found = {child.tag: child for child in element}
        yield from (f"{path}.{name} is no member" for name in found.keys() - members.keys())
        required = {shape.members[n].serialization.get("name", n) for n in shape.required_members}
        yield from (f"{path}.{name} is missing" for name in required - found.keys())
        for name in found.keys() & members.keys():
            yield from _faults(members[name], found[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for child in element:
            yield from _faults(shape.member, child, f"{path}[]")


def _text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def _matched(text, wanted):
    """A text; the pattern that was wanted, if it matches. Patterns begin with ``~``."""
    is_pattern = isinstance(wanted, str) and wanted.startswith("~")
    return wanted if is_pattern and re.fullmatch(wanted[1:], text, re.DOTALL) else text


def _found(place, reply, wanted):
    found = jmespath.search(place, reply)
    if isinstance(found, dt.datetime):
        found = found.isoformat()
    if isinstance(found, bytes):
        found = found.decode()
    return _matched(found, wanted) if isinstance(found, str) else found


def _member(value, name):
    """The first member of a name, anywhere in a reply."""
    if isinstance(value, dict):
        if name in value:
            return value[name]
        value = list(value.values())
    if isinstance(value, list):
        return next((m for inner in value if (m := _member(inner, name)) is not None), None)
    return None


def _document(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _allow(actions):
    names = actions.split() or ["s3:ListBucket"]
    return _document({"Effect": "Allow", "Action": names, "Resource": "*"})


def _long(argument):
    """A policy of so many characters, or a trust policy with ``trust`` before the number."""
    kind, _, size = argument.rpartition(" ")
    if kind == "trust":
        condition = {"StringEquals": {"aws:PrincipalOrgID": "x" * int(size)}}
        who = {"Principal": {"AWS": "*"}, "Action": "sts:AssumeRole", "Condition": condition}
        return _document({"Effect": "Allow", **who})
    resource = "arn:aws:s3:::" + "x" * int(size)
    return _document({"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource})


def _trust(principal):
    name = principal or "root"
    who = {"Service": name} if "amazonaws" in name else {"AWS": f"arn:aws:iam::{'0' * 12}:{name}"}
    return _document({"Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole"})


@cache
def _key(_):
    return rsa.generate_private_key(65_537, 2_048)


@cache
def _certificate(number):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example.com")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    return (
        x509.CertificateBuilder(name, name, _key(0).public_key(), 1 + int(number or 0))
        .not_valid_before(start)
        .not_valid_after(start.replace(year=2036))
        .sign(_key(0), hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
        .decode()
    )


def _private(number):
    return (
        _key(int(number or 0))
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        .decode()
    )


def _ssh(kind):
    form = serialization.PublicFormat
    if kind == "pem":
        one = _key(0).public_key()
        return one.public_bytes(serialization.Encoding.PEM, form.SubjectPublicKeyInfo).decode()
    public = (
        _key(int(kind or 0)).public_key().public_bytes(serialization.Encoding.OpenSSH, form.OpenSSH)
    )
    return public.decode()


SAML = (
    '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity}">'
    '<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
    '<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>'
    "<X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
    '<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" '
    'Location="https://idp.example.com/{filler}"/></IDPSSODescriptor></EntityDescriptor>'
)


def saml_metadata(_=None):
    """What describes an identity provider, as AWS takes it."""
    body = "".join(_certificate("").splitlines()[1:-1])
    return SAML.format(entity="https://idp.example.com", certificate=body, filler="a" * 300)


def _times(argument):
    text, _, count = argument.rpartition(" ")
    return text * int(count)


_MADE = {
    "allow": _allow,
    "long": _long,
    "trust": _trust,
    "times": _times,
    "certificate": _certificate,
    "private-key": _private,
    "ssh-key": _ssh,
    "saml": saml_metadata,
    "statement": lambda text: _document(json.loads(text.replace("'", '"'))),
}
"""What a case can name in angle brackets, with what follows the name."""
