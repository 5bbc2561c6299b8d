"""A user of the team, as the parameters name them."""

from typing import Annotated

from pydantic import Field

from iamkit.parameters.checking import Model
from iamkit.parameters.field_types import GroupName, HandOver, IamPath, Tags, Term, UserName


class UserRow(Model):
    """One user of the team."""

    name: Annotated[
        UserName, Term("user name", "IAM ignores the case: Alice and alice are one.")
    ] = Field(title="User name", description="user name")
    path: Annotated[IamPath | None, Term("path", "Policies can refer to it.")] = Field(
        None, title="Folder", description="IAM path, such as /team/"
    )
    tags: Annotated[Tags, Term("tags", "Such as team=web;cost-center=1001.")] = Field(
        {}, title="Tags", description="tags"
    )
    groups: Annotated[
        list[GroupName], Term("groups", "What they may do comes from their groups.")
    ] = Field([], title="Groups", description="groups")
    access_key: Annotated[bool, Term("access key", "Only for those who run programs.")] = Field(
        False, title="Gets a key for programs", description="whether they get an access key"
    )
    console_password: Annotated[
        bool,
        Term(
            "login profile",
            "The password is made for them, and changed at the first sign-in.",
        ),
    ] = Field(
        False,
        title="May sign in to the console",
        description="whether they may sign in to the console",
    )
    hand_over: Annotated[HandOver, Term("hand over")] = Field(
        "",
        title="Credentials go to",
        description="where new credentials go: empty for a private file, an age public key, "
        "or secretsmanager",
    )
    groups_only: Annotated[
        bool, Term("no other groups", "Who changes teams leaves the old team's groups.")
    ] = Field(
        False, title="In no other group", description="whether they leave groups not named here"
    )
