"""The parameters of 10_rotate_keys."""

import re
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, StringConstraints

from iamkit.parameters.checking import Model
from iamkit.parameters.field_types import Day, Moment, UserName
from iamkit.parameters.notebook import RunAsParameters, Thresholds
from iamkit.parameters.user_row import UserRow


def _key_id(text: str) -> str:
    """Take an id of an access key.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html
    """
    if not re.fullmatch(r"[A-Z0-9]{16,128}", text):
        raise ValueError(f"{text!r} is no id of an access key, such as AKIAIOSFODNN7EXAMPLE")
    return text


KeyId = Annotated[str, AfterValidator(_key_id)]


class ExemptRow(Model):
    """A user whose keys are left alone."""

    user: UserName = Field(description="whose keys are left alone")
    reason: Annotated[str, StringConstraints(min_length=3)] = Field(description="why")
    until: Day = Field(description="the last day, as 2027-01-31")


class EarlyRow(Model):
    """A user whose key is due before its time, if it was made before a moment."""

    user: UserName = Field(description="whose key is due")
    before: Moment = Field(description="a key made before: 2027-01-31 or …T14:30, in UTC")


class RotateKeysParameters(RunAsParameters):
    """10_rotate_keys."""

    purpose: ClassVar = "Access keys change, stage by stage, and nothing stops"
    rotate: list[UserName] = Field([], description="users whose keys take their next step")
    early: list[EarlyRow] = Field([], description="keys that are due before their time")
    switched: list[KeyId] = Field([], description="new keys to which services were switched")
    key_grace_days: Annotated[int, Field(ge=1)] = Field(
        14, description="days of rest before a key is off, and before it is gone"
    )
    exempt: list[ExemptRow] = Field([], description="users whose keys are left alone")
    thresholds: Thresholds = Field(
        default_factory=lambda: Thresholds.model_validate({}), description="when to mind"
    )
    users: list[UserRow] = Field([], description="the users who should exist")
    users_csv: str = Field("", description="a CSV file with more of them")
    allow_destructive: bool = Field(False, description="true lets an old key be deleted")
