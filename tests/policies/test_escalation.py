"""Who can become administrator: every path is found where it is open, and nowhere else."""

import random
from collections import Counter
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from escalation_cases import CASES, NOW, PATHS, World, document, name_of, service_case, twins, who

from iamkit.account.gaps import DETAILS
from iamkit.account.state import AccountState, Group, ManagedPolicy, Role, Source, User
from iamkit.audit.escalation_picture import draw_paths
from iamkit.errors import InputError
from iamkit.policies import allow, policy
from iamkit.policies.actions.catalogue import load_catalogue
from iamkit.policies.escalation.answers import COLUMNS, opened_by, paths_to_admin
from iamkit.policies.escalation.catalogue import CATALOGUES, left_out, load_paths
from iamkit.policies.escalation.options import OUTCOMES
from iamkit.policies.escalation.search import Escalation
from iamkit.policies.escalation.wording import say_escalations

SERVICES = [service_case(path) for path in load_paths() if path.service]
SVG = "{http://www.w3.org/2000/svg}"
OF_OTHERS = {"sts:GetSessionToken"}
"""Calls that need no permission, so that taking it away closes nothing."""


def answers_of(case):
    """The answers for whom a case asks, by path."""
    world = World(case)
    found = paths_to_admin(world.state)
    own = found[found["principal"] == who(case)]
    return dict(zip(own["path"], own["answer"], strict=True))


def with_statements(case, *more, only=()):
    """The same case where more statements hold for whom it asks; or others in their place."""
    if "role" in case:
        role = case["roles"][case["role"]]
        has = [*(only or role.get("has", ())), *more]
        return case | {"roles": {**case["roles"], case["role"]: role | {"has": has}}}
    return case | {"bob": [*(only or case.get("bob", ())), *more]}


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_an_open_path_is_found(case):
    """Where every call is allowed and the target is there, the path is open, by its own calls."""
    world = World(case)
    found = paths_to_admin(world.state)
    row = found[(found["principal"] == who(case)) & (found["path"] == case["path"])].iloc[0]
    assert row["answer"] == "open", row["depends_on"]
    path = PATHS[case["path"]]
    assert [call.action for call in path.calls] == [
        step.split()[1].rstrip(";") for step in row["calls"].split("; ")
    ][: len(path.calls)]
    assert row["first_call"].startswith(path.calls[0].action)
    assert row["closed_by"] or path.calls[0].action in OF_OTHERS


@pytest.mark.parametrize("twin", [twin for case in CASES for twin in twins(case)], ids=name_of)
def test_a_closed_twin_is_not_found(twin):
    """What a deny, a boundary, a condition or another target closes is not said to be open."""
    assert twin["path"] not in answers_of(twin)


@pytest.mark.parametrize("case", [*CASES, *SERVICES], ids=name_of)
def test_denying_any_call_closes_the_path(case):
    """A deny of one call of a path closes it, whatever else is allowed."""
    for call in PATHS[case["path"]].calls:
        if call.action not in OF_OTHERS:
            assert case["path"] not in answers_of(with_statements(case, f"deny {call.action}"))


@pytest.mark.parametrize("case", [*CASES, *SERVICES], ids=name_of)
def test_a_date_that_has_passed_closes_the_path(case):
    """Statements that held until a past day allow nothing any more."""
    past = " if DateLessThan aws:CurrentTime 2020-01-01T00:00:00Z"
    ended = {
        key: [f"{text.partition(' if ')[0]}{past}" for text in case.get(key, ())]
        for key in ("bob", "team", "eve")
    }
    ended["roles"] = {
        name: role | ({"has": [t.partition(" if ")[0] + past for t in role.get("has", ())]})
        for name, role in case.get("roles", {}).items()
    }
    assert "open" not in answers_of(case | ended).values()


@pytest.mark.parametrize("case", SERVICES, ids=name_of)
def test_a_path_through_a_service_needs_a_strong_role_that_trusts_it(case):
    """It is open, or hangs on what is running, for a strong role that trusts the service alone."""
    path = PATHS[case["path"]]
    assert answers_of(case)[path.id] == ("depends" if path.needs else "open")
    weak = {"ops": {"trust": path.service, "has": ["allow s3:*"]}}
    assert path.id not in answers_of(case | {"roles": weak})
    other = {"ops": {"trust": "backup.amazonaws.com", "has": ["allow *"]}}
    assert path.id not in answers_of(case | {"roles": other})
    assert path.id not in answers_of(case | {"roles": {}})
    for call in path.calls:
        left = [text for text in case["bob"] if text != f"allow {call.action}"] or ["allow s3:*"]
        assert path.id not in answers_of(case | {"bob": left})


