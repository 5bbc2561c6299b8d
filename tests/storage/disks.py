"""Small disks for tests: read-only or full ones, which root cannot make by a folder's mode."""

import subprocess
from contextlib import contextmanager

import pytest


@contextmanager
def small_disk(folder, *options, ballast=0):
    """Mount a small disk on a folder, filled by so many bytes; the test is skipped without root."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    given = ",".join([*options, "mode=0700"])
    mount = ["mount", "-t", "tmpfs", "-o", given, "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("A READ-ONLY OR FULL DISK WAS NOT TRIED: mounting one needs root")
    try:
        if ballast:
            (folder / "ballast").write_bytes(b"x" * ballast)
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
