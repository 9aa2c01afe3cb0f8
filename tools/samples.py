"""Makes the sample pictures of the explorers, alexnet/explorers/front/assets/samples.json: `make samples`.

Photographs that scikit-image and scikit-learn carry, cut to squares, and drawings of our own. Nothing from a dataset.
Each has the 32x32 pixels that a network for CIFAR-10 sees (PNG, exact) and a larger copy (JPEG) to look at.
"""

import base64
import io
import json
import sys
from pathlib import Path

from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "alexnet" / "explorers" / "front" / "assets" / "samples.json"
LARGE, SMALL = 160, 32
SKY, SEA, INK = (190, 217, 242), (38, 84, 124), (30, 32, 36)

# What each photograph shows, its name in `alexnet.data.PHOTOGRAPHS`, and the square: left, top, side.
CUTS = (
    ("a cat", "cat", (105, 0, 300)),
    ("a rocket", "rocket", (150, 20, 400)),
    ("a motorcycle", "motorcycle", (150, 60, 430)),
    ("an astronaut", "astronaut", (90, 0, 260)),
    ("a flower", "flower", (130, 0, 420)),
    ("a temple", "temple", (170, 30, 390)),
    ("a cup of coffee", "coffee", (120, 20, 370)),
)


def _stripes():
    """Stripes in eight directions, from the middle of each part of a wheel."""
    import numpy as np

    y, x = np.mgrid[-1 : 1 : LARGE * 4j, -1 : 1 : LARGE * 4j]
    part = np.floor((np.arctan2(y, x) / np.pi + 1) * 4 + 0.5) % 8 * np.pi / 4
    wave = np.sin(2 * np.pi * 6 * (np.cos(part) * x + np.sin(part) * y))
    return Image.fromarray(np.uint8(np.where(wave > 0, 235, 25)))


def _colours():
    """Squares of nine colours."""
    picture = Image.new("RGB", (3, 3))
    picture.putdata(
        [
            (214, 39, 40),
            (255, 127, 14),
            (240, 220, 60),
            (44, 160, 44),
            (245, 245, 245),
            (23, 190, 207),
            (31, 60, 180),
            (148, 60, 189),
            (20, 20, 20),
        ]
    )
    return picture.resize((LARGE * 4, LARGE * 4), Image.Resampling.NEAREST)


def _drawn(ground, horizon, shapes):
    """A drawing on a square of 100 units: the sky, a ground below the horizon, and shapes (kind, points, colour)."""
    scale = LARGE * 4 / 100
    picture = Image.new("RGB", (LARGE * 4, LARGE * 4), SKY)
    pen = ImageDraw.Draw(picture)
    for kind, points, colour in [("rectangle", (0, horizon, 100, 100), ground), *shapes]:
        getattr(pen, kind)([scale * number for number in points], fill=colour)
    return picture


def _ship():
    return _drawn(
        SEA,
        66,
        [
            ("polygon", (8, 58, 92, 58, 80, 78, 20, 78), (150, 40, 36)),
            ("rectangle", (30, 44, 74, 58), (240, 240, 236)),
            ("rectangle", (52, 28, 62, 44), INK),
            ("rectangle", (34, 48, 40, 53), INK),
            ("rectangle", (46, 48, 52, 53), INK),
            ("rectangle", (58, 48, 64, 53), INK),
        ],
    )


def _truck():
    return _drawn(
        (110, 112, 116),
        76,
        [
            ("rectangle", (8, 30, 64, 72), (236, 236, 230)),
            ("polygon", (66, 42, 82, 42, 92, 56, 92, 72, 66, 72), (196, 40, 44)),
            ("polygon", (71, 46, 81, 46, 87, 56, 71, 56), (60, 80, 100)),
            ("ellipse", (16, 64, 34, 82), INK),
            ("ellipse", (70, 64, 88, 82), INK),
        ],
    )


def _aeroplane():
    return _drawn(
        SKY,
        99,
        [
            ("ellipse", (10, 44, 90, 58), (225, 228, 232)),
            ("polygon", (40, 52, 58, 52, 76, 80, 66, 80), (170, 176, 184)),
            ("polygon", (44, 48, 58, 48, 70, 28, 62, 28), (150, 156, 164)),
            ("polygon", (78, 48, 90, 48, 96, 26, 88, 26), (180, 50, 50)),
        ],
    )


DRAWINGS = (
    ("a ship, drawn", _ship),
    ("a truck, drawn", _truck),
    ("an aeroplane, drawn", _aeroplane),
    ("stripes in eight directions", _stripes),
    ("nine colours", _colours),
)


def _encoded(picture, side, kind, **options):
    buffer = io.BytesIO()
    picture.convert("RGB").resize((side, side), Image.Resampling.BOX).save(buffer, kind, **options)
    return base64.b64encode(buffer.getvalue()).decode()


def _entry(name, credit, picture):
    return {
        "name": name,
        "credit": credit,
        "small": _encoded(picture, SMALL, "PNG", optimize=True),
        "large": _encoded(picture, LARGE, "JPEG", quality=80, optimize=True),
    }


def main():
    sys.path.insert(0, str(ROOT))
    from alexnet import data

    photographs = {photo.name: photo for photo in data.PHOTOGRAPHS}
    entries = []
    for name, photo, (left, top, side) in CUTS:
        pixels = Image.fromarray(data.photograph(photographs[photo]))
        entries.append(_entry(name, photographs[photo].credit, pixels.crop((left, top, left + side, top + side))))
    entries += [_entry(name, "a drawing made for this book", draw()) for name, draw in DRAWINGS]
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n")
    print(f"{TARGET.relative_to(ROOT)}: {len(entries)} pictures, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
