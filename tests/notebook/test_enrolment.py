"""The section for one's own MFA device: what the page is told, and what no state ever holds."""

import json
import time

import pytest

from iamkit.aws.apply import apply_plan
from iamkit.aws.read import read_account
from iamkit.aws.session import open_session
from iamkit.notebook.pages import enrolment
from iamkit.notebook.pages.enrolment import BY_CLICKS, EnrolmentView, show_enrolment
from iamkit.plan.changes import make_plan
from iamkit.plan.desired import Desired, DesiredUser
from iamkit.sandbox.server.one_time_passwords import STEP, totp


@pytest.fixture
def alice(session, guide):
    """A session of alice, who has a key; nobody asks for her permissions here."""
    desired = Desired(users=(DesiredUser(name="alice", access_key=True),))
    apply_plan(make_plan(read_account(session, desired), desired), session).raise_if_incomplete()
    return open_session(guide("03_dev_group", run_as="alice"))


@pytest.fixture
def view(alice, monkeypatch):
    """A view, and the messages that its page gets, each with its buffers."""
    told = []
    made = EnrolmentView(alice)
    monkeypatch.setattr(
        made, "send", lambda message, buffers=None: told.append((message, buffers or []))
    )
    return made, told


def states(told):
    return [message.get("state") for message, _ in told]


def test_a_device_is_enrolled_by_clicks(view, session):
    """Look, begin, two codes: the seed is in the buffers of one message, and then nowhere."""
    made, told = view
    made.answer({"do": "look", "view": "1"})
    made.answer({"do": "begin"})
    seed, picture = told[-1][1]
    assert picture.startswith(b"\x89PNG")
    now = int(time.time()) // STEP
    codes = [totp(seed.decode(), step) for step in (now - 1, now)]
    made.answer({"do": "enable", "first": codes[0], "second": codes[1]})
    assert states(told) == ["idle", "scan", "idle"]
    assert "Verified" in told[-1][0]["said"]
    assert len(session.iam.list_mfa_devices(UserName="alice")["MFADevices"]) == 1
    held = json.dumps([made.get_state(), [message for message, _ in told]], default=repr)
    held += repr(vars(made))
    assert seed.decode() not in held
    assert [len(buffers) for _, buffers in told] == [0, 2, 0]


def test_a_wrong_code_leaves_the_picture_where_it_is(view):
    """What is said has no state, so the page keeps what it shows."""
    made, told = view
    made.answer({"do": "begin"})
    made.answer({"do": "enable", "first": "000000", "second": "000001"})
    message, buffers = told[-1]
    assert ("state" not in message, message["wrong"], buffers) == (True, True, [])


def test_one_that_was_broken_off_is_found_and_ended(view, alice, session):
    """By the next view, which offers codes or an end; after the end it begins anew."""
    made, _ = view
    made.answer({"do": "begin"})
    told = []
    after = EnrolmentView(alice)
    after.send = lambda message, buffers=None: told.append((message, buffers or []))
    after.answer({"do": "look", "view": "2"})
    assert told[-1][0]["state"] == "begun"
    assert told[-1][0]["serial"].endswith(":mfa/alice")
    after.answer({"do": "end"})
    assert told[-1][0]["state"] == "idle"
    assert session.iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []
    after.answer({"do": "begin"})
    assert told[-1][0]["state"] == "scan"


def test_a_reply_that_was_cut_off_is_told_without_its_text(view, sandbox):
    """The page learns that a device is there; no message holds a secret."""
    made, told = view
    sandbox.set_faults([{"action": "CreateVirtualMFADevice", "kind": "truncate", "times": 1}])
    made.answer({"do": "begin"})
    sandbox.clear_faults()
    assert (told[-1][0]["state"], told[-1][0]["wrong"]) == ("begun", True)
    assert all(secret not in repr(told) for secret in sandbox.secrets())


def test_an_unexpected_error_is_named_without_its_text(view, monkeypatch):
    """It could hold a reply."""
    made, told = view

    def fail(*_):
        raise RuntimeError("Base32StringSeed")

    monkeypatch.setattr(enrolment, "create_device", fail)
    made.answer({"do": "begin"})
    assert told[-1][0]["said"] == "It ended in an unexpected RuntimeError."


@pytest.mark.parametrize("message", [{}, {"do": "x"}, {"do": None}, {"do": ["begin"]}])
def test_a_message_that_means_nothing_does_nothing(view, message):
    """Every message can be sent by whoever has the page."""
    made, told = view
    made.answer(message)
    assert told == []


def test_headless_enrols_nobody(alice, monkeypatch, capsys, sandbox):
    """It says so, and calls nothing."""
    monkeypatch.setattr(enrolment, "someone_is_there", lambda: False)
    before = len(sandbox.calls())
    shown = []
    monkeypatch.setattr(enrolment, "show", shown.append)
    show_enrolment(alice)
    assert shown == [BY_CLICKS]
    assert len(sandbox.calls()) == before


def test_the_root_is_told_in_the_page(session, monkeypatch):
    """In place of the buttons."""
    shown = []
    monkeypatch.setattr(enrolment, "someone_is_there", lambda: True)
    monkeypatch.setattr(enrolment, "show", shown.append)
    show_enrolment(session)
    (said,) = shown
    assert "root" in said
