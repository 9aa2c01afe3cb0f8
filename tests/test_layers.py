"""The layers against TensorFlow's own operations, NumPy written out, and numerical gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from alexnet.layers import (
    Augmentation,
    BatchNormalization,
    Dropout2012,
    LocalResponseNormalization,
    Padding2D,
    PatchWhitening,
    PCAColorNoise,
    SpatialResponseNormalization,
)

RNG = np.random.default_rng(0)
MAPS = RNG.normal(scale=30, size=(2, 5, 6, 12)).astype("float32")


def lrn_by_hand(x, size, alpha, beta, k):
    """The formula of the paper, section 3.3, index by index."""
    out, channels = np.empty_like(x, dtype="float64"), x.shape[-1]
    for i in range(channels):
        near = x[..., max(0, i - size // 2) : min(channels, i + size // 2 + 1)].astype("float64")
        out[..., i] = x[..., i] / (k + alpha * (near**2).sum(-1)) ** beta
    return out


@pytest.mark.parametrize(
    "settings", [(5, 1e-4, 0.75, 2.0), (3, 1e-2, 0.5, 1.0), (9, 1e-3, 0.75, 0.25), (1, 1e-3, 1.0, 1.0)]
)
def test_lrn_is_the_printed_formula(settings):
    np.testing.assert_allclose(LocalResponseNormalization(*settings)(MAPS), lrn_by_hand(MAPS, *settings), rtol=2e-5)


def test_lrn_equals_tensorflow_forward_and_gradient():
    ours, x = LocalResponseNormalization(5, 1e-4, 0.75, 2.0), tf.constant(MAPS)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        mine, theirs = ours(x), tf.nn.lrn(x, depth_radius=2, bias=2.0, alpha=1e-4, beta=0.75)
        weights = tf.constant(RNG.normal(size=MAPS.shape).astype("float32"))
        a, b = tf.reduce_sum(mine * weights), tf.reduce_sum(theirs * weights)
    np.testing.assert_allclose(mine, theirs, rtol=1e-5)
    np.testing.assert_allclose(tape.gradient(a, x), tape.gradient(b, x), rtol=1e-4, atol=1e-6)


def test_lrn_as_in_the_code_divides_alpha_by_size():
    np.testing.assert_allclose(
        LocalResponseNormalization(5, 1e-4, alpha_over_n=True)(MAPS), lrn_by_hand(MAPS, 5, 2e-5, 0.75, 2.0), rtol=2e-5
    )


def test_lrn_groups_do_not_see_each_other():
    grouped = LocalResponseNormalization(groups=2)(MAPS)
    halves = [LocalResponseNormalization()(MAPS[..., part]) for part in (slice(0, 6), slice(6, 12))]
    np.testing.assert_allclose(grouped, np.concatenate(halves, -1), rtol=1e-6)
    assert not np.allclose(grouped, LocalResponseNormalization()(MAPS), rtol=1e-4)


def test_spatial_normalisation_by_hand():
    size, alpha, beta, k = 3, 1e-2, 0.75, 1.0
    out = np.empty(MAPS.shape)
    for r, c in np.ndindex(*MAPS.shape[1:3]):
        near = MAPS[:, max(0, r - 1) : r + 2, max(0, c - 1) : c + 2].astype("float64")
        out[:, r, c] = MAPS[:, r, c] / (k + alpha / size**2 * (near**2).sum((1, 2))) ** beta
    np.testing.assert_allclose(SpatialResponseNormalization(size, alpha, beta, k)(MAPS), out, rtol=2e-5)


@pytest.mark.parametrize(
    "layer", [LocalResponseNormalization(alpha=1e-2, groups=2), SpatialResponseNormalization(3, 1e-1)]
)
def test_gradient_is_the_numerical_one(layer):
    x = tf.constant(MAPS[:1, :3, :3, :4] / 10)
    pick = tf.constant(RNG.normal(size=x.shape).astype("float32"))
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(layer(x) * pick)
    gradient, numerical, h = tape.gradient(loss, x).numpy(), np.zeros(x.shape), 1e-2
    for at in np.ndindex(*x.shape):
        step = np.zeros(x.shape, "float32")
        step[at] = h
        numerical[at] = (tf.reduce_sum(layer(x + step) * pick) - tf.reduce_sum(layer(x - step) * pick)).numpy() / (
            2 * h
        )
    np.testing.assert_allclose(gradient, numerical, atol=2e-2)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_normalisation_survives_mixed_precision(policy):
    # The squares of these activations overflow float16, whose largest number is 65504.
    large = np.full((1, 2, 2, 6), 400.0, "float32")
    exact = LocalResponseNormalization()(large)
    mixed = LocalResponseNormalization(dtype=policy)(large)
    assert keras.backend.standardize_dtype(mixed.dtype) == policy.removeprefix("mixed_")
    np.testing.assert_allclose(keras.ops.cast(mixed, "float32"), exact, rtol=1e-2)


@pytest.mark.parametrize(
    "layer",
    [
        LocalResponseNormalization(7, 2e-4, 0.5, 1.5, True, 2),
        SpatialResponseNormalization(3, 2e-3, 0.5, 1.5),
        Dropout2012(0.3, seed=1),
        Padding2D(((0, 3), (1, 2)), lowest=True),
        BatchNormalization(momentum=0.8),
        Augmentation(False, 3, 4, 100, seed=2),
        Augmentation(shift=0, crop=4),
        PCAColorNoise(np.eye(3), [60, 12, 6], 0.2, seed=3),
        PatchWhitening(96, 2, epsilon=1e-3, activation="relu"),
    ],
)
def test_layers_are_serialisable(layer, tmp_path):
    inputs = keras.Input((5, 6, 12))
    if isinstance(layer, PCAColorNoise):
        inputs = keras.Input((5, 6, 3))
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    maps = MAPS[..., : inputs.shape[-1]]
    np.testing.assert_array_equal(model(maps), reloaded(maps))
    assert reloaded.layers[-1].get_config() == layer.get_config()


def test_dropout_of_2012():
    layer, ones = Dropout2012(0.3, seed=0), np.ones((200, 100), "float32")
    np.testing.assert_allclose(layer(ones), 0.7)
    trained = np.asarray(layer(ones, training=True))
    assert set(np.unique(trained)) == {0.0, 1.0}
    assert abs(trained.mean() - 0.7) < 0.02
    assert not np.array_equal(trained, layer(ones, training=True)), "every call draws a new mask"


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_batch_normalisation_is_keras_own(dtype):
    """Outputs, gradients and running means; the running variance has n - 1 for n, as TensorFlow's kernel has it."""
    ours = BatchNormalization(dtype=dtype)
    theirs = keras.layers.BatchNormalization(momentum=0.9, dtype=dtype)
    x, pick = tf.constant(MAPS), tf.constant(RNG.normal(size=MAPS.shape).astype("float32"))
    results = []
    for layer in (ours, theirs):
        layer.build(x.shape)
        layer.gamma.assign(np.linspace(0.5, 2, 12))
        layer.beta.assign(np.linspace(-1, 1, 12))
        with tf.GradientTape() as tape:
            tape.watch(x)
            out = layer(x, training=True)
            total = tf.reduce_sum(tf.cast(out, "float32") * pick)
        slopes = tape.gradient(total, [x, layer.gamma.value, layer.beta.value])
        results.append([tf.cast(out, "float32"), *slopes, layer.moving_mean.value])
        assert layer(x).dtype == out.dtype
    for mine, other in zip(*results, strict=True):
        scale = np.abs(other).max()
        np.testing.assert_allclose(mine, other, atol=scale * (1e-5 if dtype == "float32" else 2e-2))
    count = MAPS[..., 0].size
    biased = 0.9 + (theirs.moving_variance.numpy() - 0.9) * count / (count - 1)
    np.testing.assert_allclose(ours.moving_variance.numpy(), biased, rtol=1e-4 if dtype == "float32" else 2e-2)


