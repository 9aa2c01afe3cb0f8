"""One look for every figure: readable type, colours that colour-blind readers can tell apart, and alt text always."""

import base64
import io

import numpy as np

# Okabe and Ito, "Color Universal Design" (2008): distinct with any common kind of colour vision.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY)
INK, GREY = "#222222", "#767676"

_WIDTH = 6.4  # inches; 640 px on a page
_STYLE = {
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "font.size": 12,
    "axes.titlesize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 2.2,
}


def figure(rows=1, columns=1, height=3.6, **options):
    """A figure in the book's look, as wide as a page: (figure, axes), as `matplotlib.pyplot.subplots` gives them."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    mpl.rcParams.update(_STYLE)
    mpl.rcParams["axes.prop_cycle"] = mpl.cycler(color=COLOURS)
    return plt.subplots(rows, columns, figsize=(_WIDTH, height), **options)


def show(fig, alt, photographs=False):
    """Show a figure in a notebook as a PNG that carries its alternative text, and close it.

    alt: what the picture says, for readers who do not see it. photographs: the figure holds pictures whose colours
    mean something, so dark pages must not invert it.
    """
    import matplotlib.pyplot as plt
    from IPython.display import display

    content = io.BytesIO()
    fig.savefig(content, format="png", dpi=200, metadata={"Software": None})
    plt.close(fig)
    picture = {"image/png": base64.b64encode(content.getvalue()).decode(), "text/plain": alt}
    about = {"alt": alt, "width": round(fig.get_figwidth() * 100), "photographs": photographs}
    display(picture, raw=True, metadata={"image/png": about})


def history(run, chance=None):
    """Loss and accuracy over the epochs of a `training.Run`, the loss axis from zero. Returns the figure.

    chance: number of classes; marks what guessing gives.
    """
    fig, (left, right) = figure(1, 2, height=3.2)
    epochs = [row["epoch"] for row in run.history]
    for key, colour, label, marker in (("", BLUE, "training", "o"), ("test_", ORANGE, "test", "s")):
        left.plot(epochs, [row[f"{key}loss"] for row in run.history], marker + "-", color=colour, label=label)
        right.plot(
            epochs, [100 * row[f"{key}accuracy"] for row in run.history], marker + "-", color=colour, label=label
        )
    if chance:
        left.axhline(np.log(chance), color=GREY, linestyle=":", linewidth=1.5)
        left.text(
            epochs[-1], np.log(chance), f"ln {chance}: guessing", va="bottom", ha="right", color=GREY, fontsize=10
        )
        right.axhline(100 / chance, color=GREY, linestyle=":", linewidth=1.5)
    highest = max(np.log(chance or 1), *(row[key] for row in run.history for key in ("loss", "test_loss")))
    left.set(xlabel="epoch", ylabel="cross-entropy (nats)", title="Loss", ylim=(0, 1.2 * highest))
    right.set(xlabel="epoch", ylabel="%", title="Accuracy", ylim=(0, 100))
    for axis in (left, right):
        axis.set_xticks(epochs if len(epochs) < 8 else epochs[:: len(epochs) // 5])
    right.legend(loc="lower right", bbox_to_anchor=(1, 0.12))
    return fig


def pictures(images, titles=None, columns=6, colours=None):
    """A grid of pictures (n, height, width, 3) uint8 with a title each. Returns the figure."""
    rows = -(-len(images) // columns)
    lines = max((title.count("\n") + 1 for title in titles), default=0) if titles else 0
    fig, axes = figure(rows, columns, height=rows * (_WIDTH / columns + 0.2 * lines), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for i, (axis, image) in enumerate(zip(axes.flat, images, strict=False)):
        axis.imshow(image, interpolation="nearest")
        if titles:
            axis.set_title(titles[i], fontsize=9.5, color=colours[i] if colours else INK)
    return fig


def confusion(matrix, names):
    """A confusion matrix (true class down, predicted across), each cell with its number. Returns the figure."""
    fig, axis = figure(height=5.8)
    shares = matrix / matrix.sum(1, keepdims=True).clip(1)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*matrix.shape):
        dark = shares[row, column] > 0.55
        axis.text(
            column, row, matrix[row, column], ha="center", va="center", fontsize=9.5, color="white" if dark else INK
        )
    axis.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axis.set_yticks(range(len(names)), names)
    axis.set(xlabel="predicted", ylabel="true")
    axis.spines[:].set_visible(False)
    return fig


def shares(names, *series):
    """Horizontal bars of shares, one panel for each (title, values). Returns the figure."""
    fig, axes = figure(1, len(series), height=0.42 * len(names) + 0.9, sharey=True)
    for axis, (title, values), colour in zip(axes, series, COLOURS, strict=False):
        percents = 100 * np.asarray(values, dtype=float) / sum(values)
        axis.barh(names, percents, color=colour)
        for y, percent in enumerate(percents):
            axis.text(
                percent + 1, y, f"{percent:.1f}" if percent >= 0.1 else f"{percent:.2f}", va="center", fontsize=10.5
            )
        axis.set(title=title, xlim=(0, 1.18 * max(percents)), xticks=[])
        axis.spines["bottom"].set_visible(False)
        axis.tick_params(left=False)
    axes[0].invert_yaxis()
    return fig


def towers(net, height=3.4, labels=True):
    """The layers with weights drawn to scale from the table, one row for each tower. Returns the figure.

    A block is as tall as its maps (fully connected layers: a fixed height) and as wide as the square root of how many
    there are in a tower; lines show which maps a layer reads.
    """
    from matplotlib.patches import Rectangle

    rows = [row for row in net if row.kind in ("input", "conv", "fc")]
    fig, axis = figure(height=height)
    colours = (BLUE, ORANGE)
    gap = 22
    side = max(row.output_shape[0] for row in rows[1:] if row.kind == "conv")
    centres = [0.0] if net.towers == 1 else [side * 0.72, -side * 0.72]
    x, before = 0.0, []
    for row in rows:
        maps = row.output_shape[-1] / (1 if row.kind == "input" else net.towers)
        tall = {"input": side, "fc": 0.75 * side}.get(row.kind, row.output_shape[0])
        wide = 4 if row.kind == "input" else 1.1 * maps**0.5 if row.kind == "conv" else 0.22 * maps**0.5
        last = row is rows[-1]
        places = [0.0] if row.kind == "input" or last else centres
        blocks = []
        for tower, y in enumerate(places):
            colour = GREY if row.kind == "input" or last else colours[tower]
            axis.add_patch(
                Rectangle((x, y - tall / 2), wide, tall, facecolor=colour, edgecolor="white", alpha=0.92, zorder=3)
            )
            blocks.append((x, y, wide, tall))
            for source, (x0, y0, w0, _) in enumerate(before):
                own = row.groups > 1 and len(before) > 1 and source != tower
                if not own:
                    axis.plot([x0 + w0, x], [y0, y], color=GREY, linewidth=1.3, zorder=1)
        if labels:
            top = max(y for _, y, _, _ in blocks) + tall / 2
            axis.text(x + wide / 2, top + 3, row.name, ha="center", va="bottom", fontsize=10, fontweight="bold")
            bottom = min(y for _, y, _, _ in blocks) - tall / 2
            size = f"{row.output_shape[0]}²" if len(row.output_shape) == 3 else ""
            number = f"{maps:,.0f}" if not last else f"{row.size:,}"
            axis.text(
                x + wide / 2, bottom - 3, f"{size}\n×{number}" if size else number, ha="center", va="top", fontsize=9.5
            )
        before = blocks
        x += wide + gap
    axis.set_xlim(-6, x - gap + 8)
    reach = max(centres) + side / 2
    axis.set_ylim(-reach - 20, reach + 12)
    axis.set_aspect("equal")
    axis.axis("off")
    return fig
