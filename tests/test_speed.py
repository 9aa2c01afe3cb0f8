"""What is measured of steps, what fits into memory, and the command that measures: that each says what is so."""

import io
import json
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from alexnet import __main__, architecture, speed, training
from alexnet.commands import benchmark
from conftest import ROOT, experiment, missing


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(training, "gpus", list)


@pytest.fixture
def t4(monkeypatch):
    """A machine on which every backend would see two of Colab's GPUs."""
    monkeypatch.setattr(training, "gpus", lambda: [("Tesla T4", (7, 5))] * 2)
    told = {"memory.total": "15360", "driver_version": "550.54.15"}
    monkeypatch.setattr(speed, "_nvidia", told.get)


def test_what_was_found_is_what_the_book_will_use(no_gpu):
    rows = {what: (value, does) for what, value, does in speed.found().rows}
    here, budget = training.device(), training.budget()
    assert rows["device"][0] == here.name and rows["how many"][0] == str(here.count)
    assert rows["precision"][0] == here.fast_precision and rows["batch size"][0] == str(training.Recipe().batch_size)
    assert rows["profile"] == ("quick", f"{budget.train:,} training pictures, {budget.epochs} epochs")
    assert rows["backend"][0].startswith("tensorflow ") and "compute capability" not in rows
    assert rows["memory"][1].startswith("of the machine") and rows["memory"][0].endswith(" GB")
    size, _ = speed.memory()
    assert 1e9 < size < 1e14, "bytes, not pages or kilobytes"


@pytest.mark.parametrize(("allowed", "counts"), [("1000000000\n", True), ("max\n", False), (f"{10**18}\n", False)])
def test_a_container_has_what_it_is_allowed(no_gpu, monkeypatch, tmp_path, allowed, counts):
    monkeypatch.setattr(speed, "_ALLOWED", tmp_path / "none")
    size, _ = speed.memory()
    monkeypatch.setattr(speed, "_ALLOWED", tmp_path / "memory.max")
    (tmp_path / "memory.max").write_text(allowed)
    assert speed.memory() == (10**9 if counts else size, "machine")


def test_what_was_found_on_a_t4(t4):
    rows = {what: (value, does) for what, value, does in speed.found().rows}
    assert rows["device"] == ("Tesla T4", "trains on it: GPU") and rows["how many"][0] == "2"
    assert rows["memory"] == ("16.1 GB", "of the GPU; halves a batch that does not fit")
    assert rows["compute capability"] == ("7.5", "its matrix units take float16, neither bfloat16 nor TF32")
    assert rows["precision"][0] == "mixed_float16" and rows["driver"][0] == "550.54.15"
    with pytest.raises(ValueError, match=r"tf32 needs .* 8\.0"):
        speed.use_precision("tf32")


@pytest.mark.parametrize(
    ("capability", "precision", "units"),
    [
        ((6, 0), "float32", "it has no matrix units"),
        ((7, 0), "mixed_float16", "its matrix units take float16, neither bfloat16 nor TF32"),
        ((8, 0), "mixed_bfloat16", "its matrix units take bfloat16 and TF32"),
    ],
)
def test_a_gpu_is_used_for_what_it_has_units_for(t4, monkeypatch, capability, precision, units):
    monkeypatch.setattr(training, "gpus", lambda: [("GPU", capability)])
    rows = {what: (value, does) for what, value, does in speed.found().rows}
    assert rows["precision"][0] == training.device().fast_precision == precision
    assert rows["compute capability"][1] == units


def test_a_table_is_text_and_a_page(no_gpu):
    assert 'class="alexnet-table words"' in speed.found()._repr_html_()
    table = speed.Table("one < two", ("a", "b"), [("x & y", "1")])
    assert str(table).splitlines() == ["a      b", "-----  -", "x & y  1"]
    page = table._repr_html_()
    assert "one &lt; two" in page and "x &amp; y" in page and "tfoot" not in page


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_products_are_counted(precision, monkeypatch):
    """Twice the rows, eight times the operations: what is counted grows as it should, and time is what divides it."""
    clock = iter(range(1000))
    monkeypatch.setattr(speed.time, "perf_counter", lambda: next(clock))
    small, large = speed.products(precision, size=32)(), speed.products(precision, size=64)()
    assert small == 3 * 2 * 32**3 and large == 8 * small


