"""A policy in plain English: one sentence for each statement, what matters most first."""

from dataclasses import dataclass

from iamkit.account.state import JSON
from iamkit.policies.actions.catalogue import LEVELS, Catalogue, load_catalogue
from iamkit.policies.actions.dangers import DANGERS, danger_masks
from iamkit.policies.grammar.statements import Statement, read_statements
from iamkit.policies.wording.actions import say_actions, say_object, say_unknown
from iamkit.policies.wording.conditions import say_conditions
from iamkit.policies.wording.resources import Names, say_principals, say_resources

EVERYTHING = "everything"
_ORDER = (EVERYTHING, "Permissions management", *DANGERS, "Write", "Tagging", "Read", "List", "")


@dataclass(frozen=True)
class Explanation:
    """One statement in words.

    Attributes:
        statement: its number, counted from 1.
        name: its Sid; empty if it has none.
        allows: whether it allows.
        weight: the access level that matters most of what it is about, or ``everything``.
        text: the sentence.
    """

    statement: int
    name: str
    allows: bool
    weight: str
    text: str


def explain(document: JSON, names: Names | None = None) -> list[Explanation]:
    """What a policy says, for a reader who does not know IAM.

    Args:
        document: a policy of a user, group or role, or of a resource.
        names: what accounts, by their numbers, and ARNs are called: ``{"111122223333": "Tests"}``.

    Returns:
        One sentence for each statement. A ``Deny`` of everything that always holds comes first;
        then what is allowed, from administration to listing; then what is denied.
    """
    catalogue = load_catalogue()
    ranked = []
    for statement in read_statements(document):
        mask, number, allows = catalogue.about(statement), statement.number, statement.allows
        rank, weight = _rank(mask, catalogue)
        text = _sentence(statement, mask, names or {}, catalogue)
        said = Explanation(number, statement.sid, allows, weight, text)
        late = 0 if allows else -1 if _denies_all(statement) else 1
        ranked.append((late, _ORDER.index(rank), number, said))
    return [said for *_, said in sorted(ranked, key=lambda found: found[:3])]


def _sentence(statement: Statement, mask: int, names: Names, catalogue: Catalogue) -> str:
    allows = statement.allows
    conditions = say_conditions(statement, names)
    may = "may" if allows else "may not" if conditions else "may never"
    where = say_resources(statement, names)
    if allows and mask == catalogue.everything and statement.everywhere:
        where = f"{where}: full administration"
    what = say_object(statement, where)
    if not what:
        what = say_actions(statement, mask, catalogue) + (f", {where}" if where else "")
    if not allows:
        what = _negative(what)
    subject = say_principals(statement, names)
    text = " ".join(filter(None, [subject, may, what]))
    unknown = say_unknown(statement, catalogue)
    tail = (f", if {conditions}" if conditions else "") + (f" ({unknown})" if unknown else "")
    return f"{text[0].upper()}{text[1:]}{tail}."


def _negative(what: str) -> str:
    """What may not be done, as English says it: not anything in any service."""
    for positive, negative in (
        ("do everything", "do anything"),
        ("in every service", "in any service"),
        ("on every resource", "on any resource"),
    ):
        what = what.replace(positive, negative)
    return what


def _rank(mask: int, catalogue: Catalogue) -> tuple[str, str]:
    """What of a statement matters most, as ``_ORDER`` has it; and its gravest access level."""
    if mask == catalogue.everything:
        return EVERYTHING, EVERYTHING
    levels = {level for level in LEVELS if catalogue.levels[level] & mask}
    dangers = {name for name, part in danger_masks(catalogue).items() if part & mask}
    rank = next((rank for rank in _ORDER if rank in levels | dangers), "")
    return rank, next((level for level in _ORDER if level in levels), "")


def _denies_all(statement: Statement) -> bool:
    """Whether it denies everything, always."""
    everything = "*" in statement.actions and not statement.not_action and statement.everywhere
    limited = statement.not_principal or statement.tests
    return everything and not statement.allows and not limited
