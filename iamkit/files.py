"""Files that only their owner may read, complete or absent."""

import os
from pathlib import Path


def write_privately(path: Path, content: str | bytes) -> None:
    """Write a file for its owner alone (mode 0600); under its name it is complete or absent.

    Raises:
        OSError: it cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    with open(unfinished, "xb", opener=_open_private) as file:
        file.write(content.encode() if isinstance(content, str) else content)
    unfinished.replace(path)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
