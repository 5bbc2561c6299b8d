"""The start page's content on the sandbox: what is set up, what is urgent, what cannot be told."""

import json
import re
from datetime import UTC, datetime

import pytest
from paths import GUIDE, ROOT

from iamkit.aws.apply import apply_plan
from iamkit.aws.read import read_account
from iamkit.aws.session import open_session
from iamkit.notebook.pages.start import Start, describe_steps, describe_urgent, read_start
from iamkit.parameters.files import CURRENT
from iamkit.plan.changes import make_plan
from iamkit.plan.desired import Desired, DesiredUser
from iamkit.plan.leavers import DENY_POLICY, deny_everything
from iamkit.plan.progress import PLANNED, Step
from iamkit.plan.wanted import desired_of
from iamkit.policies import allow, policy

ATTACK = "<img src=x onerror=alert(1)>\x1b[2J"


@pytest.fixture(autouse=True)
def without_file(monkeypatch):
    """No parameters file is named, so the notebooks' own cells count."""
    monkeypatch.delenv(CURRENT, raising=False)


@pytest.fixture
def make(session, guide):
    """Apply what notebooks want, or something else, as root."""

    def make(*wanted):
        for one in wanted:
            desired = one if isinstance(one, Desired) else desired_of(guide(one))
            plan = make_plan(read_account(session, desired), desired)
            apply_plan(plan, session).raise_if_incomplete()

    return make


@pytest.fixture
def start(session, guide):
    """Read the start page's content, as root unless somebody else is named."""

    def start(run_as=""):
        parameters = guide("00_start_here", run_as=run_as)
        return read_start(open_session(parameters) if run_as else session, parameters)

    return start


@pytest.fixture
def worker(make, session, sandbox):
    """Make a user with these actions alone, and turn authorising on."""
    make(Desired(users=(DesiredUser(name="worker", access_key=True),)))

    def allow_only(*actions):
        document = json.dumps(policy(allow(*actions)))
        session.iam.put_user_policy(UserName="worker", PolicyName="only", PolicyDocument=document)
        sandbox.set_authorize(True)

    yield allow_only
    sandbox.set_authorize(False)


@pytest.fixture
def team(tmp_path, monkeypatch):
    """A parameters file that the environment names, with these lines more than the guide's."""

    def team(text, replaced=""):
        file = tmp_path / "team.yaml"
        lines = GUIDE.read_text().splitlines(keepends=True)
        kept = [line for line in lines if not (replaced and line.startswith(replaced))]
        file.write_text("".join(kept) + text)
        monkeypatch.setenv(CURRENT, str(file))

    return team


def told(start):
    """State and sentence of each step, by the notebook's name."""
    return {step.notebook: (step.state, step.said) for step in start.steps}


def test_half_way_it_tells_what_is_there_and_what_is_not(start, make):
    """After two of the guide's notebooks, the users come next; the list links to each."""
    make("02_admin_group", "03_dev_group")
    found = start()
    states = told(found)
    assert [states[name][0] for name in PLANNED] == ["done", "done", "to do", "to do", "to do"]
    assert states["04_users"] == ("to do", "8 to create: user bob, user carol")
    markup, text = describe_steps(found)
    assert re.findall(r'href="(\w+)\.ipynb"', markup) == list(states)
    assert re.findall(r'aria-current="step".*?href="(\w+)', markup) == ["04_users"]
    assert "○ to do       04_users         next: 8 to create" in text
    assert "2 of 5 parts of the setup are there. Next: 04_users." in text


def test_after_the_guide_the_audit_comes_next(start, make):
    """Everything is set up; what is urgent has who, what and what to do."""
    make(*PLANNED)
    found = start()
    assert {told(found)[name][0] for name in PLANNED} == {"done"}
    assert told(found)["06_audit_users"][0] == "to do"
    markup, text = describe_urgent(found)
    assert markup.count("<li") == 3
    assert "critical: the account's root: The root signs in with MFA. Turn on MFA" in text
    assert found.problems == ()


def test_users_whom_nobody_names_cost_no_call(start, make, sandbox):
    """Single calls are made for those whom the parameters name, each once, and for nobody else."""
    make(Desired(users=tuple(DesiredUser(name=name) for name in ("bob", "zoe", "yan"))))
    before = len(sandbox.calls())
    start()
    calls = [call["action"] for call in sandbox.calls()[before:]]
    assert calls.count("GetLoginProfile") == 1
    assert calls.count("ListAccountAliases") == 1


def test_whose_key_is_due_and_who_leaves_is_told_without_another_call(
    start, make, session, sandbox, team
):
    """By the credential report and the tags, whoever the parameters name; neither is a set-up."""
    make(Desired(users=(DesiredUser(name="zoe", access_key=True), DesiredUser(name="dave"))))
    tags = [{"Key": "iamkit:left", "Value": f"{datetime.now(UTC):%Y-%m-%d}"}]
    session.iam.tag_user(UserName="dave", Tags=tags)
    deny = json.dumps(deny_everything(datetime.now(UTC).date()))
    session.iam.put_user_policy(UserName="dave", PolicyName=DENY_POLICY, PolicyDocument=deny)
    sandbox.age(100)
    team("leavers: [{user: zoe}]\n")
    before = len(sandbox.calls())
    found = start()
    states = told(found)
    assert states["10_rotate_keys"] == ("to do", "1 user with a key older than 90 days: zoe")
    assert states["11_leavers"][0] == "to do"
    assert "1 user to be stopped: zoe; 1 user stopped" in states["11_leavers"][1]
    assert "0 of 5 parts of the setup" in describe_steps(found)[1]
    assert not [c for c in sandbox.calls()[before:] if c["action"] == "ListAccessKeys"]


