"""The policy studio: plain data in, what it comes to out; what was clicked and written are one."""

import json

import boto3
import pytest
from accounts import account_of

from iamkit.aws.read import read_account, read_permissions
from iamkit.errors import InputError
from iamkit.notebook.forms import form_state as keeping
from iamkit.notebook.pages.studio import COMMON, VERBS, Studio, make_studio, studio_policy
from iamkit.notebook.pages.studio_outcome import tell
from iamkit.notebook.pages.studio_view import StudioView
from iamkit.notebook.review import workbench as review_panel
from iamkit.notebook.review.review import Review
from iamkit.notebook.review.workbench import Workbench
from iamkit.parameters.models import PolicyChoice
from iamkit.parameters.yaml_file import read_parameters
from iamkit.plan.changes import make_plan
from iamkit.plan.wanted import held_policy
from iamkit.policies import allow, policy
from iamkit.policies.actions.builder import LEVEL_OF, Place
from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.policies.actions.parts import offered_services
from iamkit.policies.comparison.table import compare_policies

HOSTILE = "<img src=x onerror=alert(1)>"
S3 = {"do": ["read"], "services": ["s3"], "resources": ["s3:object reports"]}
DENY = {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """Each test begins as a new kernel does."""
    monkeypatch.setattr(keeping, "_KEPT", {})


@pytest.fixture
def studio(session, guide):
    """The guide's studio, on an account with its group."""
    session.iam.create_group(GroupName="dev")
    return make_studio(guide("07_policy_studio"), session)


def part(**chosen):
    return PolicyChoice(**chosen).model_dump()


def choose(studio, *parts, **others):
    """What the browser does: it puts other choices in the place of those that there are."""
    parts = [part(**one) for one in parts] if parts else studio.view.choices["parts"]
    studio.view.choices = {**studio.view.choices, "parts": parts, **others}


def told_of(parts, state, guide, holder="group team"):
    choices = {"parts": parts, "name": "teamPolicy", "holder": holder}
    return tell(choices, guide("07_policy_studio"), state, Place("111122223333"))


def plan_of(parameters, session):
    desired = held_policy(parameters, studio_policy(parameters, session))
    return make_plan(read_account(session, desired), desired)


def test_an_untouched_studio_is_the_parameters(studio, guide):
    """Filled from the parameters it has their value again."""
    assert studio.value == guide("07_policy_studio")


def test_what_was_clicked_and_its_file_give_one_plan(studio, session, guide, tmp_path):
    """What stands in the studio, saved and read again, leads to the very plan that it shows."""
    ec2 = {"do": ["see", "delete"], "services": ["ec2"], "tagged": {"team": "web"}}
    limits = {"from_addresses": ["203.0.113.0/24"], "until": "2099-01-31", "with_mfa": True}
    choose(studio, S3 | limits, ec2, {"services": ["lambda"]}, name="clicked")
    review = Review(make_plan(read_account(session, studio.desired()), studio.desired()), session)
    file = tmp_path / "team.yaml"
    studio.save(file)
    written = read_parameters(file).for_notebook("07_policy_studio", {"run_as": ""})
    assert written.policy_choices == studio.value.policy_choices
    assert plan_of(written, session).commands == review.plan.commands
    assert review.plan.commands != plan_of(guide("07_policy_studio"), session).commands


def test_the_plan_of_the_workbench_follows_an_edit(studio, session, monkeypatch):
    """And its saved output holds the choices and the policy as plain HTML, escaped."""
    saved = []

    class Handle:
        def update(self, data, **_):
            saved.append(data["text/html"])

    monkeypatch.setattr(review_panel, "display", lambda *_, **__: Handle())
    plan = make_plan(read_account(session, studio.desired()), studio.desired())
    bench = Workbench(Review(plan, session, form=studio))
    bench.show()
    choose(studio, S3 | {"tagged": {"team": HOSTILE}})
    assert "onerror" in json.dumps(bench.review.plan.changes[0].arguments)
    assert "what it comes to" in saved[-1]
    assert "Amazon S3: " in saved[-1]
    assert HOSTILE not in saved[-1]
    assert "&lt;img src=x" in saved[-1]


def test_an_edit_can_be_taken_back(studio):
    """Each in its turn, up to where it began; more than that does nothing."""
    before = studio.value
    choose(studio, S3)
    choose(studio, S3, name="other")
    studio.view.answer({"do": "undo"})
    assert (studio.value.policy_name, len(studio.value.policy_choices)) == ("teamPolicy", 1)
    studio.view.answer({"do": "undo"})
    assert studio.value == before
    assert not studio.view.can_undo
    studio.view.answer({"do": "undo"})
    assert studio.value == before


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"from_addresses": ["nowhere"]}, "from_addresses", "'nowhere' is no address"),
        ({"until": "soon"}, "until", "'soon' is no day"),
        ({"services": ["s33"]}, "services", "AWS has no service 's33'"),
        ({"actions": ["s3:GetObjekt"]}, "services", "AWS has no action 's3:GetObjekt'"),
        ({"resources": ["s3:thing x"]}, "resources", "no type of thing 's3:thing'"),
        ({"resources": ["ec2:volume"]}, "resources", "Nothing of what is chosen"),
    ],
)
def test_what_is_wrong_stands_in_its_part(studio, wrong, field, said):
    """It names the part, the value cannot be taken, and the other parts are told all the same."""
    good = part(**S3)
    studio.view.choices = {**studio.view.choices, "parts": [good, {**good, **wrong}]}
    first, second = studio.view.told["parts"]
    assert first["wrong"] == {}
    assert first["services"]
    assert said in second["wrong"][field]
    assert second["wrong"][field].startswith("Part 2: ")
    with pytest.raises(InputError, match="Part 2: "):
        _ = studio.value


