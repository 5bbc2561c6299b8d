"""Four pictures that answer questions about an account, as SVG without a window or a network."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from iamkit.audit import Audit

GOOD, MIDDLE, DARK, BAD, NEUTRAL = "#0072b2", "#e69f00", "#7b3294", "#b2182b", "#8c8c8c"
UNTOLD = "#f0e442"
"""Colours that people with any kind of colour vision tell apart; the last is for the unknown."""
INK = "#1b1f25"
"""The colour of texts and lines, which is another one where the page is dark."""
THEMES = (
    f"<style>:root{{--ink:{INK}}}"
    "@media (prefers-color-scheme: dark){:root{--ink:#e6edf3}}</style>"
)
"""What an image in a page takes from the page's own colour scheme."""
MOST_GROUPS = 12
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "iamkit",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 11,
    **dict.fromkeys(
        ["text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"], INK
    ),
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
}


@dataclass(frozen=True)
class Chart:
    """A picture and what it says.

    Attributes:
        svg: the picture, an SVG document.
        told: the same in a sentence, for who cannot see it.
    """

    title: str
    svg: str
    told: str


def draw_charts(audit: Audit) -> list[Chart]:
    """The age of keys, who has no MFA, last activity, and what the members of groups may do."""
    return [draw_key_ages(audit), draw_mfa(audit), draw_activity(audit), draw_groups(audit)]


def draw_key_ages(audit: Audit) -> Chart:
    """How old the access keys are, active ones and others."""
    keys, limit = audit.access_keys, audit.thresholds.rotation_days
    edges = sorted({0, 31, limit + 1, 2 * limit + 1, 366, 731})
    active = _counted(keys.loc[keys["active"].fillna(False), "age_days"], edges)
    other = _counted(keys.loc[~keys["active"].fillna(True), "age_days"], edges)
    unknown = int((keys["active"].isna() | keys["age_days"].isna()).sum())
    labels = _labels(edges)
    old = int(sum(n for edge, n in zip(edges, active, strict=True) if edge > limit))
    said = _and_unknown(old, unknown, everyone=_all_users(audit))
    figure, axes = _canvas(f"Access keys by age: {said} active ones want rotation")
    colours = [GOOD if edge <= limit else BAD for edge in edges]
    told = _told(labels, active, "active keys") + "; " + _told(labels, other, "inactive keys")
    entries = [(f"active, up to {limit} days", GOOD), ("active, older", BAD)]
    entries.append(("inactive", NEUTRAL))
    series: list[_Series] = [("active", active, colours), ("inactive", other, NEUTRAL)]
    if unknown:
        labels, series = _with_unknown(labels, series, unknown)
        entries.append(("not known", UNTOLD))
        told += f"; unknown {unknown}"
    _stacked(axes, labels, series)
    _legend(axes, entries)
    return _chart("Age of access keys", figure, told)


def draw_mfa(audit: Audit) -> Chart:
    """Who may sign in to the console, with and without MFA, by what they may do."""
    users = audit.users
    fails = users["password_enabled"] & ~users["mfa_active"]  # as the check console-mfa has it
    admins = users["effective_admin"]
    kinds = {"administrators": admins.fillna(False), "others": ~admins.fillna(True)}
    if admins.hasnans:
        kinds["perhaps administrators"] = admins.isna()
    labels = list(kinds)
    states = {
        "with MFA": (users["password_enabled"] & users["mfa_active"]).fillna(False),
        "without": fails.fillna(False),
        "unknown": fails.isna(),
    }
    counts = {
        word: [int((of & kind).sum()) for kind in kinds.values()] for word, of in states.items()
    }
    said = _and_unknown(sum(counts["without"]), sum(counts["unknown"]), everyone=_all_users(audit))
    figure, axes = _canvas(f"Console sign-in: {said} people have no MFA")
    colours = dict(zip(counts, (GOOD, BAD, UNTOLD), strict=True))
    _bars(axes, labels, [(name, values, colours[name]) for name, values in counts.items()])
    _legend(axes, [(name, colours[name]) for name in counts if sum(counts[name])])
    told = "; ".join(_told(labels, values, name) for name, values in counts.items())
    return _chart("Who has no MFA", figure, told)


def draw_activity(audit: Audit) -> Chart:
    """When users last did something, by their password or keys."""
    users, limit = audit.users, audit.thresholds.unused_days
    edges = sorted({0, 7, limit, 2 * limit, 365})
    seen = users[users["last_activity"].notna()]
    counts = _counted(seen["idle_days"], edges)
    never = int(users["never_used"].fillna(False).sum())
    unknown = int(users["never_used"].isna().sum())
    none = len(users) - len(seen) - never - unknown
    rest = {"never": never, "no credential": none, "unknown": unknown}
    rest = {word: number for word, number in rest.items() if number}
    labels, values = [*_labels(edges), *rest], [*counts, *rest.values()]
    colours = [GOOD if edge < limit else BAD for edge in edges]
    colours += [{"never": BAD, "unknown": UNTOLD}.get(word, NEUTRAL) for word in rest]
    idle = sum(n for edge, n in zip(edges, counts, strict=True) if edge >= limit) + never
    said = _and_unknown(idle, unknown, everyone=_all_users(audit))
    figure, axes = _canvas(f"Last activity: {said} users idle for {limit} days or longer")
    _stacked(axes, labels, [("users", values, colours)])
    return _chart("Last activity", figure, _told(labels, values, "users"))


