"""Calls that list something, over all of their pages."""

import time
from collections.abc import Callable
from typing import Any

from botocore.parsers import ResponseParserError

from iamkit.aws.session import Session

PAGE = 1_000


def list_pages(session: Session, operation: str, key: str, **arguments: Any) -> list[Any]:
    """Every item of a list call of IAM's; ``key`` names the list in the reply.

    Raises:
        ClientError: or another of ``CALL_ERRORS``.
    """
    return [item for page in whole_pages(session.iam, operation, **arguments) for item in page[key]]


def whole_pages(client: Any, operation: str, **arguments: Any) -> list[Any]:
    """The pages of a list call, as long as AWS makes them; one if the call is not paged.

    Raises:
        ClientError: or another of ``CALL_ERRORS``.
    """
    if not client.can_paginate(operation):
        return [_again(lambda: getattr(client, operation)(**arguments))]
    pages = client.get_paginator(operation).paginate(
        **arguments, PaginationConfig={"PageSize": PAGE}
    )
    return list(_again(lambda: list(pages)))


def _again(read: Callable[[], Any]) -> Any:
    """Read once more when a reply was broken, which botocore does not do itself."""
    for pause in (0.2, 1, 3):
        try:
            return read()
        except ResponseParserError:
            time.sleep(pause)
    return read()
