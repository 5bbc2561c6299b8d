"""The MFA code that a call to STS brings.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html
"""

from typing import Any

from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.call import Call
from iamkit.sandbox.server.errors import Refused
from iamkit.sandbox.server.moto_patches import clock
from iamkit.sandbox.server.one_time_passwords import step_of


def with_mfa(call: Call, account: Account) -> dict[str, Any]:
    """``aws:MultiFactorAuthPresent`` and its age, if the call brings a code; else nothing.

    Raises:
        Refused: the device is not the caller's, or the code is not the device's, or used before.
    """
    serial, code = call.get("SerialNumber"), call.get("TokenCode")
    if not serial:
        return {}
    device = account.iam.virtual_mfa_devices.get(serial)
    step = None
    if device and _is_of(device, call):
        step = step_of(device.base32_string_seed, code, clock.seconds())
    if step is None or step in getattr(device, "used", ()):
        text = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
        raise Refused("AccessDenied", 403, text)
    return {"aws:MultiFactorAuthPresent": True, "aws:MultiFactorAuthAge": 0}


def _is_of(device: Any, call: Call) -> bool:
    return bool(device.user and device.user.name == call.caller.user_name)
