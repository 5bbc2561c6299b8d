"""What S3 asks, told from the method, the path and the sub-resource of a request.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote

import xmltodict  # type: ignore[import-untyped] # moto reads the same bodies with it

from iamkit.sandbox.server.account import Account
from iamkit.sandbox.server.arns import tag_keys
from iamkit.sandbox.server.authorization.question import Question, unknown_keys
from iamkit.sandbox.server.call import Call
from iamkit.sandbox.server.errors import Refused
from iamkit.sandbox.server.moto_patches import s3_backend

_ORDINARY = frozenset(
    """prefix delimiter max-keys marker list-type continuation-token start-after fetch-owner
    encoding-type versionId partNumber key-marker version-id-marker upload-id-marker max-uploads
    max-parts part-number-marker max-buckets bucket-region x-id id response-cache-control
    response-content-disposition response-content-encoding response-content-language
    response-content-type response-expires""".split()
)
"""Query parameters that change nothing about what is asked."""
_BUCKET = {
    ("GET", ""): "ListBucket",
    ("HEAD", ""): "ListBucket",
    ("PUT", ""): "CreateBucket",
    ("DELETE", ""): "DeleteBucket",
    ("GET", "versions"): "ListBucketVersions",
    ("GET", "uploads"): "ListBucketMultipartUploads",
    ("GET", "location"): "GetBucketLocation",
    ("GET", "policyStatus"): "GetBucketPolicyStatus",
    ("POST", "delete"): "DeleteObject",
    ("DELETE", "policy"): "DeleteBucketPolicy",
    ("DELETE", "website"): "DeleteBucketWebsite",
}
_SETTINGS = {
    "accelerate": "AccelerateConfiguration",
    "acl": "BucketAcl",
    "analytics": "AnalyticsConfiguration",
    "cors": "BucketCORS",
    "encryption": "EncryptionConfiguration",
    "intelligent-tiering": "IntelligentTieringConfiguration",
    "inventory": "InventoryConfiguration",
    "lifecycle": "LifecycleConfiguration",
    "logging": "BucketLogging",
    "metrics": "MetricsConfiguration",
    "notification": "BucketNotification",
    "object-lock": "BucketObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "replication": "ReplicationConfiguration",
    "requestPayment": "BucketRequestPayment",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
    "website": "BucketWebsite",
}
"""Settings of a bucket: read by Get, written and deleted by Put."""
_OBJECT = {
    ("GET", ""): "GetObject",
    ("HEAD", ""): "GetObject",
    ("PUT", ""): "PutObject",
    ("DELETE", ""): "DeleteObject",
    ("GET", "uploadId"): "ListMultipartUploadParts",
    ("PUT", "uploadId"): "PutObject",
    ("POST", "uploadId"): "PutObject",
    ("POST", "uploads"): "PutObject",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("GET", "acl"): "GetObjectAcl",
    ("PUT", "acl"): "PutObjectAcl",
    ("GET", "tagging"): "GetObjectTagging",
    ("PUT", "tagging"): "PutObjectTagging",
    ("DELETE", "tagging"): "DeleteObjectTagging",
    ("GET", "attributes"): "GetObjectAttributes",
    ("GET", "legal-hold"): "GetObjectLegalHold",
    ("PUT", "legal-hold"): "PutObjectLegalHold",
    ("GET", "retention"): "GetObjectRetention",
    ("PUT", "retention"): "PutObjectRetention",
    ("GET", "torrent"): "GetObjectTorrent",
    ("POST", "restore"): "RestoreObject",
    ("POST", "select"): "GetObject",
}
_VERSIONED = frozenset(
    """GetObject GetObjectAcl GetObjectAttributes GetObjectTagging PutObjectAcl PutObjectTagging
    DeleteObject DeleteObjectTagging GetObjectTorrent""".split()
)
"""Actions that have another name when a version is named."""
_HEADERS = (
    "acl",
    "content-sha256",
    "copy-source",
    "grant-full-control",
    "grant-read",
    "grant-read-acp",
    "grant-write",
    "grant-write-acp",
    "metadata-directive",
    "object-ownership",
    "server-side-encryption",
    "server-side-encryption-aws-kms-key-id",
    "storage-class",
    "website-redirect-location",
)
"""Headers ``x-amz-…`` that are condition keys ``s3:x-amz-…``."""
_ABSENT = ("s3:AccessGrantsInstanceArn", "s3:TlsVersion")
"""Keys that no call of the sandbox has: there are no access grants, and no TLS."""


def asks_of_s3(call: Call, account: Account) -> Iterator[Question]:  # noqa: ARG001 - as the others
    """What a call of S3 asks.

    Raises:
        Refused: the sandbox does not know what AWS would ask.
    """
    bucket, key = _bucket_and_key(call)
    if not bucket:
        yield Question(action="s3:ListAllMyBuckets", context=_keys(call))
        return
    sub = _sub_resource(call)
    if key:
        yield from _of_object(call, bucket, key, sub)
    elif (call.request.method, sub) == ("POST", "delete"):
        yield from _of_deletes(call, bucket)
    else:
        yield _ask(call, _bucket_action(call, sub), bucket)


def _bucket_and_key(call: Call) -> tuple[str, str]:
    """What a path names; one that moto might read otherwise is not known."""
    bucket, _, key = call.request.raw_path.removeprefix("/").partition("/")
    lists = (call.request.method, call.request.raw_path) == ("GET", "/")
    if "%" in bucket or "#" in call.request.target or not (bucket or lists):
        raise _not_known(call)
    return bucket, unquote(key)


def _sub_resource(call: Call) -> str:
    """The one sub-resource of the query, such as ``acl``; empty if it has none."""
    names = {name for name, _ in parse_qsl(call.request.query, keep_blank_values=True)}
    found = {name for name in names - _ORDINARY if name != "select-type"}
    if len(found) > 1:
        raise _not_known(call)
    return found.pop() if found else ""


def _bucket_action(call: Call, sub: str) -> str:
    method = call.request.method
    if action := _BUCKET.get((method, sub)):
        return action
    if sub in _SETTINGS and method in ("GET", "PUT", "DELETE"):
        return ("Get" if method == "GET" else "Put") + _SETTINGS[sub]
    raise _not_known(call)


def _of_object(call: Call, bucket: str, key: str, sub: str) -> Iterator[Question]:
    """The object; a copy also reads its source, and a new object may bring tags and an ACL."""
    action = _OBJECT.get((call.request.method, sub))
    if action is None:
        raise _not_known(call)
    version = _query(call, "versionId")
    yield _ask(call, _versioned(action, version), bucket, key, version)
    headers = call.request.headers
    if action != "PutObject":
        return
    if source := headers.get("x-amz-copy-source"):
        yield _of_source(call, source)
    if headers.get("x-amz-tagging"):
        yield _ask(call, "PutObjectTagging", bucket, key)
    if headers.get("x-amz-acl") or any(name.startswith("x-amz-grant-") for name in headers):
        yield _ask(call, "PutObjectAcl", bucket, key)


def _of_source(call: Call, source: str) -> Question:
    path, _, query = source.partition("?")
    version = parse_qs(query).get("versionId", [""])[0]
    bucket, _, key = unquote(path).removeprefix("/").partition("/")
    return _ask(call, _versioned("GetObject", version), bucket, key, version)


def _of_deletes(call: Call, bucket: str) -> Iterator[Question]:
    """Every object of a list; here all must be allowed, where AWS answers for each."""
    found = xmltodict.parse(call.request.body, force_list=("Object",))["Delete"]["Object"]
    for item in found:
        version = item.get("VersionId") or ""
        yield _ask(call, _versioned("DeleteObject", version), bucket, item["Key"], version)


def _versioned(action: str, version: str) -> str:
    return action.replace("Object", "ObjectVersion") if version and action in _VERSIONED else action


def _ask(call: Call, action: str, bucket: str, key: str = "", version: str = "") -> Question:
    found = s3_backend(call).buckets.get(bucket)
    object_ = found.keys.get(key) if found and key else None
    tags = s3_backend(call).tagger.get_tag_dict_for_resource(object_.arn) if object_ else {}
    context = {
        **_keys(call),
        **tag_keys(["s3:ExistingObjectTag"], tags),
        "s3:VersionId": version or None,
    }
    return Question(
        action=f"s3:{action}",
        resource=f"arn:aws:s3:::{bucket}" + (f"/{key}" if key else ""),
        context=context,
        unknown=unknown_keys(f"s3:{action}", {*context, *_ABSENT}),
        policy=found.policy.decode() if found and found.policy else None,
    )


def _keys(call: Call) -> dict[str, Any]:
    """S3's own condition keys."""
    headers = call.request.headers
    tags = dict(parse_qsl(headers.get("x-amz-tagging", ""), keep_blank_values=True))
    lists = {f"s3:{name}": _query(call, name) for name in ("prefix", "delimiter", "max-keys")}
    return {
        "s3:authType": "REST-HEADER",
        "s3:signatureversion": "AWS4-HMAC-SHA256",
        "s3:ResourceAccount": call.caller.account_id,
        **{key: value or None for key, value in lists.items()},
        **{f"s3:x-amz-{name}": headers.get(f"x-amz-{name}") for name in _HEADERS},
        **tag_keys(["s3:RequestObjectTag"], tags),
        "s3:RequestObjectTagKeys": list(tags) or None,
    }


def _query(call: Call, name: str) -> str:
    return parse_qs(call.request.query, keep_blank_values=True).get(name, [""])[0]


def _not_known(call: Call) -> Refused:
    return Refused(
        "NotImplemented",
        501,
        f"The sandbox does not know what permission {call.request.method} {call.request.target} "
        "needs, so it refuses it while it authorizes calls.",
    )
