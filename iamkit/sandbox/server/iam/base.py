"""What IAM's answers share."""

from collections.abc import Iterable, Mapping
from typing import Any

from moto.iam.responses import IamResponse

from iamkit.sandbox.server.responses import QueryAnswers


class IamAnswers(QueryAnswers, IamResponse):
    """moto's answers of IAM.

    Attributes:
        asked: the call's parameters as they were asked; moto's own answers are asked for all.
    """

    asked: Mapping[str, Any]

    @property
    def user(self) -> Any:
        """The user that the call names.

        Raises:
            Refused: NoSuchEntity.
        """
        return self.account.user(self._get_param("UserName"))

    def page(self, lists: Mapping[str, Iterable[Any]]) -> dict[str, Any]:
        """Lists cut to the page that the call asks for, with ``IsTruncated`` and ``Marker``.

        Raises:
            Refused: the marker is not one of ours.
        """
        return self.account.pager.page(self.call.action, lists, self.asked)
