"""An account with a bit of everything, and every way to know less of it."""

from collections.abc import Mapping
from dataclasses import replace

from accounts import ACCOUNT, account_of

from iamkit.account.gaps import DETAILS, KINDS
from iamkit.account.state import ROOT_USER, Source

ALL = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
READ = {"Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}
KMS = {"Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]}
OWN = f"arn:aws:iam::{ACCOUNT}:policy/own"
BOUND = f"arn:aws:iam::{ACCOUNT}:policy/bound"
UNUSED = f"arn:aws:iam::{ACCOUNT}:policy/unused"
SUPPORT = "arn:aws:iam::aws:policy/AWSSupportAccess"
COMPANY = account_of(
    {
        "users": [
            {
                "name": "ann",
                "groups": ["Admins"],
                "password": {"used": 3, "changed": 30},
                "mfa_serial": f"arn:aws:iam::{ACCOUNT}:mfa/ann",
                "keys": [{"id": "AKIA1", "age": 100, "used": 2}, {"id": "AKIA2", "age": 5}],
            },
            {"name": "bob", "groups": ["dev"], "password": {"used": 90, "changed": 200}},
            {
                "name": "cyd",
                "groups": ["dev"],
                "password": {"used": 1, "changed": 9},
                "mfa": False,
                "inline": {"mine": READ},
                "keys": [{"id": "AKIA3", "age": 10, "used": 1}],
            },
            {"name": "dan", "groups": [], "inline": {"all": ALL}, "boundary": BOUND},
            {"name": "eve", "groups": ["dev"], "attached": [OWN]},
        ],
        "groups": [
            {"name": "Admins", "inline": {"all": ALL}},
            {"name": "dev", "attached": [OWN]},
            {"name": "old"},
        ],
        "roles": [{"name": "help", "attached": [SUPPORT]}],
        "policies": [
            {"arn": OWN, "document": KMS},
            {"arn": BOUND, "document": READ},
            {"arn": UNUSED, "document": READ},
            {"arn": SUPPORT, "document": READ},
        ],
        "root": {"used": 400, "mfa": False},
        "summary": {
            "AccountMFAEnabled": 0,
            "AccountAccessKeysPresent": 0,
            "AccountPasswordPresent": 1,
        },
        "rules": {"minimum_length": 14, "reuse_prevention": 5},
        "analyzers": ["a"],
    }
)
OF_SOURCE = {
    "GetCredentialReport": {"report": {}},
    "GetAccountSummary": {"summary": {}},
    "ListAccessKeys": {"access_keys": {}},
    "GetAccountPasswordPolicy": {"password_policy": None},
    "ListAccountAliases": {"alias": None},
    "ListVirtualMFADevices": {"mfa_devices": {}},
    "ListAnalyzers": {"analyzers": ()},
    "ListServerCertificates": {"server_certificates": ()},
    "ListServiceSpecificCredentials": {"service_credentials": {}},
}


def without(mapping: Mapping, name):
    """A mapping less one of its keys, which may have gone already."""
    return {key: value for key, value in mapping.items() if key != name}


def _source(name, status):
    def remove(state):
        sources = {**state.sources, name: Source(status=status, note="denied")}
        return replace(state, sources=sources, **OF_SOURCE[name])

    return remove


def _entry(field, name):
    return lambda state: replace(state, **{field: without(getattr(state, field), name)})


def _blank(field, name, **fields):
    """Fields of an entry that are not told."""

    def remove(state):
        entries = dict(getattr(state, field))
        if name in entries:
            entries[name] = replace(entries[name], **fields)
        return replace(state, **{field: entries})

    return remove


def _last_page(state):
    """Some users, with all that is theirs, were on a page that was not fetched."""
    source = replace(state.source(DETAILS), lacking=frozenset(KINDS), note="the list goes on")
    return replace(
        state,
        users=without(state.users, "cyd"),
        report={},
        groups=without(state.groups, "old"),
        sources={**without(state.sources, "GetCredentialReport"), DETAILS: source},
    )


def _silent_key(state):
    """The report does not tell whether a key is active."""
    row = state.report.get("ann")
    if row is None:
        return state
    keys = tuple(replace(key, active=None) if key else None for key in row.keys)
    return replace(
        state,
        report={**state.report, "ann": replace(row, keys=keys)},
        access_keys=without(state.access_keys, "ann"),
    )


REMOVALS = {
    **{f"{n} {s}": _source(n, s) for n in OF_SOURCE for s in ("unknown", "not read")},
    **{
        f"{field} {name}": _entry(field, name)
        for field in ("users", "groups", "policies", "report", "access_keys", "summary")
        for name in getattr(COMPANY, field)
        if name not in ("old", UNUSED)  # of these nothing else tells that they were there
    },
    **{f"text of {arn}": _blank("policies", arn, document={}) for arn in COMPANY.policies},
    "text of group Admins": _blank("groups", "Admins", inline_policies={"all": {}}),
    "text of user dan": _blank("users", "dan", inline_policies={"all": {"Statement": None}}),
    **{
        f"{field} of {name} in the report": _blank("report", name, **{field: None})
        for field in ("password_enabled", "mfa_active")
        for name in COMPANY.report
        if name != ROOT_USER
    },
    "whether keys are active": _silent_key,
    "the last page": _last_page,
}
"""By its name, what takes a part of an account away."""


def remove(*names):
    """The account without these parts."""
    state = COMPANY
    for name in names:
        state = REMOVALS[name](state)
    return state
