"""Authority: what a call asks of the caller's policies, and the gate that refuses it.

`gate` holds the gate; `of_iam`, `of_ec2`, `of_s3` and `of_sts` know what each service asks;
`holders` knows the policies of a caller. The decision itself is `iamkit.policies.evaluation.engine`'s.
"""
