"""A virtual MFA device of one's own: made, enabled by two codes, or ended where it was broken off.

AWS tells a device's seed once, in the reply that makes it. It goes to the eyes of who asked, and is
kept nowhere: so a device that was made and not enabled can only be enabled by who has scanned its
code, or deleted.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_enable_virtual.html
"""

import re
from dataclasses import dataclass, field

from iamkit.account.state import MfaDevice
from iamkit.app_mode import is_app
from iamkit.aws.call_errors import CALL_ERRORS, code_of, explain_error, may_pass
from iamkit.aws.pages import list_pages
from iamkit.aws.session import Session
from iamkit.credentials import Secret
from iamkit.errors import AwsError, GuardError, InputError
from iamkit.plan.lockout import caller_of

CODE = re.compile(r"\d{6}")
NAMES = 8
"""Devices that a user may have."""


@dataclass(frozen=True, kw_only=True)
class NewDevice:
    """A device that AWS has just made.

    Attributes:
        seed: for who cannot scan, as an authenticator app takes it.
        picture: the same as a QR code, a PNG.
    """

    serial: str
    seed: Secret
    picture: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """How far a user's own enrolment is.

    Attributes:
        user: who calls; empty for the root and for a role's session.
        devices: those that are enabled.
        begun: the serial of one of this user's that was made and not enabled; empty if none is
            seen.
        untold: why it cannot be told whether one was; empty if it can.
    """

    user: str
    devices: tuple[MfaDevice, ...] = ()
    begun: str = ""
    untold: str = ""


def why_not_here(session: Session) -> str:
    """Why nobody can enrol a device with these credentials here; empty if somebody can."""
    if is_app():
        return "Who sees a page of an app need not be who runs it: enrol a device in JupyterLab."
    if session.identity.is_root:
        return (
            "These are the account's root credentials. The root enrols its device in the console, "
            "under Security credentials."
        )
    if not caller_of(session.identity, "").user:
        return (
            f"{session.identity.arn} is a session of a role or of somebody from elsewhere, and "
            "has no device of its own: a second factor belongs to who signed in. Open this "
            "notebook with the credentials of an IAM user."
        )
    return session.refusal or ""


def read_enrolment(session: Session) -> Enrolment:
    """How far the caller's enrolment is.

    Raises:
        AwsError: the caller's own devices could not be read.
    """
    user = caller_of(session.identity, "").user
    try:
        listed = list_pages(session, "list_mfa_devices", "MFADevices", UserName=user)
    except CALL_ERRORS as error:
        raise explain_error(error, "ListMFADevices") from None
    devices = tuple(
        MfaDevice(serial=one["SerialNumber"], enabled=one["EnableDate"]) for one in listed
    )
    try:
        unassigned = list_pages(
            session, "list_virtual_mfa_devices", "VirtualMFADevices", AssignmentStatus="Unassigned"
        )
    except CALL_ERRORS as error:
        said = str(explain_error(error, "ListVirtualMFADevices"))
        return Enrolment(user=user, devices=devices, untold=said)
    ours = {_serial(session, name) for name in _names(user)}
    begun = sorted(one["SerialNumber"] for one in unassigned if one["SerialNumber"] in ours)
    return Enrolment(user=user, devices=devices, begun=next(iter(begun), ""))


def create_device(session: Session) -> NewDevice:
    """Make a device for the caller; its seed is in what is returned, and nowhere else.

    Raises:
        AwsError: it was not made, or it was and its seed is lost, as when a reply was cut off.
            The text repeats nothing of AWS's reply.
        GuardError: nobody can enrol a device here.
    """
    _refuse(session)
    found = read_enrolment(session)
    if found.begun:
        raise AwsError(f"{found.begun} is there already, and not enabled. Delete it first.")
    taken = {device.serial for device in found.devices}
    free = (name for name in _names(found.user) if _serial(session, name) not in taken)
    name = next(free, "")
    if not name:
        raise AwsError(f"{found.user} has {len(taken)} devices, and AWS allows {NAMES}.")
    *folder, last = name.split("/")
    path = {"Path": f"/{folder[0]}/"} if folder else {}
    try:
        made = session.clients.iam_once.create_virtual_mfa_device(VirtualMFADeviceName=last, **path)
    except CALL_ERRORS as error:
        raise _not_made(error, name) from None
    device = made["VirtualMFADevice"]
    seed = Secret(device["Base32StringSeed"].decode())
    return NewDevice(serial=device["SerialNumber"], seed=seed, picture=device["QRCodePNG"])


