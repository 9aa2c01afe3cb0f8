"""Settings for the stock nbgrader commands, run in this folder; `c` comes from nbgrader's `get_config`."""

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "inside-alexnet"
# A cell may train a network, and nbgrader goes by the clock: its default of 30 seconds would cost points on a busy
# machine. `alexnet grade` waits as long for a cell that computes nothing.
c.Execute.timeout = 600
# A test that a student has deleted is put back, and fails or passes as it would have.
c.OverwriteCells.add_missing_cells = True
# A warning on stderr is no wrong answer. Without this a test in which TensorFlow has something to say gets 0 points.
c.IgnorePattern.enabled = True
c.IgnorePattern.pattern = r"."
