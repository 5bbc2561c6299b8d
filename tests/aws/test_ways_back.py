"""Every kind of change is taken back in the real sandbox, though both ways are killed.

In every weather, by random plans too. How to add a kind of change: see ``undo_cases``.
"""

import os
import signal
import sys
import traceback
import warnings

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings, strategies as st
from paths import GUIDE
from samples import scaled
from undo_cases import (
    ALL,
    CASES,
    LEFT,
    LOOK,
    READ_ONLY,
    SUPPORT,
    differences,
    facts_of,
    fill,
    plan_whole_undo,
    read_all,
)

from iamkit.aws import apply as applying
from iamkit.aws.apply import apply_plan
from iamkit.aws.journal import journals, read_apply
from iamkit.aws.read import read_account
from iamkit.aws.session import open_session
from iamkit.aws.undo import undo_parameters
from iamkit.errors import IamkitError, InputError
from iamkit.plan.changes import make_plan
from iamkit.plan.desired import (
    Absent,
    Desired,
    DesiredGroup,
    DesiredPolicy,
    DesiredRole,
    DesiredUser,
)
from iamkit.plan.operations import OPERATIONS

SQUALL = [
    {"action": "*", "service": "iam", "kind": kind, "rate": rate}
    for kind, rate in (
        ("drop_after", 0.08),
        ("error_after", 0.08),
        ("drop_before", 0.05),
        ("error_before", 0.05),
    )
]
"""Lost replies and false errors, as often as in a storm and worse, without its long waits."""
TRIES = 25
MOST = 14
"""More calls than any of the cases makes."""


@pytest.fixture
def begin(sandbox, iamkit_sandbox_factory):
    """Begin with a filled account in calm weather: its session, and how to change the weather."""

    def anew():
        fresh = iamkit_sandbox_factory()
        session = open_session(undo_parameters(GUIDE))
        fill(session, fresh)
        return session, fresh

    return anew


def blow(sandbox, weather):
    """Let it be this weather."""
    if weather == "squall":
        sandbox.set_faults(SQUALL)
    else:
        sandbox.set_weather(weather)


def press_on(session, plan_now):
    """Apply what is left until nothing is, as somebody does who runs it again."""
    said = ""
    for _ in range(TRIES):
        try:
            plan = plan_now()
            if not plan.changes:
                return
            apply_plan(plan, session, allow_destructive=True).raise_if_incomplete()
        except IamkitError as error:
            said = str(error)
    raise AssertionError(said)


def apply_wanted(session, wanted):
    """Apply what is wanted, until it is."""
    press_on(session, lambda: make_plan(read_account(session, wanted), wanted))


def take_back(session, path):
    """Take back all that a journal tells of and that has a way back, until it is."""
    recorded = read_apply(path)

    press_on(session, lambda: plan_whole_undo(session, recorded).plan)


