"""Wrong answers to the coded exercise of chapters/41-twelve-years-of-tricks.ipynb, for its self-check to turn down."""

import math


def one_cycle_from_zero(step, steps, highest, warmup):
    """Rises from 0 at step 0, one step late."""
    n = warmup * steps
    return highest * min(step / n, (steps - step) / (steps - n))


def one_cycle_to_zero(step, steps, highest, warmup):
    """Falls one step early, to 0 at the last step."""
    n = warmup * steps
    return highest * min((step + 1) / n, (steps - step - 1) / (steps - n))


def one_cycle_overshoots(step, steps, highest, warmup):
    """Still rises at step n, above the highest rate."""
    n = warmup * steps
    return highest * (step + 1) / n if step <= n else highest * (steps - step) / (steps - n)


def one_cycle_from_the_top_over_all_steps(step, steps, highest, warmup):
    """Divides the fall by all steps, and so jumps down where the warm-up ends."""
    n = warmup * steps
    return highest * (step + 1) / n if step < n else highest * (steps - step) / steps


def one_cycle_constant(step, steps, highest, warmup):
    """Warms up and then stays at the highest rate."""
    return highest * min(1, (step + 1) / (warmup * steps))


def one_cycle_without_warmup(step, steps, highest, warmup):
    """Only falls."""
    return highest * (1 - step / steps)


def one_cycle_cosine(step, steps, highest, warmup):
    """Falls along a cosine instead of a straight line."""
    n = warmup * steps
    if step < n:
        return highest * (step + 1) / n
    return highest * (1 + math.cos(math.pi * (step - n) / (steps - n))) / 2


def one_cycle_warmup_in_steps(step, steps, highest, warmup):
    """Takes the warm-up for a number of steps, though it is a share of them."""
    if step < warmup:
        return highest * (step + 1) / warmup
    return highest * (steps - step) / (steps - warmup)


def one_cycle_of_rate_one(step, steps, highest, warmup):
    """Forgets to multiply by the highest rate."""
    n = warmup * steps
    return (step + 1) / n if step < n else (steps - step) / (steps - n)