@pytest.mark.parametrize(
    "case", [case for case in SERVICES if "allow iam:PassRole" in case["bob"]], ids=name_of
)
def test_a_role_that_may_be_passed_to_another_service_only_opens_nothing(case):
    """``iam:PassedToService`` is the path's own service."""
    rest = [text for text in case["bob"] if text != "allow iam:PassRole"]
    service = PATHS[case["path"]].service
    for name, is_open in ((service, True), ("backup.amazonaws.com", False)):
        passed = f"allow iam:PassRole if StringEquals iam:PassedToService {name}"
        assert (case["path"] in answers_of(case | {"bob": [*rest, passed]})) is is_open


def test_the_table_is_whole():
    """Each id, outcome and action is known, has a source, and each path of IAM's has a case."""
    paths, catalogue = load_paths(), load_catalogue()
    assert len(paths) >= 90
    assert not [name for name, count in Counter(path.id for path in paths).items() if count > 1]
    assert {path.gives for path in paths} == set(OUTCOMES)
    for path in paths:
        assert path.source.startswith("https://"), path.id
        assert all(catalogue.matching(call.action).bit_count() == 1 for call in path.calls), path.id
    walked = {case["path"] for case in CASES}
    assert {path.id for path in paths if path.within_iam} == walked
    assert len(CASES) + sum(len(case["closed"]) for case in CASES) + len(SERVICES) >= 150


def test_three_public_catalogues_are_answered_entry_by_entry():
    """Each of their entries is found by a path, or it is said why it is left out; none is both."""
    named = [entry for path in load_paths() for entry in path.known]
    left = [(entry["catalogue"], entry["name"]) for entry in left_out()]
    assert not set(named) & set(left)
    assert not [entry for entry, count in Counter(named).items() if count > 1]
    assert {catalogue for catalogue, _ in named} == set(CATALOGUES)
    counts = Counter(catalogue for catalogue, _ in [*named, *left])
    assert counts["prowler"] == 101
    assert counts["pathfinding"] == 101
    assert counts["cloudsplaining"] == 59
    for entry in left_out():
        assert entry["verdict"] in ("no path", "not for this kit")
        assert entry["why"]


def test_what_was_not_read_is_never_certain():
    """A policy, a trust policy or older versions without a text make an answer depend on them."""
    case = CASES[0]
    world = World(case)
    bob = replace(
        world.state.users["bob"], attached_policies=frozenset({"arn:aws:iam::1:policy/x"})
    )
    state = replace(world.state, users=world.state.users | {"bob": bob})
    found = paths_to_admin(state)
    assert set(found[found["principal"] == "bob"]["answer"]) == {"depends", "cannot be told"}
    assert found["depends_on"].str.contains("attached x, which was not read").all()
    older = next(case for case in CASES if case["path"] == "iam-set-default-policy-version")
    found = paths_to_admin(without_versions(World(older).state))
    assert "the older versions of policy held" in found.iloc[0]["depends_on"]
    unread = next(case for case in CASES if case["path"] == "sts-assume-role")
    state = World(unread).state
    ops = replace(state.roles["ops"], trust_policy={})
    found = paths_to_admin(replace(state, roles={"ops": ops}))
    assert "the trust policy of role ops" in found.iloc[0]["depends_on"]


