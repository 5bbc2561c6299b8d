"""Users and groups: what moto forgets when they are made, renamed, tagged and deleted."""

from moto.core.responses import ActionResult, EmptyResult

from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.errors import limit_exceeded
from iamkit.sandbox.server.iam.base import IamAnswers
from iamkit.sandbox.server.iam.rules import Parameters, rule


@rule("CreateUser", "PutUserPermissionsBoundary", "CreateRole", "PutRolePermissionsBoundary")
def a_boundary_is_a_policy(account: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPermissionsBoundary.html."""
    if arn := parameters.get("PermissionsBoundary"):
        account.policy(arn)


@rule("AddUserToGroup")
def a_user_is_in_10_groups_at_most(account: Account, parameters: Parameters) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html."""
    group, user = account.group(parameters["GroupName"]), account.user(parameters["UserName"])
    if user not in group.users and len(account.groups_of(user)) >= 10:
        raise limit_exceeded("GroupsPerUser", 10)


class UserAnswers(IamAnswers):
    """Users and groups."""

    def create_user(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html."""
        answer: ActionResult = super().create_user()
        self.user.permissions_boundary = boundary(self._get_param("PermissionsBoundary"))
        return answer

    def get_user(self) -> ActionResult:
        """Root's own "user" has the account's id and ARN.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUser.html
        """
        if self._get_param("UserName"):
            return ActionResult({"User": self.user})
        root = {
            "UserId": self.account.id,
            "Arn": self.call.caller.arn,
            "CreateDate": self.account.created,
            "PasswordLastUsed": self.account.root_last_used,
        }
        return ActionResult({"User": root})

    def update_user(self) -> ActionResult:
        """What belongs to a user goes with it, whatever its name.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateUser.html
        """
        user, tagger = self.user, self.account.iam.tagger
        tags = tagger.list_tags_for_resource(user.arn)["Tags"]
        tagger.delete_all_tags_for_resource(user.arn)
        name = self._get_param("NewUserName", user.name)
        del self.account.iam.users[user.name]
        user.name, user.path = name, self._get_param("NewPath", user.path)
        self.account.iam.users[name] = user
        tagger.tag_resource(user.arn, tags)
        for key in (*user.access_keys, *user.ssh_public_keys, *user.signing_certificates.values()):
            key.user_name = name
        for credential in user.service_credentials.values():
            credential["UserName"] = name
        return EmptyResult()

    def update_group(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateGroup.html."""
        group = self.account.group(self._get_param("GroupName"))
        del self.account.iam.groups[group.name]
        group.name = self._get_param("NewGroupName", group.name)
        group.path = self._get_param("NewPath", group.path)
        self.account.iam.groups[group.name] = group
        return EmptyResult()

    def list_groups(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroups.html."""
        prefix = self._get_param("PathPrefix", "/")
        groups = [g for g in self.account.iam.groups.values() if g.path.startswith(prefix)]
        return ActionResult({"Groups": groups})

    def tag_user(self) -> ActionResult:
        """A key that differs only in case is the same key.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagUser.html
        """
        tags = self._get_param("Tags")
        self._untag([tag["Key"] for tag in tags])
        self.account.iam.tagger.tag_resource(self.user.arn, tags)
        return EmptyResult()

    def untag_user(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagUser.html."""
        self._untag(self._get_param("TagKeys"))
        return EmptyResult()

    def put_user_permissions_boundary(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPermissionsBoundary.html."""
        self.user.permissions_boundary = boundary(self._get_param("PermissionsBoundary"))
        return EmptyResult()

    def delete_user_permissions_boundary(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUserPermissionsBoundary.html."""
        self.user.permissions_boundary = None
        return EmptyResult()

    def _untag(self, keys: list[str]) -> None:
        tagger, arn = self.account.iam.tagger, self.user.arn
        lower = {key.lower() for key in keys}
        present = [tag["Key"] for tag in tagger.list_tags_for_resource(arn)["Tags"]]
        tagger.untag_resource_using_names(arn, [key for key in present if key.lower() in lower])


def boundary(arn: str | None) -> dict[str, str] | None:
    """A permissions boundary as the API shows it."""
    if arn is None:
        return None
    return {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
