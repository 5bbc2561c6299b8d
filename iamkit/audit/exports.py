"""The audit in files for spreadsheets, programs and CI, with hostile text made harmless."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pandas as pd

from iamkit.audit import Audit
from iamkit.audit.checks import CHECKS
from iamkit.audit.comparison import UNTOLD, Comparison, compare
from iamkit.audit.first_page import make_first_page
from iamkit.audit.markdown import to_markdown
from iamkit.audit.numbers import failures
from iamkit.audit.schema import SEVERITIES, TABLES, Schema, tell_cells
from iamkit.errors import InputError
from iamkit.text import printable

FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What makes a spreadsheet take a text for a formula, the full-width forms included.

https://owasp.org/www-community/attacks/CSV_Injection
"""


def table_of(audit: Audit, name: str) -> pd.DataFrame:
    """One of ``TABLES`` by its name."""
    found = getattr(audit, name)
    return found() if callable(found) else found  # type: ignore[no-any-return]


def to_csv(frame: pd.DataFrame, columns: Schema[Any]) -> str:
    r"""A table as CSV for spreadsheets: RFC 4180, every field quoted, nothing a formula.

    A text that would be a formula gets an apostrophe in front; numbers stay numbers. Missing
    values say why they are missing. Control characters are shown as ``\uXXXX``.
    """
    texts = [name for name in frame if pd.api.types.is_string_dtype(frame[name])]
    texts += [name for name in frame if isinstance(frame[name].dtype, pd.CategoricalDtype)]
    return _csv(tell_cells(frame, columns), texts)


def export_frame(frame: pd.DataFrame, form: str) -> str:
    """Any table of texts and numbers as ``text`` for a terminal, ``csv`` or ``json`` records."""
    plain = frame.astype("object")
    if form == "json":
        return str(plain.to_json(orient="records", indent=1)) + "\n"
    texts = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    if form == "csv":
        return _csv({name: plain[name].tolist() for name in plain}, texts)
    for name in texts:
        plain[name] = [printable(str(text)) for text in plain[name]]
    return plain.to_string(index=False, justify="left") + "\n"


def _csv(cells: dict[Any, list[Any]], texts: Iterable[Any]) -> str:
    cells |= {name: [_harmless(text) for text in cells[name]] for name in texts}
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(cells)
    writer.writerows(zip(*cells.values(), strict=True))
    return out.getvalue()


def to_parquet(frame: pd.DataFrame) -> bytes:
    """A table as Parquet, with its dtypes.

    Raises:
        InputError: pyarrow is not installed.
    """
    try:
        return frame.to_parquet(index=False)
    except ImportError:
        raise InputError("Parquet wants pyarrow: pip install 'iamkit[parquet]'") from None


def to_json(audit: Audit, changes: Comparison | None = None) -> str:
    """Users, keys, findings, waivers and sources as one JSON object; null for missing values."""
    names = ("account", "users", "access_keys", "findings", "waivers", "sources")
    content: dict[str, Any] = {
        "account_id": audit.state.account_id,
        "now": audit.now.isoformat(),
        "thresholds": asdict(audit.thresholds),
    }
    content |= {name: _records(getattr(audit, name)) for name in names}
    if changes:
        content["changes"] = {name: _records(frame) for name, frame in vars(changes).items()}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _records(frame: pd.DataFrame) -> Any:
    return json.loads(frame.to_json(orient="records", date_format="iso", date_unit="s"))


