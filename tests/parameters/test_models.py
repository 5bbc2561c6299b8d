"""The parameters file, its schema, users from CSV, and the operations folder."""

import ast
import csv
import io
import json
import os
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, strategies as st
from paths import GUIDE, ROOT

from iamkit.errors import InputError
from iamkit.notebook.input_notebook import declared_parameters, fill_parameters
from iamkit.parameters.files import CURRENT, FILES as FILE_PARAMETERS, resolve_files
from iamkit.parameters.models import (
    NOTEBOOKS,
    AdminGroupParameters,
    PolicyStudioParameters,
    UserRow,
    UsersParameters,
    plain_values,
)
from iamkit.parameters.users_csv import (
    COLUMNS,
    cells_of,
    decode_text,
    plain_user,
    read_cells,
    read_pasted_cells,
    read_users,
    with_users_file,
)
from iamkit.parameters.yaml_file import (
    parameters_schema,
    read_overrides,
    read_parameters,
)
from iamkit.plan.desired import Desired
from iamkit.plan.wanted import held_policy, team_users
from iamkit.workspace import find_notebook, init_folder

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
    "aliases": ("users: &a [x]\nleavers: *a", "aliases"),
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


FIVE = """\
environment: aws
account_id: 111122223333
dev_gruop: dev
dry_run: maybe
users:
  - {name: "a b", group: [dev]}
  - name: bob
    name: ann
policy_name: "x y"
"""


@pytest.mark.parametrize("notebooks", [["03_dev_group"], ["03_dev_group", "05_account_alias"]])
def test_all_mistakes_of_a_file_are_told_at_once(notebooks, tmp_path):
    """Each with file, line and key, in their order, whichever notebook needs the value."""
    file = tmp_path / "team.yaml"
    file.write_text(FIVE)
    with pytest.raises(InputError) as error:
        read_parameters(file, notebooks)
    *lines, last = str(error.value).splitlines()
    missing = ["dev_group", "dev_policy", "dev_policy_name"]
    missing = [*(["account_alias"] if len(notebooks) > 1 else []), *missing]
    expected = [
        *(f"{file}: {name}: this is missing" for name in missing),
        f"{file}, line 2: account_id: expected text, got 111122223333. YAML reads",
        f"{file}, line 3: dev_gruop: unknown key; did you mean dev_group?",
        f"{file}, line 4: dry_run: expected true or false, got 'maybe'",
        f"{file}, line 6: users[1].group: unknown key; did you mean groups?",
        f"{file}, line 6: users[1].name: the user name 'a b' holds a space",
        f"{file}, line 8: the key name is given twice",
        f"{file}, line 9: policy_name: the policy name 'x y' holds a space",
    ]
    assert [line[: len(start)] for line, start in zip(lines, expected, strict=True)] == expected
    assert last == f"{len(expected)} mistakes. Nothing was changed."


def test_who_mends_the_lines_that_are_told_is_done(tmp_path):
    """One round: of values that are wrong alone, nothing stays behind for the next."""
    file = tmp_path / "team.yaml"
    bad = {"dev_group": "a b", "users": [{"name": ""}], "account_alias": "A", "policy_holder": "x"}
    good = {"dev_group": "a", "users": [{"name": "b"}], "account_alias": "abc", "policy_holder": ""}
    guide = yaml.safe_load(GUIDE.read_text())
    file.write_text(yaml.safe_dump(guide | bad))
    with pytest.raises(InputError) as error:
        read_parameters(file).for_notebook("03_dev_group", {})
    told = set(re.findall(r"line \d+: (\w+)", str(error.value)))
    assert told == set(bad)
    file.write_text(yaml.safe_dump(guide | good))
    for notebook in NOTEBOOKS:
        assert read_parameters(file).for_notebook(notebook, {})


def test_all_mistakes_of_the_command_line_are_told_at_once(tmp_path):
    """Names, YAML and values, each with the -p in which it is."""
    pairs = [("dev_gruop", "x"), ("users", "["), ("usrs", "[]"), ("run_as", "bob")]
    with pytest.raises(InputError, match="3 mistakes. Nothing was changed") as error:
        read_overrides(pairs)
    for text in ("-p dev_gruop: unknown key", "-p users, line 1", "-p usrs: unknown key"):
        assert text in str(error.value)
    overrides = read_overrides([("users", "[{name: a b}]"), ("run_as", "c d")])
    with pytest.raises(InputError, match="2 mistakes") as error:
        read_parameters(GUIDE).for_notebook("04_users", overrides)
    assert "-p users[1].name" in str(error.value)
    assert "-p run_as" in str(error.value)
    assert str(GUIDE) not in str(error.value)


