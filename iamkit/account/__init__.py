"""An AWS account as it was read: the immutable state, and what it is made from.

API replies, the credential report, a saved state file. Pure: nothing here calls AWS.
"""
