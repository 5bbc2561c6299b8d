"""What several benchmarks do: measure, and fill an account with users."""

import time


def seconds(work):
    """How long some work takes, in seconds, and what it returns."""
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def write_users(world, writes):
    """Make users with a key and a password in a sandbox's world, by four calls each."""
    for number in range(writes // 4):
        name = f"user{number}"
        world.query("iam", "CreateUser", UserName=name)
        world.query("iam", "CreateAccessKey", UserName=name)
        world.query("iam", "CreateLoginProfile", UserName=name, Password="Secret-Pass-1")
        world.query("iam", "UpdateUser", UserName=name, NewPath="/team/")
