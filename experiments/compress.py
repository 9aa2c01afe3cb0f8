"""Pruning, weight sharing and Huffman coding of the network that the book ships: accuracy against bytes at every step.

Writes assets/records/compression.json, read by the chapter on compressing AlexNet. In turn:

1. how much each layer can be pruned alone, judged on some of the training pictures, which choose the layers' shares;
2. pruning by these shares at once, and weight sharing at several widths of the network that is not pruned;
3. pruning in two rounds, each followed by a short training of what is left;
4. weight sharing of the pruned network at these widths, then with a short training of the shared values.

Every step is written as a file with codes of fixed width and, where weights are shared, with Huffman codes; gzip is
there for comparison. Every answer is that of the network decoded from the file whose bytes are counted, and the record
keeps which test pictures are right, so that any two steps can be compared picture by picture.

The record is written when it is whole. Until then what was measured and trained waits in _build/compress, and a second
call does what is missing.

    python experiments/compress.py
"""

import base64
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
# Training pictures that choose the shares, and how many right answers on them pruning a layer alone may cost.
JUDGES, ALLOWED = 1000, 50
RULE = f"the largest share that costs at most {ALLOWED} of the right answers on {JUDGES} training pictures"
ROUNDS = (15_000, 35_000)  # training pictures after each round of pruning
WIDTHS = (4, 3, 2)
TUNED, TUNING = (2, 3), 5_000  # widths whose shared values are trained, and on how many pictures
# Widths of the gaps: 4 as the paper has it for AlexNet (section 5.2); at 6 there are fewer fillers.
INDEX_BITS = (4, 6)
# Small batches, as the trainings have few pictures.
RECIPE = training.Recipe(epochs=1, batch_size=64, learning_rate=0.01, precision="float32")


def layers(network):
    """The names of the layers with weights, from the input on."""
    return list(compression.weights(network))


def right(network, pictures, labels):
    """Which pictures the network gets right: bool, one for each."""
    return training.predict(network, pictures).argmax(1) == labels


