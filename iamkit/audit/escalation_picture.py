"""The graph of who reaches whom on the way to an administrator's rights, as SVG."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
import networkx as nx
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from iamkit.audit.charts import STYLE
from iamkit.errors import InputError
from iamkit.policies.escalation.search import Escalation
from iamkit.policies.escalation.ways import Way
from iamkit.text import did_you_mean, printable

MOST = 50
"""So many are drawn; of more the nearest, or the neighbourhood of the one that is named."""
_NEIGHBOURHOOD = 2
_ITSELF = "more rights of its own"
_LABEL = 24


@dataclass(frozen=True)
class Theme:
    """Colours that people with any kind of colour vision tell apart, on their ground."""

    ground: str
    text: str
    admin: str
    open: str
    depends: str


LIGHT = Theme("#ffffff", "#1a1a1a", "#b2182b", "#0072b2", "#6e6e6e")
DARK = Theme("#16191f", "#e8e8e8", "#ff8a80", "#6cb6ff", "#a8a8a8")


@dataclass(frozen=True)
class Picture:
    """The graph, and what it says.

    Attributes:
        svg: an SVG document.
        told: the same in a sentence, for those who cannot see it.
    """

    svg: str
    told: str


def draw_paths(found: Escalation, around: str = "", *, dark: bool = False) -> Picture:
    """Draw who can become whom: administrators on the right, those who reach them on the left.

    Args:
        found: the account, searched.
        around: a user or role, as its name or as ``user ada``; only those near it are drawn.
        dark: whether it is for a dark page.

    Raises:
        InputError: nobody of that name is an administrator or on a way to become one.
    """
    graph = _graph(found)
    drawn = _cut(graph, _node(graph, around)) if around else _nearest(graph)
    theme = DARK if dark else LIGHT
    left = len(graph) - len(drawn)
    more = f" ({left:,} more are not drawn)" if left else ""
    title = f"Who can become administrator{f': around {around}' if around else ''}{more}"
    return Picture(_svg(drawn, title, theme), _told(drawn, title))


def drawn_people(found: Escalation) -> list[str]:
    """Who is in the picture of a whole account, as ``user ada``."""
    return sorted(node for node in _graph(found) if node in found.callers)


def _graph(found: Escalation) -> nx.DiGraph:
    """Everybody on a way, with the best way between each two."""
    graph = nx.DiGraph()
    for name, reach in found.reaches.items():
        graph.add_node(name, layer=-reach.distance, sure=reach.truth is True)
    for name, reach in found.reaches.items():
        for way in (ways[0] for ways in reach.ways.values()):
            target = way.becomes or _ITSELF
            if target not in graph:
                graph.add_node(target, layer=0, sure=True)
            if not graph.has_edge(name, target) or way.truth is True:
                graph.add_edge(name, target, way=way)
    alone = [n for n in graph if not graph.degree(n)]
    graph.remove_nodes_from(alone)
    return graph


def _node(graph: nx.DiGraph, name: str) -> str:
    for node in (name, f"user {name}", f"role {name}"):
        if node in graph:
            return node
    hint = did_you_mean(name, [node.partition(" ")[2] for node in graph]) or "."
    raise InputError(f"{name!r} is no administrator and on no way to become one{hint}")


def _cut(graph: nx.DiGraph, node: str) -> nx.DiGraph:
    """Those near one, over whom it goes first, in either direction."""
    ahead = nx.single_source_shortest_path_length(graph, node)
    behind = nx.single_source_shortest_path_length(graph.reverse(copy=False), node, _NEIGHBOURHOOD)
    near = sorted({**behind, **ahead}.items(), key=lambda item: (item[1], item[0]))
    return graph.subgraph([name for name, _ in near[:MOST]])


def _nearest(graph: nx.DiGraph) -> nx.DiGraph:
    order = sorted(graph, key=lambda n: (-graph.nodes[n]["layer"], -graph.in_degree(n), n))
    return graph.subgraph(order[:MOST])


def _svg(graph: nx.DiGraph, title: str, theme: Theme) -> str:
    layers: dict[int, int] = {}
    for node in graph:
        layers[graph.nodes[node]["layer"]] = layers.get(graph.nodes[node]["layer"], 0) + 1
    size = (3 + 2.8 * max(len(layers), 2), 1.6 + 0.34 * max([*layers.values(), 4]))
    with mpl.rc_context({**STYLE, "font.size": 10}):
        figure = Figure(figsize=size, layout="constrained", facecolor=theme.ground)
        axes = figure.add_subplot(facecolor=theme.ground)
        axes.set_title(title, color=theme.text, fontsize=12, fontweight="bold", loc="left")
        axes.axis("off")
        if graph:
            _draw(axes, graph, theme)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _ordered(graph: nx.DiGraph) -> dict[int, list[str]]:
    """The columns from the left; in each those beside each other who lead to the same."""
    height: dict[str, float] = {}
    columns: dict[int, list[str]] = {}
    for layer in sorted({graph.nodes[n]["layer"] for n in graph}, reverse=True):
        inside = sorted(n for n in graph if graph.nodes[n]["layer"] == layer)
        ahead = {n: [height[m] for m in graph.successors(n) if m in height] for n in inside}
        inside.sort(key=lambda n: sum(ahead[n]) / len(ahead[n]) if ahead[n] else 0.5)
        height |= {n: (place + 1) / (len(inside) + 1) for place, n in enumerate(inside)}
        columns[layer] = inside
    return dict(sorted(columns.items()))


def _draw(axes: Axes, graph: nx.DiGraph, theme: Theme) -> None:
    layers = _ordered(graph)
    places: Mapping[str, tuple[float, float]] = nx.multipartite_layout(graph, subset_key=layers)
    boxes = {node: _draw_node(axes, graph, node, place, theme) for node, place in places.items()}
    for start, end, data in graph.edges(data=True):
        sure = data["way"].truth is True
        axes.annotate(
            "",
            xy=places[end],
            xytext=places[start],
            arrowprops={
                "arrowstyle": "-|>",
                "color": theme.open if sure else theme.depends,
                "linestyle": "-" if sure else "--",
                "linewidth": 1,
                "shrinkA": 0,
                "shrinkB": 2,
                "patchA": boxes[start],
                "patchB": boxes[end],
                "connectionstyle": "arc3,rad=0.06",
                "alpha": 0.8,
            },
        )
    axes.margins(0.14, 0.06)
    axes.update_datalim(list(places.values()))
    axes.autoscale_view()
    _legend(axes, theme)


def _draw_node(
    axes: Axes, graph: nx.DiGraph, node: str, place: tuple[float, float], theme: Theme
) -> Any:
    """A box with a name, with round corners for a user; the arrows end at its edge."""
    corners = "square" if node.startswith("role ") else "round"
    box = {
        "boxstyle": f"{corners},pad=0.25",
        "facecolor": theme.ground,
        "edgecolor": _colour(graph, node, theme),
        "linewidth": 1.4,
    }
    text = axes.annotate(
        _short(node), place, ha="center", va="center", color=theme.text, bbox=box, zorder=4
    )
    return text.get_bbox_patch()


def _legend(axes: Axes, theme: Theme) -> None:
    entries: tuple[tuple[str, str, Literal["-", "--"]], ...] = (
        ("administrator", theme.admin, "-"),
        ("can become one", theme.open, "-"),
        ("it depends", theme.depends, "--"),
    )
    handles = [
        mpl.lines.Line2D([], [], color=colour, linestyle=line, label=word)
        for word, colour, line in entries
    ]
    legend = axes.legend(handles=handles, frameon=False, fontsize=9, ncols=3, loc="upper left")
    legend.set_in_layout(True)
    for text in legend.get_texts():
        text.set_color(theme.text)
    legend.set_bbox_to_anchor((0, 0))


def _colour(graph: nx.DiGraph, node: str, theme: Theme) -> str:
    if not graph.nodes[node]["sure"]:
        return theme.depends
    return theme.admin if graph.nodes[node]["layer"] == 0 else theme.open


def _short(name: str) -> str:
    text = printable(name)
    return text if len(text) <= _LABEL else f"{text[: _LABEL - 1]}…"


def _told(graph: nx.DiGraph, title: str) -> str:
    said = []
    for start, end, data in graph.edges(data=True):
        way: Way = data["way"]
        maybe = "" if way.truth is True else " perhaps"
        said.append(f"{start} to {end}{maybe}, by {way.steps[0].action}")
    return f"{title}: {'; '.join(said) or 'nobody beside those who are'}."