def test_augmentation_moves_and_mirrors():
    picture = np.arange(16 * 16 * 3, dtype="uint8").reshape(1, 16, 16, 3)
    padded = np.pad(picture[0], ((2, 2), (2, 2), (0, 0)), mode="reflect")
    possible = {
        crop[:, ::flip].tobytes()
        for r in range(5)
        for c in range(5)
        for flip in (1, -1)
        for crop in [padded[r : r + 16, c : c + 16]]
    }
    many = np.repeat(picture, 2000, 0)
    drawn = np.asarray(Augmentation(flip=True, shift=2, seed=0)(many, training=True))
    assert drawn.dtype == np.uint8
    assert {one.tobytes() for one in drawn} == possible, "all 50 positions and nothing else"
    np.testing.assert_array_equal(Augmentation(flip=True, shift=2)(many), many, "not outside training")
    np.testing.assert_array_equal(Augmentation(flip=False, shift=0)(many, training=True), many)
    other = np.stack([picture[0], picture[0] + 1] * 100)
    moved = np.asarray(Augmentation(seed=1)(other, training=True))
    assert (moved[::2] % 3 != moved[1::2] % 3).any(), "pictures do not mix"
    for one, source in zip(moved, other, strict=True):
        assert set(one.ravel()) <= set(source.ravel())


