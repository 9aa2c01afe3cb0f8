"""How much sooner does a network of ReLUs reach 25 % training error than the same network of tanh units?

The paper's figure 1, made again as far as it is specified: four layers, CIFAR-10, no regularisation of any kind, each
activation at its own best learning rate. Writes assets/records/figure-one.json, read by the chapter "ReLU": the search
for the rates, then for every seed the training error, several times a pass, until it has fallen far enough. What is not
in the paper (the network, the batch, the initial weights, the rates tried) is chosen here.
A second call does what is missing. PICTURES: how many of the 50,000 are trained on, instead of the numbers in PARTS;
each number is a part of its own.

    python experiments/figure_one.py [SEEDS [PICTURES ...]]
"""

import dataclasses
import itertools
import json
import multiprocessing
import os
import sys
import time
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from alexnet import architecture, data, model, training

RECORD = Path(__file__).resolve().parents[1] / "assets" / "records" / "figure-one.json"
SEEDS, WORKERS = 3, 2
GOAL = 0.25  # training error
PER_PASS = 3  # readings of the training error in each pass; a pass over 2,000, 5,000 or 50,000 divides by it
PROBE = 1000  # training pictures that the network is tested on after each pass
GUESSING = 0.9
ACTIVATIONS = ("relu", "tanh")
# How it all starts, the same for both functions: initial weights (a deviation, or Keras's name), whether pixels are
# divided by their deviation once their mean is subtracted, and the rates that the search begins with.
STARTS = {
    "today": {"weights": "lecun_normal", "scaled": True, "rates": (0.005, 0.01, 0.02, 0.04)},
    # The paper's, sections 2 and 5; biases are 0, as in the layers that it does not name.
    "2012": {"weights": 0.01, "scaled": False, "rates": (0.00125, 0.0025, 0.005, 0.01)},
}
PARTS = (("today", 2000), ("2012", 2000), ("today", 50_000))
SEARCH_SEED, SEARCH_PASSES, CAP = 1000, 5, 80
RECIPE = training.Recipe(
    batch_size=128,
    optimizer="sgd",
    momentum=0.9,
    nesterov=False,
    schedule="constant",
    weight_decay=0.0,
    initializer=None,
    flip=False,
    shift=0,
    precision="float32",
)


def network(activation, weights="lecun_normal"):
    """Three convolutions with overlapping pools, and a fully connected layer: four layers with weights."""
    specs = []
    for number, filters in enumerate((32, 32, 64), start=1):
        conv = architecture.Conv(f"conv{number}", filters, 5, padding=2, activation=activation, weights=weights)
        specs += [conv, architecture.Pool(f"pool{number}", 3, 2)]
    specs.append(architecture.Dense("fc4", 10, activation=None, weights=weights))
    title = "four layers in the spirit of cuda-convnet's CIFAR-10 examples"
    return architecture.Architecture(f"figure-one-{activation}", title, (32, 32, 3), specs, rounding="down")


def pass_means(errors):
    """The mean error over each whole pass that ends with a reading: (passes done, mean error) of each."""
    ends = range(PER_PASS, len(errors) + 1)
    return [(end / PER_PASS, float(np.mean(errors[end - PER_PASS : end]))) for end in ends]


def crossing(curve):
    """The passes after which a curve of (passes, error) first is at GOAL, on straight lines; None where it never is."""
    for (before, high), (after, low) in itertools.pairwise(curve):
        if low <= GOAL < high:
            return round(before + (after - before) * (high - GOAL) / (high - low), 3)
    return None


