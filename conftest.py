"""nbval compares stderr too, but whether TensorFlow's start-up log lands there depends on who started the kernel.

That no chapter writes to stderr is tested where outputs are stored (tools/chapters.py) and in tests/test_notebooks.py.
"""

import pytest


def pytest_collectstart(collector):
    if type(collector).__name__ == "IPyNbFile":
        collector.skip_compare += ("stderr",)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """What is never shared between workers: a file, or the cells of a chapter would be torn apart.

    One file takes a third of all the time. Its chapters with even and with odd numbers are apart.
    """
    for item in items:
        group = item.path.stem
        if group == "test_alone":
            chapter = getattr(item, "callspec", None) and item.callspec.params["chapter"].stem
            group += "-odd" if chapter and int(chapter[:2]) % 2 else "-even"
        item.add_marker(pytest.mark.xdist_group(group))
