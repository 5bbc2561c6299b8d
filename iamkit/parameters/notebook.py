"""What the parameters of every notebook have, and of every notebook that changes the account."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, StringConstraints

from iamkit.parameters import thresholds
from iamkit.parameters.checking import Model, all_wrong, check
from iamkit.parameters.field_types import AccountId, Day, OptionalUserName
from iamkit.parameters.files import locate_files
from iamkit.parameters.practice import is_practice, practice_values

MOVED = {
    "remove_users": "who leaves is named in 11_leavers: `leavers: [{user: dave}]`",
}
"""Parameters of earlier versions, and where each went."""


class NotebookParameters(Model):
    """What every notebook wants to know: which account, and whose credentials."""

    purpose: ClassVar[str]
    """What the notebook is for, in a line."""

    environment: Literal["sandbox", "aws"] = Field(description="sandbox (for practice) or aws")
    account_id: AccountId = Field(description="the 12 digits of the account, as text")
    profile: str = Field("", description="AWS profile; empty takes botocore's own chain")

    @classmethod
    def from_cell(cls, variables: Mapping[str, Any]) -> Self:
        """Check the values that a notebook's parameters cell set, or papermill after it.

        None says that nobody gave a value. In the practice account the guide's value stands for
        it; in any other, a twin too, the model's own default, and what has none is missing.

        Raises:
            InputError: naming each parameter that is wrong, missing or of an earlier version, and
                what was expected.
        """
        if moved := [
            f"{name}: this is gone; {to}" for name, to in MOVED.items() if name in variables
        ]:
            raise all_wrong(moved)
        given = {n: variables[n] for n in cls.model_fields if variables.get(n) is not None}
        if is_practice(given):
            given = practice_values(cls.model_fields) | given
        return check(cls, locate_files(given))


class CallerParameters(NotebookParameters):
    """For the notebooks that run as the admin whom 02_admin_group made."""

    run_as: OptionalUserName = Field(
        "", description="user whose stored key is used; empty for none"
    )


class ChangingParameters(NotebookParameters):
    """What every notebook that may change the account wants to know as well."""

    dry_run: bool = Field(True, description="true plans only; false applies the plan")
    accept_lockout: str = Field(
        "", description="a refusal's words, to lock somebody out by that very plan"
    )


class RunAsParameters(ChangingParameters, CallerParameters):
    """For those of them that may change the account."""

    allow_root: bool = Field(False, description="true insists on changing things as root")


class Thresholds(Model, thresholds.Thresholds):  # type: ignore[misc]  # frozen by its config
    """From when on an audit minds, with the defaults of the class that it checks."""

    unused_days: Annotated[int, Field(ge=1, description="a credential idle for so long is unused")]
    rotation_days: Annotated[int, Field(ge=1, description="a key older than this wants rotation")]
    root_days: Annotated[int, Field(ge=1, description="the root was used within so many days")]
    setup_days: Annotated[
        int, Field(ge=0, description="a key made at set-up has so long to be used")
    ]
    password_length: Annotated[int, Field(ge=6, le=128, description="characters, at least")]
    password_reuse: Annotated[int, Field(ge=1, le=24, description="former passwords to refuse")]


class Waiver(Model, thresholds.Waiver):  # type: ignore[misc]  # frozen by its config
    """A finding that somebody has accepted, for a reason and until a day."""

    check: str = Field(description="the check's id")
    principal: str = Field(description="whom it concerns; * stands for any letters")
    reason: Annotated[str, StringConstraints(min_length=3)] = Field(description="why")
    until: Day = Field(description="the last day, as 2027-01-31")
