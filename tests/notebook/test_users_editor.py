"""The table of users: what its cells come to, what is wrong in which, and what was pasted."""

import json

import pytest
from accounts import READ
from hypothesis import given, settings, strategies as st
from samples import scaled

from iamkit.account.state import AccessKey, AccountState, User
from iamkit.notebook.forms.users_editor import (
    HERE,
    UsersEditor,
    check_users,
    note_against,
    user_columns,
)
from iamkit.parameters.models import UsersParameters
from iamkit.parameters.user_row import UserRow
from iamkit.parameters.users_csv import COLUMNS, cells_of, plain_user, tidy_cells

BOB = UserRow.model_validate({"name": "bob", "groups": ["dev"], "access_key": True})
NAMES = st.text("abcXYZ019_+=,.@-", min_size=1, max_size=64)
TAG_LETTERS = st.characters(categories=["L", "Z", "N"], include_characters="_.:/=+-@")
TAGS = st.dictionaries(
    st.text(TAG_LETTERS, min_size=1, max_size=20).filter(lambda key: key[:4].lower() != "aws:"),
    st.text(TAG_LETTERS, max_size=20),
    max_size=5,
).filter(lambda tags: len({key.lower() for key in tags}) == len(tags))
PATHS = st.none() | st.sampled_from(["/", "/team/", '/a;b="c"/'])


@pytest.fixture
def editor():
    return UsersEditor([BOB], ["dev", "ops"])


def wrong(*rows):
    return [(problem["row"], problem["column"]) for problem in check_users(rows).problems]


@settings(max_examples=scaled(75, 3000))
@given(NAMES, PATHS, TAGS, st.lists(NAMES, max_size=4), *[st.booleans()] * 3)
def test_a_users_cells_are_the_user_again(name, path, tags, groups, key, password, only):
    """Names like formulas, tags with = and outer spaces, no path: none is lost, none is added."""
    user = UserRow(
        name=name,
        path=path,
        tags=tags,
        groups=groups,
        access_key=key,
        console_password=password,
        groups_only=only,
    )
    cells = cells_of(user)
    assert UserRow.model_validate(plain_user(cells)) == user
    assert tidy_cells(cells) == cells
    assert check_users([cells]).value == [user.model_dump(exclude_defaults=True)]


def test_every_column_of_the_csv_file_is_a_column_of_the_table():
    """A field that a user gets later is there too, with its description as help."""
    columns = {column["name"]: column for column in user_columns(["dev"])}
    assert tuple(columns) == COLUMNS
    assert set(columns) == set(UserRow.model_fields)
    assert columns["groups"]["choices"] == ["dev"]
    assert [columns[name]["kind"] for name in ("name", "tags", "console_password")] == [
        "text",
        "list",
        "yes_no",
    ]
    assert all(column["label"] and column["term"] and column["help"] for column in columns.values())


def test_the_value_is_what_stands_in_a_parameters_file(editor, guide):
    """Defaults are left out, empty rows are nobody, and the notebook's model takes it."""
    editor.rows = [*editor.rows, {}, {"name": " carol ", "tags": "team=web; x=a=b", "path": ""}]
    assert editor.value == [
        {"name": "bob", "groups": ["dev"], "access_key": True},
        {"name": "carol", "tags": {"team": "web", "x": "a=b"}},
    ]
    assert editor.problems == []
    assert guide("04_users", users=editor.value).users[0] == BOB


def test_what_is_wrong_is_said_at_its_row_and_cell():
    """Each wrong cell of each row, not only the first."""
    assert wrong(
        {"name": "a b", "path": "team", "groups": "dev;o ps", "tags": "a=1;a=2"},
        {"name": "bob", "access_key": "maybe"},
        {"groups": "dev"},
        {},
        {"name": "carol", "access_key": "No", "console_password": "TRUE"},
    ) == [
        (0, "name"),
        (0, "path"),
        (0, "tags"),
        (0, "groups"),
        (1, "access_key"),
        (2, "name"),
    ]
    said = check_users([{"name": "bob", "access_key": "maybe"}]).problems[0]["message"]
    assert said == "expected yes or no, got 'maybe'"


def test_one_name_twice_is_wrong_where_it_comes_again():
    """IAM ignores the case of names; the message names the row of the other one."""
    rows = [{"name": "bob"}, {"name": "carol"}, {"name": "Bob"}, {"name": "carol"}]
    assert wrong(*rows) == [(2, "name"), (3, "name")]
    twins, twice = (problem["message"] for problem in check_users(rows).problems)
    assert twins == "'bob' and 'Bob' are one user to IAM, which ignores case; the other is in row 1"
    assert twice == "the user 'carol' is given twice; the other is in row 2"


