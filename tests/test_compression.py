"""Pruning, sharing and Huffman codes: each against what defines it, and the file against what was put into it."""

import itertools
import struct

import keras
import numpy as np
import pytest

from alexnet import compression, model


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def network(tiny):
    return model.build(tiny, seed=1, weight_decay=0.001, precision="float32")


def train(network, steps=5):
    rng = np.random.default_rng(1)
    network.compile(keras.optimizers.SGD(0.05, momentum=0.9), keras.losses.SparseCategoricalCrossentropy(True))
    network.fit(
        rng.random((8 * steps, *network.input_shape[1:]), dtype="float32"),
        rng.integers(0, 10, 8 * steps),
        batch_size=8,
        verbose=0,
    )


@pytest.mark.parametrize("share", [0, 0.5, 0.9, 0.999])
def test_pruning_takes_the_smallest_and_exactly_so_many(rng, share):
    weights = rng.normal(size=(7, 11, 13))
    mask = compression.magnitude_mask(weights, share)
    assert mask.shape == weights.shape and (~mask).sum() == round(share * weights.size)
    if share:
        assert np.abs(weights[~mask]).max() <= np.abs(weights[mask]).min()


def test_pruning_counts_equals_too():
    assert compression.magnitude_mask(np.ones(10), 0.3).tolist() == [False] * 3 + [True] * 7
    for wrong in (-0.1, 1, 90):
        with pytest.raises(ValueError, match="at least 0 and less than 1"):
            compression.magnitude_mask(np.ones(10), wrong)


def test_masks_survive_training(network):
    untouched = compression.weights(network)
    compression.prune(network, {"conv2": 0.8, "fc3": 0.9})
    pruned = compression.weights(network)
    train(network)
    trained = compression.weights(network)
    for name, share in {"conv2": 0.8, "fc3": 0.9}.items():
        zero = pruned[name][0] == 0
        assert zero.sum() == round(share * zero.size)
        assert not trained[name][0][zero].any()
        assert (trained[name][0][~zero] != pruned[name][0][~zero]).mean() > 0.9, "what stays is trained"
    assert np.array_equal(pruned["conv1"][0], untouched["conv1"][0])
    assert (trained["conv1"][0] != untouched["conv1"][0]).any()
    compression.release(network)
    train(network)
    assert compression.weights(network)["fc3"][0][pruned["fc3"][0] == 0].any(), "released weights are free"


def test_shared_weights_stay_shared_in_training(network):
    compression.prune(network, {"fc3": 0.7})
    compression.share(network, {"conv2": 2, "fc3": 3})
    before = compression.weights(network)
    assert len(np.unique(before["conv2"][0])) <= 4
    assert len(np.unique(before["fc3"][0])) <= 8 and (before["fc3"][0] == 0).mean() == pytest.approx(0.7, abs=0.001)
    train(network)
    after = compression.weights(network)
    for name in ("conv2", "fc3"):
        pairs = {(a, b) for a, b in zip(before[name][0].ravel(), after[name][0].ravel(), strict=True)}
        assert len(pairs) == len(np.unique(before[name][0])), "what was equal is equal"
        assert any(a != b for a, b in pairs), "and has moved"
    assert not after["fc3"][0][before["fc3"][0] == 0].any()


def test_a_shared_value_moves_by_the_mean_of_its_gradients(rng):
    layer = keras.layers.Dense(3, use_bias=True)
    small = keras.Sequential([keras.Input((4,)), layer])
    compression.share(small, {layer.name: 2})
    before, groups = compression.weights(small)[layer.name][0], layer.kernel.constraint.groups
    x, y = rng.normal(size=(5, 4)).astype("float32"), rng.normal(size=(5, 3)).astype("float32")
    small.compile(keras.optimizers.SGD(0.1), "mse")
    error = x @ before - y
    gradient = 2 * x.T @ error / error.size
    small.train_on_batch(x, y)
    after = compression.weights(small)[layer.name][0]
    for group in np.unique(groups):
        those = groups == group
        expected = before[those][0] - 0.1 * gradient[those].sum() / those.sum()
        np.testing.assert_allclose(after[those], expected, rtol=1e-4, atol=1e-6)


def test_sharing_finds_clusters_and_is_a_fixed_point(rng):
    values = np.concatenate([rng.normal(centre, 0.01, 100) for centre in (-1, 0.5, 2)])
    np.testing.assert_allclose(compression.shared_values(values, 3), [-1, 0.5, 2], atol=0.01)
    values = rng.normal(size=3000)
    centroids = compression.shared_values(values, 8, steps=10_000)
    group = compression.nearest(values, centroids)
    assert np.array_equal(group, np.abs(values[:, None] - centroids).argmin(axis=1))
    np.testing.assert_allclose(centroids, [values[group == k].mean() for k in range(8)])


