"""The audit: the account as pandas tables."""

from iamkit.audit.tables import audit_users

__all__ = ["audit_users"]
