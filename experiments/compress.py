"""Pruning, weight sharing and Huffman coding of the network that the book ships: accuracy against bytes at every step.

Writes assets/records/compression.json, read by the chapter on compressing AlexNet. In turn:

1. how much each layer can be pruned alone, judged on some of the training pictures, which choose the layers' shares;
2. pruning by these shares in two rounds, each followed by a short training of what is left;
3. weight sharing at several widths, of the pruned network and of the whole one; at some of the widths with a short
   training of the shared values;
4. Huffman codes, and gzip for comparison.

Every accuracy of steps 2 to 4 is that of the network decoded from the file whose bytes are counted, on all test
pictures. A second call does what is missing; what was trained waits in _build/compress.

    python experiments/compress.py
"""

import dataclasses
import gzip
import hashlib
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from alexnet import compression, data, model, training

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "assets" / "records" / "compression.json"
TRAINED = ROOT / "_build" / "compress"
RUNTIME = ROOT / "alexnet" / "explorers" / "front" / "vendor" / "litert"
NETWORK = "cifar10-tower"
SHARES = (0.5, 0.7, 0.8, 0.9, 0.95)
# Training pictures that choose the shares, and the points of accuracy on them that a layer alone may cost.
JUDGES, ALLOWED = 1000, 0.05
ROUNDS = (5_000, 10_000)  # training pictures after each round of pruning
WIDTHS, WIDTHS_UNPRUNED = (4, 3, 2), (4,)
TUNED, TUNING = (2,), 5_000  # widths whose shared values are trained, and on how many pictures
INDEX_BITS = 4  # as the paper has it for AlexNet (section 5.2)
HUFFMAN_INDEX_BITS = 6  # rare gaps cost little there, and fillers become fewer
# Small batches, as the trainings have few pictures.
RECIPE = training.Recipe(epochs=1, batch_size=64, learning_rate=0.01, precision="float32")


def layers(network):
    """The names of the layers with weights, from the input on."""
    return list(compression.weights(network))


def accuracy(network, pictures, labels):
    return float((training.predict(network, pictures).argmax(1) == labels).mean())


def sensitivity(network, pictures, labels):
    """[{layer, share, accuracy}]: each layer pruned alone, the rest untouched; and the accuracy of the whole network.

    What lies below a layer does not change, so it is computed once for all shares.
    """
    found, before = [], pictures
    last = network.input
    for name in layers(network):
        layer = network.get_layer(name)
        if layer.input is not last:
            before = keras.Model(last, layer.input).predict(before, batch_size=100, verbose=0)
            last = layer.input
        behind = keras.Model(last, network.output)
        whole = keras.ops.convert_to_numpy(layer.kernel)
        for share in SHARES:
            layer.kernel.assign(whole * compression.magnitude_mask(whole, share))
            found.append({"layer": name, "share": share, "accuracy": accuracy(behind, before, labels)})
        layer.kernel.assign(whole)
    return found, accuracy(keras.Model(last, network.output), before, labels)


def chosen(rows, untouched):
    """{layer: share}: the largest share that costs at most ALLOWED, or 0 where none does."""
    shares = dict.fromkeys((row["layer"] for row in rows), 0.0)
    for row in rows:
        if untouched - row["accuracy"] <= ALLOWED:
            shares[row["layer"]] = max(shares[row["layer"]], row["share"])
    return shares


def halfway(shares):
    """The shares of the first round: the square root of what is kept at the end, so both rounds prune by one factor."""
    return {name: round(1 - (1 - share) ** 0.5, 4) for name, share in shares.items()}


def trained(network, pictures, seed, dataset):
    """A short training under the constraints that the network has; returns what the record keeps of it."""
    part = dataset.subset(train=pictures, test=len(dataset.class_names), seed=seed)
    run = training.train(network, part, dataclasses.replace(RECIPE, seed=seed), progress=False)
    if run.stopped:
        raise RuntimeError(run.stopped)
    return {"pictures": pictures, "seed": seed, "loss": round(run.history[-1]["loss"], 4)}


def kept_for_later(name, network, make):
    """Train, or load what a call with the same settings trained: the network's weights and `make`'s note are kept."""
    settings = hashlib.sha256(json.dumps(chosen_settings()).encode()).hexdigest()[:12]
    path = TRAINED / settings / f"{name}.npz"
    if not path.exists():
        note = make()
        arrays = {
            f"{layer}/{part}": values
            for layer, pair in compression.weights(network).items()
            for part, values in zip(("kernel", "bias"), pair, strict=True)
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path.with_suffix(".part.npz"), note=json.dumps(note), **arrays)
        path.with_suffix(".part.npz").rename(path)
    with np.load(path) as stored:
        names = layers(network)
        compression.load(network, {name: (stored[f"{name}/kernel"], stored[f"{name}/bias"]) for name in names})
        return json.loads(str(stored["note"]))


def measured(network, index_bits, huffman, dataset):
    """Bytes of the file, its parts, and how many test pictures the network that is decoded from it gets right."""
    stored = compression.weights(network)
    content = compression.encode(stored, index_bits, huffman)
    other = model.pretrained(NETWORK)
    compression.load(other, compression.decode(content))
    kernels = [kernel for kernel, _ in compression.weights(other).values()]
    if _same(other, model.pretrained(NETWORK)):
        share = model.about(NETWORK)["test_accuracy"]  # of the same weights, on the same pictures
    else:
        share = accuracy(other, dataset.x_test, dataset.y_test)
    return {
        "bytes": len(content),
        "gzip": len(gzip.compress(content, 9, mtime=0)),
        "parts": compression.sizes(stored, index_bits, huffman),
        "zero": round(sum((kernel == 0).sum() for kernel in kernels) / sum(kernel.size for kernel in kernels), 5),
        "right": round(share * len(dataset.y_test)),
    }


