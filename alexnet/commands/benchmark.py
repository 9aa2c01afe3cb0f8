"""Measure training steps: images a second, memory, and the share of the device's peak.

A table, one row for each network, batch size and precision, each measured in a process of its own. With --record it is
also written as JSON, with its provenance, after every row; the same command called again does the rows that are still
missing. A batch that does not fit into memory is a row that says so.
What is timed: Keras's train_on_batch of the book's network and optimizer, forward, backward and update, on one batch of
random pictures that lies on the device; and beside every round of steps, for the peak, a large matrix product.
The backend is the one that KERAS_BACKEND names: KERAS_BACKEND=jax python -m alexnet benchmark ...
"""

import itertools
import json
import sys
from pathlib import Path

PRESETS = ("paper-2012", "single-tower", "torchvision", "cifar10")
BATCH_SIZES = (128,)
_WIDTHS = (13, 6, 15, 28, 12, 18, 22)
_HEAD = ("network", "batch", "precision", "images a second", "first step", "memory", "share of peak")


def add_arguments(parser):
    """What the command may be asked."""
    presets = " ".join(PRESETS)
    parser.add_argument("--preset", nargs="+", default=PRESETS, metavar="NAME", help=f"networks ({presets})")
    parser.add_argument("--batch-size", nargs="+", type=int, default=BATCH_SIZES, metavar="N", help="pictures (128)")
    parser.add_argument(
        "--precision",
        nargs="+",
        metavar="NAME",
        help="float32, tf32 (NVIDIA GPUs from compute capability 8.0 on), mixed_bfloat16, mixed_float16; "
        "by default float32 and what the device is fast at",
    )
    parser.add_argument("--steps", type=int, default=1, metavar="N", help="steps in a round (1)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="rounds, whose spread is shown (5)")
    parser.add_argument("--limit", type=float, default=600, metavar="SECONDS", help="for a row, at most (600)")
    parser.add_argument("--record", type=Path, metavar="FILE", help="also write the table, as JSON")


def run(arguments):
    """Measure what is asked and print it; 0, 2 where the question makes no sense, 130 where it was interrupted."""
    from alexnet import speed

    try:
        # Its own process, too: a backend may take the whole GPU for itself as soon as it is asked what there is.
        about = speed.in_own_process("about", presets=list(arguments.preset), precisions=arguments.precision)
        problem = about.get("failed")
        if min(*arguments.batch_size, arguments.steps, arguments.rounds) < 1:
            problem = "batch sizes, steps and rounds are at least 1"
        record = None if problem else _begun(arguments.record, about)
        if record is None:
            print(f"python -m alexnet benchmark: {problem or _other(arguments.record)}", file=sys.stderr)
            return 2
        return _measure(arguments, about["precisions"], record)
    except KeyboardInterrupt:
        print("\nStopped." + (f" The rows so far are in {arguments.record}." if arguments.record else ""))
        return 130


def _begun(path, about):
    """The record to go on with, that of the file or a fresh one; None where the file's is of another machine."""
    fresh = {
        "what": " ".join(__doc__.partition("What is timed: ")[2].partition("The backend")[0].split()),
        "limits": {"products": {}},
        "rows": [],
        "environment": about["environment"],
        "driver": about["driver"],
    }
    if not path or not path.exists():
        return fresh
    record = json.loads(path.read_text())
    same = all(record["environment"][key] == about["environment"][key] for key in ("device", "backend", "system"))
    return record if same else None


def _other(path):
    there = json.loads(path.read_text())["environment"]
    return f"{path} was measured on {there['device']} with {there['backend']}; name another file"


def _measure(arguments, precisions, record):
    from alexnet import speed, training

    print(record["environment"]["device"], record["environment"]["backend"], sep="; ")
    limits = record["limits"]
    lacking = [precision for precision in precisions if precision not in limits["products"]]
    if lacking:
        more = speed.in_own_process("limits", arguments.limit, precisions=lacking)
        if "failed" in more:
            print(f"the device's own limits: {more['failed']}")
        else:
            limits |= more | {"products": limits["products"] | more["products"]}
    for precision, rate in limits["products"].items():
        print(f"products of matrices, {precision}: {rate / 1e12:.3g} TFLOP/s")
    if "copy" in limits:
        print(f"copies: {limits['copy'] / 1e9:.3g} GB/s")
    print(_line(_HEAD), flush=True)
    for preset, precision, batch_size in itertools.product(arguments.preset, precisions, arguments.batch_size):
        case = {"network": preset, "batch_size": batch_size, "precision": precision}
        row = next((row for row in record["rows"] if case.items() <= row.items()), None)
        if row is None:
            settings = {"rounds": arguments.rounds, "steps": arguments.steps}
            row = case | speed.in_own_process("measure", arguments.limit, **case, **settings)
            record["rows"].append(row | {"date": training.now()})
            if arguments.record:
                arguments.record.parent.mkdir(parents=True, exist_ok=True)
                arguments.record.write_text(json.dumps(record, indent=1) + "\n")
        print(_line(speed.cells(row)), flush=True)
    return 0


def _line(cells):
    return "".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=False)).rstrip()