@pytest.mark.parametrize(
    "row", [{"name": "a b"}, {"name": "bob", "access_key": "maybe"}, {"tags": "a=1;a=2"}], ids=str
)
def test_a_wrong_row_is_not_dropped_from_the_value(row, editor):
    """The notebook's model refuses it, so nobody applies a list from which a user is missing."""
    editor.rows = [row]
    assert editor.problems
    with pytest.raises(ValueError, match="users"):
        UsersParameters.model_validate(
            {"environment": "sandbox", "account_id": "000000000000", "users": editor.value}
        )


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("bob\r\nann,x\r\n", [{"name": "bob"}, {"name": "ann,x"}]),
        ("bob\t/team/\n\t\ncarol\t\n", [("bob", "/team/"), ("carol", "")]),
        ('groups\tNAME\n"dev\nops"\tbob\n', [{"name": "bob", "groups": "dev;ops"}]),
        (
            "User name\tMay sign in to the console\nbob\tYes\n",
            [{"name": "bob", "console_password": "yes"}],
        ),
        ('name,groups\n"bob","dev;ops"\n', [{"name": "bob", "groups": "dev;ops"}]),
        ('"b\tb"\tx\n', [("b\tb", "x")]),
    ],
    ids=str,
)
def test_rows_are_read_as_spreadsheets_copy_them(text, rows, editor):
    """With a header in any order, without one, names alone, and cells with breaks in them."""
    expected = [r if isinstance(r, dict) else dict(zip(COLUMNS, r, strict=False)) for r in rows]
    assert editor.answer({"text": text, "column": "name"}, []) == {"rows": expected}


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("name\tgrups\nbob\tdev", "name", "row 1: unknown column 'grups'; did you mean groups?"),
        ("name\tdepartment\nbob\tIT", "name", "unknown column 'department'; known are name, path"),
        ("groups\ttags\ndev\t", "name", "the header wants a column `name`"),
        ("bob\tx\ncarol", "name", "row 2: 1 columns, and 2 are expected"),
        ("\t".join("b" * 20), "name", "row 1: 20 columns, and there are"),
        ('bob\t"dev\ncarol\tdev', "name", "row 2: unexpected end of data"),
        ("dev\nops", "groups", "go into the column `name`"),
        ("x" * 6_000_000, "name", "larger than 5 MB"),
    ],
    ids=lambda text: text[:20],
)
def test_what_cannot_be_read_is_said_and_changes_nothing(text, column, said, editor):
    """The message names the row or the column, and the rows stay as they are."""
    before = list(editor.rows)
    answer = editor.answer({"text": text, "column": column}, [])
    assert list(answer) == ["said"]
    assert said in answer["said"]
    assert editor.rows == before


def test_a_file_is_read_as_users_csv_is(editor):
    """Bytes from the browser: a byte order mark is no part of a name, Latin-1 is said."""
    data = b"\xef\xbb\xbfName,groups\r\nbob,dev\r\n"
    assert editor.answer({"file": "team.csv"}, [memoryview(data)]) == {
        "rows": [{"name": "bob", "groups": "dev"}]
    }
    for bad in ("name\nérin".encode("latin-1"), b"name\nbo\0b"):
        assert "team.csv: not text in UTF-8" in editor.answer({"file": "team.csv"}, [bad])["said"]


def test_each_row_says_what_it_would_change():
    """New, as it is, or what is added; a wrong row says nothing."""
    there = User(name="bob", groups=frozenset(["dev"]), tags={"team": "web"})
    account = AccountState(
        account_id="000000000000",
        users={"bob": there, "carol": User(name="carol")},
        access_keys={"carol": (AccessKey(id="AKIA1"),)},
        sources=READ,
    )
    editor = UsersEditor([], note=note_against(account))
    editor.rows = [
        {"name": "dave"},
        {"name": "bob", "groups": "dev", "tags": "team=web"},
        {"name": "bob", "groups": "dev;ops", "tags": "team=db", "path": "/x/"},
        {"name": "carol", "access_key": "yes", "console_password": "yes"},
        {"name": "Bob"},
        {"name": "a b"},
        {"name": "bob", "groups": "OPS", "groups_only": "yes"},
    ]
    assert editor.notes == [
        "new",
        "as in the account",
        "joins ops; moves from / to /x/; tags team",
        "may sign in",
        "the account has bob, the same name to IAM",
        "",
        "joins OPS; leaves dev",
    ]


def test_what_the_browser_gets_is_plain_data(editor):
    """All that is sent is JSON, and the script and the styles lie beside the module."""
    state = editor.get_state()
    json.dumps(state)
    assert state["_esm"] == (HERE / "rows_editor.js").read_text()
    assert "innerHTML" not in state["_esm"]
    assert "http" not in state["_esm"] + state["_css"]
    assert ".rows-editor" in state["_css"]
