"""Puts beside the explorers' modules what they fetch: the network, the history, and pictures cut from a dataset.

The book's build calls `ship`. It cuts from CIFAR-10's test set where that is on this machine, and otherwise uses what
`make weights` cut from the photographs of `data.patches10` and the repository holds: nothing of CIFAR-10 is committed.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from alexnet import data, timeline  # noqa: E402
from alexnet.explorers import pictures  # noqa: E402

WEIGHTS = ROOT / "assets" / "weights"
STRONGEST = ROOT / "assets" / "records" / "cifar10-tower-strongest.json"
ASSETS = ROOT / "alexnet" / "explorers" / "front" / "assets"
# The explorer shows so many of each map's strongest places; more would weigh more than the network.
SHOWN = 5
ACROSS = 32


def ship(folder):
    """Write everything into a folder, from CIFAR-10 if it is here."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in (*WEIGHTS.iterdir(), *ASSETS.iterdir()):
        shutil.copy(path, folder)
    (folder / "timeline.json").write_text(timeline.to_json() + "\n", encoding="utf-8")
    try:
        cifar = data.cifar10(download=False)
    except data.DataError:
        return
    cut(folder, cifar, "cifar10")


def cut(folder, dataset, key):
    """Write the samples and the strongest places of a dataset's test pictures; `key` is its name in the record."""
    names = dataset.class_names
    # The photographs that patches10 is cut from are samples already.
    samples = pictures.from_test_set(dataset, pictures.first_of_each_class(dataset) if key == "cifar10" else [])
    (folder / "cifar10-samples.json").write_text(json.dumps(samples) + "\n")
    for layer, found in json.loads(STRONGEST.read_text())[key]["layers"].items():
        where = np.array(found["where"])[:, :SHOWN]
        numbers, tiles = np.unique(where[..., 0], return_inverse=True)
        places = np.concatenate([tiles.reshape(*where.shape[:2], 1), where[..., 1:]], -1)
        about = {
            "side": dataset.x_test.shape[1],
            "source": dataset.provenance,
            "maps": places.tolist(),
            "values": [row[:SHOWN] for row in found["value"]],
            "names": [names[label] for label in dataset.y_test[numbers]],
        }
        (folder / f"strongest-{layer}.json").write_text(json.dumps(about, separators=(",", ":")) + "\n")
        _atlas(dataset.x_test[numbers]).save(folder / f"strongest-{layer}.webp", quality=75, method=6)


def _atlas(tiles):
    """All tiles, (count, height, width, 3), in rows of ACROSS on one sheet."""
    count, height, width, _ = tiles.shape
    rows = -(-count // ACROSS)
    sheet = np.zeros((rows * ACROSS, height, width, 3), "uint8")
    sheet[:count] = tiles
    sheet = sheet.reshape(rows, ACROSS, height, width, 3).transpose(0, 2, 1, 3, 4)
    return Image.fromarray(sheet.reshape(rows * height, ACROSS * width, 3))


def main():
    cut(ASSETS, data.patches10(), "patches10")
    weight = sum(path.stat().st_size for path in ASSETS.glob("strongest-*"))
    print(f"{ASSETS.relative_to(ROOT)}: the strongest places of all maps in {weight:,} bytes")


if __name__ == "__main__":
    main()
