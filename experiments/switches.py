"""What is each switch of a training step, and of the pipeline that feeds it, worth on this machine?

Writes assets/records/switches-cpu.json, or another file that is named; parts that are not asked for stay. Read by the
chapter "Train on the GPU you have", which measures the same on the reader's machine. Everything is measured in turn, so
that what else the machine does disturbs all alike; read the ratios.

    python experiments/switches.py [FILE [steps] [feeding] [fed]]
"""

import itertools
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from alexnet import data, speed, training

RECORD = Path(__file__).resolve().parents[1] / "assets" / "records" / "switches-cpu.json"
NETWORK, BATCH, ROUNDS = "cifar10-tower", 128, 5


def steps(batch=BATCH, short="mixed_bfloat16"):
    """The cases of a step, each with one switch of the first one turned: {name: arguments of speed.training_step}."""
    base = {"preset": NETWORK, "batch_size": batch, "xla": False}
    pictures, labels = speed.noise(NETWORK, batch)
    host = {kind: itertools.repeat((pictures.astype(kind), labels)) for kind in ("uint8", "float32")}
    return {
        "a graph, float32": base,
        "no graph": base | {"eager": True},
        "XLA": base | {"xla": True},
        short: base | {"precision": short},
        "a quarter of the batch": base | {"batch_size": batch // 4},
        "four times the batch": base | {"batch_size": 4 * batch},
        "from the host, uint8": base | {"batches": host["uint8"]},
        "from the host, float32": base | {"batches": host["float32"]},
    }


FEEDS = {
    "decode in every pass": {},
    "augment": {"augment": True},
    "shuffle": {"shuffle": True},
    "cache": {"cache": True},
    "parallel": {"parallel": True},
    "prefetch": {"prefetch": True},
    "all of them": dict.fromkeys(("augment", "shuffle", "cache", "parallel", "prefetch"), True),
}
FED = ("decode in every pass", "prefetch", "all of them")


def files(count=256, side=256):
    """JPEG files of square pieces of the book's photographs, and the number of the photograph for each."""
    import tensorflow as tf

    photographs = [data.photograph(photo) for photo in data.PHOTOGRAPHS]
    rng = np.random.default_rng(0)
    jpegs, labels = [], []
    for number in range(count):
        picture = photographs[number % len(photographs)]
        top, left = (rng.integers(0, size - side + 1) for size in picture.shape[:2])
        jpegs.append(tf.io.encode_jpeg(picture[top : top + side, left : left + side], quality=90).numpy())
        labels.append(number % len(photographs))
    return jpegs, np.array(labels)


def feeding(batch=32, rounds=ROUNDS):
    """Pictures a second that each pipeline hands over, where nothing else is done: two passes over the files a turn."""
    jpegs, labels = files()
    count = 2 * len(jpegs) // batch
    calls = {
        name: speed.passes(speed.feed(jpegs, labels, batch, 224, **switches), count) for name, switches in FEEDS.items()
    }
    return _rows(speed.in_turn(calls, rounds), count * batch)


def fed(batch=BATCH, rounds=ROUNDS, count=10):
    """Pictures a second of the training step, when each pipeline feeds it with pictures of CIFAR-10's size."""
    import tensorflow as tf

    small = data.patches10(batch * count, 100)
    jpegs = [tf.io.encode_jpeg(picture, quality=90).numpy() for picture in small.x_train]
    step = speed.training_step(NETWORK, batch, xla=False)
    calls = {"no pipeline": lambda: [step() for _ in range(count)]}
    for name in FED:
        calls[name] = speed.passes(speed.feed(jpegs, small.y_train, batch, 32, **FEEDS[name]), count, step)
    return _rows(speed.in_turn(calls, rounds), count * batch)


def _rows(measured, pictures):
    rows = []
    for name, seconds in measured.items():
        if name is not None:
            rates = [pictures / taken for taken in seconds]
            ratio = speed.ratios(rates, rows[0]["images_per_second"] if rows else rates)
            rows.append({"name": name, "images_per_second": rates, "ratio": ratio})
    return rows


def main(path=RECORD, *parts):
    path = Path(path)
    record = json.loads(path.read_text()) if path.exists() else {}
    record["question"] = "how many times as fast is a training step, or the pipeline that feeds it, by one switch?"
    record |= {"network": NETWORK, "batch_size": BATCH}
    measures = {"steps": lambda: speed.switches(steps(), ROUNDS), "feeding": feeding, "fed": fed}
    for part in parts or measures:
        about = {"environment": training.environment(), "driver": speed.driver(), "date": training.now()}
        record[part] = {"rows": measures[part]()} | about
        path.write_text(json.dumps(record, indent=1) + "\n")
        for row in record[part]["rows"]:
            rate, ratio = speed.spread(row["images_per_second"]), speed.spread(row["ratio"])
            print(f"{row['name']:<24}{rate['median']:>8.0f} images/s {ratio['median']:>6.2f}", end=" ")
            print(f"({ratio['low']:.2f} to {ratio['high']:.2f})", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