def killed(work, number, *, acted):
    """Do it in a child that dies at its call of this number, before it or once AWS has acted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads that are idle
        child = os.fork()
    if child == 0:
        try:
            _kill_at(number, acted=acted)
            work(open_session(undo_parameters(GUIDE)))
        except BaseException:  # noqa: BLE001 - nothing of the tests goes on in a child
            traceback.print_exc(file=sys.__stderr__)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), "the child failed"


def _kill_at(number, *, acted):
    call, left = applying._Application._call, [number]

    def killing(self, change):
        left[0] -= 1
        if not left[0] and not acted:
            os.kill(os.getpid(), signal.SIGKILL)
        call(self, change)
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    applying._Application._call = killing


def walk(begin, wanted_of, there, back, acted, weather="calm"):
    """Fill an account, apply with a kill, undo with a kill, and look whether all is as it was.

    Args:
        begin: the fixture.
        wanted_of: what is wanted, by the account as it begins.
        there: at which call the apply is killed, or at which kind of call.
        back: at which call its undo is.
        acted: whether AWS acts on the call in which it is killed.
        weather: of the sandbox, while all that happens.

    Returns:
        The changes that were made, or perhaps were; none if no such plan can be applied.
    """
    session, sandbox = begin()
    state = read_all(session)
    wanted, begun = wanted_of(state), facts_of(state)
    calls = calls_of(state, wanted)
    if not calls:
        return []
    there = there if isinstance(there, int) else calls.index(there) + 1
    blow(sandbox, weather)
    killed(lambda other: apply_wanted(other, wanted), there, acted=acted)
    paths = journals(session.folder)
    made = [one.change for path in paths if (told := read_apply(path)) for one in told.made]
    for path in paths:
        if read_apply(path):
            killed(lambda other, path=path: take_back(other, path), back, acted=acted)
            take_back(session, path)
    blow(sandbox, "calm")
    assert differences(begun, facts_of(read_all(session)), made) == {}
    return made


def calls_of(state, wanted):
    """The calls of a plan; none if it cannot be applied at all."""
    try:
        plan = make_plan(state, wanted)
    except InputError:
        return []
    return [] if plan.blockers else [change.operation for change in plan.changes]


def test_every_call_has_a_case():
    """A new kind of change is not forgotten here: how to add it, ``undo_cases`` says at its top."""
    assert CASES.keys() == OPERATIONS.keys()
    partly = {name for name, one in OPERATIONS.items() if one.way_back and one.limit}
    assert partly == LEFT.keys()


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_each_kind_of_change_is_taken_back_though_both_ways_are_killed(begin, operation):
    """Field by field, but for what the review said; killed in the very call, then in its undo."""
    case = CASES[operation]
    for there in scaled([operation], range(1, MOST)):
        for back in scaled([1], range(1, MOST)):
            for acted in scaled([True], [True, False]):
                made = walk(begin, case if callable(case) else lambda _: case, there, back, acted)
                assert there != operation or operation in [change.operation for change in made]


NAMES = st.sampled_from(["ann", "bob", "cyd", "fay"])
TEXTS = st.sampled_from([LOOK, ALL])
GROUPS = st.sets(st.sampled_from(["dev", "ops"]), max_size=2).map(tuple)
ATTACHED = st.sampled_from([(), (), (READ_ONLY,), (SUPPORT,)])
BOUND = st.sampled_from([None, None, READ_ONLY, SUPPORT])
INLINE = st.dictionaries(st.sampled_from(["look", "mine", "new"]), TEXTS, max_size=2)
SOME_INLINE = st.sampled_from([(), (), ("mine",), ("look", "mine")])
ABSENT_OF_HOLDERS = st.builds(Absent, inline_policies=SOME_INLINE, attached_policies=ATTACHED)
ABSENT = st.builds(
    Absent,
    groups=GROUPS,
    tags=st.sampled_from([(), ("note",), ("team",)]),
    inline_policies=SOME_INLINE,
    attached_policies=ATTACHED,
    password=st.booleans(),
    permissions_boundary=st.booleans(),
)


def is_clear(one):
    """Whether nothing is wanted and unwanted at once."""
    gone = {*one.absent.inline_policies, *one.absent.groups, *one.absent.tags}
    gone |= {*one.absent.attached_policies}
    wanted = {*one.inline_policies, *one.attached_policies, *getattr(one, "groups", ())}
    bound = getattr(one, "permissions_boundary", None) and one.absent.permissions_boundary
    signs_in = getattr(one, "console_password", False) and one.absent.password
    return not (gone & (wanted | {*getattr(one, "tags", ())}) or bound or signs_in)


def by_name(holders, most):
    """Some of them, each name once, as a tuple."""
    clear = holders.filter(is_clear)
    return st.lists(clear, max_size=most, unique_by=lambda one: one.name).map(tuple)


HAD = {"inline_policies": INLINE, "attached_policies": ATTACHED}
WANTED = st.builds(
    Desired,
    users=by_name(
        st.builds(
            DesiredUser,
            name=NAMES,
            path=st.sampled_from([None, None, "/x/"]),
            tags=st.dictionaries(st.sampled_from(["team", "more"]), st.sampled_from("12")),
            groups=GROUPS,
            permissions_boundary=BOUND,
            access_key=st.booleans(),
            console_password=st.booleans(),
            absent=ABSENT,
            **HAD,
        ),
        3,
    ),
    groups=by_name(
        st.builds(
            DesiredGroup,
            name=st.sampled_from(["dev", "new"]),
            absent=ABSENT_OF_HOLDERS,
            **HAD,
        ),
        2,
    ),
    roles=by_name(st.builds(DesiredRole, name=st.just("help"), absent=ABSENT_OF_HOLDERS, **HAD), 1),
    policies=st.sampled_from([(), (DesiredPolicy(name="new", document=LOOK),)]),
    absent_users=st.sampled_from([(), (), (), ("cyd",), ("bob",)]),
    absent_groups=st.sampled_from([(), (), ("ops",)]),
    absent_policies=st.sampled_from([(), (), ("unused",)]),
    alias=st.sampled_from([None, "after"]),
    password_policy=st.dictionaries(
        st.sampled_from(["minimum_length", "max_age"]), st.integers(8, 90), max_size=1
    ),
)
SOME_CALL = st.integers(1, 14)


def tried(most):
    """So many random cases, with no haste; of one that fails no smaller one is looked for."""
    phases = (Phase.reuse, Phase.generate)
    return settings(max_examples=most, suppress_health_check=list(HealthCheck), phases=phases)


@tried(scaled(5, 300))
@given(WANTED, SOME_CALL, SOME_CALL, st.booleans())
def test_any_plan_is_taken_back_though_both_ways_are_killed(begin, wanted, there, back, acted):
    """Whatever it holds, and wherever it dies."""
    assume(walk(begin, lambda _: wanted, there, back, acted))


@pytest.mark.parametrize("weather", scaled(["squall"], ["squall", "typical", "storm"]))
@tried(scaled(2, 40))
@given(WANTED, SOME_CALL, SOME_CALL, st.booleans())
def test_any_plan_is_taken_back_in_foul_weather(
    begin, monkeypatch, weather, wanted, there, back, acted
):
    """Replies are lost, calls fail that were made: run again until it is done, it is all back."""
    if weather == "squall":  # which shows at once what was made
        monkeypatch.setattr("iamkit.aws.hand_over.SETTLING", 2.0)
        monkeypatch.setattr("iamkit.aws.apply.SETTLING", 2.0)
    assume(walk(begin, lambda _: wanted, there, back, acted, weather))
