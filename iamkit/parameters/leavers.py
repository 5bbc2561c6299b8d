"""The parameters of the notebook for those who leave."""

from typing import Annotated, ClassVar

from pydantic import Field, field_validator

from iamkit.parameters import iam_names
from iamkit.parameters.checking import Model
from iamkit.parameters.field_types import UserName
from iamkit.parameters.notebook import RunAsParameters


class LeaverRow(Model):
    """Somebody who leaves, or has left."""

    user: UserName = Field(description="the user's name")
    delete_password: bool = Field(
        False, description="true deletes the console password at once, for good"
    )


class LeaversParameters(RunAsParameters):
    """11_leavers."""

    purpose: ClassVar = "Who leaves: stopped at once, deleted later"
    leavers: list[LeaverRow] = Field([], description="who leaves, or has left")
    leavers_grace_days: Annotated[int, Field(ge=1, le=3_650)] = Field(
        30, description="days between the stop and the deletion"
    )
    allow_destructive: bool = Field(False, description="true lets passwords and users be deleted")

    @field_validator("leavers")
    @classmethod
    def _each_once(cls, leavers: list[LeaverRow]) -> list[LeaverRow]:
        iam_names.check_no_twins("user", [row.user for row in leavers])
        return leavers