def test_copies_are_counted(monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(speed.time, "perf_counter", lambda: next(clock))
    assert speed.copies(size=64)() == 3 * 2 * 64 * 64 * 4


def test_products_really_multiply(monkeypatch):
    """The rate is of as many products as it says, of the matrix with the result before."""
    results = []
    monkeypatch.setattr(
        speed, "_compiled", lambda function: [lambda *pair: results.append(function(*pair)) or results[-1]]
    )
    speed.products(size=16)()
    start = np.random.default_rng(0).normal(scale=0.25, size=(16, 16))
    power = start
    for result in results[3:]:
        power = start @ power
        np.testing.assert_allclose(keras.ops.convert_to_numpy(result), power, atol=1e-5)
    assert len(results) == 6


def test_precision_is_set_before_every_call(monkeypatch, tiny):
    asked = []
    monkeypatch.setattr(speed, "use_precision", lambda name: asked.append(name) or name)
    products, step = speed.products("float32", size=8), speed.training_step(tiny, 2, "mixed_bfloat16")
    asked.clear()
    products(), step(), products()
    assert asked == ["float32", "mixed_bfloat16", "float32"]


def test_float32_is_computed_in_full():
    import tensorflow as tf

    enabled = tf.config.experimental.tensor_float_32_execution_enabled
    before = enabled()
    try:
        assert speed.use_precision("mixed_float16") == "mixed_float16" and enabled()
        assert speed.use_precision("float32") == "float32" and not enabled()
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)
    with pytest.raises(ValueError, match="precision is one of float32, tf32, "):
        speed.use_precision("float64")


def _network_of(step):
    return step.__closure__[step.__code__.co_freevars.index("network")].cell_contents


def test_a_step_trains(tiny):
    step = speed.training_step(tiny, 4)
    network = _network_of(step)
    before = network.get_layer("conv1").kernel.numpy().copy()
    losses = [step()["loss"] for _ in range(2)]
    assert np.isfinite(losses).all() and not np.array_equal(before, network.get_layer("conv1").kernel.numpy())
    assert network.count_params() == architecture.get(tiny).parameters


def test_switches_reach_keras(tiny):
    network = _network_of(speed.training_step(tiny, 2, "mixed_bfloat16", eager=True, xla=True))
    assert network.run_eagerly and network.jit_compile is True
    assert network.get_layer("conv1").compute_dtype == "bfloat16"
    assert _network_of(speed.training_step(tiny, 2, xla=False)).jit_compile is False
    assert not _network_of(speed.training_step(tiny, 2)).run_eagerly


def test_a_step_takes_the_batches_that_it_is_given(tiny):
    batches = iter([speed.noise(tiny, 3), speed.noise(tiny, 3)])
    step = speed.training_step(tiny, 3, batches=batches)
    step(), step()
    with pytest.raises(StopIteration):
        step()
    assert np.isfinite(step(*speed.noise(tiny, 2))["loss"])


def test_a_pass_takes_fresh_batches():
    import tensorflow as tf

    taken = []
    one = speed.passes(
        tf.data.Dataset.range(10).map(lambda n: (n, -n)), 3, lambda *pair: taken.append([*map(int, pair)])
    )
    one(), one()
    assert taken == [[0, 0], [1, -1], [2, -2]] * 2


def test_noise_is_of_the_networks_size(tiny):
    pictures, labels = speed.noise(tiny, 200)
    assert pictures.shape == (200, 32, 32, 3) and pictures.dtype == "uint8" and pictures.max() > 250
    assert set(labels) == set(range(10))


def test_turns_are_taken(monkeypatch):
    """Both are called in turn, the first call does not count, and a quick one is called more often."""
    now, calls = [0.0], []
    monkeypatch.setattr(speed.time, "perf_counter", lambda: now[0])

    def costing(name, first, later):
        def step():
            now[0] += later if name in calls else first
            calls.append(name)

        return step

    both = {"slow": costing("slow", 9, 2), "quick": costing("quick", 5, 0.25)}
    found = speed.in_turn(both, rounds=2, enough=1, beside=lambda: calls.append("peak") or len(calls))
    assert found == {"slow": [2, 2], "quick": [0.25, 0.25], None: [5, 11, 17]}
    assert calls == ["slow"] * 2 + ["quick"] * 2 + (["peak", "slow"] + ["quick"] * 4) * 2 + ["peak"]


