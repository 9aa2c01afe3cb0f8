"""A recording keeps what the network was, and the page shows of it what Python says, after every touch of a control."""

import base64
import json
import re
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
from traitlets import TraitError

from alexnet import data, model, training
from alexnet.architecture import Architecture, Conv, Dense, Pool
from alexnet.explorers import replay
from alexnet.explorers.pictures import from_test_set
from alexnet.explorers.replay import Recording, ReplayExplorer, recorded
from conftest import shell, soon, until, violations

INDICES = [2, 3, 5, 7]
NET = Architecture(
    "small",
    "one convolution",
    (32, 32, 3),
    [Conv("conv1", 6, 5, stride=2, weights="he_normal"), Pool("pool1", 3, 2), Dense("fc2", 10, None)],
    rounding="up",
)


def fresh(patches):
    return model.build(NET, preprocessing=data.normalization(patches.x_train), seed=1, precision="float32")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A real training of three epochs: its recording, and what the network was, taken by other means."""
    folder = tmp_path_factory.mktemp("weights")
    patches = data.patches10(train=200, test=50)
    pictures = patches.x_test[INDICES]
    recording = Recording(pictures, patches.y_test[INDICES], patches.class_names, "small on patches10", INDICES)
    network, kernels, answers, paths = fresh(patches), [], [], []

    def look(row, network):
        if row:
            recording(row, network)
            paths.append(folder / f"{row['epoch']}.weights.h5")
            network.save_weights(paths[-1])
        kernels.append(network.get_layer("conv1").get_weights()[0])
        logits = np.asarray(network(pictures.astype("float32"), training=False), "float64")
        answers.append(np.exp(logits) / np.exp(logits).sum(1, keepdims=True))

    recording.before(network)
    look(None, network)
    recipe = training.Recipe(epochs=3, batch_size=20, schedule="constant", learning_rate=0.02, precision="float32")
    run = training.train(network, patches, recipe, progress=False, on_epoch=look)
    return SimpleNamespace(
        recording=recording, run=run, kernels=kernels, answers=answers, paths=paths, patches=patches, pictures=pictures
    )


def test_a_recording_keeps_what_the_network_was(made):
    passes = made.recording.passes
    assert [kept["epoch"] for kept in passes] == [0, 1, 2, 3]
    assert all(passes[0][name] is None for name in (*replay.NUMBERS, "moved"))
    for row, kept in zip(made.run.history, made.recording.history[1:], strict=True):
        assert kept == pytest.approx({name: row[name] for name in kept}, rel=1e-5)
    for epoch, (kernel, answer) in enumerate(zip(made.kernels, made.answers, strict=True)):
        kept = made.recording.weights(epoch)
        assert kept.shape == (6, 5, 5, 3)
        # Rounded to the nearest of 255 steps.
        assert np.abs(kept - np.moveaxis(kernel, -1, 0)).max() <= 0.501 * passes[epoch]["scale"]
        assert passes[epoch]["probabilities"] == pytest.approx(answer, abs=2e-5)
    for n in (1, 2, 3):
        before, after = made.kernels[n - 1 : n + 1]
        moved = np.sqrt(np.mean((after - before) ** 2) / np.mean(before**2))
        assert passes[n]["moved"] == pytest.approx(moved, rel=1e-4) and moved > 0.003


def same(one, other):
    for kept, again in zip(one.passes, other.passes, strict=True):
        assert kept.keys() == again.keys()
        for name in kept:
            assert np.array_equal(kept[name], again[name]), name


def test_a_recording_goes_through_json(made):
    text = made.recording.to_json()
    again = Recording.from_json(text)
    same(made.recording, again)
    assert np.array_equal(again.pictures, made.pictures)
    assert (again.title, again.labels, again.indices) == ("small on patches10", made.recording.labels, INDICES)
    assert again.to_json() == text
    short = made.recording.to_json(pictures=False)
    assert Recording.from_json(short).pictures is None and "png" not in short
    assert len(short) < 4 * (6 * 5 * 5 * 3 * 4 / 3 + 4 * 10 * 9 + 250) + 400


def test_grey_pictures_go_through_json():
    grey = np.arange(2 * 8 * 8, dtype="uint8").reshape(2, 8, 8, 1)
    again = Recording.from_json(Recording(grey, [0, 1], ["a", "b"]).to_json())
    assert np.array_equal(again.pictures, grey)


def test_a_run_that_is_over_is_recorded_from_its_weights(made):
    again = Recording(made.pictures, made.recording.labels, made.patches.class_names, indices=INDICES)
    assert recorded(again, fresh(made.patches), made.run.history, made.paths) is again
    for kept, again_kept in zip(made.recording.passes, again.passes, strict=True):
        assert np.array_equal(kept["kernels"], again_kept["kernels"])
        assert again_kept["probabilities"] == pytest.approx(kept["probabilities"], abs=2e-5)
    assert again.history == made.recording.history
    with pytest.raises(ValueError):
        recorded(again, fresh(made.patches), made.run.history, made.paths[:2])


def test_an_epoch_that_does_not_follow_starts_afresh(made):
    recording = Recording.from_json(made.recording.to_json())
    row = made.run.history[0]
    recording(row | {"epoch": 4}, made.run.model)
    assert [kept["epoch"] for kept in recording.passes] == [0, 1, 2, 3, 4]
    # From the weights as they were kept, in eight bits.
    assert recording.passes[-1]["moved"] < 0.01
    recording(row, made.run.model)
    assert [kept["epoch"] for kept in recording.passes] == [1] and recording.passes[0]["moved"] is None
    recording.before(made.run.model)
    assert [kept["epoch"] for kept in recording.passes] == [0]


@pytest.mark.parametrize(
    ("pictures", "labels", "says"),
    [
        (np.zeros((2, 8, 8, 3)), [0, 1], "float64"),
        (np.zeros((8, 8, 3), "uint8"), [0, 1], "in \\(8, 8, 3\\)"),
        (np.zeros((2, 8, 8, 4), "uint8"), [0, 1], "1 or 3 channels"),
        (np.zeros((2, 8, 8, 3), "uint8"), [0], "2 pictures, 1 labels"),
        (np.zeros((0, 8, 8, 3), "uint8"), [], "0 pictures"),
    ],
)
def test_wrong_pictures_are_refused(pictures, labels, says):
    with pytest.raises(ValueError, match=says):
        Recording(pictures, labels, ["a", "b"])


def test_a_network_that_is_no_longer_numbers_is_refused(made):
    broken = fresh(made.patches)
    kernel = broken.get_layer("conv1").kernel
    kernel.assign(np.full(kernel.shape, np.nan))
    with pytest.raises(ValueError, match=r"conv1.*not finite"):
        Recording(made.pictures, made.recording.labels, made.patches.class_names).before(broken)


def test_what_is_not_a_number_is_left_out(made):
    recording = Recording(made.pictures, made.recording.labels, made.patches.class_names)
    recording(made.run.history[0] | {"test_loss": float("nan")}, made.run.model)
    explorer = ReplayExplorer(recording)
    assert explorer.value["test_loss"] is None and "NaN" not in explorer.page()
    assert "not a number on the test pictures" in explorer.fallback()[1]


def test_the_explorer_replays_what_was_recorded(made):
    explorer = ReplayExplorer(made.recording)
    assert (explorer.epoch, explorer.title, explorer.source) == (3, "small on patches10", "")
    for epoch, answer in enumerate(made.answers):
        explorer.epoch = epoch
        value = explorer.value
        predicted = answer.argmax(1)
        assert value["predicted"] == [made.patches.class_names[n] for n in predicted]
        assert value["right"] == (predicted == made.recording.labels).sum()
        assert value["test_loss"] == made.recording.history[epoch]["test_loss"]
        for top, probabilities in zip(value["top"], answer, strict=True):
            assert [p for _, p in top] == pytest.approx(sorted(probabilities, reverse=True)[:3], abs=2e-5)
    assert "png" not in explorer.page() and "_live" not in explorer.state


def test_a_recording_goes_on_without_the_explorer_that_shows_it(made):
    recording = Recording.from_json(made.recording.to_json())
    explorer = ReplayExplorer(recording)
    recording.before(made.run.model)
    assert [kept["epoch"] for kept in json.loads(explorer.asset("replay.json"))["passes"]] == [0, 1, 2, 3]
    assert len(explorer.history) == 4


def test_wrong_recordings_and_states_are_refused(made, tmp_path, monkeypatch):
    monkeypatch.setattr(replay, "ASSETS", tmp_path)
    with pytest.raises(FileNotFoundError, match="no recording 'other'; there are none"):
        ReplayExplorer("other")
    with pytest.raises(ValueError, match="empty"):
        ReplayExplorer(Recording(made.pictures, made.recording.labels, made.patches.class_names))
    for state, says in (
        ({"epoch": 4}, "epochs 0 to 3, not 4"),
        ({"epoch": -1}, "epoch"),
        ({"filters": "all"}, "all"),
        ({"history": []}, "read"),
    ):
        with pytest.raises(TraitError, match=says):
            ReplayExplorer(made.recording, **state)


def test_assets(made, monkeypatch, tmp_path):
    explorer = ReplayExplorer(made.recording)
    assert explorer.asset("replay.json").decode() == made.recording.to_json()
    with pytest.raises(KeyError):
        explorer.asset("replay-cifar10-tower.json")
    monkeypatch.setenv("ALEXNET_DATA", str(tmp_path))
    with pytest.raises(data.DataError):
        explorer.asset("cifar10-samples.json")
    monkeypatch.setattr(data, "cifar10", lambda download: made.patches)
    samples = json.loads(explorer.asset("cifar10-samples.json"))
    assert [entry["index"] for entry in samples["pictures"]] == INDICES
    assert samples["source"] == made.patches.provenance


def test_the_fallback_says_where_the_run_ended(made):
    picture, sentence = ReplayExplorer(made.recording, epoch=1).fallback()
    ElementTree.fromstring(picture)
    last = made.run.history[-1]
    assert f"After epoch 3 the loss is {last['loss']:.3f}" in sentence
    assert f"{last['accuracy']:.1%} and {last['test_accuracy']:.1%}" in sentence
    right = sum(n == label for n, label in zip(made.answers[-1].argmax(1), made.recording.labels, strict=True))
    assert f"Of 4 fixed pictures it then names {right} rightly" in sentence
    assert picture.count("stroke-dasharray") == 2 and picture.count("<path") == 4
    untrained = Recording(made.pictures, made.recording.labels, made.patches.class_names)
    untrained.before(made.run.model)
    assert "After epoch" not in ReplayExplorer(untrained).fallback()[1]


@pytest.fixture
def placed(made, explorer_site, tmp_path, monkeypatch):
    """placed(pictures=False, samples=True): the explorer of a recording that lies in the page's assets, by name."""
    monkeypatch.setattr(replay, "ASSETS", tmp_path)
    folder = explorer_site[0] / "explorers" / "assets"
    folder.mkdir(exist_ok=True)

    def place(pictures=False, samples=True):
        text = made.recording.to_json(pictures)
        for path in (tmp_path, folder):
            (path / "replay-small.json").write_text(text)
        kept = made.patches if samples else made.patches.subset(test=0)
        (folder / "cifar10-samples.json").write_text(json.dumps(from_test_set(kept, INDICES)))
        return ReplayExplorer("small")

    return place


