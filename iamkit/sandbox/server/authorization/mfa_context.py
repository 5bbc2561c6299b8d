"""The MFA code that a call to STS brings.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html
"""

from datetime import UTC
from typing import Any

from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.call import Call
from iamkit.sandbox.server.errors import Refused
from iamkit.sandbox.server.moto_patches import clock
from iamkit.sandbox.server.one_time_passwords import STEP, totp


def with_mfa(call: Call, account: Account) -> dict[str, Any]:
    """``aws:MultiFactorAuthPresent`` and its age, if the call brings a code; else nothing.

    Raises:
        Refused: the device is not the caller's, or the code is not the device's.
    """
    serial, code = call.get("SerialNumber"), call.get("TokenCode")
    if not serial:
        return {}
    device = account.iam.virtual_mfa_devices.get(serial)
    step = int(clock.now().replace(tzinfo=UTC).timestamp()) // STEP
    seed = device.base32_string_seed if device and _is_of(device, call) else ""
    if not seed or code not in (totp(seed, near) for near in (step - 1, step, step + 1)):
        text = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
        raise Refused("AccessDenied", 403, text)
    return {"aws:MultiFactorAuthPresent": True, "aws:MultiFactorAuthAge": 0}


def _is_of(device: Any, call: Call) -> bool:
    return bool(device.user and device.user.name == call.caller.user_name)
