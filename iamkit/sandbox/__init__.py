"""The embedded AWS of the kit: an account to practise on, in a process of its own on loopback.

``start_sandbox(state)`` answers a running `Sandbox`, whose endpoint and root key any AWS client
can use. This module itself is light, because the command line imports it; the rest is loaded when
it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from iamkit.sandbox.client import Sandbox
    from iamkit.sandbox.environment import redirect_sign_in, sandbox_env
    from iamkit.sandbox.process import (
        Restored,
        find_sandbox,
        reset_sandbox,
        restore_sandbox,
        start_sandbox,
        stop_sandbox,
    )
    from iamkit.sandbox.twin import list_twins, load_twin, twin_folder

_HOMES = {
    "Restored": "process",
    "Sandbox": "client",
    "find_sandbox": "process",
    "list_twins": "twin",
    "load_twin": "twin",
    "redirect_sign_in": "environment",
    "reset_sandbox": "process",
    "restore_sandbox": "process",
    "sandbox_env": "environment",
    "start_sandbox": "process",
    "stop_sandbox": "process",
    "twin_folder": "twin",
}

__all__ = [
    "Restored",
    "Sandbox",
    "find_sandbox",
    "list_twins",
    "load_twin",
    "redirect_sign_in",
    "reset_sandbox",
    "restore_sandbox",
    "sandbox_env",
    "start_sandbox",
    "stop_sandbox",
    "twin_folder",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