def sensitivity(network, pictures, labels):
    """[{layer, share, right}]: each layer pruned alone, the rest untouched; and how many the whole network gets right.

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
            found.append({"layer": name, "share": share, "right": int(right(behind, before, labels).sum())})
        layer.kernel.assign(whole)
    return found, int(right(keras.Model(last, network.output), before, labels).sum())


def chosen(rows, untouched):
    """{layer: share}: the largest share that costs at most ALLOWED right answers, or 0 where none does."""
    shares = dict.fromkeys((row["layer"] for row in rows), 0.0)
    for row in rows:
        if untouched - row["right"] <= ALLOWED:
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


def workplace():
    """Where what belongs to these settings waits until the record is whole."""
    return TRAINED / hashlib.sha256(json.dumps(chosen_settings()).encode()).hexdigest()[:12]


def kept_for_later(name, network, make):
    """Train, or load what a call with the same settings trained: the network's weights and `make`'s note are kept."""
    path = workplace() / f"{name}.npz"
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


def file_of(stored, index_bits, huffman):
    """What the record keeps of a file, and the file."""
    content = compression.encode(stored, index_bits, huffman)
    return {
        "index_bits": index_bits,
        "huffman": huffman,
        "bytes": len(content),
        "gzip": len(gzip.compress(content, 9, mtime=0)),
        "parts": compression.sizes(stored, index_bits, huffman),
        "sha256": hashlib.sha256(content).hexdigest(),
    }, content


def measured(network, pruned, shared, dataset):
    """The files of a network, and which test pictures the network that is decoded from them gets right."""
    stored = compression.weights(network)
    widths = INDEX_BITS if pruned else (0,)
    # Values that are nearly all different get no codes.
    kinds = [(width, huffman) for huffman in ((False, True) if shared else (False,)) for width in widths]
    files, decoded = [], []
    for width, huffman in kinds:
        file, content = file_of(stored, width, huffman)
        files.append(file)
        decoded.append(compression.decode(content))
    if not all(_same(decoded[0], other) for other in decoded):
        raise RuntimeError("the files do not hold the same network")
    other = model.pretrained(NETWORK)
    compression.load(other, decoded[0])
    answers = right(other, dataset.x_test, dataset.y_test)
    kernels = [kernel for kernel, _ in decoded[0].values()]
    return {
        "zero": round(sum((kernel == 0).sum() for kernel in kernels) / sum(kernel.size for kernel in kernels), 5),
        "files": files,
        "right": int(answers.sum()),
        # One bit a picture, the first one highest.
        "answers": base64.b64encode(np.packbits(answers)).decode(),
    }


def _same(one, other):
    return all(np.array_equal(a, b) for name in one for a, b in zip(one[name], other[name], strict=True))


def chosen_settings():
    """Everything that is chosen here, as the record has it; a record of other settings is begun anew."""
    settings = {
        "shares": SHARES,
        "judges": JUDGES,
        "allowed": ALLOWED,
        "rule": RULE,
        "rounds": ROUNDS,
        "widths": WIDTHS,
        "tuned": TUNED,
        "tuning": TUNING,
        "index_bits": INDEX_BITS,
        "recipe": dataclasses.asdict(RECIPE),
        "weights_sha256": hashlib.sha256((model.weights_folder() / f"{NETWORK}.tflite").read_bytes()).hexdigest(),
    }
    return json.loads(json.dumps(settings))


class Record:
    """The record: kept in the workplace after everything that is found, and put in its place when it is whole."""

    def __init__(self, dataset):
        content = (model.weights_folder() / f"{NETWORK}.tflite").read_bytes()
        self.found = {
            "question": "accuracy against bytes of a trained network that is pruned, shared and Huffman coded",
            "network": NETWORK,
            "settings": chosen_settings(),
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
        self.path = workplace() / "record.json"
        if self.path.exists():
            old = json.loads(self.path.read_text())
            self.found |= {key: old[key] for key in ("sensitivity", "steps")}
        self.dataset = dataset

    def write(self, path=None):
        here = {
            "test": len(self.dataset.x_test),
            "dataset": self.dataset.provenance,
            "environment": training.environment(),
            "date": training.now(),
        }
        path = path or self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.found | here, indent=1) + "\n")

    def step(self, name, network, pruned, notes=None, shared=None):
        """Measure a step that is not there yet. notes: of its trainings; shared: bits of a weight, or None."""
        if name not in {step["step"] for step in self.found["steps"]}:
            row = {"step": name, "bits": shared, "pruned": pruned, "trained": notes}
            self.found["steps"].append(row | measured(network, pruned, bool(shared), self.dataset))
            self.write()
        row = next(row for row in self.found["steps"] if row["step"] == name)
        print(f"{name}: {[file['bytes'] for file in row['files']]} bytes, {row['right']} right", flush=True)


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

    network = model.pretrained(NETWORK)
    whole = compression.weights(network)
    record.step("as shipped", network, False)
    for width in WIDTHS:
        record.step(f"shared only, {width} bits", shared(whole, width), False, None, width)
    compression.prune(network, shares)
    record.step("pruned at once", network, True)

    network, notes = model.pretrained(NETWORK), []
    for number, (target, pictures) in enumerate(zip((halfway(shares), shares), ROUNDS, strict=True), 1):
        compression.prune(network, target)
        note = kept_for_later(
            f"round-{number}",
            network,
            lambda number=number, pictures=pictures: trained(network, pictures, number, dataset),
        )
        notes = [*notes, note]
    record.step("pruned and trained", network, True, notes)
    pruned = compression.weights(network)

    for width in WIDTHS:
        record.step(f"shared, {width} bits", shared(pruned, width), True, notes, width)
    for width in TUNED:
        network = shared(pruned, width)
        note = kept_for_later(
            f"tuned-{width}",
            network,
            lambda network=network, width=width: trained(network, TUNING, 10 + width, dataset),
        )
        record.step(f"shared and trained, {width} bits", network, True, [*notes, note], width)
    record.write(RECORD)


def shared(stored, width):
    """The network of these weights, each layer shared at this width."""
    network = model.pretrained(NETWORK)
    compression.load(network, stored)
    compression.share(network, dict.fromkeys(layers(network), width))
    return network


if __name__ == "__main__":
    main()
