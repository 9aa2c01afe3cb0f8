"""What costs how much: `make bench`. Prints tables; with --record also writes assets/records/bench.json.

    python benchmarks/bench.py [PART ...] [--record]

steps: pictures a second of the same network's training step by the widely copied script, by the book on TensorFlow and
JAX, and in PyTorch, in turn, as ratios. rungs: pictures a second of every rung of the ladder. race: those of the copied
script and of the ladder's last rung, each with its own network, in turn. feeding: whether steps wait for pictures.
start: what importing and opening cost. site: building it, and its pages in a browser. tests: `make test` by phase, with
its slowest parts.
All of them where none is named. Run it on a machine that does nothing else.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from alexnet import architecture, ladder, speed, training

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "assets" / "records" / "bench.json"
ROUNDS = 5

# name: (contestant, Keras backend, the package it needs)
CONTESTANTS = {
    "copied script": ("copied", "tensorflow", "tensorflow"),
    "book, TensorFlow": ("book", "tensorflow", "tensorflow"),
    "PyTorch": ("torch", "tensorflow", "torch"),
    "book, JAX": ("book", "jax", "jax"),
}


class Contestant:
    """A process of contestant.py, asked for one round at a time."""

    def __init__(self, kind, backend="tensorflow", pictures=1280):
        command = [sys.executable, str(ROOT / "benchmarks" / "contestant.py"), kind, str(pictures)]
        settings = os.environ | {"KERAS_BACKEND": backend, "ALEXNET_PROFILE": "default"}
        self.process = subprocess.Popen(
            command, env=settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        os.set_blocking(self.process.stderr.fileno(), False)
        self._answer()

    def _answer(self):
        for line in self.process.stdout:
            if line.startswith("@"):
                return json.loads(line[1:])
        raise RuntimeError(f"{self.process.args} ended: {(self.process.stderr.read() or '')[-2000:]}")

    def round(self):
        """Train on one round of pictures; returns what contestant.py says of it."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._answer()

    def end(self):
        """End the process; returns its largest memory in bytes."""
        self.process.stdin.close()
        memory = self._answer()["memory"]
        self.process.wait()
        return memory


def steps():
    """The same network's training step, four ways in turn; ratios to the copied script, round by round."""
    there = {name: what for name, what in CONTESTANTS.items() if find_spec(what[2])}
    for name in CONTESTANTS.keys() - there.keys():
        print(f"{name}: left out, this machine has no {CONTESTANTS[name][2]}")
    machine = Contestant("peak")
    running = {name: Contestant(kind, backend) for name, (kind, backend, _) in there.items()}
    rates = {name: [] for name in running}
    peaks, precision = [], {}
    for _ in range(ROUNDS):
        peaks.append(machine.round()["peak"])
        for name, contestant in running.items():
            answer = contestant.round()
            rates[name].append(answer["pictures"] / answer["seconds"])
            precision[name] = answer["precision"]
    memory = {name: contestant.end() for name, contestant in running.items()}
    machine.end()
    peak = {kind: max(one[kind] for one in peaks) for kind in peaks[0]}
    operations = architecture.PRESETS["cifar10"].training_operations
    baseline = rates["copied script"]
    result = {
        "network": "cifar10",
        "training_operations": operations,
        "rounds": ROUNDS,
        "peak": peak,
        "rows": {},
    }
    print(f"peak of the machine's matrix products: {_peaks(peak)}; {operations / 1e9:.2f} GFLOP a picture")
    print(f"{'':<18}{'pictures/s':>11}{'ratio to the copied script':>30}{'GFLOP/s':>9}{'share of peak':>15}{'MB':>7}")
    for name, measured in rates.items():
        done = statistics.median(measured) * operations
        row = {
            "pictures_per_second": [round(rate, 1) for rate in measured],
            "ratio": speed.spread(speed.ratios(measured, baseline)),
            "precision": precision[name],
            "share_of_peak": done / peak[precision[name]],
            "memory": memory[name],
        }
        result["rows"][name] = row
        ratio = "{median:.2f} ({low:.2f} to {high:.2f})".format(**row["ratio"])
        share = f"{row['share_of_peak']:.0%} {precision[name]}"
        print(
            f"{name:<18}{statistics.median(measured):>11.0f}{ratio:>30}{done / 1e9:>9.0f}{share:>15}"
            f"{memory[name] / 1e6:>7.0f}"
        )
    best = max(peak.values()) / operations
    print(f"The machine's fastest products, and nothing else, would allow {best:.0f} pictures/s.")
    return result


def _peaks(peak):
    return ", ".join(f"{kind} {value / 1e9:.0f} GFLOP/s" for kind, value in peak.items())


def rungs():
    """Pictures a second of every rung of the ladder and of what else is timed of it, over four epochs each."""
    contestant = Contestant("ladder")
    measured = contestant.round()["rates"]
    contestant.end()
    result = {}
    for name, rates in measured.items():
        result[name] = speed.spread(rates)
        print("{:<34}{median:>7.0f} pictures/s ({low:.0f} to {high:.0f})".format(name, **result[name]))
    return result


