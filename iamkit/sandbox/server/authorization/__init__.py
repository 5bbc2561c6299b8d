"""What a call asks of the caller's policies, and the authorizer that refuses it.

``iam``, ``ec2``, ``s3``, ``sts`` and ``secrets_manager`` know what the calls of a service ask, and
``authorizer`` decides, by ``iamkit.policies.evaluation``.
"""