@pytest.mark.parametrize(
    ("kind", "has", "untold"),
    [
        ("roles", "iam:PassRole lambda:CreateFunction lambda:InvokeFunction", True),
        ("roles", "ssm:StartSession", True),
        ("roles", "iam:CreateAccessKey", False),
        ("users", "iam:CreateAccessKey", True),
        ("groups", "iam:AddUserToGroup", True),
        ("policies", "iam:CreateAccessKey", False),
    ],
)
def test_where_there_may_be_more_than_was_read_nobody_is_surely_harmless(kind, has, untold):
    """It cannot be told of whoever may do something to those; one's own key is of no other's."""
    world = World({"bob": [f"allow {action} on *" for action in has.split()]})
    eve = replace(
        world.state.users["eve"],
        inline_policies={"own": document(["allow iam:CreateAccessKey on user/${aws:username}"])},
    )
    cut = Source(status="read", at=NOW, lacking=frozenset({kind}))
    state = replace(
        world.state,
        users={"bob": world.state.users["bob"], "eve": eve},
        groups={"team": world.state.groups["team"]},
        access_keys={},
        login_profiles={},
        mfa_devices={},
        sources=world.state.sources | {DETAILS: cut},
    )
    found = paths_to_admin(state).set_index("principal")
    assert list(found.index) == (["bob"] if untold else [])
    if untold:
        assert found.loc["bob", "answer"] == "cannot be told"
        assert f"which {kind} there are" in found.loc["bob", "depends_on"]
    assert say_escalations(Escalation(state), "user bob") == (None if untold else "")
    assert say_escalations(Escalation(state), "user eve") == ""


def test_removing_a_fact_never_makes_an_answer_more_certain():
    """Without a text, a date or a version, what was open may depend, and never the other way."""
    chance = random.Random(3)
    for case in [*CASES, *chance.sample(SERVICES, 10)]:
        world = World(case)
        before = certain(world.state)
        for state in less_known(world, chance):
            after = certain(state)
            assert after["open"] <= before["open"], case
            assert after["closed"] <= before["closed"], case


def certain(state):
    """The principals and paths that are surely open, and those that are surely closed."""
    found = paths_to_admin(state)
    keys = list(zip(found["principal"], found["path"], found["answer"], strict=True))
    reaches = Escalation(state).reaches
    admins = {name.split()[1] for name, r in reaches.items() if r.truth is True and not r.distance}
    perhaps = {principal for principal, _, answer in keys if answer == "cannot be told"} | admins
    found = {(principal, path) for principal, path, _ in keys}
    return {
        "open": {(principal, path) for principal, path, answer in keys if answer == "open"}
        | {(name, path) for name in admins for path in PATHS},
        "closed": {
            (name, path)
            for name in ("bob", "eve")
            for path in PATHS
            if name not in perhaps and (name, path) not in found
        },
    }


def less_known(world, chance):
    """The same account with one fact less, each time another."""
    state = world.state
    yield replace(state, read_at=None)
    yield without_versions(state)
    yield replace(state, access_keys={}, login_profiles={}, mfa_devices={}, sources={})
    for arn in state.policies:
        yield replace(state, policies={k: p for k, p in state.policies.items() if k != arn})
    for name, role in state.roles.items():
        unread = replace(role, trust_policy={})
        yield replace(state, roles=state.roles | {name: unread})
    name = chance.choice(sorted(state.users))
    user = replace(state.users[name], inline_policies={"own": {}})
    yield replace(state, users=state.users | {name: user})


def without_versions(state):
    """The same account, of whose policies only the default versions were read."""
    policies = {arn: replace(p, other_versions=()) for arn, p in state.policies.items()}
    return replace(state, policies=policies)


def test_a_change_is_told_by_what_it_opens():
    """``opened_by`` names just the rows that a change adds."""
    case = next(case for case in CASES if case["path"] == "iam-put-user-policy")
    before, after = World(case | {"bob": ["allow s3:*"]}).state, World(case).state
    found = opened_by(before, after)
    assert list(found["path"]) == ["iam-put-user-policy"]
    assert found.iloc[0]["sentence"] == (
        "bob can write itself an inline policy that allows everything."
    )
    assert opened_by(after, after).empty


def test_named_targets_and_hops_are_told():
    """The sentence names who is an administrator, and how one goes on from somebody who is not."""
    case = {"path": "", "bob": ["allow iam:UpdateLoginProfile on user/ada"]}
    world = World(case | {"ada": {"password": True}})
    row = paths_to_admin(world.state).iloc[0]
    assert row["sentence"] == "bob can reset the console password of ada, who is an administrator."
    assert row["first_call"] == "iam:UpdateLoginProfile on arn:aws:iam::000000000000:user/ada"
    assert row["closed_by"] == "own > inline own > statement 1 (iam:UpdateLoginProfile)"
    hops = next(case for case in CASES if "first" in case.get("roles", {}) and "bob" in case)
    found = paths_to_admin(World(hops).state).set_index("principal")
    assert found.loc["bob", "sentence"] == (
        "bob can assume the role first, which can assume the role ops."
    )
    assert found.loc["first", "sentence"] == (
        "first can assume the role ops, which is an administrator."
    )