def test_a_name_or_holder_that_is_wrong_says_so(studio):
    """A policy without a name has no holder; nor is a role one here."""
    choose(studio, name="")
    assert "without a name" in studio.view.told["fields"]["policy_holder"]
    choose(studio, name="x", holder="role app")
    assert "role app" in studio.view.told["fields"]["policy_holder"]


def test_without_a_holder_it_says_why_there_is_no_plan(studio):
    """And with nothing chosen, that."""
    assert studio.idle == ""
    choose(studio, holder="")
    assert "Nobody gets the policy yet" in studio.idle
    assert "Nobody gets it yet" in studio.view.told["effect"]
    studio.view.choices = {**studio.view.choices, "parts": []}
    assert studio.idle == "Nothing is chosen yet."


def test_the_things_of_the_account_are_listed_when_they_are_asked_for(studio, sandbox):
    """Each type once; what has no list, or cannot be read, says so."""
    keys = (sandbox.access_key_id, sandbox.secret_access_key, None)
    boto3.client("s3", "us-east-1", None, True, None, sandbox.endpoint_url, *keys).create_bucket(
        Bucket="reports"
    )
    assert studio.view.things == {}
    for kind in ("s3:object", "iam:group", "sqs:queue"):
        studio.view.answer({"do": "things", "kind": kind})
    assert studio.view.things["s3:object"] == {"names": ["reports"], "note": ""}
    assert studio.view.things["iam:group"]["names"] == ["dev"]
    assert "no list" in studio.view.things["sqs:queue"]["note"]


def test_after_a_new_reading_the_names_are_those_of_the_account_now(studio, session):
    """A group that came later can get the policy, and is among the things."""
    studio.view.answer({"do": "things", "kind": "iam:group"})
    session.iam.create_group(GroupName="later")
    studio.compare(make_plan(read_account(session, studio.desired()), studio.desired()))
    assert "group later" in studio.view.holders
    assert "later" in studio.view.things["iam:group"]["names"]


def test_single_actions_are_found_in_the_services_of_a_part(studio, monkeypatch):
    """Their names and levels, with the words that they answer."""
    sent = []
    monkeypatch.setattr(studio.view, "send", sent.append)
    words = {"part": 0, "services": ["ec2"], "words": "terminate instance"}
    studio.view.answer({"do": "actions", **words})
    assert sent[0]["words"] == "terminate instance"
    assert ("ec2:TerminateInstances", "Write") in sent[0]["actions"]


def test_a_part_of_several_services_is_split_by_a_click(studio):
    """And by another one it is whole again."""
    choose(studio, {"do": ["see"], "services": ["s3", "ec2"]})
    studio.view.answer({"do": "split", "part": 0})
    assert [one["services"] for one in studio.view.choices["parts"]] == [["s3"], ["ec2"]]
    studio.view.answer({"do": "undo"})
    assert [one["services"] for one in studio.view.choices["parts"]] == [["s3", "ec2"]]


def put(session, *statements):
    document = json.dumps(policy(*statements))
    session.iam.put_group_policy(GroupName="dev", PolicyName="old", PolicyDocument=document)