def _same(one, other):
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def coded(network, index_bits):
    """Bytes of the file with Huffman codes, whose network is the same, at several widths of the gaps."""
    stored = compression.weights(network)
    widths = (INDEX_BITS, HUFFMAN_INDEX_BITS) if index_bits else (0,)
    return [
        {
            "index_bits": width,
            "bytes": len(content := compression.encode(stored, width)),
            "gzip": len(gzip.compress(content, 9, mtime=0)),
            "parts": compression.sizes(stored, width),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        for width in widths
    ]


def chosen_settings():
    """Everything that is chosen here, as the record has it; a record of other settings is begun anew."""
    settings = {
        "shares": SHARES,
        "judges": JUDGES,
        "allowed": ALLOWED,
        "rounds": ROUNDS,
        "widths": WIDTHS,
        "widths_unpruned": WIDTHS_UNPRUNED,
        "tuned": TUNED,
        "tuning": TUNING,
        "index_bits": INDEX_BITS,
        "huffman_index_bits": HUFFMAN_INDEX_BITS,
        "recipe": dataclasses.asdict(RECIPE),
        "weights_sha256": hashlib.sha256((model.weights_folder() / f"{NETWORK}.tflite").read_bytes()).hexdigest(),
    }
    return json.loads(json.dumps(settings))


class Record:
    """The record, written after everything that is found."""

    def __init__(self, dataset):
        settings = chosen_settings()
        old = json.loads(RECORD.read_text()) if RECORD.exists() else {}
        content = (model.weights_folder() / f"{NETWORK}.tflite").read_bytes()
        self.found = {
            "question": "accuracy against bytes of a trained network that is pruned, shared and Huffman coded",
            "network": NETWORK,
            "settings": settings,
            "parameters": model.pretrained(NETWORK).count_params(),
            "page_file": {
                "bytes": len(content),
                "gzip": len(gzip.compress(content, 9, mtime=0)),
                # What runs it in the browser, as it is stored: the program is compressed already.
                "runtime": sum(path.stat().st_size for path in RUNTIME.iterdir() if path.suffix),
            },
            "sensitivity": None,
            "steps": [],
        }
        if old.get("settings") == settings:
            self.found |= {key: old[key] for key in ("sensitivity", "steps")}
        self.dataset = dataset

    def write(self):
        here = {
            "test": len(self.dataset.x_test),
            "dataset": self.dataset.provenance,
            "environment": training.environment(),
            "date": training.now(),
        }
        RECORD.parent.mkdir(parents=True, exist_ok=True)
        RECORD.write_text(json.dumps(self.found | here, indent=1) + "\n")

    def step(self, name, network, index_bits, training_note=None, shared=None):
        """Measure a step that is not there yet: as a file with codes of fixed width, and with Huffman codes."""
        if name not in {step["step"] for step in self.found["steps"]}:
            row = {"step": name, "bits": shared, "index_bits": index_bits, "trained": training_note}
            row |= measured(network, index_bits, False, self.dataset)
            row["huffman"] = coded(network, index_bits) if shared else []
            self.found["steps"].append(row)
            self.write()
        row = next(row for row in self.found["steps"] if row["step"] == name)
        print(f"{name}: {row['bytes']:,} bytes, {row['right']} right", flush=True)


def main():
    dataset = data.cifar10()
    record = Record(dataset)
    if record.found["sensitivity"] is None:
        judges = dataset.subset(train=JUDGES, test=len(dataset.class_names), seed=RECIPE.seed)
        rows, untouched = sensitivity(model.pretrained(NETWORK), judges.x_train, judges.y_train)
        record.found["sensitivity"] = {"untouched": untouched, "rows": rows, "chosen": chosen(rows, untouched)}
        record.write()
    shares = record.found["sensitivity"]["chosen"]
    print(shares, flush=True)

    record.step("as shipped", model.pretrained(NETWORK), 0)
    network = model.pretrained(NETWORK)
    compression.prune(network, shares)
    record.step("pruned at once", network, INDEX_BITS)

    network, notes = model.pretrained(NETWORK), []
    for number, (target, pictures) in enumerate(zip((halfway(shares), shares), ROUNDS, strict=True), 1):
        compression.prune(network, target)
        note = kept_for_later(
            f"round-{number}",
            network,
            lambda number=number, pictures=pictures: trained(network, pictures, number, dataset),
        )
        notes = [*notes, note]
    record.step("pruned and trained", network, INDEX_BITS, notes)
    pruned = compression.weights(network)

    for width in WIDTHS:
        _shared(record, pruned, width, f"shared, {width} bits", INDEX_BITS, notes)
    for width in TUNED:
        network = _shared(record, pruned, width, None, INDEX_BITS, notes)
        note = kept_for_later(
            f"tuned-{width}",
            network,
            lambda network=network, width=width: trained(network, TUNING, 10 + width, dataset),
        )
        record.step(f"shared and trained, {width} bits", network, INDEX_BITS, [*notes, note], width)
    for width in WIDTHS_UNPRUNED:
        whole = compression.weights(model.pretrained(NETWORK))
        _shared(record, whole, width, f"shared only, {width} bits", 0, None)


def _shared(record, stored, width, name, index_bits, notes):
    """The network of these weights, shared at a width; measured if it has a name."""
    network = model.pretrained(NETWORK)
    compression.load(network, stored)
    compression.share(network, dict.fromkeys(layers(network), width))
    if name:
        record.step(name, network, index_bits, notes, width)
    return network


if __name__ == "__main__":
    main()
