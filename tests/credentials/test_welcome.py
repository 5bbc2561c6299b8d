"""The page that a new user is sent: whole, safe, and without a secret."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings, strategies as st

from iamkit.credentials.welcome import Delivery, Welcome, welcome_page

URL = "https://team.signin.aws.amazon.com/console"
ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:iamkit/bob/access-key-AbCdEf"
PLACES = {
    "private": "/home/ops/bob_accessKeys_AKIA1.csv",
    "encrypted": "/home/ops/bob_accessKeys_AKIA1.csv.age",
    "manager": ARN,
}


def page(*deliveries, user="bob", alias="team"):
    return welcome_page(
        Welcome(
            user=user,
            account_id="111122223333",
            alias=alias,
            sign_in_url=URL,
            deliveries=[Delivery.of(what, where) for what, where in deliveries],
        )
    )


class Tags(HTMLParser):
    """Collects tags, and complains about one that is not closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(markup):
    tags = Tags()
    tags.feed(markup)
    assert tags.open == []
    return tags


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("private", "which you get apart from this page"),
        ("encrypted", "age -d -i key.txt bob_accessKeys_AKIA1.csv.age"),
        (
            "manager",
            (
                "aws secretsmanager get-secret-value --region eu-west-1 "
                f"--secret-id {ARN} --query SecretString --output text"
            ),
        ),
    ],
)
def test_a_user_is_told_how_to_get_the_key(way, expected):
    """By the way that it went; the machine on which it was made is not named."""
    text = "".join(read(page(("access key", PLACES[way]))).text)
    assert expected in text
    assert "/home/ops" not in text
    assert "aws sts get-caller-identity" in text
    assert "MFA" not in text, "who has no password signs in nowhere"
    assert URL not in text


def test_a_user_with_a_password_is_led_through_the_first_steps():
    """Sign in, change the password, register an MFA device; with the address and the account."""
    tags = read(page(("console password", "/x/bob_credentials.csv"), ("access key", ARN)))
    text = "".join(tags.text)
    wanted = ("Your console password", URL, "new password", "Assign MFA device", "MFA code 2")
    places = [text.index(part) for part in (*wanted[:1], *wanted[2:])]
    assert places == sorted(places)
    assert all(part in text for part in (*wanted, "111122223333", "team", "bob-phone"))
    assert ("a", {"href": URL}) in tags.seen


def test_the_page_stands_alone():
    """It has a language and a title, loads nothing, runs nothing, and prints on white."""
    markup = page(("console password", "/x/bob_credentials.csv"))
    tags = read(markup)
    names = {tag for tag, _ in tags.seen}
    assert not names & {"script", "img", "link", "iframe", "form"}
    assert ("html", {"lang": "en"}) in tags.seen
    assert "default-src 'none'" in markup
    assert not re.search(r"url\(|@import", markup)
    assert "@media print" in markup
    headings = [tag for tag, _ in tags.seen if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == "h1"
    assert headings.count("h1") == 1


@settings(deadline=None)
@given(st.text(min_size=1, max_size=30), st.text("/'\"<>& $`;abc\n", min_size=1, max_size=30))
def test_no_name_becomes_markup_or_a_command(user, name):
    """Whatever is in a name, the page has the same tags, and a command has it as one word."""
    import shlex

    plain = [tag for tag, _ in read(page(("access key", "/x/a.csv.age"))).seen]
    markup = page(("access key", f"/x/{name.replace('/', '_')}.age"), user=user, alias=name)
    tags = read(markup)
    assert [tag for tag, _ in tags.seen] == plain
    command = next(text for text in tags.text if text.startswith("age -d"))
    assert len(shlex.split(command)) == 5