def draw_groups(audit: Audit) -> Chart:
    """How many members the groups have, and the most that they may do."""
    members = {name: len(names) for name, names in audit.members.items()}
    known = audit.groups.assign(known=[members.get(name, 0) for name in audit.groups["group"]])
    largest = known.sort_values(["known", "group"], ascending=[False, True])
    shown = largest.head(MOST_GROUPS)
    reach = [_reach(audit, str(name)) for name in shown["group"]]
    left = len(audit.groups) - len(shown)
    more = f" (the {len(shown)} largest of {len(audit.groups)})" if left else ""
    more += " (there may be others)" if "groups" in audit.gaps.kinds else ""
    figure, axes = _canvas(f"Members of groups, and what they may do{more}")
    words = ("administers", "manages access", "changes", "reads", "nothing", "not known")
    colours = dict(zip(words, (BAD, DARK, MIDDLE, GOOD, NEUTRAL, UNTOLD), strict=True))
    labels = [_short(str(name)) for name in shown["group"]]
    values = [int(n) for n in shown["known"]]
    unsure = ["+" if lacks else "" for lacks in shown["members"].isna()]
    _bars(axes, labels, [("members", values, [colours[word] for word in reach])], unsure)
    _legend(axes, [(word, colours[word]) for word in colours if word in reach])
    told = ", ".join(
        f"{label} {n}{sign} members, {word}"
        for label, n, sign, word in zip(labels, values, unsure, reach, strict=True)
    )
    return _chart("Groups", figure, told)


def _reach(audit: Audit, group: str) -> str:
    """The most that a group lets its members do, in a word."""
    row = audit.groups[audit.groups["group"] == group].iloc[0]
    if pd.notna(row["effective_admin"]) and row["effective_admin"]:
        return "administers"
    if pd.isna(row["effective_admin"]) or group not in audit.state.groups:
        return "not known"
    if audit.gaps.grants_of(audit.state.groups[group]):
        return "not known"
    levels = set(audit.rights.levels(group))
    if levels & {"Permissions management"}:
        return "manages access"
    if levels & {"Write", "Tagging"}:
        return "changes"
    return "reads" if levels else "nothing"


def _canvas(title: str) -> tuple[Figure, Axes]:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 3.4), layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(title, fontsize=12)
    return figure, axes


_Series = tuple[str, list[int], str | list[str]]
"""A word, a number for each bar, and its colour or a colour for each bar."""


def _and_unknown(number: int, unknown: int, *, everyone: bool) -> str:
    """A number, with how many more it may be."""
    more = f" (and perhaps {unknown:,} more)" if unknown else ""
    return f"{number:,}{more}" if everyone else f"{number:,}{more}, of those that were read,"


def _all_users(audit: Audit) -> bool:
    return "users" not in audit.gaps.kinds


def _with_unknown(
    labels: list[str], series: list[_Series], unknown: int
) -> tuple[list[str], list[_Series]]:
    """One bar more, of what is not known."""
    longer = [
        (word, [*values, 0], [*colour, UNTOLD] if isinstance(colour, list) else colour)
        for word, values, colour in series
    ]
    bar = ("unknown", [0] * len(labels) + [unknown], UNTOLD)
    return [*labels, "unknown"], [*longer, bar]


def _stacked(axes: Axes, labels: list[str], series: Iterable[_Series]) -> None:
    """Upright bars, one on top of the other, with their number above."""
    base = [0] * len(labels)
    for _, values, colour in series:
        axes.bar(range(len(labels)), values, bottom=base, color=colour)
        base = [a + b for a, b in zip(base, values, strict=True)]
    for place, total in enumerate(base):
        axes.annotate(f"{total:,}", (place, total), ha="center", va="bottom", color=INK)
    axes.set_xticks(range(len(labels)), labels, fontsize=9)
    axes.set_xlabel("days", fontsize=9)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(0, max([*base, 1]) * 1.15)


def _bars(
    axes: Axes, labels: list[str], series: Iterable[_Series], signs: Sequence[str] = ()
) -> None:
    """Lying bars, the first on top, with their number behind, and a sign that there may be more."""
    base = [0] * len(labels)
    for _, values, colour in series:
        axes.barh(range(len(labels)), values, left=base, color=colour)
        base = [a + b for a, b in zip(base, values, strict=True)]
    for place, total in enumerate(base):
        sign = signs[place] if signs else ""
        axes.annotate(f" {total:,}{sign}", (total, place), ha="left", va="center", color=INK)
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_xlim(0, max([*base, 1]) * 1.12)


def _legend(axes: Axes, entries: Sequence[tuple[str, str]]) -> None:
    handles = [mpl.patches.Patch(color=colour, label=word) for word, colour in entries]
    if handles:
        axes.legend(handles=handles, frameon=False, fontsize=9, loc="best", labelcolor=INK)


def _counted(days: pd.Series, edges: list[int]) -> list[int]:
    """How many fall between each edge and the next; the last has no end."""
    known = days.dropna()
    ends: list[int | None] = [*edges[1:], None]
    return [
        int(((known >= low) & ((known < high) if high is not None else True)).sum())
        for low, high in zip(edges, ends, strict=True)
    ]


def _labels(edges: list[int]) -> list[str]:
    parts = [f"{low}\N{EN DASH}{high - 1}" for low, high in pairwise(edges)]
    return [*parts, f"{edges[-1]}+"]


def _told(labels: Iterable[str], values: Iterable[int], what: str) -> str:
    return f"{what}: " + ", ".join(
        f"{label} {value}" for label, value in zip(labels, values, strict=True)
    )


def _short(name: str) -> str:
    return name if len(name) <= 28 else f"{name[:27]}…"


def _chart(title: str, figure: Figure, told: str) -> Chart:
    out = io.StringIO()
    with mpl.rc_context(STYLE):
        figure.savefig(
            out, format="svg", metadata={"Date": None, "Creator": None}, transparent=True
        )
    svg = out.getvalue().replace(INK, "var(--ink)").replace("<defs>", f"{THEMES}<defs>", 1)
    return Chart(title, svg, told)
