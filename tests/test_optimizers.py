"""The update rules against their formulas in NumPy, on whatever Keras runs on."""

import keras
import numpy as np
import pytest

from alexnet.optimizers import SGD2012, Muon

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_is_the_papers_rule(momentum, nesterov):
    kernel, bias = (RNG.normal(size=shape).astype("float32") for shape in ((4, 3), (3,)))
    variables = [keras.Variable(kernel), keras.Variable(bias)]
    optimizer = SGD2012(0.1, momentum, nesterov, decay=0.05)
    optimizer.build(variables)
    expected, velocities = [kernel.astype("float64"), bias.astype("float64")], [0.0, 0.0]
    for _ in range(20):
        gradients = [RNG.normal(size=v.shape).astype("float32") for v in variables]
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], variables)
        for at, gradient in enumerate(gradients):
            # The vector does not decay.
            g = gradient + (0.05 * expected[at] if at == 0 else 0)
            velocities[at] = momentum * velocities[at] - 0.1 * g
            step = momentum * velocities[at] - 0.1 * g if nesterov and momentum else velocities[at]
            expected[at] = expected[at] + step
    for variable, value in zip(variables, expected, strict=True):
        np.testing.assert_allclose(keras.ops.convert_to_numpy(variable), value, rtol=1e-4, atol=1e-5)


def test_sgd_equals_a_penalty_in_the_model(tiny):
    """The decay in the optimizer and Keras's L2 in the model are the same training."""
    from alexnet import model

    x, y = RNG.normal(size=(16, 32, 32, 3)).astype("float32"), RNG.integers(0, 10, 16)
    weights = []
    for in_model, optimizer in ((0.05, keras.optimizers.SGD(0.05, 0.9)), (0.0, SGD2012(0.05, 0.9, decay=0.05))):
        built = model.build(tiny, weight_decay=in_model, seed=0)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        built.compile(optimizer, loss=loss, jit_compile=False)
        for _ in range(5):
            built.train_on_batch(x, y)
        weights.append(built.get_layer("conv2").get_weights()[0])
    np.testing.assert_allclose(*weights, atol=1e-5)


def test_orthogonalised_has_equal_singular_values():
    for shape in ((40, 12), (12, 40)):
        matrix = RNG.normal(size=shape).astype("float32")
        u, _, v = np.linalg.svd(matrix, full_matrices=False)
        found = keras.ops.convert_to_numpy(Muon.orthogonalised(keras.ops.convert_to_tensor(matrix)))
        singular = np.linalg.svd(found, compute_uv=False)
        assert singular.min() > 0.65 and singular.max() < 1.25
        # The same directions: u^T found v is diagonal.
        inside = u.T @ found @ v.T
        assert np.abs(inside - np.diag(np.diag(inside))).max() < 0.02


def test_muon_keeps_the_norm_of_kernels_and_moves_them_by_its_rate():
    kernel, bias = (RNG.normal(size=shape).astype("float32") for shape in ((3, 3, 8, 16), (16,)))
    variables = [keras.Variable(kernel), keras.Variable(bias)]
    optimizer = Muon(0.1, 0.6, nesterov=True, vector_rate=0.5)
    optimizer.build(variables)
    gradients = [RNG.normal(size=v.shape).astype("float32") for v in variables]
    optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], variables)
    moved, vector = (keras.ops.convert_to_numpy(v) for v in variables)
    assert np.linalg.norm(moved) == pytest.approx(np.linalg.norm(kernel), rel=1e-4)
    assert 0.08 < np.linalg.norm(moved - kernel) / np.linalg.norm(kernel) < 0.12
    # One Nesterov step from rest: (1 + momentum) times the gradient.
    np.testing.assert_allclose(vector, bias - 0.5 * 0.1 * 1.6 * gradients[1], rtol=1e-5)


@pytest.mark.parametrize("optimizer", [SGD2012(0.2, 0.8, True, 0.01), Muon(0.3, 0.7, False, 0.02, 0.25)])
def test_optimizers_are_serialisable(optimizer):
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(again) is type(optimizer)
    mine, other = optimizer.get_config(), again.get_config()
    assert {k: v for k, v in mine.items() if k != "name"} == {k: v for k, v in other.items() if k != "name"}


def test_a_negative_decay_is_refused():
    with pytest.raises(ValueError, match="decay"):
        SGD2012(decay=-1.0)