def test_many_mistakes_are_cut_short(tmp_path):
    """Twenty are told, with how many there are."""
    file = tmp_path / "team.yaml"
    file.write_text("\n".join(f"key{number}: 1" for number in range(100)))
    with pytest.raises(InputError, match="102 mistakes, 20 of them shown") as error:
        read_parameters(file)
    assert str(error.value).count("\n") == 20


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
    said = {
        "account_id": "012345678901",
        "allow_root": "true",
        "users": "[a, b]",
        "key_grace_days": "7",
    }
    meant = {"account_id": "012345678901", "allow_root": True, "users": ["a", "b"]}
    assert read_overrides(said.items()) == meant | {"key_grace_days": 7}
    with pytest.raises(InputError, match="did you mean dev_group"):
        read_overrides([("dev_gruop", "x")])


def test_a_file_that_still_removes_users_is_told_where_that_went(tmp_path):
    """At its line, beside all else that is wrong; on the command line and in a cell too."""
    file = tmp_path / "team.yaml"
    file.write_text('environment: sandbox\naccount_id: "000000000000"\nremove_users: [dave]\n')
    with pytest.raises(InputError) as error:
        read_parameters(file)
    assert f"{file}, line 3: remove_users: this is gone; who leaves is named in 11_leavers" in str(
        error.value
    )
    assert "`leavers: [{user: dave}]`" in str(error.value)
    with pytest.raises(InputError, match="11_leavers"):
        read_overrides([("remove_users", "[dave]")])
    cell = {"environment": "sandbox", "account_id": "000000000000", "remove_users": ["dave"]}
    with pytest.raises(InputError, match="11_leavers"):
        NOTEBOOKS["04_users"].from_cell(cell)


def test_a_file_beside_the_parameters_is_found(tmp_path):
    """A relative path in the file is relative to the file."""
    file = tmp_path / "team.yaml"
    file.write_text("environment: sandbox\naccount_id: '000000000000'\nusers_csv: team.csv\n")
    parameters = read_parameters(file).for_notebook("04_users", {})
    assert parameters.users_csv == str(tmp_path / "team.csv")


PATHS = {
    "credential_file": "old/credentials",
    "users_csv": "team.csv",
    "state_files": ["a.json", "b.json"],
    "compare_to": "../before.json",
    "save_to": "out",
    "policy_file": "policy.json",
    "policy_source": "policies/look.json",
}


def test_every_relative_path_counts_from_the_files_own_folder(tmp_path, monkeypatch):
    """Whoever runs it: `iamkit run`, plain papermill that is told the file, or the lab."""
    assert set(PATHS) == set(FILE_PARAMETERS)
    account = {"environment": "aws", "account_id": "111122223333"}
    file = tmp_path / "parameters" / "team.yaml"
    file.parent.mkdir()
    file.write_text(yaml.safe_dump(account | PATHS))
    monkeypatch.chdir("/")
    beside = resolve_files(PATHS, file.parent)
    assert beside["users_csv"] == str(file.parent / "team.csv")
    assert beside["state_files"] == [str(file.parent / name) for name in PATHS["state_files"]]
    monkeypatch.setenv(CURRENT, str(file))
    for notebook, model in NOTEBOOKS.items():
        own = {name: value for name, value in beside.items() if name in model.model_fields}
        said = {n: yaml.safe_load(GUIDE.read_text())[n] for n in required_of(model)} | account
        read = read_parameters(file)
        values = plain_values(read.for_notebook(notebook, said))
        cell = read.for_cell(notebook)
        told = plain_values(model.from_cell(account | said | PATHS))
        for name, path in own.items():
            assert values[name] == cell[name] == told[name] == path


def required_of(model):
    return [name for name, field in model.model_fields.items() if field.is_required()]


