"""The circumstances of a call, as the condition keys that every service has.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from datetime import UTC
from typing import Any

from iamkit.sandbox.server.call import Call
from iamkit.sandbox.server.moto_patches import clock

GLOBAL_REGION = "us-east-1"
"""Where the services are that have no region, in ``aws:RequestedRegion``."""


def circumstances(call: Call) -> dict[str, Any]:
    """When, from where and how a call comes; what is not here is absent."""
    moment = clock.now().replace(tzinfo=UTC)
    return {
        "aws:CurrentTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": int(moment.timestamp()),
        "aws:SourceIp": "127.0.0.1",
        "aws:SecureTransport": True,  # as on AWS, although the wire here is plain
        "aws:ViaAWSService": False,
        "aws:RequestedRegion": GLOBAL_REGION if call.service == "iam" else call.region,
        "aws:UserAgent": call.request.headers.get("user-agent"),
        "aws:referer": call.request.headers.get("referer"),
    }
