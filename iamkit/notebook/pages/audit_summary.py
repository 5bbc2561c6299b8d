"""An audit's first page as HTML: the numbers, who is behind them, who is new and who has gone."""

from collections.abc import Iterable

from iamkit.audit import Audit
from iamkit.audit.first_page import FirstPage, make_first_page
from iamkit.audit.markdown import to_markdown
from iamkit.audit.numbers import Number
from iamkit.notebook.display import show_html
from iamkit.notebook.markup import Markup, escape, severity_badge, table
from iamkit.text import few

STYLE = """<style>
.iamkit-first { --bad: var(--iamkit-bad, #b3261e); --good: var(--iamkit-good, #1a6b32);
  --unsure: var(--iamkit-unsure, #7a5200); max-width: 76rem; break-after: page; }
[data-jp-theme-light="false"] .iamkit-first { --iamkit-bad: #ff9a91; --iamkit-good: #6fdd8b;
  --iamkit-unsure: #e8b84a; }
.iamkit-first .four { display: grid; gap: 12px; margin: 12px 0;
  grid-template-columns: repeat(auto-fit, minmax(13em, 1fr)); }
.iamkit-first .four > div { border: 1px solid var(--jp-border-color1, #c4c9cf);
  border-left-width: 5px; border-radius: 8px; padding: 10px 14px; break-inside: avoid; }
.iamkit-first .four b { display: block; font-size: 1.9em; line-height: 1.2; }
.iamkit-first .four p { margin: 2px 0; }
.iamkit-first .soft { color: var(--jp-ui-font-color2, #57606a); font-size: .9em; }
.iamkit-first .bad { border-left-color: var(--bad) !important; }
.iamkit-first .bad b { color: var(--bad); }
.iamkit-first .fine { border-left-color: var(--good) !important; }
.iamkit-first .fine b { color: var(--good); }
.iamkit-first .unsure { border-left-color: var(--unsure) !important; }
.iamkit-first .unsure b { color: var(--unsure); }
.iamkit-first :is(td, th) { white-space: normal !important; }
@media print {
  .iamkit-first, .iamkit-first p { font-size: 9pt; }
  .iamkit-first .four { grid-template-columns: repeat(4, 1fr); gap: 8px; }
  .iamkit-first .four > div { padding: 6px 8px; }
}
</style>"""


def show_first_page(audit: Audit, before: Audit | None = None) -> None:
    """The first page of an audit, compared with an earlier one if there is one."""
    page = make_first_page(audit, before)
    show_html(describe_first_page(page), to_markdown(page))


def describe_first_page(page: FirstPage) -> str:
    """The first page as HTML."""
    numbers = "".join(_number(number, before, page.since) for number, before in page.numbers)
    gaps = "".join(f"<p>⚠ {escape(line)}</p>" for line in page.problems)
    return (
        f'{STYLE}<div class="iamkit-first"><p><b>{escape(page.headline)}.</b></p>'
        f'<div class="four">{numbers}</div>{gaps}{"".join(_changes(page))}{"".join(_worst(page))}'
        f'<p class="soft">{escape(page.report)}</p></div>'
    )


def _number(number: Number, before: Number | None, since: str) -> str:
    then = f"{before.text} on {since}" if before else ""
    who = few(number.who, 6) if number.who else ""
    return (
        f'<div class="{number.tone}"><b>{escape(number.text)}</b><p>{escape(number.label)}</p>'
        f'<p class="soft">{escape(then)}</p><p class="soft">{escape(who)}</p></div>'
    )


def _changes(page: FirstPage) -> Iterable[str]:
    if page.changes is None:
        yield '<p class="soft">There is no earlier audit to compare with.</p>'
        return
    rows = [
        (word, few(names, 12))
        for word, change in (("New", "came"), ("Gone", "went"), ("Replaced", "replaced"))
        if (names := page.users_who(change))
    ]
    if names := page.users_whose_permissions("grew"):
        rows.append(("May do more than before", few(names, 12)))
    rows += [
        (f"{len(found)} findings {change}", few(dict.fromkeys(found["principal"]), 12))
        for change in ("new", "gone")
        if len(found := page.findings_that(change))
    ]
    if page.cannot_be_told:
        rows.append((f"{page.cannot_be_told} more", "cannot be told: one of the audits lacks it"))
    yield f"<p><b>Since {escape(page.since)}</b></p>"
    yield table(rows, ("", "who")) if rows else "<p>Nothing that is known has changed.</p>"


def _worst(page: FirstPage) -> Iterable[str]:
    if page.urgent:
        yield "<p><b>The worst, of each check</b></p>"
        rows = [
            (Markup(severity_badge(one.severity)), one.expected, few(one.names, 4), one.action)
            for one in page.urgent
        ]
        yield table(rows, ("", "expected", "who", "what to do"))
    if page.more > 0:
        yield f"<p>… and {page.more} checks more, below.</p>"
    if page.untold:
        yield f"<p><b>{page.untold:,} checks could not be told</b>, and may be as bad.</p>"
    elif not page.urgent:
        yield "<p>None that is known.</p>" if page.problems else "<p>✔ Nothing was found.</p>"
