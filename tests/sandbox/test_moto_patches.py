"""The seams: a moto that has moved is refused at import, not by wrong answers later."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "moved",
    [
        "moto.iam.models.IAMBackend.get_groups_for_user",
        "moto.core.responses.BaseResponse.parse_parameters",
        "moto.sts.responses.TokenResponse.assume_role",
        "moto.core.responses.method_names_from_class",
    ],
)
def test_a_moto_without_a_seam_is_refused_at_import(moved):
    """The error names what is missing."""
    owner, _, name = moved.rpartition(".")
    module = owner if owner.islower() else owner.rpartition(".")[0]
    script = f"import {module}, moto; del {owner}.{name}; import iamkit.sandbox.server.moto_patches"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode != 0
    assert "is not one that the sandbox knows" in done.stderr
    assert name in done.stderr