def test_a_relative_path_of_nobody_knows_where_is_refused(monkeypatch):
    """papermill does not say in which file it stood, and the working folder is a guess."""
    monkeypatch.delenv(CURRENT, raising=False)
    account = {"environment": "aws", "account_id": "111122223333"}
    with pytest.raises(InputError, match="users_csv: 'team.csv' is a relative path"):
        UsersParameters.from_cell(account | {"users_csv": "team.csv"})
    whole = UsersParameters.from_cell(account | {"users_csv": "/a/team.csv"})
    assert whole.users_csv == "/a/team.csv"
    at_home = UsersParameters.from_cell(account | {"users_csv": "~/team.csv"})
    assert at_home.users_csv == str(Path.home() / "team.csv")


@pytest.mark.parametrize(
    ("account", "missing"),
    [
        ({"environment": "sandbox"}, False),
        ({"environment": "sandbox", "account_id": "000000000000"}, False),
        ({"environment": "sandbox", "account_id": "111122223333"}, True),
        ({"environment": "aws", "account_id": "111122223333"}, True),
    ],
    ids=["practice by default", "practice", "a twin", "a live account"],
)
def test_the_guides_names_are_of_the_practice_account_alone(account, missing, monkeypatch):
    """A twin is a real account's, where nobody is called alice unless somebody says so."""
    monkeypatch.delenv(CURRENT, raising=False)
    if missing:
        with pytest.raises(InputError, match="admin_user"):
            AdminGroupParameters.from_cell(account)
    else:
        assert AdminGroupParameters.from_cell(account).admin_user


@pytest.mark.parametrize(
    "source", ["ReadOnly", "group dev/devGroupPolicy", "arn:aws:iam::aws:policy/X"]
)
def test_a_policy_of_the_account_is_no_path(source, monkeypatch):
    """policy_source may name one; that stays as it is."""
    monkeypatch.delenv(CURRENT, raising=False)
    account = {"environment": "aws", "account_id": "111122223333", "policy_source": source}
    assert PolicyStudioParameters.from_cell(account).policy_source == source


def test_a_path_on_the_command_line_counts_from_where_it_is_typed(tmp_path, monkeypatch):
    """As everywhere in a shell."""
    monkeypatch.chdir(tmp_path)
    assert read_overrides([("users_csv", "team.csv")]) == {"users_csv": str(tmp_path / "team.csv")}


def test_users_are_read_from_a_spreadsheets_csv(tmp_path):
    """36: byte order mark, CRLF, quotes, lists and truth values, as spreadsheets write them."""
    file = tmp_path / "team.csv"
    file.write_bytes(
        b"\xef\xbb\xbfName,path,groups,tags,access_key,console_password\r\n"
        b'bob,/team/,dev;ops,"team=web;x=a=b",yes,\r\n\r\ncarol,,,,No,TRUE\r\n'
    )
    bob, carol = read_users(str(file)).values()
    assert (bob.groups, bob.tags, bob.access_key) == (
        ["dev", "ops"],
        {"team": "web", "x": "a=b"},
        True,
    )
    assert (carol.path, carol.access_key, carol.console_password) == (None, False, True)
    assert read_users("") == {}


PUBLIC_KEY = "age1" + "q" * 58
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIET9c7Eb15swSyOvH8tcpfWW92d18q0GCyvsxN7oLMmL"


