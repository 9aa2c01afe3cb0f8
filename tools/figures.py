"""Draw the landing picture, the social card, the logo and the favicon from the architecture's table: `make figures`."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from alexnet import architecture, plots

FIGURES = Path(__file__).resolve().parents[1] / "assets" / "figures"
NET = architecture.PRESETS["paper-2012"]


def towers():
    """The landing page's picture: the two towers."""
    fig = plots.towers(NET)
    fig.savefig(FIGURES / "towers.png", dpi=200, metadata={"Software": None})
    plt.close(fig)


def social_card():
    """1200 x 630, what chat programs and networks show beside a link."""
    fig = plots.towers(NET, height=2.9, labels=False)
    fig.set_size_inches(6, 3.15)
    fig.get_layout_engine().set(rect=(0.1, 0.13, 0.8, 0.66))
    fig.suptitle("Inside AlexNet", fontsize=26, fontweight="bold", y=0.96)
    fig.text(
        0.5, 0.03, "The network of 2012, taken apart and trained again: an executable book", ha="center", fontsize=10.5
    )
    fig.savefig(FIGURES / "social-card.png", dpi=200, metadata={"Software": None})
    plt.close(fig)


def _blocks(x, top, scale, gap):
    """SVG rectangles for conv1 to conv5 of both towers, heights from the table."""
    parts = []
    for row in [row for row in NET if row.kind == "conv"]:
        height = scale * row.output_shape[0] ** 0.6
        for middle, colour in ((top, plots.BLUE), (top + gap, plots.ORANGE)):
            parts.append(
                f'<rect x="{x:.1f}" y="{middle - height / 2:.1f}" width="7" height="{height:.1f}" rx="1.5" '
                f'fill="{colour}"/>'
            )
        x += 10.5
    return "".join(parts)


def logo():
    """Two small towers; beside the name on the logo, alone on the favicon."""
    mark = _blocks(5, 17, 2.6, 30)
    favicon = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">{mark}</svg>\n'
    (FIGURES / "favicon.svg").write_text(favicon)
    name = (
        '<g font-family="system-ui, sans-serif" font-weight="700" font-size="25" fill="#7a7f87">'
        '<text x="70" y="29">Inside</text><text x="70" y="56">AlexNet</text></g>'
    )
    (FIGURES / "logo.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 180 64">{mark}{name}</svg>\n'
    )


if __name__ == "__main__":
    towers()
    social_card()
    logo()
