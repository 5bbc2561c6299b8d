"""An account in this very process: calls of all services, and everything that is in it as data."""

import hashlib
import json
from datetime import date
from types import FunctionType, MethodType
from urllib.parse import urlencode

from iamkit.sandbox.server.call import Call, Caller, action_of, read_parameters, root_of
from iamkit.sandbox.server.errors import Refused
from iamkit.sandbox.server.http_message import Request
from iamkit.sandbox.server.moto_patches import ACCOUNT_ID
from iamkit.sandbox.server.persistent_accounts import PersistentAccounts

HOST = {"host": "127.0.0.1:1"}
FORM = {**HOST, "content-type": "application/x-www-form-urlencoded; charset=utf-8"}
JSON_1_1 = {**HOST, "content-type": "application/x-amz-json-1.1"}
ROOT = root_of(ACCOUNT_ID)
LEFT_OUT = {"lock", "pager", "drawn", "_lock", "instances_tracked"}


class World:
    """An account of a state folder, without a process or a port."""

    def __init__(self, state):
        state.mkdir(mode=0o700, exist_ok=True)
        self.state = state
        self.life = PersistentAccounts(state, 0)

    def restart(self):
        """End it as ``kill -9`` would, and bring it back."""
        self.life = PersistentAccounts(self.state, 0)

    def user(self, name, account=ACCOUNT_ID):
        """A user as a caller; the root if there is no such user."""
        user = self.life.at(account).iam.users.get(name)
        return Caller(user.arn, user.id, user.name) if user else root_of(account)

    def query(self, service, action, region="us-east-1", caller=ROOT, **parameters):
        """A call in the query protocol."""
        versions = {"iam": "2010-05-08", "sts": "2011-06-15", "ec2": "2016-11-15"}
        body = urlencode({"Action": action, "Version": versions[service], **parameters})
        return self._act(Request("POST", "/", FORM, body.encode()), service, region, caller)

    def secret(self, action, region="us-east-1", caller=ROOT, **parameters):
        """A call of Secrets Manager."""
        headers = {**JSON_1_1, "x-amz-target": f"secretsmanager.{action}"}
        request = Request("POST", "/", headers, json.dumps(parameters).encode())
        return self._act(request, "secretsmanager", region, caller)

    def s3(self, method, target, body=b"", caller=ROOT, **headers):
        """A call of S3."""
        request = Request(method, target, {**HOST, **headers}, body)
        return self._act(request, "s3", "us-east-1", caller)

    def _act(self, request, service, region, caller=ROOT):
        """AWS's status and reply; an error of moto's own is a 500, as at the front."""
        parameters = read_parameters(request, service)
        action = action_of(request, parameters)
        call = Call(request, service, region, action, parameters, caller)
        try:
            reply = self.life.act(call, 0)
        except Refused as refused:
            return refused.status, refused.code
        except Exception as error:  # noqa: BLE001 - so the front does
            return 500, type(error).__name__
        return reply.status, reply.body.decode("utf-8", "replace")

    def made(self):
        """The backends that were made so far, by service, account and region."""
        return {
            (of_service.service_name, account, region)
            for of_service in all_backends()
            for account in self.life.accounts
            for region in list(of_service[account].keys())
        }

    def everything(self, backends):
        """All that is in the account and in some backends, as plain data."""
        of_service = {of_service.service_name: of_service for of_service in all_backends()}
        found = {f"{s} {a} {r}": of_service[s][a][r] for s, a, r in sorted(backends)}
        accounts = {id_: vars(account) for id_, account in self.life.accounts.items()}
        return as_data({"accounts": accounts, **found})


def all_backends():
    """moto's backends of all services that the sandbox serves."""
    from iamkit.sandbox.server import moto_patches as seams

    return [
        seams.ec2_models.ec2_backends,
        seams.iam_models.iam_backends,
        seams.s3_models.s3_backends,
        seams.secrets_models.secretsmanager_backends,
        seams.sts_models.sts_backends,
    ]


def as_data(thing, seen=None):
    """A thing and all that it holds as plain data; what comes again is a number."""
    seen = {} if seen is None else seen
    for kind, plain in PLAIN:
        if isinstance(thing, kind):
            return plain(thing)
    if id(thing) in seen:
        return f"#{seen[id(thing)][0]}"
    seen[id(thing)] = len(seen), thing
    return next(
        held(thing, lambda one: as_data(one, seen)) for kind, held in HOLDING if kind(thing)
    )


def held_by_object(thing, data):
    """An object's attributes, and its items if it has some."""
    items = list(thing.items() if isinstance(thing, dict) else thing)
    return [type(thing).__name__, data(vars(thing)), data(items)]


def content_of(file, data):
    if file.closed:
        return "closed"
    file.seek(0)
    return data(file.read())


def is_object(thing):
    return hasattr(thing, "__dict__")


PLAIN = [
    (bool | int | float | str | type(None), lambda thing: thing),
    (bytes, lambda thing: hashlib.sha256(thing).hexdigest()),
    (date, str),
    (type | FunctionType | MethodType, lambda thing: thing.__qualname__),
]
HOLDING = [
    (lambda t: type(t).__name__ == "AWSManagedPolicy", lambda t, _: [t.id, t.attachment_count]),
    (lambda t: hasattr(t, "seek"), content_of),
    (
        lambda t: isinstance(t, dict) and not is_object(t),
        lambda t, data: [[data(k), data(v)] for k, v in t.items() if k not in LEFT_OUT],
    ),
    (lambda t: isinstance(t, set | frozenset), lambda t, data: sorted(str(data(o)) for o in t)),
    (
        lambda t: isinstance(t, list | tuple) and not is_object(t),
        lambda t, data: [data(one) for one in t],
    ),
    (
        lambda t: is_object(t) and isinstance(t, dict | list),
        held_by_object,
    ),
    (is_object, lambda t, data: [type(t).__name__, data(vars(t))]),
    (lambda _: True, lambda t, _: str(t)),
]
"""What holds other things, and how they are found in it."""