def test_waivers_count(start, team):
    """A finding that was accepted is not urgent any more."""
    assert "The root signs in with MFA" in describe_urgent(start())[1]
    accepted = '  - {check: root-mfa, principal: "*", reason: known, until: "2099-12-31"}\n'
    team(f"waivers:\n{accepted}", replaced=("waivers:", "  - {check"))
    assert "The root signs in with MFA" not in describe_urgent(start())[1]


def test_the_parameters_file_of_the_environment_is_what_is_compared(start, team):
    """Its group is the one that is missing, and users of its CSV file count."""
    team("dev_group: ops\n", replaced="dev_group:")
    assert told(start())["03_dev_group"] == ("to do", "2 to create: group ops")


def test_users_of_a_csv_file_count(start, team, tmp_path):
    """As 04_users reads them."""
    (tmp_path / "more.csv").write_text("name\nzoe\n")
    team("users_csv: more.csv\n")
    assert "user zoe" in told(start())["04_users"][1]


WRONG = {
    "account_alias: A_B\n": ("account_alias:", "05_account_alias", "account_alias: "),
    "account_id: '111122223333'\n": ("account_id:", "03_dev_group", "is of account 111122223333"),
    "nobody_knows: 1\n": ("", "03_dev_group", "unknown key"),
}


@pytest.mark.parametrize("text", WRONG)
def test_wrong_parameters_are_said_where_they_matter(text, start, team):
    """A bad value, a file of another account, an unknown key; the page is there all the same."""
    replaced, notebook, said = WRONG[text]
    team(text, replaced=replaced)
    found = start()
    assert told(found)[notebook][0] == "cannot tell"
    assert said in told(found)[notebook][1]
    assert "The root signs in with MFA" in describe_urgent(found)[1]


def test_it_needs_no_more_than_it_names(start, make, worker):
    """Under exactly the permissions of its first cell, nothing is left unread."""
    make("02_admin_group", "03_dev_group", "04_users")
    cell = json.loads((ROOT / "notebooks" / "00_start_here.ipynb").read_text())["cells"][0]
    worker(*re.findall(r"`([a-z-]+:[A-Za-z]+)`", "".join(cell["source"])))
    found = start("worker")
    assert found.problems == ()
    assert "cannot tell" not in {told(found)[name][0] for name in PLANNED}


def test_what_is_denied_is_said_in_its_row_and_breaks_nothing(start, make, worker):
    """Without the alias, the keys and the report, the groups are told and the rest says why."""
    make("02_admin_group", "03_dev_group")
    worker("iam:GetAccountAuthorizationDetails")
    found = start("worker")
    states = told(found)
    assert states["03_dev_group"][0] == "done"
    assert "lack the permission iam:ListAccessKeys" in states["02_admin_group"][1]
    assert "lack the permission iam:ListAccountAliases" in states["05_account_alias"][1]
    markup, text = describe_urgent(found)
    assert "could not be read: GetCredentialReport" in text
    assert "GetCredentialReport" in markup
    assert "Nothing is urgent: the audit found nothing." not in text


def test_who_may_read_nothing_still_gets_the_page(start, worker):
    """Who they are, the links, and why nothing is known."""
    worker("iam:GetUser")
    found = start("worker")
    assert found.audit is None
    assert told(found)["01_credentials"] == ("to do", "you are user worker")
    assert told(found)["06_audit_users"][0] == "cannot tell"
    assert "07_policy_studio.ipynb" in describe_steps(found)[0]
    assert "GetAccountAuthorizationDetails" in describe_urgent(found)[1]


def test_nothing_urgent_is_said_and_never_of_what_could_not_be_told(start, team, worker):
    """When all that was found is accepted, it is good news; with a denied read it is not all."""
    checks = start().audit.findings["check"].unique()
    waiver = '  - {{check: {}, principal: "*", reason: known, until: "2099-12-31"}}\n'
    team("waivers:\n" + "".join(map(waiver.format, checks)), replaced=("waivers:", "  - {check"))
    assert "✔ Nothing is urgent: the audit found nothing." in describe_urgent(start())[1]
    worker("iam:GetAccountAuthorizationDetails", "iam:ListAccountAliases")
    text = describe_urgent(start("worker"))[1]
    assert "✔ Nothing is urgent: the audit found nothing." not in text
    assert "could not be read: GetCredentialReport" in text


def test_hostile_text_stays_text(start):
    """In HTML it is escaped, and in a terminal it steers nothing."""
    steps = (Step(notebook="03_dev_group", state="to do", said=ATTACK),)
    hostile = Start(steps=steps, audit=None, problems=(ATTACK,))
    for markup, text in (describe_steps(hostile), describe_urgent(hostile)):
        assert "<img" not in markup
        assert "&lt;img src=x" in markup
        assert "\x1b" not in text