def test_sharing_agrees_with_scikit_learn(rng):
    cluster = pytest.importorskip("sklearn.cluster")
    values = rng.laplace(size=2000)
    start = np.linspace(values.min(), values.max(), 16)[:, None]
    theirs = cluster.KMeans(16, init=start, n_init=1, max_iter=1000, tol=0, algorithm="lloyd").fit(values[:, None])
    ours = compression.shared_values(values, 16, steps=1000)
    error = np.square(values - ours[compression.nearest(values, ours)]).sum()
    # Local optima both: what becomes of empty clusters differs.
    assert error == pytest.approx(theirs.inertia_, rel=0.2)


def test_no_centroid_stays_in_a_hole(rng):
    values = rng.normal(size=4000)
    values = values[np.abs(values) > 1]
    for count in (1, 3, 7, 31):
        centroids = compression.shared_values(values, count)
        assert len(np.unique(compression.nearest(values, centroids))) == count
    few = compression.shared_values(values, 3)
    assert np.abs(few).min() > 1


def test_few_values_are_shared_without_error():
    values = np.array([0.25, -1, 0.25, 3])
    centroids = compression.shared_values(values, 16)
    assert np.array_equal(centroids[compression.nearest(values, centroids)], values)
    with pytest.raises(ValueError, match="0 values"):
        compression.shared_values([], 4)


def test_sharing_refuses_widths_that_the_file_has_not(network):
    for wrong in (0, 9):
        with pytest.raises(ValueError, match="1 to 8 bits"):
            compression.share(network, {"fc3": wrong})


def test_huffman_lengths_of_small_examples():
    # Worked by hand: 5 + 9 = 14, 12 + 13 = 25, 14 + 16 = 30, 25 + 30 = 55, 45 + 55.
    assert compression.huffman_lengths([45, 13, 12, 16, 9, 5]).tolist() == [1, 3, 3, 3, 4, 4]
    assert compression.huffman_lengths([1, 1, 1, 1]).tolist() == [2, 2, 2, 2]
    assert compression.huffman_lengths([0, 7, 0]).tolist() == [0, 1, 0]
    assert compression.huffman_lengths([0, 0]).tolist() == [0, 0]
    assert compression.huffman_lengths([8, 4, 2, 1, 1]).tolist() == [1, 2, 3, 4, 4]
    with pytest.raises(ValueError, match="at least 0"):
        compression.huffman_lengths([1, -1])


@pytest.mark.parametrize("seed", range(5))
def test_huffman_codes_keep_to_the_bounds_of_entropy(seed):
    counts = np.random.default_rng(seed).pareto(0.5, 60).astype(int)
    lengths = compression.huffman_lengths(counts)
    mean = (counts * lengths).sum() / counts.sum()
    assert compression.entropy(counts) <= mean < compression.entropy(counts) + 1
    assert sum(2.0 ** -lengths[counts > 0]) == 1, "no code is wasted"


def test_no_other_lengths_are_better():
    """All sets of lengths that Kraft's inequality allows, for five symbols."""
    for counts in ([10, 7, 3, 2, 1], [1, 1, 1, 1, 5], [6, 5, 4, 3, 2]):
        best = min(
            np.dot(counts, lengths)
            for lengths in itertools.product(range(1, 6), repeat=5)
            if sum(2.0**-n for n in lengths) <= 1
        )
        assert np.dot(counts, compression.huffman_lengths(counts)) == best


def test_codes_are_free_of_prefixes(rng):
    lengths = compression.huffman_lengths(rng.integers(0, 100, 40) ** 2)
    codes = compression.canonical_codes(lengths)
    words = [format(code, f"0{n}b") for code, n in zip(codes, lengths, strict=True) if n]
    assert not any(a != b and b.startswith(a) for a in words for b in words) and len(set(words)) == len(words)
    assert compression.canonical_codes([2, 1, 3, 3]).tolist() == [0b10, 0b0, 0b110, 0b111]
    assert compression.canonical_codes([3] * 8).tolist() == list(range(8)), "a code of fixed width is the number"
    with pytest.raises(ValueError, match="no prefix code"):
        compression.canonical_codes([1, 1, 2])


def test_bits_are_where_a_reader_by_hand_finds_them():
    # a: 0, b: 10, c: 11; "abcab" is 0 10 11 0 10, one full byte.
    assert compression.pack([0, 1, 2, 0, 1], [1, 2, 2]) == bytes([0b01011010])
    assert compression.unpack(bytes([0b01011010]), [1, 2, 2], 5).tolist() == [0, 1, 2, 0, 1]
    with pytest.raises(ValueError, match="no code"):
        compression.pack([0, 3], [1, 2, 2])
    with pytest.raises(ValueError, match="no code"):
        compression.pack([1], [1, 0])
    with pytest.raises(ValueError, match="too early"):
        compression.unpack(bytes([0b01011010]), [1, 2, 2], 9)
    with pytest.raises(ValueError, match="bits long"):
        compression.unpack(b"\0", [0, 0], 1)