def drawn(tab):
    """The page with its recording loaded."""
    tab.locator(".replay-answers").wait_for()
    return tab


def percent(number):
    return "not known" if number is None else f"{100 * number:.1f} %"


def agrees(tab, explorer):
    """Sentence, charts, filters and answers are those that Python works out for the same state."""
    value = explorer.value
    said = tab.locator(".result").inner_text()
    if value["epoch"]:
        assert said.startswith(f"After epoch {value['epoch']}: accuracy {percent(value['accuracy'])} in training and")
        assert f"{percent(value['test_accuracy'])} on the test pictures" in said
        assert f"loss {value['loss']:.3f} and {value['test_loss']:.3f}." in said
    else:
        assert said.startswith("Epoch 0: before training.")
    assert f"{value['right']} of the 4 fixed pictures" in said
    assert tab.get_by_role("slider").input_value() == str(value["epoch"])
    accuracies = f"training {percent(value['accuracy'])}, test {percent(value['test_accuracy'])}"
    assert tab.locator("[data-chart=accuracy] .replay-said span").inner_text() == accuracies
    for n, card in enumerate(tab.locator(".replay-answers > li").all()):
        rows = [row.locator("span").all_inner_texts() for row in card.locator("ol li").all()]
        assert [name for name, _ in rows] == [name for name, _ in value["top"][n]]
        for (_, shown), (_, p), bar in zip(rows, value["top"][n], card.locator("b").all(), strict=True):
            assert float(shown.removesuffix(" %")) == pytest.approx(100 * p, abs=0.0501)
            assert float(re.search(r"width: ?([\d.e-]+)%", bar.get_attribute("style"))[1]) == pytest.approx(100 * p)
        label = explorer._recording.labels[n]
        right = value["predicted"][n] == explorer._recording.class_names[label]
        assert card.locator(".replay-mark").inner_text() == ("✓ right" if right else "✗ wrong")
    assert np.abs(painted(tab) - expected(explorer)).max() <= 1
    if explorer.filters == "weights":
        assert f"Largest weight: {value['largest_weight']:.3f}." in tab.locator(".explorer").inner_text()


