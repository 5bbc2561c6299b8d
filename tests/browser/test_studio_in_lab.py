"""The guide's wish: a policy built with clicks alone, in JupyterLab, in a real browser."""

import boto3
import pytest
import yaml
from browser.conftest import open_notebook, run_all, wait_for_text
from paths import GUIDE

from iamkit.aws.read import read_permissions
from iamkit.aws.session import open_session
from iamkit.parameters.yaml_file import read_parameters
from iamkit.plan.wanted import dev_group
from iamkit.policies.evaluation.engine import Policies, evaluate
from iamkit.policies.evaluation.request import Principal, Request

BUCKETS = ("backups", "photos", "reports")
ALICE = "arn:aws:iam::000000000000:user/alice"


@pytest.fixture
def lab(lab_with, sandbox, session, guide):
    """JupyterLab on an account with a group and three buckets, and nothing chosen yet."""
    session.iam.create_group(GroupName=dev_group(guide("03_dev_group")).groups[0].name)
    s3 = boto3.client(
        "s3",
        endpoint_url=sandbox.endpoint_url,
        aws_access_key_id=sandbox.access_key_id,
        aws_secret_access_key=sandbox.secret_access_key,
        region_name="us-east-1",
    )
    for bucket in BUCKETS:
        s3.create_bucket(Bucket=bucket)
    parameters = dict(yaml.safe_load(GUIDE.read_text()))
    parameters |= {"policy_choices": [], "policy_holder": "", "run_as": ""}
    return lab_with(parameters)


def choose(page, list_name, *options):
    """Click options in a list, all but the first with the Control key held."""
    box = page.locator(f'.widget-select-multiple:has(label:text-is("{list_name}")) select')
    for number, option in enumerate(options):
        box.locator("option", has_text=option).first.click(modifiers=["Control"] if number else [])


def decide(document, action, bucket, **context):
    request = Request(
        principal=Principal(ALICE),
        action=action,
        resource=f"arn:aws:s3:::{bucket}/key",
        context=context,
    )
    return evaluate(request, Policies(identity={"it": document})).effect


def test_a_policy_is_built_with_clicks_alone(page, lab, guide):
    """Read and write objects in two of my buckets, only with MFA; then planned, and applied."""
    open_notebook(page, lab, "07_policy_studio")
    run_all(page)
    wait_for_text(page, "Nothing is chosen yet")
    page.click('.jupyter-button:text-is("read")')
    page.click('.jupyter-button:text-is("change")')
    choose(page, "Services", "(s3)")
    wait_for_text(page, "ReadChangeS3")
    choose(page, "Kinds of things", "object (s3")
    choose(page, "Which ones", "reports", "backups")
    page.click('label:has-text("only with MFA")')
    wait_for_text(page, "MFA")
    page.wait_for_function(
        "() => [...document.querySelectorAll('pre')].some("
        "e => e.innerText.includes('MultiFactorAuthPresent') && e.innerText.includes('backups'))"
    )
    page.select_option('.widget-dropdown:has(label:text-is("Holder")) select', "group dev")
    wait_for_text(page, "Nobody is in group dev yet")
    wait_for_text(page, "Apply: 1 to create")
    page.wait_for_timeout(1200)  # as long as somebody needs to read
    page.click('button:has-text("Apply: 1 to create")')
    wait_for_text(page, "✔ Verified")
    state = read_permissions(open_session(guide("07_policy_studio", run_as="")))
    document = state.groups["dev"].inline_policies["teamPolicy"]
    mfa = {"aws:MultiFactorAuthPresent": "true"}
    for action in ("s3:GetObject", "s3:PutObject"):
        for bucket in BUCKETS:
            expected = "allowed" if bucket != "photos" else "implicit deny"
            assert decide(document, action, bucket, **mfa) == expected
            assert decide(document, action, bucket) == "implicit deny"
    assert decide(document, "s3:DeleteObject", "reports", **mfa) == "implicit deny"


def test_what_was_clicked_is_what_the_parameters_say(session, guide):
    """A studio filled from the parameters has their value again, and gives the same plan."""
    from iamkit.notebook.pages.studio import Studio

    parameters = guide("07_policy_studio")
    session.iam.create_group(GroupName="dev")
    studio = Studio(parameters, session, read_permissions(session))
    assert studio.value == parameters
    assert read_parameters(GUIDE).for_notebook("07_policy_studio", {}) == parameters
