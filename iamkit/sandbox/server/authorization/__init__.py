"""What a call asks of the caller's policies, and the authorizer that refuses it.

``authorizer`` decides; ``iam``, ``ec2``, ``s3``, ``sts`` and ``secrets_manager`` know what a call of
each service asks. The decision itself is that of ``iamkit.policies.evaluation``.
"""
