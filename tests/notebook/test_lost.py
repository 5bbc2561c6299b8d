"""What a page of lost credentials says, and that hostile text stays text."""

from accounts import READ

from iamkit.account.state import AccountState, LoginProfile, MfaDevice, Source, User
from iamkit.notebook.pages.lost import _Card

NAME = "bob"


def card_of(**facts):
    state = AccountState(
        account_id="000000000000", users={NAME: User(name=NAME)}, sources=READ, **facts
    )
    return _Card(NAME, state, lambda: None)


def test_what_was_not_read_is_said_and_not_offered():
    """A password that nobody could read is not "none"."""
    refused = Source(status="unknown", note="iam:GetLoginProfile: <denied>")
    state = AccountState(
        account_id="000000000000",
        users={NAME: User(name=NAME)},
        sources={"GetLoginProfile": refused, "ListMFADevices": refused},
    )
    card = _Card(NAME, state, lambda: None)
    assert card.password.disabled
    assert "denied" in card.password.description
    said = card.widget.children[-1].value
    assert "⚠" in said
    assert "&lt;denied&gt;" in said


def test_who_has_nothing_is_offered_a_first_password():
    """And is said to have no device."""
    card = card_of(login_profiles={NAME: None})
    assert card.password.description == "Has no console password: make a first one"
    assert "No MFA device" in card.widget.children[-1].value


def test_a_device_is_named_by_kind_serial_and_day():
    """One whose day is not known is said to be so."""
    card = card_of(
        login_profiles={NAME: LoginProfile(reset_required=False)},
        mfa_devices={NAME: (MfaDevice(serial="GAHT12345678"),)},
    )
    (tick,) = card.devices.values()
    assert tick.description == "Lost the hardware device GAHT12345678, registered on an unknown day"
    assert "an unknown day" in card.password.description