def test_a_policy_that_exists_opens_into_parts_for_its_own_holder(studio, session, guide):
    """Opened whole it is an edit of that very policy, and as it stands it allows the same."""
    before = policy(allow("s3:GetObject", resource="arn:aws:s3:::reports/*"))
    put(session, *before["Statement"])
    studio = Studio(guide("07_policy_studio"), session, read_permissions(session))
    assert "group dev/old" in studio.view.policies
    studio.view.answer({"do": "open", "source": "group dev/old"})
    assert studio.value.policy_holder == "group dev"
    assert studio.value.policy_name == "old"
    assert studio.view.notes == []
    [change] = plan_of(studio.value, session).changes  # a part's statement has a Sid
    after = change.arguments["PolicyDocument"]
    assert compare_policies(before, after).empty
    assert compare_policies(after, before).empty
    studio.view.answer({"do": "undo"})
    assert studio.value == guide("07_policy_studio")


def test_a_policy_that_opens_in_part_replaces_nothing(studio, session, guide):
    """What is in no part is said, and nobody gets what was opened, so that no deny is lost."""
    put(session, allow("s3:GetObject", resource="arn:aws:s3:::reports/*"), DENY)
    parameters = guide("07_policy_studio", policy_name="old")
    studio = Studio(parameters, session, read_permissions(session))
    studio.view.answer({"do": "open", "source": "group dev/old"})
    assert studio.view.notes == ["Statement 2 is in no part: it denies, and a part can only allow."]
    assert studio.value.policy_holder == ""
    assert plan_of(studio.value, session).changes == ()


def test_a_policy_of_which_nothing_opens_leaves_the_choices_alone(studio, session, guide):
    """It says why; and so does one that is not there."""
    put(session, DENY)
    studio = Studio(guide("07_policy_studio"), session, read_permissions(session))
    studio.view.answer({"do": "open", "source": "group dev/old"})
    assert "Nothing of group dev/old can be opened" in studio.view.said
    assert "it denies" in studio.view.notes[0]
    studio.view.answer({"do": "open", "source": HOSTILE})
    assert studio.view.said.startswith("✘ There is no policy")
    assert studio.value == guide("07_policy_studio")


TEAM = {"users": [{"name": name} for name in ("ann", "bob", "cleo")], "groups": [{"name": "team"}]}


def with_policies(*documents):
    group = {"name": "team", "inline": {f"p{n}": one for n, one in enumerate(documents)}}
    return account_of(TEAM | {"groups": [group]})


def test_the_size_is_that_of_all_policies_of_the_holder(guide):
    """A group's inline policies share a quota; without a holder a managed policy's counts."""
    alone = told_of([part(**S3)], account_of(TEAM), guide).shown["size"]
    other = policy(allow("ec2:Describe*"))
    shared = told_of([part(**S3)], with_policies(other), guide).shown["size"]
    assert shared["size"] > alone["size"]
    assert (shared["limit"], shared["verdict"]) == (5_120, "fits")
    nobody = told_of([part(**S3)], account_of(TEAM), guide, holder="").shown["size"]
    assert (nobody["quota"], nobody["limit"]) == ("managed policy", 6_144)


def test_a_size_that_cannot_be_told_is_not_guessed(guide):
    """The text of another policy of the holder was not read."""
    size = told_of([part(**S3)], with_policies({}), guide).shown["size"]
    assert size["verdict"] == "unknown"
    assert "size" not in size


def test_what_it_does_to_people_dangers_and_paths_are_told(guide):
    """By name, with how many actions; people with the same effect stand in one row."""
    choices = [part(do=["manage access"], services=["iam"])]
    shown = told_of(choices, account_of(TEAM), guide).shown
    [(who, new, *_)] = shown["rows"]
    assert who == "ann, bob, cleo"
    assert new > 10
    assert any("administrator" in path for path in shown["paths"])
    assert "manage permissions" in dict(shown["dangers"])
    assert json.loads(shown["policy"])["Statement"]
    assert json.dumps(shown)  # plain, as the browser takes it


def test_a_holder_who_is_not_there_is_said(guide):
    """Its effect cannot be told."""
    shown = told_of([part(**S3)], account_of(TEAM), guide, holder="group nobody").shown
    assert shown["effect"] == "There is no group nobody here."


def test_the_catalogue_for_the_search_is_small():
    """It goes to the browser once, and a bucket, a queue or a function leads to its service."""
    services = offered_services(load_catalogue(), COMMON)
    assert len(json.dumps(services)) < 80_000
    things = {kind: service for service, _, kinds in reversed(services) for kind in kinds}
    assert [things[kind] for kind in ("bucket", "queue", "function")] == ["s3", "sqs", "lambda"]
    assert set(COMMON) <= set(load_catalogue().titles)
    assert list(VERBS) == list(LEVEL_OF)


def test_the_widget_makes_no_markup_of_texts():
    """Names from an account become text in the page; whatever draws them knows no HTML."""
    script = StudioView._esm
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert word not in str(script)
