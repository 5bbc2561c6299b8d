"""The parameters file, its schema, users from CSV, and the operations folder."""

import ast
import json

import jsonschema
import pytest
import yaml
from paths import GUIDE, ROOT

from iamkit.desired import team_users
from iamkit.errors import InputError
from iamkit.parameters import NOTEBOOKS
from iamkit.parameters_file import parameters_schema, read_override, read_parameters
from iamkit.users_file import read_users
from iamkit.workfolder import fill_parameters, find_notebook, init_folder

FILES = sorted((ROOT / "parameters").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda p: p.stem)
@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_the_files_that_we_ship_serve_every_notebook(file, notebook):
    """Both parameter files are valid for each notebook, and for the schema."""
    assert read_parameters(file).for_notebook(notebook, {}).account_id
    jsonschema.validate(yaml.safe_load(file.read_text()), parameters_schema())


def test_the_schema_knows_every_key_and_no_other():
    """An editor offers the keys with their help, and marks an unknown one."""
    schema = parameters_schema()
    assert schema["properties"]["dev_group"]["description"] == "the developers' group"
    good = yaml.safe_load(GUIDE.read_text())
    for bad in ({"dev_gruop": "x"}, {"account_id": "12"}, {"dry_run": "no"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(good | bad, schema)


BAD = {
    "nested twin keys": ("users:\n  - name: a\n    name: b", "line 3: the key name is given twice"),
    "aliases": ("users: &a [x]\nremove_users: *a", "aliases"),
    "a merge key": ("a: &a {x: 1}\nb: {<<: *a}", "aliases"),
    "a list": ("- a", "expected lines such as"),
    "a number as key": ("1: a", "a key must be text"),
    "broken": ("a: [", "line 1"),
    "nested deep": ("a: " + "[" * 2_000 + "]" * 2_000, "deep"),
    "not UTF-8": ("\udcff", "not UTF-8"),
}


@pytest.mark.parametrize("case", BAD, ids=str)
def test_what_yaml_would_pass_over_is_refused(case, tmp_path):
    """Each with the file, and the line where there is one."""
    text, expected = BAD[case]
    file = tmp_path / "team.yaml"
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(InputError, match="Nothing was changed") as error:
        read_parameters(file)
    assert expected in str(error.value)
    assert "team.yaml" in str(error.value)


def test_a_bomb_of_aliases_does_not_hang(tmp_path):
    """Nine lines that stand for a billion values are refused at the first alias."""
    lines = ["a0: &a0 [x, x]"] + [
        f"a{i}: &a{i} [{', '.join(['*a' + str(i - 1)] * 9)}]" for i in range(1, 10)
    ]
    file = tmp_path / "bomb.yaml"
    file.write_text("\n".join(lines))
    with pytest.raises(InputError, match="aliases"):
        read_parameters(file)


def test_a_huge_or_missing_file_is_said(tmp_path):
    """37: a file of hundreds of megabytes is not read; one that is not there is named."""
    file = tmp_path / "huge.yaml"
    with file.open("wb") as opened:
        opened.truncate(500_000_000)
    for path in (file, tmp_path / "none.yaml"):
        with pytest.raises(InputError, match=path.name):
            read_parameters(path)


def test_text_on_the_command_line_stays_text():
    """-p account_id 012345678901 is no number, -p dry_run true is no text."""
    assert read_override("account_id", "012345678901") == "012345678901"
    assert read_override("allow_root", "true") is True
    assert read_override("remove_users", "[a, b]") == ["a", "b"]
    with pytest.raises(InputError, match="did you mean dev_group"):
        read_override("dev_gruop", "x")


def test_a_file_beside_the_parameters_is_found(tmp_path):
    """A relative path in the file is relative to the file."""
    file = tmp_path / "team.yaml"
    file.write_text("environment: sandbox\naccount_id: '000000000000'\nusers_csv: team.csv\n")
    parameters = read_parameters(file).for_notebook("04_users", {})
    assert parameters.users_csv == str(tmp_path / "team.csv")


def test_users_are_read_from_a_spreadsheets_csv(tmp_path):
    """36: byte order mark, CRLF, quotes, lists and truth values, as spreadsheets write them."""
    file = tmp_path / "team.csv"
    file.write_bytes(
        b"\xef\xbb\xbfName,path,groups,tags,access_key,console_password\r\n"
        b'bob,/team/,dev;ops,"team=web;x=a=b",yes,\r\n\r\ncarol,,,,No,TRUE\r\n'
    )
    bob, carol = read_users(str(file))
    assert (bob.groups, bob.tags, bob.access_key) == (
        ["dev", "ops"],
        {"team": "web", "x": "a=b"},
        True,
    )
    assert (carol.path, carol.access_key, carol.console_password) == (None, False, True)
    assert read_users("") == []


PUBLIC_KEY = "age1" + "q" * 58
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIET9c7Eb15swSyOvH8tcpfWW92d18q0GCyvsxN7oLMmL"


@pytest.mark.parametrize(
    "hand_over", ["", "secretsmanager", PUBLIC_KEY, SSH_KEY, f"{SSH_KEY} bob@laptop"]
)
def test_a_user_may_say_where_credentials_go(hand_over, tmp_path):
    """In the parameters and in a CSV file, and it reaches what is wanted."""
    file = tmp_path / "team.csv"
    file.write_text(f"name,hand_over\nbob,{hand_over}\n")
    [row] = read_users(str(file))
    assert row.hand_over == hand_over
    parameters = read_parameters(GUIDE).for_notebook("04_users", {})
    [*_, bob] = team_users(parameters.model_copy(update={"users": [row]})).users
    assert bob.hand_over == hand_over


PRIVATE_KEY = "AGE-SECRET-KEY-1" + "Q" * 58
BAD_WAYS = {
    "age1abc": "expected an age public key",
    PUBLIC_KEY.upper(): "expected an age public key",
    f"{PUBLIC_KEY} ": "expected an age public key",
    "age1" + "b" * 58: "expected an age public key",
    "ssh-dss " + "A" * 80: "expected an age public key",
    f"{SSH_KEY} a\nb": "expected an age public key",
    "SecretsManager": "the word secretsmanager",
    PRIVATE_KEY: "this is a private key",
    "-----BEGIN OPENSSH PRIVATE KEY-----": "this is a private key",
}


@pytest.mark.parametrize("hand_over", BAD_WAYS, ids=lambda text: text[:12])
def test_where_credentials_cannot_go_is_said_and_not_repeated(hand_over):
    """What was expected is named; what was given may be a secret, and is not."""
    with pytest.raises(InputError, match="users\\[1\\].hand_over.*Nothing was changed") as error:
        read_parameters(GUIDE).for_notebook(
            "04_users", {"users": [{"name": "bob", "hand_over": hand_over}]}
        )
    assert BAD_WAYS[hand_over] in str(error.value)
    assert hand_over not in str(error.value)


BAD_CSV = {
    "header only": (b"name\n", "no users"),
    "empty": (b"", "header"),
    "semicolons": (b"name;path\nbob;/\n", "separated by ;"),
    "UTF-16": ("name\nbob\n".encode("utf-16"), "not UTF-8"),
    "NUL": (b"name\nb\0ob\n", "not UTF-8"),
    "an unknown column": (b"name,grups\nbob,dev\n", "did you mean groups?"),
    "a short row": (b"name,path\nbob\n", "row 2: 1 columns"),
    "a bad name": (b"name\nbob\na b\n", "row 3: name"),
    "maybe": (b"name,access_key\nbob,maybe\n", "row 2: access_key"),
    "a huge file": (b"name\n" + b"bob\n" * 2_000_000, "5 MB"),
}


@pytest.mark.parametrize("case", BAD_CSV, ids=str)
def test_a_bad_csv_is_refused_with_its_row(case, tmp_path):
    """Each mistake names file and row."""
    data, expected = BAD_CSV[case]
    file = tmp_path / "team.csv"
    file.write_bytes(data)
    with pytest.raises(InputError) as error:
        read_users(str(file))
    assert expected in str(error.value)
    assert "team.csv" in str(error.value)


def test_init_makes_a_folder_and_keeps_what_is_there(tmp_path):
    """A second init makes nothing, and an edited file stays edited."""
    made = init_folder(tmp_path)
    assert tmp_path / "notebooks" / "03_dev_group.ipynb" in made
    assert json.loads((tmp_path / "parameters" / "schema.json").read_text()) == parameters_schema()
    workflow = yaml.safe_load((tmp_path / ".github" / "workflows" / "iamkit.yml").read_text())
    plan, audit = workflow["jobs"]["plan"]["steps"][-2:]
    assert plan["run"].startswith("iamkit run ")
    assert audit["run"].startswith("iamkit audit ")
    assert audit["if"] == "${{ !cancelled() }}", "exit code 2 of the plan must not hide the audit"
    (tmp_path / ".gitignore").write_text("mine\n")
    assert init_folder(tmp_path) == []
    assert (tmp_path / ".gitignore").read_text() == "mine\n"


def test_values_are_written_into_a_notebook(tmp_path):
    """What stands in the cell is what was given, whatever is in it."""
    init_folder(tmp_path)
    notebook = tmp_path / "notebooks" / "03_dev_group.ipynb"
    hostile = "a'b\"c\n#=d"
    fill_parameters(notebook, {"dev_group": hostile, "dry_run": False, "unknown": 1})
    cells = json.loads(notebook.read_text())["cells"]
    cell = next(c for c in cells if "parameters" in c["metadata"].get("tags", []))
    tree = ast.parse("".join(cell["source"])).body
    values = {node.target.id: ast.literal_eval(node.value) for node in tree}
    assert values["dev_group"] == hostile
    assert values["dry_run"] is False
    assert values["environment"] == "sandbox"


def test_an_unknown_notebook_is_named():
    """The notebooks that there are are listed."""
    with pytest.raises(InputError, match="01_credentials"):
        find_notebook("99_none")


BAD_AUDIT = {
    "thresholds: {unused_day: 45}": "unknown key; did you mean unused_days?",
    "thresholds: {unused_days: 0}": "greater than or equal to 1",
    "thresholds: {unused_days: '45'}": "thresholds.unused_days",
    "waivers: [{check: a, principal: b, reason: ccc, until: 2027-01-31}]": "in quotes",
    "waivers: [{check: a, principal: b, reason: ccc, until: '31.1.2027'}]": "no day such as",
    "waivers: [{check: a, principal: b, until: '2027-01-31'}]": "waivers[1].reason: this is",
    "waivers: [{check: a, principal: b, reason: '', until: '2027-01-31'}]": "waivers[1].reason",
    "per_user: [keys]": "per_user[1]",
}


@pytest.mark.parametrize("text", BAD_AUDIT)
def test_thresholds_and_waivers_are_read_strictly(text, tmp_path):
    """Each with its place, and what was expected."""
    file = tmp_path / "team.yaml"
    file.write_text(f'environment: aws\naccount_id: "111122223333"\n{text}\n')
    with pytest.raises(InputError, match="Nothing was changed") as error:
        read_parameters(file).for_notebook("06_audit_users", {})
    assert BAD_AUDIT[text] in str(error.value)
