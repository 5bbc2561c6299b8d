"""The policies of buckets and secrets, within a bounded number of calls."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from iamkit.aws.call_errors import CALL_ERRORS, code_of, explain_error
from iamkit.aws.pages import whole_pages
from iamkit.aws.session import Session
from iamkit.plan.belongings import ResourcePolicy
from iamkit.text import parse_json

AT_MOST = 40
"""Policies of each kind that are read; of the others it cannot be told whom they name."""


def read_resource_policies(session: Session) -> list[ResourcePolicy]:
    """The policies of the account's buckets, and of the secrets in the session's region.

    Two calls that list, and one for each of the first ``AT_MOST`` of a kind. What fails is told in
    place of the policy.
    """
    return [
        *_of_kind("bucket", _buckets(session), "s3:GetBucketPolicy"),
        *_of_kind("secret", _secrets(session), "secretsmanager:GetResourcePolicy"),
    ]


Reader = tuple[str, Callable[[], str]]


def _of_kind(kind: str, readers: Iterator[Reader], action: str) -> Iterator[ResourcePolicy]:
    what = f"policy of a {kind}"
    service, operation = action.split(":")
    lists = {"bucket": "ListBuckets", "secret": "ListSecrets"}
    try:
        found = list(readers)
    except CALL_ERRORS as error:
        note = str(explain_error(error, lists[kind], service))
        yield ResourcePolicy(what=what, name="all", document=None, note=note)
        return
    for name, read in islice(found, AT_MOST):
        try:
            yield ResourcePolicy(what=what, name=name, document=parse_json(read() or "{}"))
        except CALL_ERRORS as error:
            if code_of(error) == "NoSuchBucketPolicy":
                continue
            note = str(explain_error(error, operation, service))
            yield ResourcePolicy(what=what, name=name, document=None, note=note)
        except ValueError:
            note = "its policy is no JSON"
            yield ResourcePolicy(what=what, name=name, document=None, note=note)
    if len(found) > AT_MOST:
        name, note = f"{len(found) - AT_MOST:,} more", f"{AT_MOST} were read, and no more"
        yield ResourcePolicy(what=what, name=name, document=None, note=note)


def _buckets(session: Session) -> Iterator[Reader]:
    s3 = session.clients.make("s3")
    for page in whole_pages(s3, "list_buckets"):
        for bucket in page["Buckets"]:
            name = str(bucket["Name"])
            yield name, _reader(s3.get_bucket_policy, "Policy", Bucket=name)


def _secrets(session: Session) -> Iterator[Reader]:
    client = session.clients.secrets_manager
    for page in client.get_paginator("list_secrets").paginate():
        for secret in page["SecretList"]:
            read = _reader(client.get_resource_policy, "ResourcePolicy", SecretId=secret["ARN"])
            yield str(secret["Name"]), read


def _reader(call: Callable[..., Any], key: str, **arguments: str) -> Callable[[], str]:
    return lambda: str(call(**arguments).get(key) or "")