def test_windows_are_cut_at_every_place():
    """The paper's 224 of 256 in small: 6 of 8 have 3 x 3 places, and twice as many with their mirror images."""
    picture = np.arange(8 * 9 * 3, dtype="uint8").reshape(1, 8, 9, 3)
    possible = {
        picture[0, r : r + 6, c : c + 6][:, ::flip].tobytes() for r in range(3) for c in range(4) for flip in (1, -1)
    }
    many, layer = np.repeat(picture, 2000, 0), Augmentation(flip=True, shift=0, crop=6, seed=0)
    drawn = np.asarray(layer(many, training=True))
    assert drawn.dtype == np.uint8 and drawn.shape == (2000, 6, 6, 3) == layer.compute_output_shape(many.shape)
    assert {one.tobytes() for one in drawn} == possible, "all 24 and nothing else"
    np.testing.assert_array_equal(layer(picture), picture[:, 1:7, 1:7], "the middle outside training")
    with pytest.raises(ValueError, match="cannot cut 6 pixels from a picture of 5 x 6"):
        layer.compute_output_shape((None, 5, 6, 3))


def test_colour_noise_lies_along_the_axes():
    rng = np.random.default_rng(0)
    components = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    deviations = np.array([50.0, 10.0, 5.0])
    pictures = rng.integers(0, 256, (4000, 2, 3, 3), dtype="uint8")
    layer = PCAColorNoise(components, deviations, 0.1, seed=1)
    np.testing.assert_array_equal(layer(pictures), pictures.astype("float32"), "not outside training")
    noise = np.asarray(layer(pictures, training=True)) - pictures
    np.testing.assert_allclose(noise, np.broadcast_to(noise[:, :1, :1], noise.shape), atol=1e-3)
    along = noise[:, 0, 0] @ components.T
    np.testing.assert_allclose(along.std(0), 0.1 * deviations, rtol=0.05)
    np.testing.assert_allclose(np.corrcoef(along.T), np.eye(3), atol=0.05)
    again = np.asarray(layer(pictures, training=True)) - pictures
    assert not np.allclose(noise, again), "every use draws anew"


def test_whitened_patches_are_uncorrelated_and_equally_large():
    rng = np.random.default_rng(0)
    rough = rng.normal(size=(250, 12, 12, 3))
    smooth = (rough + np.roll(rough, 1, 1) + np.roll(rough, 1, 2) + rng.normal(size=(250, 12, 12, 1))).astype("float32")
    layer = PatchWhitening(24, 2)
    layer.build(smooth.shape)
    layer.adapt(smooth)
    assert not layer.trainable_weights and not layer.use_bias
    white = np.asarray(layer(smooth)).reshape(-1, 24)
    assert white.shape == (250 * 11 * 11, 24)
    products = white.T @ white / len(white)
    np.testing.assert_allclose(products[:12, :12], np.eye(12), atol=0.01)
    np.testing.assert_array_equal(white[:, 12:], -white[:, :12])
    before = np.corrcoef(smooth[:, 1:, 1:].reshape(-1, 3).T)
    assert abs(before - np.eye(3)).max() > 0.15, "the colours were not so before"


def test_whitening_leaves_faint_directions_faint():
    maps = np.repeat(np.random.default_rng(0).normal(size=(50, 6, 6, 1)), 2, axis=3).astype("float32")
    layer = PatchWhitening(4, 1, epsilon=0.01)
    layer.build(maps.shape)
    layer.adapt(maps)
    spread = np.sort(np.asarray(layer(maps)).std(axis=(0, 1, 2)))
    np.testing.assert_allclose(spread, [0, 0, 1, 1], atol=0.02)


def test_whitening_says_how_many_filters_it_takes():
    with pytest.raises(ValueError, match="takes 24 filters; got 12"):
        PatchWhitening(12, 2).build((None, 8, 8, 3))


def test_cutout_covers_one_square():
    ones = np.ones((500, 12, 12, 3), "uint8")
    covered = np.asarray(Augmentation(False, 0, cutout=4, fill=9, seed=0)(ones, training=True))[..., 0] == 9
    sizes = covered.any(2).sum(1), covered.any(1).sum(1)
    for one, height, width in zip(covered, *sizes, strict=True):
        assert one.sum() == height * width and 2 <= height <= 4 and 2 <= width <= 4
    assert covered.any(0).all(), "anywhere"


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match="shift, crop, cutout"):
        Augmentation(shift=-1)
    with pytest.raises(ValueError, match="shift is 0 with a crop"):
        Augmentation(shift=2, crop=24)
    with pytest.raises(ValueError, match="lrn9: size is odd"):
        LocalResponseNormalization(4, name="lrn9")
    with pytest.raises(ValueError, match="lrn9: 5 groups do not divide 12 channels"):
        LocalResponseNormalization(groups=5, name="lrn9")(MAPS)
    with pytest.raises(ValueError, match="drop9: rate"):
        Dropout2012(1.0, name="drop9")
