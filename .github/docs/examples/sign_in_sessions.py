# ruff: noqa: INP001, S106, T201
"""Every session of aws login of somebody who left is ended."""

from pathlib import Path

import boto3

from iamkit.sandbox import redirect_sign_in, start_sandbox, stop_sandbox

sandbox = start_sandbox(Path("state"))
keys = {
    "aws_access_key_id": sandbox.access_key_id,
    "aws_secret_access_key": sandbox.secret_access_key,
    "region_name": "us-east-1",
    "endpoint_url": sandbox.endpoint_url,
}
iam, signin = boto3.client("iam", **keys), boto3.client("signin", **keys)
redirect_sign_in(signin, sandbox.endpoint_url)

alice = iam.create_user(UserName="alice")["User"]["Arn"]
iam.create_login_profile(UserName="alice", Password="Practice-Only-1")
sandbox.sign_in("alice")

found = signin.list_sessions(principalArn=alice, status="ACTIVE")["items"]
arns = [session["sessionArn"] for session in found]
done = signin.batch_revoke_sessions(principalArn=alice, sessionArns=arns)  # five at a time
print(len(done["revokedSessions"]), done["errors"])
stop_sandbox(Path("state"))
