"""MFA devices: their seeds and pictures, and codes that are really checked.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_enable_virtual.html
"""

import io
from datetime import UTC
from typing import Any

import segno
from moto.core.responses import ActionResult, EmptyResult

from iamkit.sandbox.server.errors import Refused, already_exists, limit_exceeded, no_such_entity
from iamkit.sandbox.server.iam.base import IamAnswers
from iamkit.sandbox.server.moto_patches import clock, iam_models
from iamkit.sandbox.server.one_time_passwords import STEP, is_in_sequence

DEVICES_PER_USER = 8


class MfaAnswers(IamAnswers):
    """Virtual MFA devices."""

    def create_virtual_mfa_device(self) -> ActionResult:
        """With the QR code of the seed, as an authenticator app reads it.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_VirtualMFADevice.html
        """
        answer = super().create_virtual_mfa_device()
        result: Any = answer.result
        device = result["VirtualMFADevice"]
        account = next(iter(self.account.iam.account_aliases), self.account.id)
        name = self._get_param("VirtualMFADeviceName")
        device.qr_code_png = _png(
            f"otpauth://totp/{name}@{account}?secret={device.base32_string_seed}"
        )
        return answer

    def enable_mfa_device(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html."""
        user, device = self.user, self._device()
        if device.user:
            raise already_exists("MFADevice entity is already in use.")
        if len(user.mfa_devices) >= DEVICES_PER_USER:
            raise limit_exceeded("MFADevicesPerUser", DEVICES_PER_USER)
        self._check_codes(device)
        device.user, device.enable_date = user, clock.now()
        user.mfa_devices[device.serial_number] = iam_models.MFADevice(device.serial_number, "", "")
        return EmptyResult()

    def resync_mfa_device(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_ResyncMFADevice.html."""
        device = self._device()
        if device.serial_number not in self.user.mfa_devices:
            raise no_such_entity(f"MFA device {device.serial_number} is not this user's.")
        self._check_codes(device)
        return EmptyResult()

    def get_mfa_device(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetMFADevice.html."""
        serial = self._get_param("SerialNumber")
        for user in self.account.iam.users.values():
            if serial in user.mfa_devices and self._get_param("UserName") in (None, user.name):
                enabled = user.mfa_devices[serial].enable_date
                found = {"UserName": user.name, "SerialNumber": serial, "EnableDate": enabled}
                return ActionResult(found)
        raise no_such_entity(f"MFA device {serial} cannot be found.")

    def list_virtual_mfa_devices(self) -> ActionResult:
        """Without their seeds.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListVirtualMFADevices.html
        """
        wanted = self._get_param("AssignmentStatus", "Any")
        devices = [
            {"SerialNumber": d.serial_number, "EnableDate": d.enable_date, "User": d.user}
            for d in self.account.iam.virtual_mfa_devices.values()
            if wanted == "Any" or (wanted == "Assigned") == bool(d.user)
        ]
        return ActionResult({"VirtualMFADevices": devices})

    def _device(self) -> Any:
        serial = self._get_param("SerialNumber")
        device = self.account.iam.virtual_mfa_devices.get(serial)
        if device is None:
            text = f"VirtualMFADevice with serial number {serial} doesn't exist."
            raise no_such_entity(text)
        return device

    def _check_codes(self, device: Any) -> None:
        codes = self._get_param("AuthenticationCode1"), self._get_param("AuthenticationCode2")
        step = int(clock.now().replace(tzinfo=UTC).timestamp()) // STEP
        if not is_in_sequence(device.base32_string_seed, *codes, step):
            text = "Authentication code for device is not valid."
            raise Refused("InvalidAuthenticationCode", 403, text)


def _png(text: str) -> bytes:
    picture = io.BytesIO()
    segno.make(text).save(picture, kind="png", scale=5)
    return picture.getvalue()