def painted(tab):
    """The filters on the canvas: (maps, rows, columns, 3)."""
    sheet = replay._pixels(tab.evaluate("document.querySelector('.replay-filters').toDataURL().split(',')[1]"))
    # Six filters of 5x5 in two rows of three, a clear pixel between two.
    assert sheet.shape == (11, 17, 4) and (sheet[5, :, 3] == 0).all() and (sheet[:, 5, 3] == 0).all()
    return np.stack([sheet[6 * (n // 3) :, 6 * (n % 3) :][:5, :5, :3] for n in range(6)]).astype(float)


def expected(explorer):
    weights = np.stack([explorer._recording.weights(row["epoch"]) for row in explorer.history])
    if explorer.filters == "change":
        weights = weights - weights[0]
    now = weights[[row["epoch"] for row in explorer.history].index(explorer.epoch)]
    return 128 + 127 * now / np.abs(weights).max()


def test_keyboard_goes_through_the_epochs(opened, placed):
    explorer = placed()
    with opened(explorer) as tab:
        agrees(drawn(tab), explorer)
        slider = tab.get_by_role("slider")
        slider.focus()
        marks = set()
        for key, epoch in (("ArrowLeft", 2), ("Home", 0), ("ArrowRight", 1), ("End", 3)):
            tab.keyboard.press(key)
            explorer.epoch = epoch
            agrees(tab, explorer)
            marks.add(tab.locator("[data-chart=loss] .replay-marker").get_attribute("x1"))
            assert slider.get_attribute("aria-valuetext") == f"{epoch} of 3"
        assert len(marks) == 4
        tab.get_by_role("radio", name="weights").focus()
        before = painted(tab)
        tab.keyboard.press("ArrowRight")
        explorer.filters = "change"
        agrees(tab, explorer)
        assert np.abs(painted(tab) - before).max() > 10
        slider.focus()
        tab.keyboard.press("Home")
        assert (painted(tab) == 128).all()


def test_touch_on_a_chart_in_the_dark(opened, placed):
    explorer = placed()
    with opened(explorer, width=360, theme="dark", touch=True) as tab:
        drawn(tab)
        for chart, share, epoch in (("loss", 0.37, 1), ("accuracy", 0.62, 2), ("loss", 0.01, 0), ("accuracy", 0.99, 3)):
            plot = tab.locator(f"[data-chart={chart}] .replay-plot")
            box = plot.bounding_box()
            plot.tap(position={"x": share * box["width"], "y": box["height"] / 3})
            explorer.epoch = epoch
            agrees(tab, explorer)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360
        for control in tab.get_by_role("button").all():
            assert min(control.bounding_box()["width"], control.bounding_box()["height"]) >= 24
        # From far below, the slider is still in reach.
        tab.locator(".replay-answers > li").last.scroll_into_view_if_needed()
        assert 0 <= tab.get_by_role("slider").bounding_box()["y"] < 200


# Notes the epoch and what the first button says, each time that they change, and all that stands there with them, the
# filters' picture too: a slow machine may look too late at what was.
WATCH = """() => {
    const root = document.querySelector(".explorer");
    const button = () => [...root.querySelectorAll("button")].find(b => /^(play|pause)$/.test(b.textContent.trim()));
    const now = () => `${root.querySelector("input[type=range]").value} ${button().textContent.trim()}`;
    window.picture = () => [root.innerText.replace(/\\b(play|pause)\\b/, ""), ...[...root.querySelectorAll("b")].map(
        bar => bar.style.width), root.querySelector(".replay-filters").toDataURL()].join("\\n");
    window.seen = [now()];
    window.pictures = {};
    new MutationObserver(() => {
        if (now() !== seen.at(-1)) seen.push(now());
        requestAnimationFrame(() => { pictures[root.querySelector("input[type=range]").value] = picture(); });
    }).observe(root, {subtree: true, childList: true, attributes: true, characterData: true});
}"""


def same_as_played(tab, picture):
    assert tab.evaluate("picture()") == picture


def test_play_steps_to_the_end_and_stops(opened, placed):
    explorer = placed()
    with opened(explorer) as tab:
        drawn(tab)
        tab.wait_for_timeout(1300)
        agrees(tab, explorer)  # nothing moves by itself
        tab.evaluate(WATCH)
        tab.get_by_role("button", name="play").click()
        until(tab, "seen.at(-1) === '3 play'")
        tab.wait_for_timeout(1300)
        assert tab.evaluate("seen") == ["3 play", "0 pause", "1 pause", "2 pause", "3 play"]
        agrees(tab, explorer)
        played = tab.evaluate("pictures")
        for epoch in range(4):
            tab.get_by_role("slider").press("Home")
            for _ in range(epoch):
                tab.get_by_role("slider").press("ArrowRight")
            explorer.epoch = epoch
            agrees(tab, explorer)
            soon(tab, lambda epoch=epoch: same_as_played(tab, played[str(epoch)]))


def test_a_touch_of_the_slider_or_pause_stops_the_replay(opened, placed):
    explorer = placed()
    with opened(explorer) as tab:
        drawn(tab)
        tab.get_by_role("button", name="play").click()
        tab.get_by_role("button", name="pause").click()
        explorer.epoch = int(tab.get_by_role("slider").input_value())
        tab.wait_for_timeout(1300)
        agrees(tab, explorer)
        tab.get_by_role("button", name="play").click()
        tab.get_by_role("slider").press("End")
        tab.wait_for_timeout(1300)
        explorer.epoch = 3
        agrees(tab, explorer)
        assert tab.get_by_role("button", name="play").is_enabled()


def test_the_sentence_is_read_out_once_the_reader_stays(opened, placed):
    with opened(placed()) as tab:
        drawn(tab)
        status = tab.locator(".replay-unseen[role=status]")
        tab.get_by_role("slider").focus()
        for key in ("Home", "ArrowRight", "ArrowRight"):
            tab.keyboard.press(key)
            assert status.inner_text() == ""
        until(tab, "document.querySelector('.replay-unseen').textContent.startsWith('After epoch 2')")
        assert status.inner_text() == tab.locator(".result").inner_text()


def test_bars_glide_only_where_motion_is_welcome(opened, placed):
    with opened(placed()) as tab:
        drawn(tab)
        duration = "getComputedStyle(document.querySelector('.replay-answers b')).transitionDuration"
        tab.emulate_media(reduced_motion="no-preference")
        assert tab.evaluate(duration) == "0.3s"
        tab.emulate_media(reduced_motion="reduce")
        assert tab.evaluate(duration) == "0s"


@pytest.mark.parametrize("pictures", [True, False])
def test_pictures_come_with_the_recording_or_beside_it(opened, placed, made, pictures):
    with opened(placed(pictures)) as tab:
        drawn(tab)
        tab.locator(".replay-answers img").last.wait_for()
        images = tab.locator(".replay-answers img").all()
        assert len(images) == 4
        for n, image in enumerate(images):
            name = made.patches.class_names[made.recording.labels[n]]
            assert image.get_attribute("alt") == f"test picture {INDICES[n]}, {name}"
            png = image.get_attribute("src").removeprefix("data:image/png;base64,")
            assert np.array_equal(replay._pixels(png), made.pictures[n])
        credited = made.patches.provenance in tab.locator(".replay-about").inner_text()
        assert credited == (not pictures), "where they come from is said of pictures that are not the reader's own"


def test_pictures_that_are_not_here_are_named(opened, placed, made):
    explorer = placed(samples=False)
    with opened(explorer) as tab:
        agrees(drawn(tab), explorer)
        name = made.patches.class_names[made.recording.labels[0]]
        assert tab.locator(".replay-answers img").count() == 0
        boxes = tab.locator(".replay-absent").all_inner_texts()
        assert boxes[0] == f"test picture 2, {name}; the picture is not part of this copy" and len(boxes) == 4


def test_a_broken_asset_is_told(opened, placed, explorer_site):
    asset = explorer_site[0] / "explorers" / "assets" / "replay-small.json"
    explorer = placed()
    asset.write_text(asset.read_text()[:100])
    with opened(explorer) as tab:
        alert = tab.get_by_role("alert")
        alert.wait_for()
        assert "could not be loaded" in alert.inner_text() and "JSON" in alert.inner_text()
        assert alert.get_by_role("button").count() == 0, "it would come as it is again"
        # What the page holds itself still works.
        tab.get_by_role("slider").press("Home")
        assert tab.locator(".result").first.inner_text() == "Epoch 0: before training."


def test_an_asset_of_another_run_is_told(opened, placed, explorer_site):
    explorer = placed()
    asset = explorer_site[0] / "explorers" / "assets" / "replay-small.json"
    whole = json.loads(asset.read_text())
    asset.write_text(json.dumps(whole | {"passes": whole["passes"][1:]}))
    with opened(explorer) as tab:
        tab.get_by_role("alert").wait_for()
        assert "another recording" in tab.get_by_role("alert").inner_text()


def test_a_missing_asset_is_told_and_can_be_asked_for_again(explorer_site, placed):
    explorer = placed()
    site, browser = explorer_site
    asset = site / "explorers" / "assets" / "replay-small.json"
    text = asset.read_text()
    asset.unlink()
    (site / "index.html").write_text(shell("light", explorer.page()))
    tab = browser.new_page()
    tab.goto(f"{browser.address}/index.html")
    tab.get_by_role("alert").wait_for()
    assert "404" in tab.get_by_role("alert").inner_text()
    asset.write_text(text)
    tab.get_by_role("button", name="try again").click()
    agrees(drawn(tab), explorer)
    assert tab.get_by_role("alert").count() == 0
    tab.close()


def test_the_readers_own_recording_in_a_page_without_a_kernel(opened, made):
    asked = []
    with opened(ReplayExplorer(made.recording)) as tab:
        tab.on("request", lambda request: asked.append(request.url))
        assert "run the notebook" in tab.locator(".result").last.inner_text()
        tab.get_by_role("slider").press("Home")
        assert tab.locator(".result").first.inner_text() == "Epoch 0: before training."
    assert asked == []


LIVE = """async ([text, state]) => {
    const listeners = new Map();
    const tell = (name, ...what) => [...(listeners.get(name) ?? [])].forEach(listener => listener(...what));
    const pending = {};
    const model = window.model = {
        get: name => state[name],
        set(name, value) { state[name] = value; pending[name] = value; },
        save_changes() {
            const changes = {...pending};
            Object.keys(pending).forEach(name => delete pending[name]);
            window.toKernel(changes);
            tell("change");
        },
        on(name, listener) { listeners.set(name, (listeners.get(name) ?? new Set()).add(listener)); },
        off(name, listener) { listeners.get(name)?.delete(listener); },
        async send(message) {
            const [content, part] = await window.ask(message);
            const bytes = part && Uint8Array.from(atob(part), c => c.charCodeAt(0));
            tell("msg:custom", content, bytes && [new DataView(bytes.buffer)]);
        },
        fromKernel(changes) { Object.assign(state, changes); tell("change"); },
    };
    const module = await import(URL.createObjectURL(new Blob([text], {type: "text/javascript"})));
    module.default.render({model, el: document.querySelector("main")});
}"""


def test_live_the_page_moves_the_traits_and_the_traits_the_page(explorer_site, made):
    """The module as a notebook gets it, one text without an address, with this process as its kernel."""
    site, browser = explorer_site
    explorer, sent, seen = ReplayExplorer(made.recording), [], []
    explorer.observe(lambda change: seen.append((change.old, change.new)), "epoch")
    explorer.send = lambda content, buffers=(): sent.append((content, list(buffers)))

    def ask(message):
        explorer._answer(explorer, message, [])
        content, buffers = sent.pop()
        return [content, base64.b64encode(buffers[0]).decode() if buffers else None]

    style = (site / "explorers" / "explorers.css").read_text()
    (site / "index.html").write_text(f"<!doctype html><link rel=icon href=data:,><style>{style}</style><main></main>")
    tab, trouble = browser.new_page(), []
    tab.on("pageerror", lambda error: trouble.append(str(error)))
    tab.on("console", lambda m: trouble.append(m.text) if m.type == "error" else None)
    tab.expose_function("ask", ask)
    tab.expose_function("toKernel", explorer.set_state)
    tab.goto(f"{browser.address}/index.html")
    tab.evaluate(LIVE, [explorer._esm, explorer.get_state(explorer.state_names()) | {"_live": explorer._live}])
    agrees(drawn(tab), explorer)
    assert tab.locator(".replay-answers img").count() == 4

    def moved(epoch, filters):
        assert (explorer.epoch, explorer.filters) == (epoch, filters)

    tab.get_by_role("slider").press("Home")
    soon(tab, lambda: moved(0, "weights"))
    assert seen == [(3, 0)]
    agrees(tab, explorer)
    tab.get_by_label("change since").check()
    soon(tab, lambda: moved(0, "change"))
    explorer.epoch = 2
    tab.evaluate("changes => model.fromKernel(changes)", {"epoch": 2})
    agrees(tab, explorer)
    assert trouble == []
    tab.close()


@pytest.mark.parametrize(("width", "theme"), [(1000, "light"), (360, "dark")])
def test_axe_finds_nothing(opened, placed, width, theme):
    with opened(placed(), width, theme) as tab:
        drawn(tab)
        assert violations(tab) == []
