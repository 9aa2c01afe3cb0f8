"""Wrong answers to the coded exercise of the chapter on gradient descent: PyTorch's form of the rule."""


def update_paper(weights, buffer, gradient, learning_rate):
    """The paper's own form: the learning rate is inside, so a buffer from before a drop keeps the old one."""
    buffer = 0.9 * buffer - learning_rate * gradient - 0.0005 * learning_rate * weights
    return weights + buffer, buffer


def update_doubled(weights, buffer, gradient, learning_rate):
    """Decays twice as much: the derivative of 0.0005 * w ** 2."""
    buffer = 0.9 * buffer + gradient + 2 * 0.0005 * weights
    return weights - learning_rate * buffer, buffer


def update_outside(weights, buffer, gradient, learning_rate):
    """Takes the decay outside the buffer, where it acts once and not ten times."""
    buffer = 0.9 * buffer + gradient
    return weights - learning_rate * (buffer + 0.0005 * weights), buffer


def update_no_decay(weights, buffer, gradient, learning_rate):
    """Forgets the decay."""
    buffer = 0.9 * buffer + gradient
    return weights - learning_rate * buffer, buffer


def update_damped(weights, buffer, gradient, learning_rate):
    """Takes a running mean in place of a running sum: steps of a tenth."""
    buffer = 0.9 * buffer + 0.1 * (gradient + 0.0005 * weights)
    return weights - learning_rate * buffer, buffer


def update_nesterov(weights, buffer, gradient, learning_rate):
    """Nesterov's momentum: the last gradient counts once more."""
    gradient = gradient + 0.0005 * weights
    buffer = 0.9 * buffer + gradient
    return weights - learning_rate * (gradient + 0.9 * buffer), buffer


def update_uphill(weights, buffer, gradient, learning_rate):
    """Adds the step, and climbs."""
    buffer = 0.9 * buffer + gradient + 0.0005 * weights
    return weights + learning_rate * buffer, buffer


def update_stale(weights, buffer, gradient, learning_rate):
    """Moves by the buffer of the step before."""
    return weights - learning_rate * buffer, 0.9 * buffer + gradient + 0.0005 * weights


def update_weights_only(weights, buffer, gradient, learning_rate):
    """Returns the weights without the buffer."""
    return weights - learning_rate * (0.9 * buffer + gradient + 0.0005 * weights)