def test_switches_are_compared_round_by_round(monkeypatch, tiny):
    """Ratios are to the first case in the same round, shares of the case's own precision."""
    seconds = {"base": [1.0, 2.0], "short": [0.5, 0.25], "large": [4.0, 4.0]}
    monkeypatch.setattr(speed, "training_step", lambda **settings: settings)
    monkeypatch.setattr(speed, "products", lambda precision: lambda: {"float32": 1e9, "mixed_bfloat16": 2e9}[precision])
    monkeypatch.setattr(
        speed, "in_turn", lambda steps, rounds, enough, beside: seconds | {None: [beside() for _ in range(rounds + 1)]}
    )
    base = {"preset": tiny, "batch_size": 8}
    cases = {"base": base, "short": base | {"precision": "mixed_bfloat16"}, "large": base | {"batch_size": 16}}
    rows = {row["name"]: row for row in speed.switches(cases, rounds=2)}
    assert rows["base"]["images_per_second"] == [8, 4] and rows["base"]["ratio"] == [1, 1]
    assert rows["short"]["ratio"] == [2, 8] and rows["large"]["ratio"] == [0.5, 1]
    assert rows["short"]["share_of_peak"] == [rate * tiny.training_operations / 2e9 for rate in (16, 32)]
    assert rows["large"]["share_of_peak"] == [4 * tiny.training_operations / 1e9] * 2


def test_a_share_is_of_the_higher_peak_beside_it():
    assert speed.shares([10, 20], 2, [100, 50, 40]) == [0.2, 0.8]
    with pytest.raises(ValueError):
        speed.shares([10, 20], 2, [100, 50])


def test_spread():
    assert speed.spread([3, 1, 2]) == {"median": 2, "low": 1, "high": 3}


def test_measured(monkeypatch, tiny):
    """The rate is of pictures and not of steps; the share follows from it; the memory is what a step adds."""
    monkeypatch.setattr(speed, "products", lambda precision: lambda: 1e12)
    slept = []
    monkeypatch.setattr(speed, "training_step", lambda *what: lambda: slept.append(what) or time.sleep(0.02))
    row = speed.measure("lenet-5", 8, rounds=2, steps=3)
    assert slept == [("lenet-5", 8, "float32")] * 8, "one to build, one to warm up, two rounds of three"
    assert len(row["images_per_second"]) == 2 and len(row["peak"]) == 3
    for rate, share in zip(row["images_per_second"], row["share_of_peak"], strict=True):
        assert 8 / 0.1 < rate <= 8 / 0.02
        assert share == rate * architecture.PRESETS["lenet-5"].training_operations / 1e12
    assert 0.02 <= row["first_step"] < 1
    assert row["memory"]["bytes"] >= row["memory"]["before"] > 1e8 and row["memory"]["of"] == "process"


def test_memory_is_the_most_at_once():
    """Of the process itself: the test's own, which starts it, has hundreds of megabytes."""
    most = "print(speed.process_memory())"
    code = f"from alexnet import speed; import numpy; {most}; a = numpy.empty(10**9); {most}; numpy.ones(10**7); {most}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    before, promised, after = map(int, done.stdout.split())
    assert promised - before < 2e7, "what was asked for and never touched is not in use"
    assert 7e7 < after - promised < 1.2e8 and before < 1.5e8


def test_a_gpus_memory_is_what_its_backend_says(t4, monkeypatch):
    monkeypatch.setattr(speed, "_tensorflow_peak", lambda: 12345)
    assert speed.peak_memory() == (12345, "device")
    assert speed.memory() == (15360 * 2**20, "GPU")
    monkeypatch.setattr(speed, "_nvidia", lambda what: None)
    assert speed.memory() == (None, "GPU") and speed.driver() is None


def _tensorflow_is_asked_too_much():
    import tensorflow as tf

    tf.zeros((2**60,), "uint8")


def _numpy_is_asked_too_much():
    np.ones(2**55)


def _jax_is_asked_too_much():
    import jax

    raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 4611686018427387904 bytes.")


def _torch_is_asked_too_much():
    import torch

    torch.ones(2**55)


def _torchs_gpu_is_asked_too_much():
    import torch

    raise torch.cuda.OutOfMemoryError("CUDA out of memory.")


TOO_MUCH = {
    "tensorflow": _tensorflow_is_asked_too_much,
    "numpy": _numpy_is_asked_too_much,
    "jax": _jax_is_asked_too_much,
    "torch": _torch_is_asked_too_much,
    "torch on a GPU": _torchs_gpu_is_asked_too_much,
}


@pytest.mark.parametrize("whose", TOO_MUCH)
def test_running_out_of_memory_is_recognised(whose):
    try:
        TOO_MUCH[whose]()
    except ImportError:
        missing(f"{whose} (pip install '.[backends]')")
    except Exception as error:
        assert speed.ran_out_of_memory(error), error
    else:
        raise AssertionError("there is memory enough")