def enable_device(session: Session, serial: str, codes: tuple[str, str]) -> None:
    """Enable a device of the caller's by two codes of it, one after the other.

    Raises:
        InputError: they are not two codes, or AWS does not take them.
        AwsError: it was not enabled; the text tells why.
        GuardError: nobody can enrol a device here.
    """
    _refuse(session)
    first, second = (re.sub(r"\s", "", code) for code in codes)
    if not (CODE.fullmatch(first) and CODE.fullmatch(second)):
        raise InputError("A code has six digits. Type two of them, one after the other.")
    if first == second:
        raise InputError("These are the same code. Wait until the app shows the next one.")
    try:
        session.iam.enable_mfa_device(
            UserName=_own(session, serial),
            SerialNumber=serial,
            AuthenticationCode1=first,
            AuthenticationCode2=second,
        )
    except CALL_ERRORS as error:
        if code_of(error) == "InvalidAuthenticationCode":
            raise InputError(
                "AWS does not take these codes. Type one, wait for the next, and type that too; "
                "the clock of the phone must be right."
            ) from None
        if not (may_pass(error) or code_of(error) == "EntityAlreadyExists"):
            raise explain_error(error, "EnableMFADevice", quote=False) from None
        # The reply of a call that acted may have been lost.
        if serial not in {device.serial for device in read_enrolment(session).devices}:
            raise explain_error(error, "EnableMFADevice", quote=False) from None


def delete_begun(session: Session, serial: str) -> None:
    """Delete a device of the caller's that was made and not enabled; its seed is known to no one.

    Raises:
        AwsError: it is in use, or it could not be deleted.
        GuardError: nobody can enrol a device here.
    """
    _refuse(session)
    _own(session, serial)
    if serial in {device.serial for device in read_enrolment(session).devices}:
        raise AwsError(f"{serial} is in use, and stays.")
    try:
        session.iam.delete_virtual_mfa_device(SerialNumber=serial)
    except CALL_ERRORS as error:
        if code_of(error) != "NoSuchEntity":
            raise explain_error(error, "DeleteVirtualMFADevice") from None


def _refuse(session: Session) -> None:
    if reason := why_not_here(session):
        raise GuardError(f"{reason} Nothing was changed.")


def _own(session: Session, serial: str) -> str:
    """The caller, whose device it is by its name.

    Raises:
        GuardError: it is somebody else's.
    """
    user = caller_of(session.identity, "").user
    if serial not in {_serial(session, name) for name in _names(user)}:
        raise GuardError(f"That is no device of {user}. Nothing was changed.")
    return user


def _names(user: str) -> tuple[str, ...]:
    """What stands behind ``mfa/`` in the serials of a user's devices.

    Policies let everybody manage those of their own name: ``mfa/${aws:username}``, and what lies
    below it.
    """
    return (user, *(f"{user}/{user}-{number}" for number in range(2, NAMES + 1)))


def _serial(session: Session, name: str) -> str:
    identity = session.identity
    return f"arn:{identity.partition}:iam::{identity.account_id}:mfa/{name}"


def _not_made(error: Exception, name: str) -> AwsError:
    if code_of(error) == "EntityAlreadyExists":
        return AwsError(
            f"A device {name} is there already and not in use, perhaps from an enrolment that was "
            "broken off. Delete it, and begin anew."
        )
    told = explain_error(error, "CreateVirtualMFADevice", quote=False)
    after = " If it was made, it is found here and can be deleted." if may_pass(error) else ""
    return AwsError(f"{told}{after}")
