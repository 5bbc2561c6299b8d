"""The guide's five notebooks headless, a kernel each, beside the same calls as an AWS CLI script.

Both run on one sandbox, in turn; the ratio is what counts, as the machine is noisy. The script
makes each call that changes something, and reads once for each notebook; the notebooks read more
often than that, to make sure, and search and render what they did.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from iamkit.sandbox import reset_sandbox, sandbox_env, start_sandbox, stop_sandbox

ROOT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("0[1-5]_*.ipynb"))
ALLOW = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["%s"],"Resource":"*"}]}'
READ = ["get-account-authorization-details --filter User Group", "list-account-aliases"]
PASSWORD = "--password Practice-1234! --password-reset-required"
POLICY = "put-group-policy --group-name {0} --policy-name {0}Policy --policy-document '{1}'"
SCRIPT = [
    *READ,
    "create-group --group-name Admins",
    POLICY.format("Admins", ALLOW % "*"),
    "create-user --user-name alice",
    "add-user-to-group --group-name Admins --user-name alice",
    "create-access-key --user-name alice",
    *READ,
    "create-group --group-name dev",
    POLICY.format("dev", ALLOW % "ec2:Describe*"),
    *READ,
    "create-user --user-name bob",
    "add-user-to-group --group-name dev --user-name bob",
    f"create-login-profile --user-name bob {PASSWORD}",
    "create-access-key --user-name bob",
    "create-user --user-name carol --path /team/ --tags Key=team,Value=web",
    "add-user-to-group --group-name dev --user-name carol",
    f"create-login-profile --user-name carol {PASSWORD}",
    "create-access-key --user-name carol",
    *READ,
    "create-account-alias --account-alias maestrodev",
    *READ,
]


def timed(command: list[str], cwd: str) -> float:
    """Seconds that a command takes."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, cwd=cwd, capture_output=True)
    return time.perf_counter() - begun


def main() -> None:
    """Run both three times, in turn, and print the ratio of the best of each."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["IAMKIT_HOME"] = folder
        state = Path(folder) / "sandbox"
        start_sandbox(state)
        guide = [str(BIN / "iamkit"), "run", *NOTEBOOKS, "--apply", "-f"]
        guide.append(str(ROOT / "parameters" / "sandbox.yaml"))
        ours, theirs = [], []
        for _ in range(3):
            reset_sandbox(state)
            ours.append(timed(guide, folder))
            lines = ["set -e", f"PATH={BIN}:$PATH", sandbox_env(reset_sandbox(state))]
            lines += ["aws sts get-caller-identity", *(f"aws iam {line}" for line in SCRIPT)]
            theirs.append(timed(["bash", "-c", "\n".join(lines)], folder))
            print(f"notebooks {ours[-1]:.1f} s, AWS CLI script {theirs[-1]:.1f} s")
        stop_sandbox(state)
    print(f"{len(NOTEBOOKS)} notebooks against {len(SCRIPT) + 1} CLI calls")
    print(f"ratio {min(ours) / min(theirs):.2f}, to reach: below 0.6")


if __name__ == "__main__":
    main()