@pytest.mark.parametrize(
    "error", [RuntimeError("shapes do not match"), ValueError("RESOURCE_EXHAUSTED"), KeyError("x")]
)
def test_other_errors_are_not_taken_for_it(error):
    assert not speed.ran_out_of_memory(error)


def test_other_errors_of_tensorflow_are_not_taken_for_it():
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        tf.reshape(tf.zeros(3), (2, 2))
    assert not speed.ran_out_of_memory(caught.value)


def _fits_up_to(largest, tried):
    import tensorflow as tf

    def attempt(batch_size):
        tried.append(batch_size)
        if batch_size > largest:
            # TensorFlow itself waits for ten seconds before it raises it.
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
        return f"trained on {batch_size}"

    return attempt


def test_a_batch_is_halved_until_it_fits(capsys):
    tried = []
    assert speed.fitting(_fits_up_to(40, tried), 128) == (32, "trained on 32")
    assert tried == [128, 64, 32]
    assert capsys.readouterr().out == (
        "A batch of 128 does not fit into memory; trying 64.\nA batch of 64 does not fit into memory; trying 32.\n"
    )


def test_a_batch_that_fits_is_left_alone(capsys):
    assert speed.fitting(_fits_up_to(128, []), 128) == (128, "trained on 128")
    assert capsys.readouterr().out == ""


def test_where_nothing_fits_it_says_what_to_do():
    tried = []
    with pytest.raises(MemoryError, match=r"Not even a batch of 8 fits into memory: take a smaller network"):
        speed.fitting(_fits_up_to(0, tried), 32, smallest=8)
    assert tried == [32, 16, 8]


def test_other_errors_pass_through():
    def wrong(batch_size):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        speed.fitting(wrong, 8)


def _jpegs(pictures):
    from PIL import Image

    files = []
    for picture in pictures:
        content = io.BytesIO()
        Image.fromarray(picture).save(content, "jpeg", quality=95)
        files.append(content.getvalue())
    return files


@pytest.fixture
def grey():
    """Ten pictures of 12 x 16 pixels, darker on the left; picture n is lighter than picture n - 1 by 20."""
    ramp = np.broadcast_to(np.arange(16), (12, 16))[None] + 20 * np.arange(10)[:, None, None]
    return np.repeat(ramp[..., None], 3, axis=3).astype("uint8")


def _passes(grey, batches, **switches):
    """(labels, pictures) of the first batches of five."""
    made = speed.feed(_jpegs(grey), np.arange(10), 5, 8, **switches).take(batches).as_numpy_iterator()
    pictures, labels = zip(*made, strict=True)
    return np.concatenate(labels), np.concatenate(pictures)


def test_feed_decodes_and_cuts_the_middle(grey):
    labels, pictures = _passes(grey, 4)
    assert labels.tolist() == [*range(10)] * 2 and pictures.shape == (20, 8, 8, 3) and pictures.dtype == "uint8"
    assert np.abs(pictures[:10].astype(int) - grey[:, 2:10, 4:12]).max() <= 3


