"""iamkit: Jupyter notebooks that set up an AWS account for a team and keep it in order.

The layers, from the inside out; each imports only from those above it:

* pure: ``errors``, ``names``, ``account``, ``policies``, ``parameters``, ``parameters_file``,
  ``users_file``, ``desired``, ``plan``, ``steps``, ``audit``
* edges: ``handover`` (where a new credential goes), ``sandbox`` (the embedded AWS)
* ``aws``: sessions, reading, applying; only here boto3 is imported
* ``notebook``: forms, review, display, running
* ``__main__``: the command line

The names below are the handful that a notebook needs. They are imported when they are first
used, so that ``iamkit --help`` need not wait for boto3 and pandas.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "AccountAliasParameters": "iamkit.parameters",
    "AdminGroupParameters": "iamkit.parameters",
    "AuditUsersParameters": "iamkit.parameters",
    "CredentialsParameters": "iamkit.parameters",
    "DevGroupParameters": "iamkit.parameters",
    "StartParameters": "iamkit.parameters",
    "UsersParameters": "iamkit.parameters",
    "account_alias": "iamkit.desired",
    "admin_group": "iamkit.desired",
    "AccountState": "iamkit.account",
    "Audit": "iamkit.audit",
    "audit_findings": "iamkit.audit",
    "audit_permissions": "iamkit.audit",
    "audit_users": "iamkit.audit",
    "check": "iamkit.audit",
    "compare": "iamkit.audit.comparison",
    "credential_sources": "iamkit.aws.credentials",
    "dev_group": "iamkit.desired",
    "make_plan": "iamkit.plan",
    "open_session": "iamkit.aws.session",
    "read_account": "iamkit.aws.read",
    "read_audit": "iamkit.notebook.audit",
    "read_start": "iamkit.notebook.start",
    "read_old_credential_file": "iamkit.aws.credentials",
    "with_users_file": "iamkit.users_file",
    "require_complete": "iamkit.notebook.audit",
    "review_plan": "iamkit.notebook.review",
    "save_audit": "iamkit.notebook.audit",
    "show": "iamkit.notebook.display",
    "show_charts": "iamkit.notebook.audit",
    "show_comparison": "iamkit.notebook.audit",
    "show_findings": "iamkit.notebook.audit",
    "show_steps": "iamkit.notebook.start",
    "show_summary": "iamkit.notebook.audit",
    "show_urgent": "iamkit.notebook.start",
    "show_user": "iamkit.notebook.audit",
    "show_users": "iamkit.notebook.audit",
    "survey_account": "iamkit.aws.survey",
    "show_form": "iamkit.notebook.forms",
    "team_users": "iamkit.desired",
    "verify": "iamkit.notebook.review",
    "PolicyStudioParameters": "iamkit.parameters",
    "held_policy": "iamkit.desired",
    "show_studio": "iamkit.notebook.studio",
    "studio_policy": "iamkit.notebook.studio",
    "show_policy": "iamkit.notebook.policy",
    "show_source": "iamkit.notebook.policy",
    "show_impact": "iamkit.notebook.policy",
    "save_policy": "iamkit.notebook.policy",
    "find_policy": "iamkit.policies.finding",
    "read_permissions": "iamkit.aws.read",
    "who_can": "iamkit.policies.access",
    "for_reading": "iamkit.policies.access",
    "what_can": "iamkit.policies.access",
    "permission_matrix": "iamkit.policies.access",
    "compare_policies": "iamkit.policies.comparison",
    "expand": "iamkit.policies.expansion",
    "shrink": "iamkit.policies.expansion",
    "explain": "iamkit.policies.explanation",
    "lint_policy": "iamkit.policies.linting",
    "evaluate": "iamkit.policies.evaluation",
    "try_users": "iamkit.aws.trial",
    "write_profile": "iamkit.notebook.profile",
    "write_welcome_pages": "iamkit.notebook.welcome",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
