"""Wildcards spread out and drawn together: nothing is added, nothing is lost."""

import json
import re
import time

from hypothesis import given, settings, strategies as st
from policies.managed import managed_policies
from samples import scaled

from iamkit.policies import allow, parse_policy, policy
from iamkit.policies.actions.catalogue import (
    describe_action,
    load_catalogue,
    resource_arns,
    search_actions,
)
from iamkit.policies.actions.expansion import (
    expand,
    shortest_patterns,
    shrink,
)
from iamkit.policies.grammar.document import print_policy
from iamkit.policies.grammar.statements import read_statement
from iamkit.policies.wording.explanation import explain

CATALOGUE = load_catalogue()
SMALL = [a for a in CATALOGUE.actions if a.partition(":")[0] in ("sqs", "sns", "kms")]
patterns = st.sampled_from(
    [*SMALL, "*", "sqs:*", "sns:Get*", "kms:*Key", "kms:?reate*", "SQS:getqueue*", "sqs:MadeUp"]
)
statements = st.builds(
    lambda effect, actions, resource, element, mfa: (
        {"Effect": effect, element: actions, "Resource": resource}
        | ({"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}} if mfa else {})
    ),
    st.sampled_from(["Allow", "Allow", "Deny"]),
    st.lists(patterns, min_size=1, max_size=8),
    st.sampled_from(["*", "arn:aws:sqs:*:*:q*", "arn:aws:sqs:*:*:queue"]),
    st.sampled_from(["Action", "Action", "NotAction"]),
    st.booleans(),
)
policies = st.lists(statements, min_size=1, max_size=4).map(lambda found: policy(*found))


def by_place(document):
    """The actions by effect, resource and condition: what a statement-wise reading sees."""
    found = {}
    for statement in document["Statement"]:
        for resource in [statement["Resource"]]:
            key = statement["Effect"], json.dumps(resource), json.dumps(statement.get("Condition"))
            found[key] = found.get(key, 0) | CATALOGUE.about(read_statement(statement))
    return found


def test_a_wildcard_is_the_actions_that_it_names():
    """The guide's own: all of EC2's that begin with Describe, and no other."""
    found = expand(policy(allow("ec2:Describe*")))
    assert "ec2:DescribeInstances" in found
    assert len(found) > 150
    assert all(action.startswith("ec2:Describe") for action in found)
    assert len(found) == sum(a.startswith("ec2:Describe") for a in CATALOGUE.actions)


def test_what_is_denied_everywhere_is_not_listed():
    """A deny on everything takes away; one on some resources or under a condition does not."""
    deny = {"Effect": "Deny", "Action": "sqs:DeleteQueue", "Resource": "*"}
    assert "sqs:DeleteQueue" not in expand(policy(allow("sqs:*"), deny))
    narrow = deny | {"Resource": "arn:aws:sqs:*:*:q"}
    assert "sqs:DeleteQueue" in expand(policy(allow("sqs:*"), narrow))
    conditional = deny | {"Condition": {"Null": {"aws:TagKeys": "true"}}}
    assert "sqs:DeleteQueue" in expand(policy(allow("sqs:*"), conditional))


def test_an_unknown_action_is_kept():
    """AWS may know it, or will."""
    document = policy(allow("sqs:MadeUp", "sqs:SendMessage"))
    assert expand(document) == ["sqs:SendMessage", "sqs:MadeUp"]
    assert "sqs:MadeUp" in shrink(document)["Statement"][0]["Action"]
    assert "sqs:MadeUp" not in expand(policy(allow("SQS:Made*"), allow("sqs:MadeUp")))


@given(policies)
@settings(max_examples=scaled(75, 3000), deadline=None)
def test_shrinking_adds_nothing_and_loses_nothing(document):
    """The same actions, in all and by effect, resource and condition, less what is contained."""
    shrunk = shrink(document)
    assert expand(shrunk) == expand(document)
    before, after = by_place(document), by_place(shrunk)
    for place, mask in after.items():
        assert mask & ~before[place] == 0
    assert len(print_policy(shrunk)) <= len(print_policy(document)) + 200


@given(st.sets(st.sampled_from(SMALL), min_size=1))
@settings(max_examples=scaled(50, 2000), deadline=None)
def test_patterns_end_where_a_word_ends_and_name_the_set_exactly(actions):
    """Never in the middle of a word of an action that they cover."""
    mask = 0
    for action in actions:
        mask |= CATALOGUE.matching(action)
    found = shortest_patterns(mask, CATALOGUE)
    assert {a for p in found for a in CATALOGUE.named(CATALOGUE.matching(p))} == actions
    for pattern in found:
        if pattern.endswith(":*") or "*" not in pattern:
            continue
        for action in CATALOGUE.named(CATALOGUE.matching(pattern)):
            rest = action[len(pattern) - 1 :]
            assert not re.match("[a-z]", rest), f"{pattern} cuts a word of {action}"


def test_statements_that_differ_in_their_actions_become_one():
    """And one that another contains goes."""
    document = policy(
        allow("sqs:SendMessage"),
        allow("sqs:GetQueueUrl"),
        allow("sqs:*", resource="arn:aws:sqs:*:*:q"),
    )
    assert len(shrink(document)["Statement"]) == 2
    contained = policy(allow("sqs:*"), allow("sqs:SendMessage", resource="arn:aws:sqs:*:*:q"))
    assert shrink(contained)["Statement"] == [
        {"Effect": "Allow", "Action": ["sqs:*"], "Resource": "*"}
    ]


def test_spelled_out_and_drawn_together_again():
    """A document with all actions by name shrinks to the wildcard."""
    spelled = policy(allow(*expand(policy(allow("ec2:Describe*")))))
    assert len(spelled["Statement"][0]["Action"]) > 150
    assert shrink(spelled)["Statement"][0]["Action"] == ["ec2:Describe*"]


def test_a_hostile_pattern_of_many_stars_is_matched_at_once():
    """It would keep a regular expression busy for hours."""
    stars = "*?" * 12
    assert CATALOGUE.matching(f"ec2:{stars}*!") == 0
    found = CATALOGUE.named(CATALOGUE.matching(f"ec2:{stars}"))
    assert "ec2:RunInstances" in found
    assert "ec2:RunTask" not in found
    assert all(len(name) >= len("ec2:") + 12 for name in found)


def test_all_managed_policies_make_the_whole_round():
    """Parsed, printed, expanded, shrunk and explained: each, with the same actions at the end."""
    begun = time.perf_counter()
    for name, document in managed_policies().items():
        text = print_policy(document)
        parsed = parse_policy(text, name)
        shrunk = shrink(parsed)
        assert expand(shrunk) == expand(document), name
        assert (
            len(explain(document)) == len(parsed["Statement"])
            if isinstance(parsed["Statement"], list)
            else 1
        )
    print(f"{len(managed_policies())} policies in {time.perf_counter() - begun:.1f} s")
    assert len(managed_policies()) > 1_500


def test_the_catalogue_is_kept_on_disk_and_survives_damage(tmp_path, monkeypatch):
    """The second read is of the index; a damaged index is made again."""
    home = tmp_path / "home"
    monkeypatch.setenv("IAMKIT_HOME", str(home))
    load_catalogue.cache_clear()
    first = load_catalogue()
    assert home.stat().st_mode & 0o777 == 0o700, "it is the kit's home, where secrets will be"
    (kept,) = home.glob("catalogue-*.json")
    kept.write_text("{")
    load_catalogue.cache_clear()
    again = load_catalogue()
    assert (again.actions, again.levels) == (first.actions, first.levels)
    assert json.loads(kept.read_text())["version"] == first.version
    load_catalogue.cache_clear()


def test_the_catalogue_tells_of_an_action_in_detail():
    """Level, resource types, condition keys, and the ARN of a type."""
    action = describe_action("S3:getobject")
    assert (action.name, action.level) == ("s3:GetObject", "Read")
    assert "object" in action.resource_types
    assert any(key.startswith("s3:ExistingObjectTag") for key in action.condition_keys)
    assert resource_arns("s3")["bucket"] == "arn:${Partition}:s3:::${BucketName}"
    assert describe_action("s3:MadeUp") is None


def test_actions_are_found_by_words():
    """Those with the words in their names first."""
    names = [action.name for action in search_actions("terminate instance")]
    assert names[0] == "ec2:TerminateInstances"
    assert search_actions("") == []