def to_junit(audit: Audit) -> str:
    """The findings as JUnit XML: a suite per check, a failure per finding.

    What could not be told is an error, what is waived is skipped, a check without findings is a
    test that passes.
    """
    root = ET.Element("testsuites", name=f"iamkit audit of account {audit.state.account_id}")
    for check in CHECKS.values():
        found = audit.findings[audit.findings["check"] == check.id]
        counts = found["status"].value_counts()
        suite = ET.SubElement(
            root,
            "testsuite",
            name=check.id,
            tests=str(max(len(found), 1)),
            failures=str(counts.get("fail", 0)),
            errors=str(counts.get("unknown", 0)),
            skipped=str(counts.get("waived", 0)),
        )
        if found.empty:
            ET.SubElement(suite, "testcase", classname=check.id, name=check.title)
        for row in found.to_dict("records"):
            name = " ".join(filter(None, (row["principal"], row["resource"])))
            case = ET.SubElement(suite, "testcase", classname=check.id, name=printable(name))
            tag = {"fail": "failure", "unknown": "error", "waived": "skipped"}[row["status"]]
            result = ET.SubElement(case, tag)
            if row["waiver"]:
                result.text = printable(row["waiver"])
                continue
            result.set("type", row["severity"])
            result.set("message", printable(f"{row['title']}: {row['data']}"))
            result.text = printable(f"{row['data']}\n{row['remedy']}".strip(), keep="\n")
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def to_sarif(audit: Audit) -> str:
    """The findings as SARIF 2.1.0, as GitHub's code scanning and others read it.

    https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
    """
    numbers = {name: number for number, name in enumerate(CHECKS)}
    run = {
        "tool": {
            "driver": {
                "name": "iamkit",
                "rules": [
                    {
                        "id": check.id,
                        "shortDescription": {"text": check.title},
                        "fullDescription": {"text": check.rationale or check.title},
                        "help": {"text": f"{check.action}. {check.reading}".strip()},
                        "defaultConfiguration": {"level": _LEVELS[check.severity]},
                        "properties": {"tags": ["security", *check.cis_items.split(", ")]},
                    }
                    for check in CHECKS.values()
                ],
            }
        },
        "results": [
            _sarif_result(row, numbers, audit.state.account_id)
            for row in audit.findings.to_dict("records")
        ],
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    log = {"$schema": schema, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=1, ensure_ascii=False) + "\n"


def _sarif_result(
    row: Mapping[Any, Any], numbers: Mapping[str, int], account_id: str
) -> dict[str, Any]:
    place = "/".join(filter(None, (account_id, row["principal"], row["resource"])))
    failed = row["status"] != "unknown"
    result = {
        "ruleId": row["check"],
        "ruleIndex": numbers[row["check"]],
        "kind": "fail" if failed else "open",
        "level": _LEVELS[row["severity"]] if failed else "none",
        "message": {"text": printable(f"{row['principal']}: {row['title']} ({row['data']})")},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": quote(f"iam/{place}")}},
                "logicalLocations": [{"fullyQualifiedName": printable(place), "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"iamkit/v2": row["fingerprint"]},
    }
    if row["waiver"]:
        result["suppressions"] = [{"kind": "external", "justification": row["waiver"]}]
    return result


def to_code_quality(audit: Audit) -> str:
    """The findings that are not waived as GitLab's Code Quality report, which has no unknown.

    What could not be told says so in its description, at the severity of its check.
    https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
    """
    counted = audit.findings[audit.findings["status"] != "waived"]
    found = [
        {
            "description": printable(
                f"{'could not be told: ' if row['status'] == 'unknown' else ''}"
                f"{row['principal']} {row['resource']}: {row['title']} ({row['data']})"
            ),
            "check_name": row["check"],
            "fingerprint": row["fingerprint"],
            "severity": _GITLAB[row["severity"]],
            # It wants a file of the repository: the account has none, so this names the thing.
            "location": {
                "path": quote(f"iam/{audit.state.account_id}/{row['principal']}"),
                "lines": {"begin": 1},
            },
        }
        for row in counted.to_dict("records")
    ]
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


_GITLAB = {"critical": "blocker", "high": "critical", "medium": "major", "low": "minor"}
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}


def to_text(audit: Audit, changes: Comparison | None = None, most: int = 12) -> str:
    """The audit for a terminal: what counts, the worst findings, what has changed, what lacks."""
    found = audit.findings
    failing = found[found["status"] == "fail"]
    name = f"{audit.state.account_id} {printable(audit.state.alias or '')}".strip()
    lines = [
        f"Account {name}, {count_users(audit)} users, as of {audit.now:%Y-%m-%d %H:%M} UTC",
        "  ".join(f"{word} {(failing['severity'] == word).sum()}" for word in SEVERITIES)
        + f"  unknown {(found['status'] == 'unknown').sum()}"
        + f"  waived {(found['status'] == 'waived').sum()}",
        "",
    ]
    for row in failing.head(most).to_dict("records"):
        who = " ".join(filter(None, (row["principal"], row["resource"])))
        lines.append(f"{row['severity']:<9} {row['check']:<20} {_fitted(printable(who), 60)}")
    if len(failing) > most:
        lines.append(f"... and {len(failing) - most} more")
    lines += describe_unknown(found)
    if changes:
        lines += ["", "Since the earlier state:", *describe_changes(changes, most)]
    lines += failures(audit)
    return "\n".join(lines) + "\n"


def count_users(audit: Audit) -> str:
    """How many users there are, in words if not all of them are known."""
    number = f"{len(audit.users):,}"
    return f"{number} or more" if "users" in audit.gaps.kinds else number


def describe_unknown(findings: pd.DataFrame) -> list[str]:
    """A line for each check that could not be told, with how many findings that are."""
    unknown = findings[findings["status"] == "unknown"]
    return [
        f"{'unknown':<9} {check:<20} {len(of)} of {severity} severity, from {of['source'].iloc[0]}"
        for (check, severity), of in unknown.groupby(
            ["check", "severity"], sort=False, observed=True
        )
    ]


def describe_changes(changes: Comparison, most: int = 12) -> list[str]:
    """What has changed, a line each: users, permissions, findings new and gone.

    What cannot be told is counted, each kind in a line.
    """
    users, permissions, findings = (
        frame[frame["change"] != UNTOLD] for frame in vars(changes).values()
    )
    lines = [f"user {row.user} {row.change}" for row in users.itertuples()]
    lines += [
        f"user {user} {word}: {', '.join(sorted(set(cells['service'])))}"
        for (user, word), cells in permissions.groupby(["user", "change"])
    ]
    lines += [
        f"finding {row.change}: {row.severity} {row.check} {row.principal} {row.resource}".strip()
        for row in findings.itertuples()
        if row.change != "still"
    ]
    still = int((findings["change"] == "still").sum())
    shown = [_fitted(printable(line), 100) for line in lines[:most]]
    more = [f"... and {len(lines) - most} more"] if len(lines) > most else []
    untold = list(_describe_untold(changes))
    nothing = [] if untold else ["nothing has changed"]
    return [*(shown or nothing), *more, *untold, f"{still} findings are still there"]


def _describe_untold(changes: Comparison) -> Iterator[str]:
    """How many users, users' permissions and findings one of the two states does not tell."""
    for name, frame in vars(changes).items():
        untold = frame[frame["change"] == UNTOLD]
        if len(untold):
            number = untold["user"].nunique() if name == "permissions" else len(untold)
            what = "users' permissions" if name == "permissions" else name
            yield f"{number} {what} {UNTOLD}: one of the two states does not say"


def export_audit(
    audit: Audit, form: str, table: str = "users", before: Audit | None = None
) -> bytes:
    """An audit in one of the formats ``text csv parquet json junit sarif codequality markdown``.

    Args:
        audit: the audit.
        form: the format.
        table: which of ``TABLES``, for ``csv`` and ``parquet``.
        before: an earlier audit, to tell what has changed: for ``text``, ``json``, ``markdown``.

    Raises:
        InputError: there is no such table, or the format cannot tell of changes.
    """
    if table not in TABLES:
        raise InputError(f"There is no table {table!r}; known are {', '.join(TABLES)}.")
    if before and form not in ("text", "json", "markdown"):
        raise InputError(
            f"The format {form} does not tell what has changed: text, json and markdown do."
        )
    if form == "parquet":
        return to_parquet(table_of(audit, table))
    if form == "csv":
        return to_csv(table_of(audit, table), TABLES[table]).encode()
    if form == "markdown":
        return to_markdown(make_first_page(audit, before)).encode()
    if form in ("text", "json"):
        changes = compare(before, audit) if before else None
        return {"text": to_text, "json": to_json}[form](audit, changes).encode()
    write = {"junit": to_junit, "sarif": to_sarif, "codequality": to_code_quality}[form]
    return write(audit).encode()


def judge(audit: Audit, fail_on: str | None = None) -> tuple[int, list[str]]:
    """The exit code of an audit, and why it is not 0.

    Returns:
        3 if findings count, else 1 if something could not be read or a check that would count
        could not be told, else 0; and a line for each of these that holds.
    """
    counted = _count(audit, fail_on, "fail") if fail_on else 0
    untold = _count(audit, fail_on, "unknown") if fail_on else 0
    lines = [f"{counted} findings at or above {fail_on}"] if counted else []
    lines += [f"{untold} checks at or above {fail_on} could not be told"] if untold else []
    lines += failures(audit)
    return 3 if counted else 1 if lines else 0, lines


def _count(audit: Audit, severity: str, status: str) -> int:
    bad = SEVERITIES[: SEVERITIES.index(severity) + 1]
    found = audit.findings[audit.findings["status"] == status]
    return int(found["severity"].isin(bad).sum())


def _harmless(text: str) -> str:
    shown = printable(text)
    return f"'{shown}" if text.lstrip(" ").startswith(FORMULA) else shown


def _fitted(text: str, width: int) -> str:
    return text if len(text) <= width else re.sub(r"\s+\S*$", "", text[: width - 1]) + "…"
