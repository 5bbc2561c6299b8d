"""The seams: a moto that has moved is refused at import, not by wrong answers later."""

import json
import subprocess
import sys

import pytest

SEAMS = (
    "moto.iam.models.IAMBackend.get_groups_for_user",
    "moto.core.responses.BaseResponse.parse_parameters",
    "moto.sts.responses.TokenResponse.assume_role",
    "moto.core.responses.method_names_from_class",
)
EACH = f"""
import json, os, sys
import moto.core.responses, moto.iam.models, moto.sts.responses
for seam in {SEAMS}:
    if os.fork() == 0:
        owner, _, name = seam.rpartition(".")
        exec(f"del {{owner}}.{{name}}")
        try:
            import iamkit.sandbox.server.moto_patches
        except ImportError as error:
            print(json.dumps([seam, str(error)]), flush=True)
        os._exit(0)
    os.wait()
"""
"""Without each of them in turn: what is said at import. moto is loaded once, as it takes long."""


@pytest.fixture(scope="module")
def said():
    """What is said without each seam."""
    done = subprocess.run([sys.executable, "-c", EACH], capture_output=True, text=True, check=True)
    return dict(map(json.loads, done.stdout.splitlines()))


@pytest.mark.parametrize("moved", SEAMS)
def test_a_moto_without_a_seam_is_refused_at_import(moved, said):
    """The error names what is missing."""
    assert "is not one that the sandbox knows" in said[moved]
    assert moved.rpartition(".")[2] in said[moved]
