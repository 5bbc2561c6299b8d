"""AWS's own managed policies, some 1,580, as moto carries them: real policies for tests."""

import json
from functools import cache


@cache
def managed_policies():
    """The documents by name."""
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    found = json.loads(aws_managed_policies_data)
    return {name: policy["Document"] for name, policy in found.items()}