def attempt(start, pictures, activation, learning_rate, seed, passes):
    """Train for so many passes, or until both readings of the training error are at GOAL; return what is recorded.

    errors: share of training pictures that a step got wrong before it learned from them, mean over each part of a pass.
    probe: share of PROBE training pictures that the network as it stands after each pass gets wrong.
    """
    keras.backend.clear_session()
    cifar = data.cifar10()
    part = cifar.subset(train=pictures) if pictures < len(cifar.x_train) else cifar
    recipe = dataclasses.replace(RECIPE, learning_rate=learning_rate, seed=seed)
    keras.utils.set_random_seed(seed)
    pixels = data.normalization(cifar.x_train)
    if not STARTS[start]["scaled"]:
        mean = pixels.get_config()["mean"]
        pixels = keras.layers.Normalization(axis=-1, mean=mean, variance=[1.0] * 3, name="normalize")
    learner = model.build(
        network(activation, STARTS[start]["weights"]), preprocessing=pixels, seed=seed, precision=recipe.precision
    )
    training.compile_for_here(learner, recipe.make_optimizer())
    steps = pictures // recipe.batch_size // PER_PASS * PER_PASS
    wrong, errors, probe, stopped = [], [], [], None
    began, worked = time.monotonic(), time.process_time()
    while len(probe) < passes and not stopped:
        order = np.random.default_rng([seed, len(probe)]).permutation(pictures)
        for chosen in order[: steps * recipe.batch_size].reshape(steps, -1):
            learner.reset_metrics()
            logs = learner.train_on_batch(part.x_train[chosen], part.y_train[chosen], return_dict=True)
            wrong.append(1 - float(logs["accuracy"]))
            if not np.isfinite(logs["loss"]):
                stopped = f"the loss became {float(logs['loss'])} in step {len(wrong)}"
                break
        whole = np.array(wrong[: len(wrong) // (steps // PER_PASS) * (steps // PER_PASS)])
        errors = [round(float(mean), 4) for mean in whole.reshape(-1, steps // PER_PASS).mean(1)]
        guesses = training.predict(learner, part.x_train[:PROBE]).argmax(1)
        probe.append(round(float(np.mean(guesses != part.y_train[:PROBE])), 4))
        if crossing(pass_means(errors)) and min(probe) <= GOAL:
            break
    share = (time.process_time() - worked) / (time.monotonic() - began)
    print(f"{len(probe) * pictures / (time.process_time() - worked):.0f} pictures a CPU second, {share:.2f} of a core")
    return {
        "activation": activation,
        "learning_rate": learning_rate,
        "seed": seed,
        "errors": errors,
        "probe": probe,
        "passes": crossing(pass_means(errors)),
        "passes_probe": crossing(list(enumerate([GUESSING, *probe]))),
        "stopped": stopped,
        "device": str(training.device()),
        "date": training.now(),
    }


def best_rate(search, activation):
    """The learning rate whose last pass had the lowest training error; None before any was tried."""
    tried = [run for run in search if run["activation"] == activation and not run["stopped"]]
    return min(tried, key=lambda run: pass_means(run["errors"])[-1][1])["learning_rate"] if tried else None


def missing(part, seeds):
    """The trainings that `part` of the record still lacks and that can start now: (list, settings) of each."""
    jobs = []
    for activation in reversed(ACTIVATIONS):
        tried = {run["learning_rate"] for run in part["search"] if run["activation"] == activation}
        rates, best = sorted({*STARTS[part["start"]]["rates"], *tried}), best_rate(part["search"], activation)
        if tried == set(rates) and best in (rates[0], rates[-1]):
            rates.append(best / 2 if best == rates[0] else best * 2)
        todo = [rate for rate in rates if rate not in tried]
        jobs += [("search", (activation, rate, SEARCH_SEED, SEARCH_PASSES)) for rate in todo]
        done = {run["seed"] for run in part["runs"] if run["activation"] == activation}
        left = [] if todo else [seed for seed in range(seeds) if seed not in done]
        jobs += [("runs", (activation, best, seed, CAP)) for seed in left]
    return sorted(jobs, key=lambda job: (job[0] == "runs", job[1][2]))


def chosen_settings():
    """Everything that is chosen here, as the record has it; a record of other settings is begun anew."""
    chosen = {
        "goal": GOAL,
        "readings_a_pass": PER_PASS,
        "probe": PROBE,
        "search_passes": SEARCH_PASSES,
        "cap": CAP,
        "starts": STARTS,
        "recipe": dataclasses.asdict(RECIPE),
        "networks": {activation: network(activation).to_dict() for activation in ACTIVATIONS},
    }
    return json.loads(json.dumps(chosen))


def main():
    seeds = int(sys.argv[1]) if sys.argv[1:] else SEEDS
    wanted = [(start, int(count)) for count in sys.argv[2:] for start in STARTS] or PARTS
    cifar = data.cifar10()
    old = json.loads(RECORD.read_text()) if RECORD.exists() else {"settings": None, "parts": []}
    settings = chosen_settings()
    parts = old["parts"] if old["settings"] == settings else []
    known = [(part["start"], part["pictures"]) for part in parts]
    empty = {"search": [], "rates": {}, "runs": []}
    parts += [{"start": start, "pictures": count} | empty for start, count in wanted if (start, count) not in known]
    # Two trainings side by side, a core each, waste less than one after the other on both.
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    running = {}
    with ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn")) as pool:
        while True:
            todo = [(n, *job) for n, part in enumerate(parts) if _named(part) in wanted for job in missing(part, seeds)]
            for n, kind, job in todo:
                if len(running) < WORKERS and (n, kind, job) not in running.values():
                    running[pool.submit(attempt, *_named(parts[n]), *job)] = n, kind, job
            if not running:
                return
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                n, kind, _ = running.pop(done)
                part = parts[n]
                part[kind] = sorted([*part[kind], done.result()], key=_place)
                part["rates"] = {activation: best_rate(part["search"], activation) for activation in ACTIVATIONS}
                print(*_named(part), kind, done.result(), flush=True)
            record = {
                "question": f"after how many passes is the training error at {GOAL:.0%}, with ReLU and with tanh?",
                "settings": settings,
                "parts": [part for part in parts if part["search"]],
                "dataset": cifar.provenance,
                "environment": training.environment(),
                "date": training.now(),
            }
            RECORD.write_text(json.dumps(record, indent=1) + "\n")


def _named(part):
    return part["start"], part["pictures"]


def _place(run):
    return run["activation"], run["learning_rate"], run["seed"]


if __name__ == "__main__":
    main()
