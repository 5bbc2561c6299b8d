"""AWS at the edge: open a session, read the account, apply a plan. Only here boto3 is imported."""
