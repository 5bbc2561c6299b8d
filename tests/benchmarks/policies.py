"""What policies cost: lint and expansion beside py-iam-expand, the matrix beside evaluations.

Prints ratios and memory, measured in turn in one run: ``make bench``.
"""

import json
import random
import resource
from dataclasses import replace

from measuring import seconds

USERS, SAMPLE, ROUNDS = 5_000, 400, 3


def memory():
    """The most that this process has had so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def patterns_of(documents):
    """The lists of allowed actions of all statements, as py-iam-expand takes them."""
    for document in documents:
        statements = document["Statement"]
        for statement in statements if isinstance(statements, list) else [statements]:
            if "Action" in statement:
                yield (
                    statement["Action"]
                    if isinstance(statement["Action"], list)
                    else [statement["Action"]]
                )


def benchmark_expansion():
    """Every managed policy of AWS's, each list of actions spelled out."""
    from moto.iam.aws_managed_policies import aws_managed_policies_data
    from py_iam_expand.actions import InvalidActionHandling, expand_actions

    from iamkit.policies import allow, policy
    from iamkit.policies.actions.catalogue import load_catalogue
    from iamkit.policies.actions.expansion import expand

    documents = [p["Document"] for p in json.loads(aws_managed_policies_data).values()]
    lists = list(patterns_of(documents))
    load_catalogue()  # writes the index, if there is none yet
    load_catalogue.cache_clear()

    def ours():
        return [expand(policy(allow(*patterns))) for patterns in lists]

    def theirs():
        return [expand_actions(p, InvalidActionHandling.REMOVE) for p in lists]

    index, _ = seconds(load_catalogue)
    rounds = [(seconds(ours), seconds(theirs)) for _ in range(ROUNDS)]
    same = sum(len(a) == len(b) for a, b in zip(rounds[0][0][1], rounds[0][1][1], strict=True))
    ratios = [theirs_[0] / ours_[0] for ours_, theirs_ in rounds]
    print(f"{len(documents)} managed policies, {len(lists)} lists; index loaded in {index:.3f} s")
    print(f"expansion: ours {rounds[0][0][0]:.2f} s, py-iam-expand {rounds[0][1][0]:.2f} s")
    print(f"py-iam-expand / ours, by round: {', '.join(f'{r:.1f}' for r in ratios)}")
    print(f"of the same length: {same} of {len(lists)}")


def benchmark_lint():
    """Every managed policy of AWS's read by the linter, beside py-iam-expand spelling it out."""
    from moto.iam.aws_managed_policies import aws_managed_policies_data
    from py_iam_expand.actions import InvalidActionHandling, expand_actions

    from iamkit.policies.lint.linting import lint_policy

    documents = [p["Document"] for p in json.loads(aws_managed_policies_data).values()]
    lists = list(patterns_of(documents))

    def ours():
        return [lint_policy(document) for document in documents]

    def theirs():
        return [expand_actions(p, InvalidActionHandling.REMOVE) for p in lists]

    first, remarks = seconds(ours)
    again, _ = seconds(ours)
    peer, _ = seconds(theirs)
    print(
        f"lint of {len(documents):,} managed policies: {first:.2f} s, again {again:.2f} s, "
        f"{sum(map(len, remarks)):,} remarks; py-iam-expand {peer:.2f} s, "
        f"lint / py-iam-expand: {first / peer:.2f}"
    )


def account(people):
    """An account of as many users, in ten groups, every one with an inline policy of its own."""
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    from iamkit.account.state import AccountState, Group, ManagedPolicy, User
    from iamkit.policies import allow, policy

    chance = random.Random(7)
    managed = {
        f"arn:aws:iam::aws:policy/{name}": ManagedPolicy(
            arn=f"arn:aws:iam::aws:policy/{name}", name=name, document=p["Document"]
        )
        for name, p in json.loads(aws_managed_policies_data).items()
    }
    arns = sorted(managed)
    groups = {
        f"g{n}": Group(name=f"g{n}", attached_policies=frozenset(chance.sample(arns, 3)))
        for n in range(10)
    }
    users = {
        f"u{n}": User(
            name=f"u{n}",
            arn=f"arn:aws:iam::111122223333:user/u{n}",
            groups=frozenset(chance.sample(sorted(groups), 2)),
            inline_policies={
                "own": policy(
                    allow("s3:*", resource=f"arn:aws:s3:::u{n}/*"),
                    allow("ec2:Describe*") | {"Condition": {"Null": {"aws:TagKeys": "true"}}},
                )
            },
        )
        for n in range(people)
    }
    state = AccountState(account_id="111122223333", users=users, groups=groups)
    return replace(state, policies=managed)


