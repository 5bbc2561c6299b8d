"""What concerns the account as a whole: its alias, its numbers, and all of it at once."""

from collections import Counter
from typing import Any, NoReturn
from urllib.parse import quote

from moto.core.responses import ActionResult, EmptyResult

from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.errors import Refused, already_exists, invalid, no_such_entity
from iamkit.sandbox.server.iam.base import IamAnswers
from iamkit.sandbox.server.iam.policies import describe_policy
from iamkit.sandbox.server.iam.rules import Parameters, rule

TAKEN_ALIASES = frozenset({"amazon", "aws", "example", "taken"})
"""Aliases of accounts elsewhere; an alias is unique in all of AWS."""
_KINDS = {
    "User": "UserDetailList",
    "Group": "GroupDetailList",
    "Role": "RoleDetailList",
    "LocalManagedPolicy": "Policies",
    "AWSManagedPolicy": "Policies",
}


@rule("CreateAccountAlias")
def an_alias_is_nobody_elses(account: Account, parameters: Parameters) -> None:
    """Unique in all of AWS, and no account number.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/console_account-alias.html
    """
    alias = parameters["AccountAlias"]
    if len(alias) == 12 and alias.isdecimal():
        raise invalid("Account alias cannot be an account number of 12 digits.")
    if alias in TAKEN_ALIASES or account.neighbours_have_alias(alias):
        raise already_exists(f"The account alias {alias} already exists.")


def summary_of(account: Account) -> dict[str, int]:
    """What the account has and may have, by AWS's names."""
    summary = dict(account.iam.account_summary.summary_map)
    summary["AccountMFAEnabled"] = int(account.root_mfa)
    summary["AccountAccessKeysPresent"] = int(bool(account.root_keys))
    summary["AccountPasswordPresent"] = 1
    summary["GlobalEndpointTokenVersion"] = account.token_version
    return summary


class AccountAnswers(IamAnswers):
    """The account."""

    def delete_account_alias(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccountAlias.html."""
        alias, aliases = self._get_param("AccountAlias"), self.account.iam.account_aliases
        if alias not in aliases:
            raise no_such_entity(f"The account alias {alias} cannot be found.")
        aliases.remove(alias)
        return EmptyResult()

    def list_delegation_requests(self) -> ActionResult:
        """Nobody asks this account for anything.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListDelegationRequests.html
        """
        return ActionResult({"DelegationRequests": [], "isTruncated": False})

    def get_outbound_web_identity_federation_info(self) -> NoReturn:
        """The feature is off until somebody turns it on, which the sandbox has no call for.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetOutboundWebIdentityFederationInfo.html
        """
        text = "Outbound web identity federation is not enabled for this account."
        raise Refused("FeatureDisabled", 404, text)

    def get_account_summary(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html."""
        return ActionResult({"SummaryMap": summary_of(self.account)})

    def set_security_token_service_preferences(self) -> ActionResult:
        """Which tokens STS's one global endpoint gives.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_SetSecurityTokenServicePreferences.html
        """
        version: str = self._get_param("GlobalEndpointTokenVersion")
        self.account.token_version = int(version.removeprefix("v").removesuffix("Token"))
        return EmptyResult()

    def list_organizations_features(self) -> ActionResult:
        """The account is in no organization.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListOrganizationsFeatures.html
        """
        text = "The request was rejected because no organization is associated with your account."
        raise Refused("OrganizationNotFoundException", 400, text)

    def get_account_authorization_details(self) -> ActionResult:
        """Only the page's own entities are described, because describing takes the time.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
        """
        page = self.page(self._chosen(self._get_param("Filter") or list(_KINDS)))
        groups: dict[str, list[str]] = {}
        for group in self.account.iam.groups.values():
            for user in group.users:
                groups.setdefault(user.name, []).append(group.name)
        page["UserDetailList"] = [
            self._describe_user(user, groups.get(user.name, [])) for user in page["UserDetailList"]
        ]
        uses = Counter(
            bound["PermissionsBoundaryArn"]
            for one in (*self.account.iam.users.values(), *self.account.iam.roles.values())
            if (bound := one.permissions_boundary)
        )
        page["Policies"] = [
            {**describe_policy(one, uses), "PolicyVersionList": one.policy_version_list}
            for one in page["Policies"]
        ]
        return ActionResult(page)

    def _chosen(self, kinds: list[str]) -> dict[str, list[Any]]:
        iam, local = self.account.iam, self.account.local_policies
        of_kind = {
            "User": iam.users.values(),
            "Group": iam.groups.values(),
            "Role": iam.roles.values(),
            "LocalManagedPolicy": local,
            "AWSManagedPolicy": self._aws_managed_in_use(),
        }
        chosen: dict[str, list[Any]] = {name: [] for name in _KINDS.values()}
        for kind, name in _KINDS.items():
            if kind in kinds:
                hidden = self.account.undescribed
                chosen[name] += [one for one in of_kind[kind] if one.arn not in hidden]
        return chosen

    def _aws_managed_in_use(self) -> list[Any]:
        """Of AWS's own policies only those in use are told."""
        iam = self.account.iam
        everyone = (*iam.users.values(), *iam.roles.values())
        bounds = {arn for one in everyone for arn in (one.permissions_boundary or {}).values()}
        return [p for p in iam.aws_managed_policies if p.attachment_count or p.arn in bounds]

    def _describe_user(self, user: Any, groups: list[str]) -> dict[str, Any]:
        return {
            "Path": user.path,
            "UserName": user.name,
            "UserId": user.id,
            "Arn": user.arn,
            "CreateDate": user.create_date,
            "UserPolicyList": [
                {"PolicyName": name, "PolicyDocument": quote(text)}
                for name, text in user.policies.items()
            ],
            "GroupList": groups,
            "AttachedManagedPolicies": user.attached_managed_policies,
            "PermissionsBoundary": user.permissions_boundary,
            "Tags": user.tags,
        }
