"""The credential report, as AWS makes it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
"""

import csv
import io
from datetime import datetime, timedelta
from typing import Any

from moto.core.responses import ActionResult

from iamkit.account.credential_report import COLUMNS
from iamkit.sandbox.server.account import Account, Report
from iamkit.sandbox.server.errors import Refused
from iamkit.sandbox.server.iam.base import IamAnswers
from iamkit.sandbox.server.moto_patches import clock

AGE = timedelta(hours=4)
"""A report serves for four hours; until then no new one is made."""
MAKING = timedelta(seconds=1)
"""How long a report takes here."""
_NONE = "N/A"


def write_report(account: Account) -> str:
    """The report of an account as it is now."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerow(_root_row(account))
    writer.writerows(_user_row(account, user) for user in account.iam.users.values())
    return text.getvalue()


def _root_row(account: Account) -> list[str]:
    keys = list(account.root_keys.values())
    return [
        *("<root_account>", account.root.arn, _date(account.created), "not_supported"),
        _date(account.root_last_used, "no_information"),
        *("not_supported", "not_supported", _flag(account.root_mfa)),
        *_key_cells(keys),
        *_certificate_cells([]),
    ]


def _user_row(account: Account, user: Any) -> list[str]:
    return [
        *(user.name, user.arn, _date(user.create_date)),
        *_password_cells(account, user),
        _flag(user.mfa_devices),
        *_key_cells(user.access_keys),
        *_certificate_cells(list(user.signing_certificates.values())),
    ]


def _password_cells(account: Account, user: Any) -> list[str]:
    if not user.password:
        return ["false", _NONE, _NONE, _NONE]
    policy = account.iam.account_password_policy
    age = policy and policy.max_password_age
    rotation = user.password_changed + timedelta(days=age) if age else None
    return [
        "true",
        _date(user.password_last_used, "no_information"),
        _date(user.password_changed),
        _date(rotation),
    ]


def _key_cells(keys: list[Any]) -> list[str]:
    cells = []
    shown = sorted(keys, key=lambda key: key.status != "Active")  # as recorded
    for key in [*shown, None, None][:2]:
        if key is None:
            cells += ["false", _NONE, _NONE, _NONE, _NONE]
            continue
        used = key.last_used
        cells += [_flag(key.status == "Active"), _date(key.create_date)]
        cells += [_date(used.timestamp), used.region, used.service] if used else [_NONE] * 3
    return cells


def _certificate_cells(certificates: list[Any]) -> list[str]:
    cells = []
    for one in [*certificates, None, None][:2]:
        active = one is not None and one.status == "Active"
        cells += [_flag(active), _date(one and one.upload_date)]
    return cells


def _date(moment: datetime | None, missing: str = _NONE) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else missing


def _flag(value: object) -> str:
    return "true" if value else "false"


class ReportAnswers(IamAnswers):
    """The report's three states, and its refusals."""

    def generate_credential_report(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateCredentialReport.html."""
        report = self.account.report
        age = clock.now() - report.asked_at if report else AGE
        if age >= AGE:
            self.account.report = Report(clock.now(), write_report(self.account))
            text = "No report exists. Starting a new report generation task"
            return ActionResult({"State": "STARTED", "Description": text})
        return ActionResult({"State": "INPROGRESS" if age < MAKING else "COMPLETE"})

    def get_credential_report(self) -> ActionResult:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetCredentialReport.html."""
        report = self.account.report
        if report is None:
            raise Refused("ReportNotPresent", 410, "No report exists. Generate one first.")
        age = clock.now() - report.asked_at
        if age < MAKING:
            raise Refused("ReportInProgress", 404, "The report is being generated.")
        if age >= AGE:
            raise Refused("ReportExpired", 410, "The report is too old. Generate a new one.")
        return ActionResult(
            {
                "Content": report.content.encode(),
                "ReportFormat": "text/csv",
                "GeneratedTime": report.asked_at,
            }
        )