def benchmark_matrix():
    """Users by all actions, beside the same asked one by one."""
    from iamkit.policies.evaluation.access import Access
    from iamkit.policies.evaluation.engine import Policies, evaluate
    from iamkit.policies.evaluation.paths import paths_to
    from iamkit.policies.evaluation.request import Principal, Request

    state = account(USERS)
    before = memory()
    matrix_time, matrix = seconds(lambda: Access(state).matrix)
    array_time, _ = seconds(matrix.to_numpy)
    size = len(matrix.catalogue.actions)
    chance = random.Random(8)
    pairs = [
        (state.users[f"u{chance.randrange(USERS)}"], chance.choice(matrix.catalogue.actions))
        for _ in range(SAMPLE)
    ]

    def loop():
        for user, action in pairs:
            identity = {str(path): path.document for path in paths_to(user, state)}
            request = Request(principal=Principal(user.arn), action=action)
            evaluate(request, Policies(identity=identity))

    loop_time, _ = seconds(loop)
    scaled = loop_time / SAMPLE * USERS * size
    print(f"matrix of {USERS:,} users by {size:,} actions: {matrix_time:.2f} s")
    print(
        f"as an array of numbers: {array_time:.2f} s more; memory: {memory() - before:.0f} MB more"
    )
    print(
        f"single evaluations, {SAMPLE} scaled: {scaled:,.0f} s; "
        f"loop / matrix: {scaled / matrix_time:,.0f}"
    )
    access = Access(state)
    first, _ = seconds(lambda: access.who_can("s3:GetObject"))
    again, found = seconds(lambda: access.who_can("ec2:RunInstances"))
    every, on_all = seconds(lambda: access.who_can("s3:GetObject", "*"))
    print(
        f"who can: first question {first * 1000:.0f} ms, another {again * 1000:.0f} ms "
        f"({len(found)} rows), on the set of all {every:.1f} s ({len(on_all):,} rows)"
    )


def escalating(people, roles):
    """The same account with roles, self-service for everyone, and builders who pass roles."""
    from iamkit.account.state import Group, Role
    from iamkit.policies import allow, policy

    state, chance = account(people), random.Random(9)
    iam, admin = "arn:aws:iam::111122223333:", "arn:aws:iam::aws:policy/AdministratorAccess"
    services = "lambda ec2 glue cloudformation ecs-tasks sagemaker codebuild states".split()
    arns = sorted(state.policies)

    def role(n):
        trusted = (
            {"Service": f"{services[n % 8]}.amazonaws.com"} if n % 4 else {"AWS": f"{iam}root"}
        )
        allows = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
        return Role(
            name=f"r{n}",
            arn=f"{iam}role/r{n}",
            trust_policy={"Version": "2012-10-17", "Statement": [allows]},
            attached_policies=frozenset([admin] if n % 25 == 0 else chance.sample(arns, 2)),
        )

    own = allow(
        *"iam:CreateAccessKey iam:DeleteAccessKey iam:UpdateLoginProfile".split(),
        resource=f"{iam}user/${{aws:username}}",
    )
    build = allow("iam:PassRole", "lambda:*", "ecs:*")
    groups = {
        "self": Group(name="self", inline_policies={"own": policy(own)}),
        "build": Group(name="build", inline_policies={"build": policy(build)}),
        "admins": Group(name="admins", attached_policies=frozenset([admin])),
    }
    more = {1: ["self"], 10: ["build"], 250: ["admins"]}
    users = {
        f"u{n}": replace(
            user, groups=user.groups.union(*(g for each, g in more.items() if n % each == 0))
        )
        for n, user in enumerate(state.users.values())
    }
    groups = {**state.groups, **groups}
    return replace(
        state, users=users, groups=groups, roles={f"r{n}": role(n) for n in range(roles)}
    )


def benchmark_escalation():
    """Who can become administrator, beside the same statements asked one by one."""
    from iamkit.policies.escalation.answers import paths_to_admin
    from iamkit.policies.escalation.catalogue import load_paths
    from iamkit.policies.evaluation.access import Access

    state = escalating(USERS, 500)
    matrix_time, _ = seconds(lambda: Access(state).matrix)
    search_time, found = seconds(lambda: paths_to_admin(state))
    print(
        f"paths to admin of {USERS:,} users and 500 roles, {len(load_paths())} paths: "
        f"{search_time:.2f} s, {len(found):,} rows of {found['principal'].nunique():,} principals; "
        f"search / matrix: {search_time / matrix_time:.1f}"
    )


if __name__ == "__main__":
    benchmark_lint()
    benchmark_expansion()
    benchmark_matrix()
    benchmark_escalation()
