"""The parameters of 12_lost_and_forgotten: whose password or MFA device is lost, and since when."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from iamkit.parameters import iam_names
from iamkit.parameters.checking import Model
from iamkit.parameters.field_types import HandOver, Moment, UserName
from iamkit.parameters.notebook import RunAsParameters


class LostRow(Model):
    """What a user has forgotten or lost; what was made from the moment ``before`` on stays."""

    user: UserName = Field(description="who")
    before: Moment = Field(description="what was made before: 2027-01-31 or …T14:30, in UTC")
    password: bool = Field(False, description="whether the console password gives way to a new one")
    devices: bool = Field(False, description="whether all MFA devices go")
    serials: list[Annotated[str, Field(min_length=9, max_length=256)]] = Field(
        [], description="the MFA devices that go, by serial number, where not all do"
    )
    hand_over: HandOver = Field("", description="where the new password goes, as for users")

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if not (self.password or self.devices or self.serials):
            raise ValueError("nothing is lost: set password or devices to true, or name serials")
        if self.devices and self.serials:
            raise ValueError("devices means all of them: leave it out, or leave out serials")
        return self


class LostParameters(RunAsParameters):
    """12_lost_and_forgotten."""

    purpose: ClassVar = "A forgotten password, a lost MFA device"
    lost: list[LostRow] = Field([], description="who has lost what, and since when")
    allow_destructive: bool = Field(False, description="true lets passwords and devices go")

    @field_validator("lost")
    @classmethod
    def _each_once(cls, lost: list[LostRow]) -> list[LostRow]:
        iam_names.check_no_twins("user", [row.user for row in lost])
        return lost
