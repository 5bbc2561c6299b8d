"""moto, called without a socket: a request goes in, a reply comes out."""

import os

from iamkit.sandbox.client import ACCOUNT_ID

# moto reads both when it is imported, which only the server's process does.
os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT_ID
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"

import io
from typing import Any

from moto.core.utils import utcnow
from moto.iam.models import AccessKey, AccessKeyLastUsed, iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sts.models import sts_backends
from werkzeug.test import run_wsgi_app

from iamkit.sandbox.http import Reply, Request

_NOT_FORWARDED = {"connection", "content-length", "date", "server", "transfer-encoding"}


class Backend:
    """The account as moto keeps it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._app = DomainDispatcherApplication(create_backend_app)
        self._iam = iam_backends[ACCOUNT_ID]["aws"]
        self._sts = sts_backends[ACCOUNT_ID]["aws"]

    def answer(self, request: Request) -> Reply:
        """moto's reply, with no header that lets another origin read it."""
        chunks, status, headers = run_wsgi_app(self._app, self._environ(request), buffered=True)
        kept = {
            name: value
            for name, value in headers.items()
            if name.lower() not in _NOT_FORWARDED and not name.lower().startswith("access-control")
        }
        return Reply(int(status.split()[0]), kept, b"".join(chunks))

    def find_key(self, key_id: str) -> Any:
        """A user's access key, or a session of an assumed role."""
        users: Any = self._iam.users.values()
        for user in users:
            for key in user.access_keys:
                if key.access_key_id == key_id:
                    return key
        return self._sts.get_assumed_role_from_access_key(key_id)

    def arn_of(self, key: Any) -> str:
        """Whose key it is."""
        if getattr(key, "user_name", None):
            return str(self._iam.get_user(key.user_name).arn)
        return str(key.arn)

    def mark_used(self, key: Any, service: str, region: str) -> None:
        """Remember when a user's key was last used, and for what."""
        if isinstance(key, AccessKey):
            key.last_used = AccessKeyLastUsed(timestamp=utcnow(), service=service, region=region)

    def secrets(self) -> list[str]:
        """Every secret access key and password that the account holds."""
        users: Any = self._iam.users.values()
        keys = [key.secret_access_key for user in users for key in user.access_keys]
        return keys + [user.password for user in users if user.password]

    def _environ(self, request: Request) -> dict[str, Any]:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query,
            "RAW_URI": request.target,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": str(self._port),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(request.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "CONTENT_LENGTH": str(len(request.body)),
            "CONTENT_TYPE": request.headers.get("content-type", ""),
        }
        for name, value in request.headers.items():
            if name not in ("content-length", "content-type"):
                environ["HTTP_" + name.upper().replace("-", "_")] = value
        return environ
