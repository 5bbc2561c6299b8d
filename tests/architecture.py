"""The rooms of the house, from the ground up, and the imports between them.

``python tests/architecture.py`` prints the picture. A room is a folder, or a file beside folders;
it may import only from itself and from rooms that stand before it in ``ORDER``.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "iamkit"
ORDER = """
errors
text
app_mode
job
storage
account
policies/grammar
policies/actions
policies/evaluation
policies/escalation
policies/lint
policies/wording
policies/comparison
policies
sandbox/private
sandbox/faults
sandbox/protocol
sandbox/journal
sandbox/client
sandbox/process
sandbox/environment
sandbox
sandbox/server
sandbox/server/iam
sandbox/server/authorization
sandbox/server/twin
sandbox/server/commands
sandbox/server/services
sandbox/server/journal_entry
sandbox/server/persistent_accounts
sandbox/server/check
sandbox/server/control_api
sandbox/server/gateway
sandbox/server/process
parameters
plan
audit/remedies
audit/checks
audit
credentials
aws
workspace
doctor
demo
notebook
notebook/forms
notebook/review
notebook/reports
notebook/runs
notebook/pages
notebook/launch
sandbox_commands
reading_commands
__main__
""".split()
"""The law: the rooms from the ground up. What is not named belongs to the room around it."""


@cache
def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name; a folder's ``__init__`` by the folder's."""
    return {_dotted(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room_of(module: str) -> str:
    """The room that a module is in: the longest of ``ORDER`` that holds it."""
    place = "/".join(module.split(".")[1:])
    rooms = (room for room in ORDER if place == room or place.startswith(f"{room}/"))
    return max(rooms, key=len, default=ORDER[0])


def imports_of(path: Path) -> Iterator[tuple[str, str]]:
    """What a file imports: the module, and the name that is taken from it, or an empty text."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)


def arrows() -> Iterator[tuple[str, str]]:
    """Every import of a module of the package by another: who imports, and what."""
    known = modules()
    for module, path in known.items():
        for source, name in imports_of(path):
            whole = f"{source}.{name}"
            target = whole if whole in known else source
            if target in known and target not in (module, "iamkit"):
                yield module, target


def backward() -> list[str]:
    """The imports that lead up again, which the law forbids."""
    place = {room: number for number, room in enumerate(ORDER)}
    return sorted(
        {
            f"{module} imports {target}"
            for module, target in arrows()
            if module != "iamkit" and place[room_of(target)] > place[room_of(module)]
        }
    )


def circles() -> list[tuple[str, ...]]:
    """The modules that import each other in a circle, directly or through others."""
    graph: dict[str, set[str]] = {name: set() for name in modules()}
    for module, target in arrows():
        if modules()[target].name != "__init__.py":
            graph[module].add(target)
    reach = {name: _reachable(graph, name) for name in graph}
    rings = {tuple(sorted(o for o in reach[n] if n in reach[o])) for n in graph if n in reach[n]}
    return sorted(rings)


def _reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    ahead = list(graph[start])
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            ahead += graph[name]
    return seen


def uncalled() -> list[str]:
    """The public functions and classes that nothing but a test uses: no code, door or notebook.

    What a decorator registers is used by it.
    """
    trees = {name: ast.parse(path.read_text()) for name, path in modules().items()}
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    used |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    for path in (PACKAGE / "__init__.pyi", *(PACKAGE.parent / "notebooks").glob("*.ipynb")):
        used |= set(re.findall(r"\w+", path.read_text()))
    return sorted(
        f"{name}.{node.name}"
        for name, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        if not (node.decorator_list or node.name.startswith("_") or node.name in used)
    )


def _dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def main() -> None:
    """Print each room with its size and what it stands on; what breaks the law; what is idle."""
    lines = Counter(room_of(name) for name, path in modules().items() for _ in path.open())
    between = {(room_of(a), room_of(b)) for a, b in arrows() if a != "iamkit"}
    between = {(above, below) for above, below in between if above != below}
    for room in reversed(ORDER):
        below = sorted((b for a, b in between if a == room), key=ORDER.index)
        print(f"{lines[room]:>6}  {room:<30} {' '.join(below)}")
    folders = {path.parent for path in modules().values()}
    print(
        f"\n{len(folders)} folders, {len(ORDER)} rooms, {len(between)} arrows, "
        f"{len(circles())} circles, {len(backward())} arrows back up"
    )
    for line in (*backward(), *(" ↔ ".join(ring) for ring in circles())):
        print(f"  {line}")
    print(f"{len(uncalled())} public names that only tests use")
    for line in uncalled():
        print(f"  {line}")


if __name__ == "__main__":
    main()