@pytest.mark.parametrize(
    "hand_over", ["", "secretsmanager", PUBLIC_KEY, SSH_KEY, f"{SSH_KEY} bob@laptop"]
)
def test_a_user_may_say_where_credentials_go(hand_over, tmp_path):
    """In the parameters and in a CSV file, and it reaches what is wanted."""
    file = tmp_path / "team.csv"
    file.write_text(f"name,hand_over\nbob,{hand_over}\n")
    [row] = read_users(str(file)).values()
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
    "NUL": (b"name\nb\0ob\n", "not text in UTF-8"),
    "Latin-1": ("name\nérin\n".encode("latin-1"), "not text in UTF-8"),
    "two unknown columns": (
        b"User name,grups,Shoe size\nbob,dev,43\n",
        "row 1: unknown column 'grups'; did you mean groups?\n",
        "unknown column 'Shoe size'; known are name, path, groups",
    ),
    "values without a heading": (b"name,\nbob,dev\n", "row 1: column 2 has values and no heading"),
    "no name": (b"E-mail,Team\nbob@example.com,web\n", "row 1: the header wants a column `name`"),
    "no header": (b"bob,dev\ncarol,dev\n", "row 1: unknown column 'bob'"),
    "a column twice": (b"name,User name\nbob,bob\n", "'User name' is a second column `name`"),
    "a second header": (b"name,groups\nbob,dev\nName,Groups\n", "row 3: a second header"),
    "several groups": (b'name,groups\nbob,dev\nann,"dev,qa"\n', "row 3: groups: 'dev,qa': put a ;"),
    "a name twice": (
        b"name\nbob\nann\nBob\n",
        "row 4: name: 'Bob' and 'bob' in row 2 are one user",
    ),
    "a formula": (b"name,path\n=A1,/a/\n", "row 2: name: '=A1' is a formula"),
    "a tag with a semicolon": (b'name,Team\nbob,"a;b"\n', "row 2: tag:team: 'a;b'"),
    "two mistakes": (
        b"name,access_key\na b,yes\nann,maybe\n",
        "row 2: name: the user name 'a b' holds a space",
        "row 3: access_key: expected true or false, got 'maybe'",
        "2 mistakes. Nothing was changed.",
    ),
    "far too many rows": (b"name\n" + b"bob\n" * 300_000, "an account may have 5,000 users"),
    "an unknown column": (b"name,grups\nbob,dev\n", "did you mean groups?"),
    "a short row": (b"name,path\nbob\n", "row 2: 1 columns"),
    "a bad name": (b"name\nbob\na b\n", "row 3: name"),
    "maybe": (b"name,access_key\nbob,maybe\n", "row 2: access_key"),
    "a huge file": (b"name\n" + b"bob\n" * 2_000_000, "5 MB"),
}


@pytest.mark.parametrize("case", BAD_CSV, ids=str)
def test_a_bad_csv_is_refused_with_its_row(case, tmp_path):
    """Each mistake names file and row."""
    data, *expected = BAD_CSV[case]
    file = tmp_path / "team.csv"
    file.write_bytes(data)
    with pytest.raises(InputError) as error:
        read_users(str(file))
    assert [text for text in expected if text not in str(error.value)] == []
    assert "team.csv" in str(error.value)


