"""The notebooks without their code, for people who should see none: Voilà behind a token.

Opening a page runs its notebook, in a kernel of its own. Nobody can send code to it: Voilà lets
pass what widgets say and nothing else. The server is bound to this machine.
"""

import hmac
import logging
import os
import secrets
import threading
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from iamkit import errors
from iamkit.errors import IamkitError, InputError
from iamkit.notebook.interactive import APP_APPLIES, YES
from iamkit.notebook.launch.lab import START, prepare_environment, prepare_folder
from iamkit.notebook.reports.html import TEMPLATES
from iamkit.parameters.models import NOTEBOOKS
from iamkit.storage.private_files import write_whole

try:
    from jupyter_server.auth.identity import IdentityProvider
    from jupyter_server.base.handlers import JupyterHandler
    from tornado.web import authenticated
    from traitlets.config import Config
    from voila.app import Voila
    from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
except ModuleNotFoundError:
    raise InputError(
        "iamkit lab --app wants Voilà, which is not installed: pip install 'iamkit[app]'"
    ) from None

OURS = str(TEMPLATES / "app")
IDLE = 3600
"""Seconds after which a kernel ends that no page talks to."""

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""What pages may load: nothing of another host. Voilà's own scripts want the rest."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",  # addresses may hold the token
    "X-Content-Type-Options": "nosniff",
}


class TokenOnly(IdentityProvider):
    """One token for everybody, compared in constant time, or the cookie that it was traded for."""

    def get_token(self, handler: Any) -> str:
        """The token of a request if it is right, else nothing."""
        return self._if_right(super().get_token(handler) or "")

    def process_login_form(self, handler: Any) -> Any:
        """The user if the form has the right token, else None."""
        if not self._if_right(handler.get_argument("password", default="")):
            return None
        return self.generate_anonymous_user(handler)

    def _if_right(self, given: str) -> str:
        right = hmac.compare_digest(given.encode(), self.token.encode())
        return given if right and self.token else ""


class StartHandler(JupyterHandler):
    """The address that is printed: it leads on to the start page, without the token in it."""

    @authenticated
    def get(self) -> None:
        """Lead on to the first notebook, or to the list of all."""
        there = (Path(self.settings["voila"].root_dir) / START).is_file()
        self.redirect(f"{self.base_url}voila/" + (f"render/{START}" if there else "tree"))


class LeaveHandler(VoilaShutdownKernelHandler):  # type: ignore[misc]
    """Ends the kernel of a page that is left."""

    def check_xsrf_cookie(self) -> None:
        """Ask for none: the page sends none, and its kernel's name can be guessed by nobody."""


class App(Voila):  # type: ignore[misc]
    """Voilà with our templates, and without what serves files to people who have no token."""

    template_paths: list[str]
    token: str | None

    def setup_template_dirs(self) -> None:
        """Put ours before Voilà's."""
        super().setup_template_dirs()
        self.template_paths = [OURS, *self.template_paths]

    def init_settings(self) -> dict[str, Any]:
        """Voilà's settings; without a token there is no app."""
        self.token = self.token or secrets.token_urlsafe(32)
        settings: dict[str, Any] = super().init_settings()
        style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
        settings["jinja2_env"].loader.searchpath.insert(0, OURS)
        purposes = {name: model.purpose for name, model in NOTEBOOKS.items()}
        for name in ("jinja2_env", "voila_jinja2_env"):
            settings[name].globals.update(style=style, purposes=purposes)
        return settings

    def init_handlers(self) -> list[Any]:
        """Voilà's handlers, without the files of the folder, and with our own."""
        kept = [one for one in super().init_handlers() if "/voila/files/" not in one[0]]
        return [
            (self.server_url, StartHandler),
            (f"{self.server_url}voila/api/shutdown/(.*)", LeaveHandler),
            *kept,
        ]

    @property
    def display_url(self) -> str:
        """The link that is printed, with the token."""
        return f"{self.connection_url}?token={self.token}"

    def launch_browser(self) -> None:
        """Open the link from a private file, as the arguments of a process are for all to see."""
        page = Path(self.connection_dir) / "open.html"
        write_whole(page, f'<meta http-equiv="refresh" content="0;url={self.display_url}">')
        threading.Thread(target=webbrowser.open, args=[page.as_uri()], daemon=True).start()


def open_app(
    folder: Path | None,
    file: Path | None,
    options: Sequence[str],
    *,
    apply: bool,
    say: Callable[[str], None],
) -> None:
    """Serve the notebooks of a folder as an app until it is stopped.

    Args:
        folder: where to work, see ``prepare_folder``.
        file: a parameters file whose values are written into the notebooks' parameters cells.
        options: more options for Voilà.
        apply: whether plans can be applied in it, by a click.
        say: called with a line for the terminal.

    Raises:
        InputError: the parameters file is wrong, or the folder cannot be made.
    """
    folder = prepare_folder(folder, file)
    prepare_environment(folder, file)
    os.environ[APP_APPLIES] = YES if apply else "no"
    say("Plans can be applied, by a click." if apply else "It only shows: Apply is switched off.")
    App.launch_instance(argv=list(options), config=app_config(folder))


def app_config(folder: Path) -> Any:
    """How Voilà serves a folder's notebooks: on this machine, without code, without overrides.

    Args:
        folder: as ``prepare_folder`` made it.
    """
    served = {
        "ip": "127.0.0.1",
        "root_dir": str(folder / "notebooks"),
        "identity_provider_class": TokenOnly,
        "config_file_paths": [],  # those of another Voilà might open what is closed here
        "tornado_settings": {
            "headers": HEADERS,
            "allow_remote_access": False,  # names that lead here are refused, but for localhost
        },
        "log_level": logging.INFO,
    }
    pages = {
        "strip_sources": True,
        "show_tracebacks": True,  # the template shows the message alone
        "classic_tree": True,
        # A template or theme from an address would be markup from an address.
        "allow_template_override": "NO",
        "allow_theme_override": "NO",
        "resources": {"own_errors": [name for name in vars(errors) if _is_ours(name)]},
    }
    return Config(
        {
            "Voila": served,
            "VoilaConfiguration": pages,
            "IdentityProvider": {"cookie_options": {"samesite": "Lax"}},
            "KernelManager": {"transport": "ipc"},
            "MappingKernelManager": {"cull_idle_timeout": IDLE, "cull_interval": 60},
        }
    )


def _is_ours(name: str) -> bool:
    kind = getattr(errors, name)
    return isinstance(kind, type) and issubclass(kind, IamkitError)
