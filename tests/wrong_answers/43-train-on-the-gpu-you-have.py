"""Wrong answers to the coded exercise of the chapter on speed: how long a pass takes with and without prefetching."""


def epoch_seconds_swapped(batches, load, step, prefetch):
    """Takes prefetching for its opposite."""
    if prefetch:
        return batches * (load + step)
    return load + (batches - 1) * max(load, step) + step


def epoch_seconds_pace(batches, load, step, prefetch):
    """Only the pace of the slower: forgets that the first step waits and that the last batch still has its step."""
    return batches * (max(load, step) if prefetch else load + step)


def epoch_seconds_no_wait(batches, load, step, prefetch):
    """Forgets the preparation of the first batch."""
    if not prefetch:
        return batches * (load + step)
    return (batches - 1) * max(load, step) + step


def epoch_seconds_one_too_many(batches, load, step, prefetch):
    """Counts the waiting of the first batch once too often."""
    if not prefetch:
        return batches * (load + step)
    return load + batches * max(load, step) + step


def epoch_seconds_faster(batches, load, step, prefetch):
    """Lets the faster of the two set the pace."""
    if not prefetch:
        return batches * (load + step)
    return load + (batches - 1) * min(load, step) + step


def epoch_seconds_unlimited(batches, load, step, prefetch):
    """Assumes room for any number of prepared batches and a step that never waits again."""
    return load + batches * step if prefetch else batches * (load + step)


def epoch_seconds_never(batches, load, step, prefetch):
    """Does not prefetch."""
    return batches * (load + step)
