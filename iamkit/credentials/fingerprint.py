"""Secrets that can be recognised and not read: salted digests, for the search for leaks.

What was encrypted for its owner or given to AWS cannot be read here again, and must be found all
the same if it ever stands in an executed notebook. So before it is forgotten, a digest of each way
in which it may be written is kept. A key has 240 bits of chance in it and a password over 110. A
digest gives away some twenty of them, so that nobody finds either by trying.
"""

import base64
import hashlib
import html
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote, quote_plus
from zlib import crc32

START = 4
"""Characters at the beginning by which a place is looked at more closely."""
SHORTEST = 16
_RUN = re.compile(rf"""[^\s<>"'&\\]{{{SHORTEST},}}""")
"""Where a secret may be: none of ours is shorter, or has other characters, however written."""


@dataclass(frozen=True)
class Fingerprint:
    """The digests of one secret.

    Attributes:
        salt: of this secret alone, in hexadecimal digits.
        forms: of each way to write it: the length, sixteen bits about its beginning, which spare
            nearly all other places the digest, and the digest.
    """

    salt: str
    forms: tuple[tuple[int, int, str], ...]

    @classmethod
    def of(cls, secret: str) -> Self:
        """The digests of a secret, with a new salt."""
        salt = os.urandom(16).hex()
        written = sorted(form.encode() for form in ways_to_write(secret))
        return cls(salt, tuple((len(f), _hint(f), _digest(salt, f)) for f in written))

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        """The digests from what ``asdict`` and JSON make of them."""
        forms = ((int(length), int(hint), str(text)) for length, hint, text in data["forms"])
        return cls(str(data["salt"]), tuple(forms))


class DigestSearch:
    """Looks for the secrets behind digests; a run of characters that it knows is passed over."""

    def __init__(self, digests: Iterable[Fingerprint]) -> None:
        self._by_hint: dict[int, list[tuple[str, int, str]]] = {}
        for digest in digests:
            for length, hint, text in digest.forms:
                self._by_hint.setdefault(hint, []).append((digest.salt, length, text))
        self._clean: set[str] = set()

    def finds_in(self, text: str) -> bool:
        """Whether one of the secrets is in the text."""
        if not self._by_hint:
            return False
        for run in set(_RUN.findall(text)) - self._clean:
            if self._is_in(run.encode()):
                return True
            self._clean.add(run)
        return False

    def _is_in(self, run: bytes) -> bool:
        return any(
            _digest(salt, run[at : at + length]) == text
            for at in range(len(run) - START + 1)
            for salt, length, text in self._by_hint.get(_hint(run[at : at + START]), ())
        )


def _hint(form: bytes) -> int:
    return crc32(form[:START]) & 0xFFFF


def _digest(salt: str, form: bytes) -> str:
    return hashlib.blake2b(form, key=bytes.fromhex(salt), digest_size=32).hexdigest()


def ways_to_write(secret: str) -> set[str]:
    """The secret itself, and as it looks inside JSON, HTML, a URL or base64."""
    escaped = {html.escape(secret), html.escape(secret, quote=False)}
    escaped |= {text.replace("&#x27;", "&#39;").replace("&quot;", "&#34;") for text in escaped}
    quoted = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    quoted |= {re.sub("%..", lambda code: code.group().lower(), text) for text in quoted}
    in_json = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    in_json |= {json.dumps(text)[1:-1] for text in in_json}
    return {secret, repr(secret)[1:-1]} | escaped | quoted | in_json | set(_base64(secret))


def _base64(secret: str) -> Iterator[str]:
    """What base64 makes of the secret wherever it stands: the characters that depend on it alone.

    Three bytes become four characters, so there are three ways to stand. A character at either
    end that mixes in a neighbour's bits is left out.
    """
    data = secret.encode()
    for before in range(3):
        bits = 8 * before, 8 * (before + len(data))
        text = base64.b64encode(bytes(before) + data + bytes(2)).decode()
        core = text[-(-bits[0] // 6) : bits[1] // 6]
        yield from (core, core.replace("+", "-").replace("/", "_"))
