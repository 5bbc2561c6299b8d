"""The ways to keep a credential, for tests; one that is elsewhere is in a file in place of AWS."""

import csv
import io
import json
from pathlib import Path

import pyrage

WAYS = {"private": 40, "encrypted": 52, "elsewhere": 41}
"""Each way, and a step of a hand-over that lies beyond its end."""
IDENTITY = pyrage.x25519.Identity.generate()
PUBLIC_KEY = str(IDENTITY.to_public())


class Elsewhere:
    """A keeper like AWS: one value a user, which the store cannot read."""

    can_read = False

    def __init__(self, folder):
        self.file = folder / "elsewhere"

    def check(self, user, what):
        """Nothing to check."""

    def keep(self, credential):
        """Put a new value in place of an older one."""
        self.file.write_text(json.dumps(credential.fields))
        return "arn:elsewhere"


def keeper_of(store, way, public_key=PUBLIC_KEY):
    """The keeper of a way."""
    if way == "elsewhere":
        return Elsewhere(store.folder)
    return store.keeper(public_key if way == "encrypted" else "")


def read_kept(store, way):
    """The secret key that is kept for the only user, read as its owner would."""
    if way == "elsewhere":
        return json.loads(Elsewhere(store.folder).file.read_text())["Secret access key"]
    path = Path(store.receipts("alice")[0].where)
    data = path.read_bytes()
    text = (pyrage.decrypt(data, [IDENTITY]) if way == "encrypted" else data).decode()
    return next(csv.DictReader(io.StringIO(text, newline="")))["Secret access key"]
