"""What is most dangerous to allow: classes of actions, in the order in which people should know."""

from collections.abc import Mapping
from functools import cache

from iamkit.account.state import JSON
from iamkit.policies.actions.catalogue import Catalogue, union
from iamkit.policies.grammar.statements import read_statements

DELETING = tuple(
    "Delete Remove Terminate Destroy Purge Deregister Release BatchDelete BatchRemove".split()
)
"""How the names of actions begin that take something away."""

_PATTERNS = {
    "passing": "iam:PassRole",
    "assuming": "sts:AssumeRole sts:AssumeRoleWith* sts:AssumeRoot",
    "credentials": (
        "iam:CreateAccessKey iam:UpdateAccessKey iam:CreateLoginProfile iam:UpdateLoginProfile "
        "iam:CreateServiceSpecificCredential iam:ResetServiceSpecificCredential iam:AddUserToGroup "
        "iam:DeactivateMFADevice iam:UploadSigningCertificate iam:UploadSSHPublicKey "
        "iam:CreateSAMLProvider iam:UpdateSAMLProvider iam:CreateOpenIDConnectProvider "
        "sso:CreateAccountAssignment identitystore:CreateGroupMembership"
    ),
    "leaving": (
        "organizations:LeaveOrganization organizations:DeleteOrganization "
        "organizations:RemoveAccountFromOrganization organizations:CloseAccount "
        "account:CloseAccount"
    ),
    "secrets": (
        "secretsmanager:GetSecretValue secretsmanager:BatchGetSecretValue ssm:GetParameter "
        "ssm:GetParameters ssm:GetParametersByPath ssm:GetParameterHistory kms:Decrypt "
        "kms:ReEncryptFrom ec2:GetPasswordData ec2-instance-connect:SendSSHPublicKey "
        "redshift:GetClusterCredentials* redshift-serverless:GetCredentials rds-db:connect "
        "lightsail:GetInstanceAccessDetails lightsail:GetRelationalDatabaseMasterUserPassword "
        "lightsail:DownloadDefaultKeyPair acm:ExportCertificate"
    ),
    "data": (
        "s3:GetObject s3:GetObjectVersion s3:GetObjectTorrent s3express:CreateSession "
        "s3-outposts:GetObject* s3-object-lambda:GetObject s3-object-lambda:GetObjectVersion "
        "dynamodb:GetItem dynamodb:BatchGetItem dynamodb:Query dynamodb:Scan "
        "dynamodb:PartiQLSelect dynamodb:GetRecords dynamodb:ExportTableToPointInTime "
        "rds-data:ExecuteStatement rds-data:BatchExecuteStatement rds-data:ExecuteSql "
        "redshift-data:ExecuteStatement redshift-data:BatchExecuteStatement "
        "redshift-data:GetStatementResult* athena:GetQueryResults* sqs:ReceiveMessage "
        "kinesis:GetRecords kinesis:SubscribeToShard kafka-cluster:ReadData logs:GetLogEvents "
        "logs:FilterLogEvents logs:GetQueryResults logs:GetLogRecord logs:StartLiveTail "
        "ebs:GetSnapshotBlock es:ESHttpGet es:ESHttpPost aoss:APIAccessAll "
        "neptune-db:ReadDataViaQuery cassandra:Select timestream:Select glacier:GetJobOutput "
        "elasticfilesystem:ClientMount codecommit:GitPull codecommit:GetBlob codecommit:GetFile "
        "ecr:GetDownloadUrlForLayer lambda:GetFunction mediastore:GetObject "
        "rds:DownloadCompleteDBLogFile rds:DownloadDBLogFilePortion s3tables:GetTableData "
        "lakeformation:GetDataAccess healthlake:ReadResource "
        "healthlake:SearchWithGet"
    ),
    "logging": (
        "cloudtrail:StopLogging cloudtrail:DeleteTrail cloudtrail:UpdateTrail "
        "cloudtrail:PutEventSelectors config:StopConfigurationRecorder "
        "config:DeleteConfigurationRecorder guardduty:DeleteDetector guardduty:UpdateDetector "
        "securityhub:DisableSecurityHub* access-analyzer:DeleteAnalyzer"
    ),
}
"""Those whose actions no access level tells.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

DANGERS: Mapping[str, str] = {
    "passing": "hand roles to AWS's services",
    "assuming": "take on roles",
    "permissions": "manage permissions",
    "credentials": "give people credentials and groups",
    "leaving": "leave the organization or close accounts",
    "secrets": "read secrets",
    "data": "read data",
    "logging": "switch off logging",
    "deleting": "delete things",
}
"""What each class is called, the gravest first."""


@cache
def danger_masks(catalogue: Catalogue) -> Mapping[str, int]:
    """The actions of each class as bits of the catalogue, by the keys of ``DANGERS``."""
    found = {name: catalogue.union(texts.split()) for name, texts in _PATTERNS.items()}
    found["permissions"] = catalogue.levels["Permissions management"]
    found["deleting"] = catalogue.levels["Write"] & deleting(catalogue)
    return {name: found[name] for name in DANGERS}


@cache
def deleting(catalogue: Catalogue) -> int:
    """The actions whose name says that they take something away."""
    return catalogue.union(f"*:{word}*" for word in DELETING)


def dangers_of(document: JSON, catalogue: Catalogue) -> dict[str, int]:
    """How many actions of each class a policy allows on something: the gravest class first.

    Returns:
        By what the class is called; without the classes of which it allows nothing.
    """
    allowed = union(catalogue.about(s) for s in read_statements(document) if s.allows)
    counts = {DANGERS[name]: mask & allowed for name, mask in danger_masks(catalogue).items()}
    return {said: mask.bit_count() for said, mask in counts.items() if mask}