@pytest.mark.parametrize(
    "switches", [{"cache": True}, {"parallel": True}, {"prefetch": True}, {"cache": True, "prefetch": True}]
)
def test_feed_changes_its_speed_only(grey, switches):
    for one, other in zip(_passes(grey, 4), _passes(grey, 4, **switches), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("cache", [False, True])
def test_feed_shuffles_every_pass_anew(grey, cache):
    labels, pictures = _passes(grey, 4, shuffle=True, cache=cache)
    first, second = labels[:10], labels[10:]
    assert sorted(first) == sorted(second) == [*range(10)] and not np.array_equal(first, second)
    assert (np.round((pictures.mean((1, 2, 3)) - 7.5) / 20) == labels).all()


def test_feed_augments_anew_behind_the_cache(grey):
    _, pictures = _passes(grey, 40, augment=True, cache=True)
    one = pictures.reshape(20, 10, 8, 8, 3)[:, 9].astype(float)
    left, right = one[:, :, 0].mean((1, 2)), one[:, :, -1].mean((1, 2))
    assert 3 < np.sum(left > right) < 17, "mirrored half of the time"
    assert len(np.unique(np.round(np.minimum(left, right)))) > 4, "cut at many places"


def test_a_profile_tells_what_took_the_time(tiny, tmp_path):
    import tensorflow as tf

    step = speed.training_step(tiny, 32)
    step()
    with tf.profiler.experimental.Profile(str(tmp_path)):
        step()
    seconds = speed.operations_of(tmp_path)
    assert any("conv1" in name and "Conv2DBackpropFilter" in name for name in seconds), sorted(seconds)
    assert all(0 <= taken < 60 for taken in seconds.values()) and sum(seconds.values()) > 1e-4
    assert not any("::" in name or "Eager" in name for name in seconds)
    assert seconds["XLA"] > 0, "conv2 has groups, which Keras has compiled"
    assert {name for name in seconds if ":" not in name} == {"XLA"}
    with pytest.raises(FileNotFoundError, match="no profile"):
        speed.operations_of(tmp_path / "elsewhere")


def test_a_gpus_profile_is_of_its_kernels(tmp_path):
    """Written here in the profiler's format, since a kernel of a GPU is not to be had everywhere."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    host, gpu = space.planes.add(name="/host:CPU"), space.planes.add(name="/device:GPU:0")
    for plane, name in ((host, "net/conv1/Conv2D:Conv2D"), (gpu, "sm80_fprop")):
        plane.event_metadata[1].name = name
        plane.lines.add().events.add(metadata_id=1, duration_ps=2 * 10**12)
    gpu.event_metadata[2].name = "memcpy"
    gpu.stat_metadata[7].name, gpu.stat_metadata[8].name = "tf_op", "net/conv2/Conv2D:Conv2D"
    gpu.lines.add().events.add(metadata_id=2, duration_ps=10**12)
    for value in ({"str_value": "net/conv1/Conv2D:Conv2D"}, {"ref_value": 8}, {"ref_value": 8}):
        gpu.lines[0].events.add(metadata_id=1, duration_ps=10**12).stats.add(metadata_id=7, **value)
    (tmp_path / "vm.xplane.pb").write_bytes(space.SerializeToString())
    assert speed.operations_of(tmp_path) == {
        "sm80_fprop": 2, "memcpy": 1, "net/conv1/Conv2D:Conv2D": 1, "net/conv2/Conv2D:Conv2D": 2,
    }  # fmt: skip


def test_benchmark_writes_a_record_and_goes_on_with_it(monkeypatch, capsys, tmp_path):
    """Rows that are there are not measured again, a failed one included, and each says with what it was measured."""
    asked = []
    row = {"images_per_second": [10.0, 30.0, 20.0], "share_of_peak": [0.1, 0.3, 0.2], "first_step": 4.0}
    row["memory"] = {"bytes": 2.5e9, "of": "device"}
    environment = {"device": "GPU: 1 × H", "backend": "jax 9", "system": "Linux"}

    def answer(call, seconds=None, **arguments):
        asked.append((call, arguments))
        if call == "about":
            return {"environment": environment, "driver": "550", "precisions": ["float32", "tf32"]}
        if call == "limits":
            return {"products": dict.fromkeys(arguments["precisions"], 5e13), "copy": 2e12}
        return {"failed": "did not fit into memory"} if arguments["batch_size"] > 512 else row | arguments

    monkeypatch.setattr(speed, "in_own_process", answer)
    path = tmp_path / "new" / "steps.json"
    words = ["benchmark", "--preset", "cifar10", "--rounds", "3", "--steps", "7", "--record", str(path)]
    assert __main__.main([*words, "--batch-size", "128", "2048"]) == 0
    shown = capsys.readouterr().out
    assert (
        "cifar10" in shown and "20 (10 to 30)" in shown and "20% (10% to 30%)" in shown and "2.5 GB (device)" in shown
    )
    assert shown.count("did not fit into memory") == 2 and "tf32: 50 TFLOP/s" in shown and "2e+03 GB/s" in shown
    measured = [arguments for call, arguments in asked if call == "measure"]
    assert [(one["precision"], one["batch_size"]) for one in measured] == [
        ("float32", 128), ("float32", 2048), ("tf32", 128), ("tf32", 2048),
    ]  # fmt: skip
    assert all(one["rounds"] == 3 and one["steps"] == 7 for one in measured)
    record = json.loads(path.read_text())
    assert [one.get("failed") for one in record["rows"]] == [None, "did not fit into memory"] * 2
    assert (
        record["driver"] == "550"
        and record["environment"] == environment
        and all(one["date"] for one in record["rows"])
    )
    assert "train_on_batch" in record["what"] and "KERAS_BACKEND" not in record["what"]
    asked.clear()
    assert __main__.main([*words, "--batch-size", "128", "256", "2048"]) == 0
    assert [one["batch_size"] for call, one in asked if call == "measure"] == [256, 256]
    assert "limits" not in dict(asked) and len(json.loads(path.read_text())["rows"]) == 6
    environment["device"] = "GPU: 1 × other"
    record_before = path.read_text()
    assert __main__.main(words) == 2
    assert "name another file" in capsys.readouterr().err and path.read_text() == record_before


def test_the_record_of_steps_says_what_follows_from_what_was_measured():
    record = training.record("steps-cpu")
    assert {row["network"] for row in record["rows"]} == set(benchmark.PRESETS)
    assert record["limits"]["products"]["float32"] > 1e9 and record["limits"]["copy"] > 1e8
    measured = [row for row in record["rows"] if "failed" not in row]
    assert len(measured) >= len(benchmark.PRESETS)
    for row in measured:
        operations = architecture.PRESETS[row["network"]].training_operations
        assert row["training_operations"] == operations
        np.testing.assert_allclose(
            row["share_of_peak"], speed.shares(row["images_per_second"], operations, row["peak"]), rtol=1e-12
        )
        assert row["memory"]["bytes"] > row["memory"]["before"] > 1e8


def test_the_record_of_switches_is_of_these_switches():
    switches, record = experiment("switches"), training.record("switches-cpu")
    names = {"steps": switches.steps(), "feeding": switches.FEEDS, "fed": ("no pipeline", *switches.FED)}
    for part in names:
        rows = record[part]["rows"]
        assert [row["name"] for row in rows] == list(names[part])
        first = rows[0]["images_per_second"]
        for row in rows:
            np.testing.assert_allclose(row["ratio"], speed.ratios(row["images_per_second"], first), rtol=1e-12)
            assert len(row["ratio"]) == switches.ROUNDS
    for row in record["steps"]["rows"]:
        assert all(0 < share < 1.5 for share in row["share_of_peak"])


def test_benchmark_measures(tmp_path):
    """The whole way, through real processes."""
    path = tmp_path / "steps.json"
    words = (
        "--preset",
        "lenet-5",
        "--batch-size",
        "16",
        "--precision",
        "float32",
        "--rounds",
        "2",
        "--record",
        str(path),
    )
    command = [sys.executable, "-m", "alexnet", "benchmark", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    record = json.loads(path.read_text())
    (row,) = record["rows"]
    assert (row["network"], row["batch_size"], row["precision"]) == ("lenet-5", 16, "float32")
    assert len(row["images_per_second"]) == 2 and all(0 < share < 1.5 for share in row["share_of_peak"])
    assert record["limits"]["products"]["float32"] > 1e9 and record["limits"]["copy"] > 1e8
    assert record["environment"]["backend"].startswith("tensorflow") and record["environment"]["device"]
    assert "lenet-5" in done.stdout and "share of peak" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--preset", "lenet-6"), "no preset is called 'lenet-6'"),
        (("--precision", "float64"), "precision is one of"),
        (("--batch-size", "0"), "at least 1"),
    ],
)
def test_benchmark_refuses_what_makes_no_sense(words, message, monkeypatch, capsys):
    def answer(call, seconds=None, **arguments):
        assert call == "about", "nothing is measured"
        return speed._answer({"call": call, "arguments": arguments})

    monkeypatch.setattr(speed, "in_own_process", answer)
    assert __main__.main(["benchmark", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_killed_process_and_a_slow_one_are_answers():
    killed = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    for code, seconds, said in [
        (killed, None, "killed by the system"),
        ("import time; time.sleep(60)", 0.5, "not done after 0.5 s"),
    ]:
        with pytest.MonkeyPatch.context() as patch:
            run = subprocess.run
            patch.setattr(
                speed.subprocess,
                "run",
                lambda command, code=code, run=run, **more: run([sys.executable, "-c", code], **more),
            )
            assert said in speed.in_own_process("measure", seconds)["failed"]


def test_a_step_without_memory_is_an_answer(monkeypatch):
    monkeypatch.setattr(speed, "measure", lambda **arguments: _numpy_is_asked_too_much())
    answer = speed._answer({"call": "measure", "arguments": {}})
    assert answer["failed"] == "did not fit into memory" and "MemoryError: Unable to allocate" in answer["error"]
    monkeypatch.setattr(speed, "measure", lambda **arguments: {}["a mistake"])
    with pytest.raises(KeyError):
        speed._answer({"call": "measure", "arguments": {}})
