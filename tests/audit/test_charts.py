"""The charts: they say what the tables say, and hostile names stay text in them."""

from xml.etree import ElementTree as ET

import pytest
from accounts import account_of

from iamkit.audit import Audit
from iamkit.audit.charts import draw_charts

ALL = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
READ = {"Statement": [{"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"}]}
HOSTILE = '<script>alert("$x_1$")</script>'
CASE = {
    "users": [
        {"name": "ann", "groups": ["Admins"], "password": {"used": 1, "changed": 9}, "mfa": False},
        {"name": "bob", "groups": ["dev"], "keys": [{"id": "AKIA1", "age": 91, "used": 50}]},
        {"name": "cyd", "groups": ["dev"], "keys": [{"id": "AKIA2", "age": 90}]},
        {"name": "new", "groups": [HOSTILE], "in_report": False},
    ],
    "groups": [
        {"name": "Admins", "inline": {"p": ALL}},
        {"name": "dev", "inline": {"p": READ}},
        {"name": HOSTILE},
    ],
}


@pytest.fixture
def charts():
    """The four charts by their titles."""
    return {chart.title: chart for chart in draw_charts(Audit(account_of(CASE)))}


def test_each_chart_is_an_svg_and_is_told_in_words(charts):
    """For browsers, for paper and for who cannot see it."""
    assert len(charts) == 4
    for chart in charts.values():
        assert ET.fromstring(chart.svg).tag == "{http://www.w3.org/2000/svg}svg"
        assert chart.told


def test_the_charts_say_what_the_checks_say(charts):
    """A key of 91 days wants rotation and one of 90 does not; idle users; what groups may do."""
    assert "30\N{EN DASH}90" not in charts["Age of access keys"].told
    assert "31\N{EN DASH}90 1, 91\N{EN DASH}180 1" in charts["Age of access keys"].told
    assert "1 active ones want rotation" in charts["Age of access keys"].svg
    assert "without: administrators 1" in charts["Who has no MFA"].told
    assert "never 1" in charts["Last activity"].told
    assert "unknown 1" in charts["Last activity"].told
    told = charts["Groups"].told
    assert "Admins 1 members, administers" in told
    assert "dev 2 members, reads" in told


def test_hostile_names_are_text_in_a_chart(charts):
    """Neither markup nor mathematics."""
    svg = charts["Groups"].svg
    assert "<script" not in svg
    assert "&lt;script&gt;" in svg


def test_an_empty_account_has_charts_too():
    """Nothing to count is no error."""
    assert len(draw_charts(Audit(account_of({})))) == 4
