"""AWS on loopback, for tests that sign in: a proxy that ends TLS itself and answers for every host.

``HTTPS_PROXY`` and ``AWS_CA_BUNDLE`` lead botocore to it, in this process and in others, so that
nothing of the kit or of botocore is replaced.
"""

import datetime as dt
import json
import socket
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ACCOUNT = "111122223333"
CODE = "123456"
"""The only MFA code that is taken."""
ROLE_SECRET = "rolesecretrolesecretrolesecretrolesecret"
LATER = "2999-01-01T00:00:00Z"


@dataclass
class FakeAws:
    """The running server.

    Attributes:
        url: of the proxy.
        bundle: the certificate that vouches for it.
        calls: what came, as ``host Operation``.
    """

    folder: Path
    calls: list = field(default_factory=list)

    def start(self):
        """Listen; returns itself."""
        self._key, self._ca = _authority()
        self.bundle = self.folder / "ca.pem"
        self.bundle.write_bytes(self._ca.public_bytes(serialization.Encoding.PEM))
        self._contexts, self._lock = {}, threading.Lock()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def stop(self):
        """Listen no more."""
        self._server.close()

    def operations(self, name):
        """How often an operation was called."""
        return sum(call.endswith(f" {name}") for call in self.calls)

    def _listen(self):
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        try:
            head, body = _read(connection)
            host = "container"
            if head.startswith("CONNECT "):
                host = head.split()[1].partition(":")[0]
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                connection = self._context(host).wrap_socket(connection, server_side=True)
                head, body = _read(connection)
            status, kind, text = self._answer(host, head, body)
            reply = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nConnection: close\r\n"
            connection.sendall(f"{reply}Content-Length: {len(text)}\r\n\r\n{text}".encode())
            connection.close()
        except (OSError, IndexError):  # such as a client that does not trust us
            connection.close()

    def _context(self, host):
        with self._lock:
            if host not in self._contexts:
                self._contexts[host] = _context_for(host, self._key, self._ca, self.folder)
            return self._contexts[host]

    def _answer(self, host, head, body):
        form = parse_qs(body)
        path = head.split()[1]
        operation = form.get("Action", [path.partition("?")[0]])[0]
        self.calls.append(f"{host} {operation}")
        replies = {
            "/empty": lambda: (200, "application/json", "{}"),
            "/broken": lambda: (200, "application/json", "<html>no</html>"),
            "/federation/credentials": lambda: _federation(head),
            "/v1/token": lambda: _token(body),
            "GetCallerIdentity": lambda: _caller(head),
            "AssumeRole": lambda: _assume(operation, form),
            "AssumeRoleWithWebIdentity": lambda: _assume(operation, form),
            "ListAccountAliases": lambda: _no_alias(operation),
        }
        return replies.get(operation, lambda: _denied(operation))()


def _no_alias(operation):
    inner = "<AccountAliases/><IsTruncated>false</IsTruncated>"
    return 200, "text/xml", _xml(operation, inner)


def _denied(operation):
    name = f"iam:{operation}"
    said = f"User: x is not authorized to perform: {name} on resource: * because no "
    said += f"identity-based policy allows the {name} action"
    return _refuse(403, "AccessDenied", said)


def _read(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            raise OSError("closed")
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    text = head.decode("latin-1")
    length = next(
        (
            int(line.partition(":")[2])
            for line in text.split("\r\n")
            if line.lower().startswith("content-length:")
        ),
        0,
    )
    while len(body) < length:
        body += connection.recv(65536)
    return text, body.decode()


def _xml(operation, inner):
    return (
        f"<{operation}Response><{operation}Result>{inner}</{operation}Result></{operation}Response>"
    )


def _refuse(status, code, said):
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{said}</Message></Error>"
    return status, "text/xml", f"<ErrorResponse>{error}</ErrorResponse>"


def _caller(head):
    if "Credential=ASIAEXPIRED" in head:
        said = "The security token included in the request is expired"
        return _refuse(403, "ExpiredToken", said)
    if "Credential=AKIADELETED" in head:
        said = "The security token included in the request is invalid."
        return _refuse(403, "InvalidClientTokenId", said)
    inner = f"<Arn>arn:aws:iam::{ACCOUNT}:user/alice</Arn><UserId>AIDA</UserId>"
    return 200, "text/xml", _xml("GetCallerIdentity", f"{inner}<Account>{ACCOUNT}</Account>")


def _assume(operation, form):
    role = form["RoleArn"][0]
    if "SerialNumber" in form and form["TokenCode"] != [CODE]:
        said = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
        return _refuse(403, "AccessDenied", said)
    if role.endswith("/forbidden"):
        said = f"User: arn:aws:iam::{ACCOUNT}:user/alice is not authorized to perform: "
        return _refuse(403, "AccessDenied", f"{said}sts:AssumeRole on resource: {role}")
    keys = f"<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>{ROLE_SECRET}</SecretAccessKey>"
    ends = f"{dt.datetime.now(dt.UTC) + dt.timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    keys += f"<SessionToken>roletokenroletoken</SessionToken><Expiration>{ends}</Expiration>"
    return 200, "text/xml", _xml(operation, f"<Credentials>{keys}</Credentials>")


def _federation(head):
    if "token-ended" in head:
        return (
            401,
            "application/json",
            json.dumps(
                {"__type": "UnauthorizedException", "message": "Session token not found or invalid"}
            ),
        )
    if "token-forbidden" in head:
        return (
            403,
            "application/json",
            json.dumps({"__type": "ForbiddenException", "message": "No access"}),
        )
    keys = {
        "accessKeyId": "ASIASSO",
        "secretAccessKey": ROLE_SECRET,
        "sessionToken": "ssotokenssotokenssotoken",
        "expiration": 32472144000000,
    }
    return 200, "application/json", json.dumps({"roleCredentials": keys})


def _token(body):
    if "refresh-ended" in body:
        told = {"__type": "AccessDeniedException", "error": "TOKEN_EXPIRED", "message": "ended"}
        return 400, "application/json", json.dumps(told)
    keys = {
        "accessKeyId": "ASIALOGIN",
        "secretAccessKey": ROLE_SECRET,
        "sessionToken": "tokentokentokentoken",
    }
    told = {"accessToken": keys, "tokenType": "aws_sigv4", "expiresIn": 900, "refreshToken": "r2"}
    return 200, "application/json", json.dumps(told)


def _named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(subject, public, issuer, key, extensions):
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(subject))
        .issuer_name(_named(issuer))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256())


def _authority():
    key = ec.generate_private_key(ec.SECP256R1())
    extensions = [x509.BasicConstraints(ca=True, path_length=None)]
    return key, _certificate("a test", key.public_key(), "a test", key, extensions)


def _context_for(host, ca_key, ca, folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.SubjectAlternativeName([x509.DNSName(host)])
    certificate = _certificate("host", key.public_key(), "a test", ca_key, [name])
    pem = folder / f"{host}.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