def race():
    """Pictures a second of the copied script and of the ladder's last rung, each with its own network, in turn."""
    running = {name: Contestant(kind) for name, kind in {"copied script": "copied", "ladder": "top"}.items()}
    rates = {name: [] for name in running}
    for _ in range(ROUNDS):
        for name, contestant in running.items():
            answer = contestant.round()
            rates[name].append(answer["pictures"] / answer["seconds"])
    for name, contestant in running.items():
        contestant.end()
        print(f"{name:<34}{statistics.median(rates[name]):>7.0f} pictures/s")
    ratio = speed.spread(speed.ratios(rates["ladder"], rates["copied script"]))
    print("ratio: {median:.2f} ({low:.2f} to {high:.2f})".format(**ratio))
    return {"rung": ladder.RUNGS[-1].name, "pictures_per_second": rates, "ratio": ratio}


def feeding():
    """Whether a step waits for its pictures, and whether the first epoch is slower than the others."""
    contestant = Contestant("feeding")
    found = contestant.round()
    contestant.end()
    step = min(seconds for seconds, _ in found["epochs"]) / found["steps"]
    batch = found["batches"] / found["steps"]
    print(f"a step takes {1e3 * step:.1f} ms, its batch {1e3 * batch:.2f} ms before it: {batch / step:.2%}")
    for number, (seconds, first) in enumerate(found["epochs"], 1):
        rest = (seconds - first) / (found["steps"] - 1)
        print(f"epoch {number}: {seconds:.1f} s; its first step {first:.2f} s, the others {1e3 * rest:.1f} ms each")
    return found


def start():
    """Seconds in a fresh Python for what a reader does first, and how often TensorFlow is looked for."""
    chapter = json.loads(next(iter(sorted((ROOT / "chapters").glob("*.ipynb")))).read_text())
    setup = "".join(next(cell for cell in chapter["cells"] if cell["cell_type"] == "code")["source"])
    doings = {
        "python": "pass",
        "import alexnet": "import alexnet",
        "import alexnet.architecture": "import alexnet.architecture",
        "a chapter's first cell": setup,
        "import tensorflow": "import tensorflow",
        "alexnet.model.build": "from alexnet import model; model.build('cifar10')",
    }
    result = {}
    for name, code in doings.items():
        seconds = []
        for _ in range(5):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
            seconds.append(time.perf_counter() - began)
        result[name] = speed.spread(seconds)
        print("{:<34}{median:>7.2f} s ({low:.2f} to {high:.2f})".format(name, **result[name]))
    return result


def site():
    """The site built from nothing and again; its pages in a browser, where there is one."""
    sys.path.insert(0, str(ROOT / "tools"))
    import pages

    result = {"build": {}}
    shutil.rmtree(ROOT / "_build", ignore_errors=True)
    for name in ("cold", "warm"):
        began = time.perf_counter()
        subprocess.run([sys.executable, ROOT / "tools" / "site.py", "build"], cwd=ROOT, check=True, capture_output=True)
        result["build"][name] = time.perf_counter() - began
        print(f"site, {name}: {result['build'][name]:.1f} s")
    if pages.chromium():
        with pages.browser() as chrome:
            result["pages"] = {page: pages.measure(chrome, page) for page in pages.names()}
        print(pages.table(result["pages"]))
    else:
        print("pages: left out, this machine has no Chromium")
    return result


def tests():
    """`make test` by phase, and its slowest parts."""
    run = subprocess.run(
        [sys.executable, ROOT / "tools" / "check.py", "--durations", "20"], cwd=ROOT, capture_output=True, text=True
    )
    phases = dict(re.findall(r"^== (\w+): ([\d.]+) s$", run.stdout, re.M))
    closing = run.stdout.strip().splitlines()[-1]
    phases["tests"] = re.search(r"in ([\d.]+)s", closing)[1]
    slowest = re.findall(r"^([\d.]+)s (?:call|setup|teardown) +(\S.*)$", run.stdout, re.M)
    for name, seconds in phases.items():
        print(f"{name:<34}{seconds:>7} s")
    for seconds, name in slowest:
        print(f"{'':<34}{seconds:>7} s  {name}")
    print(closing)
    return {"status": run.returncode, "phases": phases, "slowest": slowest, "closing": closing}


def main():
    parts = {part.__name__: part for part in (steps, rungs, race, feeding, start, site, tests)}
    asked = [word for word in sys.argv[1:] if word != "--record"] or list(parts)
    results = {}
    for name in asked:
        print(f"== {name}", flush=True)
        results[name] = parts[name]()
    if "--record" in sys.argv:
        old = json.loads(RECORD.read_text())["results"] if RECORD.exists() else {}
        about = {"environment": training.environment(), "date": training.now()}
        made = {name: {"result": result} | about for name, result in results.items()}
        RECORD.write_text(json.dumps({"results": old | made}, indent=1) + "\n")


if __name__ == "__main__":
    main()
