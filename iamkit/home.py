"""Where iamkit keeps its state: the journal, the stored credentials, the sandbox."""

import os
from pathlib import Path

from platformdirs import user_cache_path, user_data_path


def home_folder() -> Path:
    """The state folder: ``IAMKIT_HOME`` if set, else the platform's folder for user data.

    It is made on first use, for its owner alone (mode 0700).
    """
    configured = os.environ.get("IAMKIT_HOME")
    folder = Path(configured).expanduser() if configured else user_data_path("iamkit")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder.absolute()


def cache_folder() -> Path:
    """Where iamkit keeps what it can make again: ``IAMKIT_HOME`` if set, else the platform's cache.

    It need not exist.
    """
    configured = os.environ.get("IAMKIT_HOME")
    return Path(configured).expanduser() if configured else user_cache_path("iamkit")