def test_two_who_only_reach_each_other_reach_nobody():
    """A circle of roles that assume each other makes no administrator."""
    roles = {
        "one": {"trust": "account", "has": ["allow sts:AssumeRole on role/two"]},
        "two": {"trust": "account", "has": ["allow sts:AssumeRole on role/one"]},
    }
    assert paths_to_admin(World({"roles": roles}).state).empty


def test_the_picture_names_everybody_on_a_way_in_both_themes():
    """Who reaches whom is drawn and told; around one only those near; hostile names are text."""
    name = "<script>x"
    state = World({"bob": ["allow iam:CreateAccessKey on user/ada"]}).state
    eve = User(name=name, arn=f"arn:aws:iam::000000000000:user/{name}")
    eve = replace(eve, inline_policies={"own": document(["allow iam:CreateAccessKey on user/bob"])})
    state = replace(state, users={**state.users, name: eve})
    found = Escalation(state)
    for dark in (False, True):
        picture = draw_paths(found, dark=dark)
        root = ET.fromstring(picture.svg)
        texts = {"".join(node.itertext()).strip() for node in root.iter(f"{SVG}text")}
        assert {"user ada", "user bob", f"user {name}"} <= texts
        assert f"user {name} to user bob, by iam:CreateAccessKey" in picture.told
    assert "user bob to user ada" in draw_paths(found, "bob").told
    with pytest.raises(InputError, match="no administrator"):
        draw_paths(found, "nobody-else")


def test_of_thousands_the_nearest_are_drawn_or_those_around_one():
    """A picture has at most fifty, and says how many are left; around one it has that one."""
    users = {
        f"u{n}": User(
            name=f"u{n}",
            arn=f"arn:aws:iam::000000000000:user/u{n}",
            inline_policies={"own": document([f"allow iam:CreateAccessKey on user/u{n // 3}"])},
        )
        for n in range(1, 200)
    }
    users["u0"] = replace(users["u1"], name="u0", inline_policies={"own": document(["allow *"])})
    users["u0"] = replace(users["u0"], arn="arn:aws:iam::000000000000:user/u0")
    found = Escalation(AccountState(account_id="000000000000", users=users))
    assert "(150 more are not drawn)" in draw_paths(found).told
    told = draw_paths(found, "u199").told
    assert "user u199 to user u66" in told
    assert "user u2 to user u0" in told or "user u7 to user u2" in told
    assert "u198 " not in told


def test_an_empty_account_has_an_empty_table():
    """Nobody is there, and the columns are."""
    found = paths_to_admin(AccountState(account_id="111122223333"))
    assert found.empty
    assert list(found.columns) == COLUMNS


def test_roles_that_aws_keeps_for_itself_are_not_rewritten():
    """A service-linked role cannot be changed, so that no path leads over its policies."""
    linked = Role(
        name="linked",
        path="/aws-service-role/support.amazonaws.com/",
        arn="arn:aws:iam::111122223333:role/aws-service-role/support.amazonaws.com/linked",
        trust_policy=World({}).state.roles or {},
    )
    user = User(
        name="bob",
        arn="arn:aws:iam::111122223333:user/bob",
        inline_policies={"own": policy(allow("iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"))},
    )
    state = AccountState(account_id="111122223333", users={"bob": user}, roles={"linked": linked})
    assert paths_to_admin(state).empty


def test_one_policy_of_a_group_is_attached_by_its_name():
    """An administrator's policy of the account's own is tried where a condition names it."""
    arn = "arn:aws:iam::000000000000:policy/own-admin"
    text = f"allow iam:AttachUserPolicy on user/bob if ArnEquals iam:PolicyARN {arn}"
    state = World({"bob": [text]}).state
    admin = ManagedPolicy(arn=arn, name="own-admin", document=document(["allow *"]))
    found = paths_to_admin(replace(state, policies={arn: admin}))
    assert found.iloc[0]["sentence"] == "bob can attach own-admin to itself."
    reader = replace(admin, document=document(["allow iam:Get*"]))
    assert paths_to_admin(replace(state, policies={arn: reader})).empty
    assert isinstance(state.groups["team"], Group)
