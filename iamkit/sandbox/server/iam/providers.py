"""Identity providers: OpenID Connect and SAML.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers.html
"""

import hashlib
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from moto.core.responses import ActionResult, EmptyResult

from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.errors import Refused, already_exists, invalid, limit_exceeded
from iamkit.sandbox.server.iam.existing import oidc_provider, saml_provider
from iamkit.sandbox.server.iam.rules import Parameters, rule
from iamkit.sandbox.server.iam.tags import TagAnswers, set_tags, tags_of

PROVIDERS = 100
CLIENTS = 100
THUMBPRINTS = 5
_METADATA = "{urn:oasis:names:tc:SAML:2.0:metadata}"
_KEY = "{http://www.w3.org/2000/09/xmldsig#}X509Certificate"
_SAML_DOCUMENTS = ("CreateSAMLProvider", "UpdateSAMLProvider")
_HEX = frozenset("0123456789abcdefABCDEF")


@rule("CreateOpenIDConnectProvider")
def a_providers_url_is_secure(_: Account, parameters: Parameters) -> None:
    """It begins with ``https://`` and names neither port nor query.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
    """
    url = urlsplit(parameters["Url"])
    if url.scheme != "https" or not url.hostname or url.query or ":" in url.netloc:
        raise invalid("Invalid Open ID Connect Provider URL")


@rule("CreateOpenIDConnectProvider", "UpdateOpenIDConnectProviderThumbprint")
def thumbprints_are_few_and_hexadecimal(_: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html."""
    prints = parameters.get("ThumbprintList", [])
    if len(prints) > THUMBPRINTS:
        raise Refused("InvalidInput", 400, "Thumbprint list must contain fewer than 5 entries.")
    if any(set(one) - _HEX for one in prints):
        raise Refused("InvalidInput", 400, "A thumbprint is 40 hexadecimal characters.")


@rule("CreateOpenIDConnectProvider")
def a_provider_is_made_once(account: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html."""
    url = urlsplit(parameters["Url"])
    providers = account.iam.open_id_providers
    if f"arn:aws:iam::{account.id}:oidc-provider/{url.netloc}{url.path}" in providers:
        raise already_exists(f"Provider with url {parameters['Url']} already exists.")
    if len(providers) >= PROVIDERS:
        raise limit_exceeded("OpenIdConnectProvidersPerAccount", PROVIDERS)


@rule("AddClientIDToOpenIDConnectProvider")
def a_provider_has_100_clients_at_most(account: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html."""
    provider = oidc_provider(account, parameters["OpenIDConnectProviderArn"])
    if len({*provider.client_id_list, parameters["ClientID"]}) > CLIENTS:
        raise limit_exceeded("ClientIdsPerOpenIdConnectProvider", CLIENTS)


@rule(*_SAML_DOCUMENTS)
def a_saml_document_can_be_read(_: Account, parameters: Parameters) -> None:
    """It is XML of SAML's metadata, with the name of who issues and a certificate.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateSAMLProvider.html
    """
    text = parameters.get("SAMLMetadataDocument")
    if text is None:
        return
    try:
        root = ET.fromstring(text) if "<!" not in text else None  # noqa: S314 - no entities
    except ET.ParseError:
        root = None
    is_metadata = root is not None and root.tag == f"{_METADATA}EntityDescriptor"
    if root is None or not (
        is_metadata and root.get("entityID") and root.find(f".//{_KEY}") is not None
    ):
        raise Refused("InvalidInput", 400, "Could not parse metadata")


class ProviderAnswers(TagAnswers):
    """Identity providers."""

    def create_open_id_connect_provider(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html."""
        tags = self.params.pop("Tags", [])
        answer: Any = super().create_open_id_connect_provider().result
        arn = answer["OpenIDConnectProviderArn"]
        set_tags(self.account, oidc_provider(self.account, arn), tags)
        return ActionResult({"OpenIDConnectProviderArn": arn, "Tags": tags or None})

    def get_open_id_connect_provider(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetOpenIDConnectProvider.html."""
        one = self._oidc
        shown = {
            "Url": one.url,
            "ClientIDList": one.client_id_list,
            "ThumbprintList": one.thumbprint_list,
            "CreateDate": one.create_date,
            "Tags": tags_of(self.account, one) or None,
        }
        return ActionResult(shown)

    def add_client_id_to_open_id_connect_provider(self) -> ActionResult:
        """One that is there already is no error.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddClientIDToOpenIDConnectProvider.html
        """
        clients = self._oidc.client_id_list
        if self._get_param("ClientID") not in clients:
            clients.append(self._get_param("ClientID"))
        return EmptyResult()

    def remove_client_id_from_open_id_connect_provider(self) -> ActionResult:
        """One that is not there is no error.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveClientIDFromOpenIDConnectProvider.html
        """
        one = self._oidc
        one.client_id_list = [c for c in one.client_id_list if c != self._get_param("ClientID")]
        return EmptyResult()

    def create_saml_provider(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateSAMLProvider.html."""
        answer: Any = super().create_saml_provider().result
        arn, tags = answer["SAMLProviderArn"], self._get_param("Tags", [])
        set_tags(self.account, saml_provider(self.account, arn), tags)
        return ActionResult({"SAMLProviderArn": arn, "Tags": tags or None})

    def get_saml_provider(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetSAMLProvider.html."""
        one = saml_provider(self.account, self._get_param("SAMLProviderArn"))
        shown = {
            "SAMLProviderUUID": hashlib.sha256(one.arn.encode()).hexdigest()[:32].upper(),
            "SAMLMetadataDocument": one.saml_metadata_document,
            "CreateDate": one.create_date,
            "ValidUntil": one.valid_until,
            "Tags": tags_of(self.account, one) or None,
        }
        return ActionResult(shown)

    @property
    def _oidc(self) -> Any:
        return oidc_provider(self.account, self._get_param("OpenIDConnectProviderArn"))
