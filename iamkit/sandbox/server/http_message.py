"""A request and a reply as plain values, between the socket and everything behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Self
from urllib.parse import unquote


class Delivery(Enum):
    """What becomes of a reply on its way back."""

    WHOLE = "whole"
    CUT = "cut"
    """Its length is right and half of its body is missing."""
    NONE = "none"
    """The connection is closed instead."""


@dataclass(frozen=True)
class Request:
    """An HTTP request; the names of its headers are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def raw_path(self) -> str:
        """The path as it was sent."""
        return self.target.partition("?")[0]

    @property
    def path(self) -> str:
        """The path with its percent-encoding undone."""
        return unquote(self.raw_path)

    @property
    def query(self) -> str:
        """The query string as it was sent."""
        return self.target.partition("?")[2]


@dataclass(frozen=True)
class Reply:
    """An HTTP reply, and how it is delivered."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    delivery: Delivery = Delivery.WHOLE

    @classmethod
    def text(cls, status: int, text: str, content_type: str = "text/plain") -> Self:
        """A reply of plain text."""
        return cls(status, {"Content-Type": content_type}, text.encode())

    @property
    def seen(self) -> int:
        """The status that the caller sees; 0 when the connection was closed."""
        return 0 if self.delivery is Delivery.NONE else self.status

    def delivered(self, delivery: Delivery) -> Self:
        """The same reply with another fate."""
        return replace(self, delivery=delivery)
