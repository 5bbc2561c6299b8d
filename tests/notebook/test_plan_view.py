"""A plan as a page shows it: grouped, losses apart, texts as a diff, hostile text as text."""

import re

from changes import change

from iamkit.aws.apply import Outcome
from iamkit.credentials import Receipt
from iamkit.notebook.plan_view import difference, outcome_html, plan_html
from iamkit.plan.changes import Plan
from iamkit.plan.desired import Desired

OLD = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*"}]}
NEW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*"}]}


def plan_of(*changes):
    return Plan(account_id="1", desired=Desired(), changes=changes)


def test_changes_stand_below_what_they_touch_and_losses_stand_first():
    """A deleted user stands apart, in front of what is made, with a word of warning."""
    plan = plan_of(
        change("create", "create_group", GroupName="dev"),
        change("delete", "delete_login_profile", UserName="bob"),
        change("delete", "delete_user", UserName="bob"),
    )
    text = re.sub(r"<[^>]+>", " ", plan_html(plan))
    assert text.index("What is lost") < text.index("user bob") < text.index("group dev")
    assert "2 of the changes destroy something" in text
    assert text.count("user bob") == 1


def test_a_changed_policy_is_a_diff_of_its_lines():
    """Each line that goes has a minus, each that comes a plus; the others stand between."""
    markup = plan_html(
        plan_of(
            change(
                "update", "put_group_policy", OLD, GroupName="d", PolicyName="p", PolicyDocument=NEW
            )
        )
    )
    lines = re.findall(r'<span style="display:block[^>]*>([^<]*)</span>', markup)
    assert [line.strip() for line in lines if line.startswith("-")] == [
        "-       &quot;Action&quot;: &quot;s3:Get*&quot;"
    ]
    assert any(line.startswith("+") and "s3:*" in line for line in lines)
    assert any(line.startswith(" ") and "Allow" in line for line in lines)


def test_a_diff_escapes_what_it_shows():
    """A hostile value is text on both sides."""
    hostile = "<img src=x onerror=alert(1)>"
    assert "<img" not in difference(hostile, {hostile: hostile})


def test_many_groups_are_folded():
    """A hundred users are a hundred lines, each of which opens."""
    plan = plan_of(*(change("create", "create_user", UserName=f"u{n}") for n in range(100)))
    assert plan_html(plan).count("<details") == 101  # and the commands


def test_an_outcome_says_where_a_credential_is_and_never_what_it_is(tmp_path):
    """The receipt names user and place; the journal's lines are there to open."""
    journal = tmp_path / "j.jsonl"
    journal.write_text('{"event": "before"}\n')
    receipt = Receipt(user="<bob>", what="access key", where=tmp_path / "bob.csv")
    done = change("create", "create_access_key", UserName="<bob>")
    markup = outcome_html(Outcome(done=[done], receipts=[receipt], journal=journal))
    assert "1 done, 0 failed, 0 left" in markup
    assert str(tmp_path / "bob.csv") in markup
    assert "&quot;event&quot;" in markup
    assert "<bob>" not in markup