BOB = {"name": "bob", "groups": ["dev", "qa"], "tags": {"email": "bob@example.com", "team": "web"}}
ANN = {"name": "ann"}
PEOPLE = (
    "User name{0}E-mail{0}Groups{0}Team\r\nbob{0}bob@example.com{0}{1}{0}web\r\nann{0}{0}{0}\r\n"
)
"""A list as people keep it; the separator and Bob's groups are left open."""
TABLES = {
    "commas": PEOPLE.format(",", "dev;qa"),
    "semicolons": PEOPLE.format(";", '"dev;qa"'),
    "tabs": PEOPLE.format("\t", "dev;qa"),
    "sep=": "sep=;\r\n" + PEOPLE.format(";", '"dev;qa"'),
    "sep=|": "sep=|\n" + PEOPLE.format("|", "dev;qa"),
    "old line ends": PEOPLE.format(",", "dev;qa").replace("\r\n", "\r"),
    "empty rows around": ",,,\r\n\r\n" + PEOPLE.format(",", "dev;qa") + "\r\n,,,\r\n",
    "empty columns after": PEOPLE.format(",", "dev;qa").replace("\r\n", ",,\r\n"),
    "white space": PEOPLE.format(" , ", "dev ; qa").replace("\r\n", "\xa0\r\n"),
    "other words": PEOPLE.format(",", "dev;qa")
    .replace("User name", "USERNAME")
    .replace("E-mail", "Email address")
    .replace("Team", "tag: team"),
}
ENCODINGS = {
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8-sig",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "utf-16-be with a mark": "utf-16-be",
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_read_as_people_and_spreadsheets_write_it(table, encoding, tmp_path):
    """Any separator, encoding and line end, with empty rows and columns, by all doors alike."""
    mark = "\ufeff" if "mark" in encoding else ""
    data = (mark + TABLES[table]).encode(ENCODINGS[encoding])
    file = tmp_path / "team.csv"
    file.write_bytes(data)
    read = [user.model_dump(exclude_defaults=True) for user in read_users(str(file)).values()]
    assert read == [BOB, ANN]
    dropped = read_cells(decode_text(data, "team.csv"), "team.csv")
    pasted = read_pasted_cells(TABLES[table], "name")
    assert [plain_user(cells) for cells in dropped.values()] == [BOB, ANN]
    assert pasted == dropped


LETTERS = "abcXYZ019_+.@-"
TAG_TEXT = st.text("abc :/+-@\u00e9", min_size=1, max_size=4)
PERSON = st.builds(
    UserRow,
    name=st.text(LETTERS, min_size=1, max_size=9),
    path=st.sampled_from([None, "/", "/a/b/"]),
    groups=st.lists(st.text(LETTERS, min_size=1, max_size=5), max_size=3),
    tags=st.dictionaries(TAG_TEXT, TAG_TEXT, max_size=1),
    access_key=st.booleans(),
    console_password=st.booleans(),
)


@given(
    st.lists(PERSON, min_size=1, max_size=5, unique_by=lambda user: user.name.lower()),
    st.permutations(COLUMNS),
    st.sampled_from(",;\t"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_any_users_come_back_from_any_table(people, columns, separator, encoding, ends):
    """Whatever IAM allows, in any order of columns, by any separator."""
    buffer = io.StringIO(newline="")
    rows = csv.DictWriter(buffer, columns, delimiter=separator, lineterminator=ends)
    rows.writeheader()
    rows.writerows(map(cells_of, people))
    data = buffer.getvalue().encode(encoding)
    read = read_cells(decode_text(data, "x"), "x").values()
    assert [UserRow.model_validate(plain_user(cells)) for cells in read] == people
    assert list(read_pasted_cells(buffer.getvalue(), "name").values()) == list(read)


def test_nothing_chosen_is_wanted_of_nobody():
    """An empty policy of the studio changes nothing, whoever is named to hold it."""
    parameters = read_parameters(GUIDE).for_notebook("07_policy_studio", {})
    assert held_policy(parameters, {}) == Desired()
    document = {"Version": "2012-10-17"}
    [wanted] = held_policy(parameters, document).groups
    assert (wanted.name, wanted.make) == ("dev", False)
    assert wanted.inline_policies == {"teamPolicy": document}


CREDENTIAL_REPORT = (
    "user,arn,user_creation_time,password_enabled,mfa_active,access_key_1_active,cert_1_active\n"
    "<root_account>,arn:aws:iam::111122223333:root,2020-01-01T00:00:00+00:00,not_supported,true,"
    "false,false\n"
    "bob,arn:aws:iam::111122223333:user/bob,2020-01-01T00:00:00+00:00,true,true,false,false\n"
)
CONSOLE = {
    "a credential report": CREDENTIAL_REPORT,
    "new credentials": "User name,Password,Console sign-in URL\nbob,hunter2,https://example.com\n",
    "old credentials": (
        "User name,Password,Access key ID,Secret access key,Console login link\n"
        "bob,hunter2,AKIAEXAMPLE,hunter2,https://example.com\n"
    ),
}


@pytest.mark.parametrize("download", CONSOLE)
def test_the_consoles_own_downloads_are_read(download, tmp_path):
    """Only names are taken from them: neither what is there already, nor a secret, nor the root."""
    file = tmp_path / "download.csv"
    file.write_text(CONSOLE[download])
    assert [u.model_dump(exclude_defaults=True) for u in read_users(str(file)).values()] == [
        {"name": "bob"}
    ]
    assert list(read_cells(CONSOLE[download], "x").values()) == [{"name": "bob"}]
    file.write_text(CONSOLE[download].replace("\nbob", "\na b"))
    with pytest.raises(InputError, match="holds a space") as error:
        read_users(str(file))
    assert "hunter2" not in str(error.value)


def test_what_is_no_file_of_users_is_not_waited_for(tmp_path):
    """A folder, a device, a pipe to which nobody writes, and a file that is not there."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, said in (
        (tmp_path, "it is a folder"),
        (Path("/dev/zero"), "it is a device"),
        (pipe, "it is a pipe"),
        (tmp_path / "none.csv", "No such file"),
    ):
        with pytest.raises(InputError, match=f"users_csv {path}.*{said}.*Nothing was changed"):
            read_users(str(path))
        named = said.replace("users_csv ", "")
        with pytest.raises(InputError, match=f"{path}: {named}"):
            read_parameters(path)


def test_a_user_of_the_file_and_of_the_list_is_told_with_the_row(tmp_path):
    """IAM ignores case, and so does the comparison."""
    file = tmp_path / "team.csv"
    file.write_text("name\nann\nBob\n")
    parameters = read_parameters(GUIDE).for_notebook("04_users", {"users_csv": str(file)})
    with pytest.raises(InputError, match="row 3: name: the user 'Bob' is in `users` too"):
        with_users_file(parameters)


def test_init_makes_a_folder_and_keeps_what_is_there(tmp_path):
    """A second init makes nothing, and an edited file stays edited."""
    made = init_folder(tmp_path)
    assert tmp_path / "notebooks" / "03_dev_group.ipynb" in made
    assert json.loads((tmp_path / "parameters" / "schema.json").read_text()) == parameters_schema()
    workflow = yaml.safe_load((tmp_path / ".github" / "workflows" / "iamkit.yml").read_text())
    used = {step["uses"] for job in workflow["jobs"].values() for step in job["steps"]}
    ours = [one for one in used if one.startswith("./")]
    assert ours
    assert all((tmp_path / one / "action.yml").exists() for one in ours)
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


def test_a_cell_says_what_the_file_means_and_nothing_of_an_earlier_one(tmp_path):
    """The lab writes every value: what the second file does not name is no longer the first's."""
    init_folder(tmp_path)
    notebook = tmp_path / "notebooks" / "04_users.ipynb"
    file = tmp_path / "team.yaml"
    file.write_text('environment: aws\naccount_id: "111122223333"\n')
    odd = {"name": "eve", "tags": {"note": "a  # b"}}
    for _ in range(2):
        fill_parameters(notebook, {"users": [odd], "users_csv": "team.csv", "run_as": "eve"})
    assert declared_parameters(notebook)["users"] == [odd]
    fill_parameters(notebook, read_parameters(file).for_cell("04_users"))
    wanted = NOTEBOOKS["04_users"](environment="aws", account_id="111122223333")
    assert declared_parameters(notebook) == plain_values(wanted)
    assert read_parameters(file).for_cell("05_account_alias")["account_alias"] is None
    assert read_parameters(file).for_cell("mine") == {
        "environment": "aws",
        "account_id": "111122223333",
    }


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


def test_a_policy_has_a_holder_only_with_a_name(tmp_path):
    """The name is made in the account too, so it has no default."""
    file = tmp_path / "team.yaml"
    account = 'environment: aws\naccount_id: "111122223333"\npolicy_holder: group dev\n'
    file.write_text(account)
    with pytest.raises(InputError, match="line 3: policy_holder: group dev would get a policy"):
        read_parameters(file).for_notebook("07_policy_studio", {})
    file.write_text(f"{account}policy_name: look\n")
    assert read_parameters(file).for_notebook("07_policy_studio", {}).policy_name == "look"


@pytest.mark.parametrize(
    ("notebook", "values", "said"),
    [
        (
            "08_sign_in_rules",
            {"password_rules": {"minimum_password_length": 3}},
            "expected greater than or equal to 6, got 3",
        ),
        ("10_rotate_keys", {"switched": ["x"]}, "'x' is no id of an access key"),
        ("10_rotate_keys", {"key_grace_days": "soon"}, "expected a valid integer"),
        (
            "10_rotate_keys",
            {"exempt": [{"user": "bob", "reason": "x", "until": "2027-01-31"}]},
            "expected at least 3 characters, got 'x'",
        ),
    ],
)
def test_what_was_expected_is_one_sentence(notebook, values, said):
    """Bounds, lengths and ids are told as all else is, not in a library's words."""
    given = {"environment": "sandbox", "account_id": "000000000000", **values}
    with pytest.raises(InputError) as caught:
        NOTEBOOKS[notebook].from_cell(given)
    assert said in str(caught.value)
    assert "should" not in str(caught.value)