@pytest.mark.parametrize("seed", range(4))
def test_packing_is_exact(seed):
    rng = np.random.default_rng(seed)
    symbols = rng.geometric(0.2, 5000).clip(max=40) - 1
    lengths = compression.huffman_lengths(np.bincount(symbols, minlength=40))
    packed = compression.pack(symbols, lengths)
    assert np.array_equal(compression.unpack(packed, lengths, len(symbols)), symbols)
    assert len(packed) == -(-lengths[symbols].sum() // 8)


def test_gaps_of_a_known_row():
    # 2 zeros, an entry; 10 zeros with gaps of at most 7: a filler stands for 8 of them, then 2 and the entry.
    mask = np.array([0, 0, 1] + [0] * 10 + [1, 1, 0])
    found, filler = compression.gaps(mask, 3)
    assert found.tolist() == [2, 7, 2, 0] and filler.tolist() == [False, True, False, False]
    assert [len(part) for part in compression.gaps(np.zeros(9), 3)] == [0, 0]


SETTINGS = [
    (0, True, 0, 3),
    (0, False, 0, 3),
    (3, True, 0.9, 4),
    (3, False, 0.9, 4),
    (8, True, 0.5, 8),
    (5, True, 0.99, None),
    (1, True, 0.3, 1),
    (0, True, 0.6, None),
]


@pytest.mark.parametrize("index_bits, huffman, pruned, bits", SETTINGS)
def test_a_file_gives_back_what_went_in(network, index_bits, huffman, pruned, bits):
    names = list(compression.weights(network))
    compression.prune(network, dict.fromkeys(names, pruned))
    if bits:
        compression.share(network, dict.fromkeys(names, bits))
    stored = compression.weights(network)
    content = compression.encode(stored, index_bits, huffman)
    back = compression.decode(content)
    assert list(back) == names
    for name in names:
        for ours, theirs in zip(stored[name], back[name], strict=True):
            assert theirs.dtype == "float32"
            np.testing.assert_array_equal(np.float16(ours), theirs)
    assert compression.encode(back, index_bits, huffman) == content
    parts = compression.sizes(stored, index_bits, huffman)
    assert sum(parts.values()) == len(content) and set(parts) == set(compression.PARTS)
    assert parts["biases"] == sum(2 * bias.size for _, bias in stored.values())


def test_the_network_behind_a_file_is_the_same(network, tiny, rng):
    compression.prune(network, {"fc3": 0.8})
    compression.share(network, dict.fromkeys(compression.weights(network), 4))
    again = model.build(tiny, seed=2, precision="float32")
    compression.load(again, compression.decode(compression.encode(compression.weights(network), 4)))
    pictures = rng.random((3, *network.input_shape[1:]), dtype="float32")
    np.testing.assert_allclose(again.predict(pictures, verbose=0), network.predict(pictures, verbose=0), rtol=1e-5)


def test_sizes_by_hand():
    kernel = np.zeros((4, 8))
    kernel[0, 2], kernel[1, 0], kernel[3, 7] = 0.5, -0.5, 0.5
    parts = compression.sizes({"fc": (kernel, np.zeros(8))}, index_bits=3, huffman=False)
    # Gaps 2, 5 and 22, which takes two fillers: 5 entries of 3 values (one of them the filler's zero), in 2 bits.
    assert parts["codebooks"] == 3 * 2 and parts["biases"] == 8 * 2 and parts["code lengths"] == 0
    assert parts["weights"] == 2 and parts["gaps"] == 2, "10 bits and 15 bits, in full bytes"
    assert parts["names and shapes"] == 4 + 1 + (1 + 2) + (1 + 2 * 4) + (1 + 2 + 1 + 4) + 2 * 4 + 4


@pytest.mark.parametrize(
    "change, what",
    [
        (lambda c: b"PNG" + c[3:], "not a compressed network"),
        (lambda c: c[:-1], "too early"),
        (lambda c: c[:50], "too early"),
        (lambda c: c + b"\0", "goes on"),
        # The number of entries of the first layer, whose name is conv1.
        (lambda c: c[:31] + struct.pack("<I", 10**9) + c[35:], "more entries"),
    ],
)
def test_a_damaged_file_is_refused(network, change, what):
    content = compression.encode(compression.weights(network), 4)
    with pytest.raises(ValueError, match=what):
        compression.decode(change(content))


def test_wrong_input_is_refused(network):
    stored = compression.weights(network)
    with pytest.raises(ValueError, match="1 to 255 layers"):
        compression.encode({})
    with pytest.raises(ValueError, match="1 to 8 bits wide"):
        compression.encode(stored, 9)
    with pytest.raises(ValueError, match="float16"):
        compression.encode({"fc": (np.array([[1e9]]), np.zeros(1))})
    with pytest.raises(ValueError, match="float16"):
        compression.encode({"fc": (np.array([[np.nan]]), np.zeros(1))})


def test_constraints_can_be_saved(network):
    compression.prune(network, {"fc3": 0.5})
    compression.share(network, {"fc4": 3})
    for name in ("fc3", "fc4"):
        constraint = network.get_layer(name).kernel.constraint
        again = type(constraint).from_config(constraint.get_config())
        kernel = keras.Variable(np.random.default_rng(0).normal(size=network.get_layer(name).kernel.shape))
        both = [keras.ops.convert_to_numpy(each(kernel)) for each in (again, constraint)]
        np.testing.assert_array_equal(*both)
