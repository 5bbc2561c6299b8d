"""SSH keys, signing certificates and server certificates: their bodies are read, and have ids.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_server-certs.html
"""

import hashlib
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from moto.core.responses import ActionResult, EmptyResult

from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.errors import Refused, limit_exceeded, no_such_entity
from iamkit.sandbox.server.iam.existing import server_certificate
from iamkit.sandbox.server.iam.rules import Parameters, rule
from iamkit.sandbox.server.iam.tags import TagAnswers, set_tags, tags_of
from iamkit.sandbox.server.moto_patches import clock, ids

SSH_KEYS_PER_USER = 5


@rule("UploadSSHPublicKey")
def a_public_key_can_be_read(_: Account, parameters: Parameters) -> None:
    """It is RSA, of 2,048 bits or more.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_UploadSSHPublicKey.html
    """
    key = _public_key(parameters["SSHPublicKeyBody"])
    if not isinstance(key, RSAPublicKey) or key.key_size < 2_048:
        raise Refused("InvalidPublicKey", 400, "The public key is malformed or otherwise invalid.")


@rule("UploadSSHPublicKey")
def a_user_has_five_ssh_keys_each_once(account: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html."""
    keys, body = (
        account.user(parameters["UserName"]).ssh_public_keys,
        parameters["SSHPublicKeyBody"],
    )
    if _fingerprint(body) in [_fingerprint(key.ssh_public_key_body) for key in keys]:
        text = "The SSH public key is already associated with the specified IAM user."
        raise Refused("DuplicateSSHPublicKey", 400, text)
    if len(keys) >= SSH_KEYS_PER_USER:
        raise limit_exceeded("SSHPublicKeysPerUser", SSH_KEYS_PER_USER)


@rule("GetSSHPublicKey", "UpdateSSHPublicKey", "DeleteSSHPublicKey")
def the_ssh_key_is_the_users(account: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetSSHPublicKey.html."""
    number = parameters["SSHPublicKeyId"]
    keys = account.user(parameters["UserName"]).ssh_public_keys if "UserName" in parameters else []
    if number not in [key.ssh_public_key_id for key in keys]:
        raise no_such_entity(f"The Public Key with id {number} cannot be found.")


@rule("UploadSigningCertificate", "UploadServerCertificate")
def a_certificate_can_be_read(_: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_UploadServerCertificate.html."""
    _certificate(parameters["CertificateBody"])
    if chain := parameters.get("CertificateChain"):
        _certificate(chain)


@rule("UploadServerCertificate")
def a_certificate_and_its_key_are_a_pair(_: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_UploadServerCertificate.html."""
    certificate = _certificate(parameters["CertificateBody"])
    try:
        key = serialization.load_pem_private_key(parameters["PrivateKey"].encode(), None)
    except (ValueError, TypeError):
        raise Refused(
            "MalformedCertificate", 400, "Unable to parse key; see documentation."
        ) from None
    if key.public_key() != certificate.public_key():
        text = "The public key certificate and the private key do not match."
        raise Refused("KeyPairMismatch", 400, text)


@rule("UploadSigningCertificate")
def a_signing_certificate_is_given_once(account: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_UploadSigningCertificate.html."""
    body = parameters["CertificateBody"].strip()
    for user in account.iam.users.values():
        if body in [one.body.strip() for one in user.signing_certificates.values()]:
            raise Refused("DuplicateCertificate", 409, "The certificate is already there.")


@rule("UpdateSigningCertificate", "DeleteSigningCertificate")
def the_signing_certificate_is_the_users(account: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateSigningCertificate.html."""
    number = parameters["CertificateId"]
    user = account.user(parameters["UserName"]) if "UserName" in parameters else None
    if user is None or number not in user.signing_certificates:
        raise no_such_entity(f"The Certificate with id {number} cannot be found.")


class CertificateAnswers(TagAnswers):
    """SSH keys and certificates."""

    def upload_ssh_public_key(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_UploadSSHPublicKey.html."""
        super().upload_ssh_public_key()
        key = self.user.ssh_public_keys[-1]
        key.fingerprint = _fingerprint(key.ssh_public_key_body)
        if ids.like_aws:
            key.ssh_public_key_id += key.fingerprint[-1].upper()
        return ActionResult({"SSHPublicKey": key})

    def get_ssh_public_key(self) -> ActionResult:
        """In the encoding that is asked for.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetSSHPublicKey.html
        """
        wanted, number = self._get_param("Encoding"), self._get_param("SSHPublicKeyId")
        key = next(k for k in self.user.ssh_public_keys if k.ssh_public_key_id == number)
        shown = {
            "UserName": key.user_name,
            "SSHPublicKeyId": number,
            "Fingerprint": key.fingerprint,
            "SSHPublicKeyBody": _encoded(key.ssh_public_key_body, wanted),
            "Status": key.status,
            "UploadDate": key.upload_date,
        }
        return ActionResult({"SSHPublicKey": shown})

    def upload_signing_certificate(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_UploadSigningCertificate.html."""
        answer: Any = super().upload_signing_certificate()
        certificate = answer.result["Certificate"]
        if ids.like_aws:
            of_user = self.user.signing_certificates
            del of_user[certificate.id]
            certificate.id = certificate.id.upper()
            of_user[certificate.id] = certificate
        return ActionResult({"Certificate": certificate})

    def upload_server_certificate(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_UploadServerCertificate.html."""
        super().upload_server_certificate()
        number, one = list(self.account.iam.certificates.items())[-1]
        tags = self._get_param("Tags", [])
        one.id, one.upload_date = ids.of("ASCA", number), clock.now()
        set_tags(self.account, one, tags)
        return ActionResult({"ServerCertificateMetadata": _metadata(one), "Tags": tags or None})

    def list_server_certificates(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListServerCertificates.html."""
        prefix = self._get_param("PathPrefix", "/")
        found = [c for c in self.account.iam.certificates.values() if c.path.startswith(prefix)]
        return ActionResult({"ServerCertificateMetadataList": [_metadata(c) for c in found]})

    def get_server_certificate(self) -> ActionResult:
        """Never with its private key.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetServerCertificate.html
        """
        one = self._server_certificate
        shown = {
            "ServerCertificateMetadata": _metadata(one),
            "CertificateBody": one.cert_body,
            "CertificateChain": one.cert_chain,
            "Tags": tags_of(self.account, one) or None,
        }
        return ActionResult({"ServerCertificate": shown})

    def update_server_certificate(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateServerCertificate.html."""
        one = self._server_certificate
        one.cert_name = self._get_param("NewServerCertificateName", one.cert_name)
        one.path = self._get_param("NewPath", one.path)
        return EmptyResult()

    def delete_server_certificate(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteServerCertificate.html."""
        certificates, gone = self.account.iam.certificates, self._server_certificate
        for number in [n for n, one in certificates.items() if one is gone]:
            del certificates[number]
        return EmptyResult()

    @property
    def _server_certificate(self) -> Any:
        return server_certificate(self.account, self._get_param("ServerCertificateName"))


def _metadata(one: Any) -> dict[str, Any]:
    return {
        "Path": one.path,
        "ServerCertificateName": one.cert_name,
        "ServerCertificateId": one.id,
        "Arn": one.arn,
        "UploadDate": one.upload_date,
        "Expiration": _expiration(one.cert_body),
    }


def _expiration(body: str) -> datetime | None:
    """Until when a certificate is valid; None for one that was taken when bodies were not read."""
    try:
        return _certificate(body).not_valid_after_utc.replace(tzinfo=None)
    except Refused:
        return None


def _certificate(body: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(body.strip().encode())
    except ValueError:
        text = "Unable to parse certificate. Please ensure the certificate is in PEM format."
        raise Refused("MalformedCertificate", 400, text) from None


def _public_key(body: str) -> Any:
    text = body.strip().encode()
    try:
        if body.strip().startswith("-----"):
            return serialization.load_pem_public_key(text)
        return serialization.load_ssh_public_key(text)
    except (ValueError, UnsupportedAlgorithm):
        return None


def _fingerprint(body: str) -> str:
    """MD5 over the key in DER, as AWS shows it: pairs of digits with colons."""
    key = _public_key(body)
    if key is None:
        return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    digest = hashlib.md5(der, usedforsecurity=False).hexdigest()
    return ":".join(digest[n : n + 2] for n in range(0, len(digest), 2))


def _encoded(body: str, encoding: str) -> str:
    key = _public_key(body)
    if key is None:
        return body
    if encoding == "SSH":
        form = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    else:
        form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return str(key.public_bytes(*form).decode())
