"""The process in which `alexnet.grading` runs the cells of a submission; started as `python -m alexnet.sandbox`.

It takes away what the system lets it take away (time, memory, size of files, network, files outside its folder,
processes of others), then runs one cell after the other: each line of its input is a cell, each line it answers is what
became of it, both in JSON. It protects against mistakes and mischief. It is no boundary against a determined attacker:
the submission and the tests share one Python, as they do in a Jupyter kernel.

Standard library only, so that it starts at once.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import ctypes
import importlib
import json
import linecache
import os
import signal
import struct
import sys
import traceback
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
# linux/sched.h
_CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET = 0x08000000, 0x10000000, 0x20000000, 0x40000000
# linux/landlock.h; the system calls have these numbers on every architecture.
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REFER, _TRUNCATE = (1 << bit for bit in (0, 1, 2, 3, 13, 14))
_REMOVE_AND_MAKE = sum(1 << bit for bit in range(4, 13))
_TCP, _SIGNALS_AND_SOCKETS = 0b11, 0b11

LONGEST_REASON = 600
_INTERRUPTED = "it was interrupted"


def restrict_resources(cpu_seconds, memory, file_bytes):
    """Limits that the kernel keeps for this process and each of its children. Returns what they are, in words."""
    import resource

    memory_kind = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
    kept = []
    for kind, limit, words in (
        (resource.RLIMIT_CPU, int(cpu_seconds), f"{cpu_seconds:g} s of processor time"),
        (memory_kind, int(memory), f"{memory / 2**30:.1f} GiB of memory"),
        (resource.RLIMIT_FSIZE, int(file_bytes), f"{file_bytes / 2**20:.0f} MiB for a file"),
        (resource.RLIMIT_CORE, 0, ""),
    ):
        # macOS knows limits that it will not set.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (limit, limit))
            kept.append(words)
    return list(filter(None, kept))


def leave_namespaces():
    """Move to a network without devices, and see that children get process numbers of their own (Linux).

    Returns what was reached: "no network", "own processes", or nothing where the system does not allow it.
    """
    if sys.platform != "linux":
        return []
    user, group, libc = os.getuid(), os.getgid(), ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWPID | _CLONE_NEWIPC):
        return []
    # Without these the process is nobody to itself; what it may do to files is unchanged.
    for name, line in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with contextlib.suppress(OSError):
            Path("/proc/self", name).write_text(line)
    return ["no network", "own processes"]


def fork_into_namespace():
    """Go on in a child, the first process of the new namespace: when it ends, the kernel ends all that it started.

    The parent hands on interrupts, waits, and ends as the child did.
    """
    child = os.fork()
    if child:
        signal.signal(signal.SIGINT, lambda *_: os.kill(child, signal.SIGINT))
        status = os.waitpid(child, 0)[1]
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    die_with_parent()


def die_with_parent():
    """Ask to be killed when the process that started this one ends (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def restrict_files(own, readable):
    """Forbid, by Landlock, to write outside the folder `own` and to read outside it and the `readable` ones (Linux).

    Newer kernels also refuse TCP, and signals to processes that are not so restricted. Returns what was reached, in
    words; nothing where the kernel has no Landlock.
    """
    if sys.platform != "linux":
        return []
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return []
    writing = _WRITE_FILE | _REMOVE_AND_MAKE
    writing |= (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    reading = _READ_FILE | _READ_DIR
    wanted = [writing | reading]
    wanted += [_TCP] if version >= 4 else []
    wanted += [_SIGNALS_AND_SOCKETS] if version >= 6 else []
    rules = struct.pack(f"{len(wanted)}Q", *wanted)
    ruleset = libc.syscall(_LANDLOCK_CREATE, rules, ctypes.c_size_t(len(rules)), 0)
    if ruleset < 0:
        return []
    allowed = [(own, writing | reading), *((folder, reading) for folder in readable)]
    allowed += [("/dev/null", _READ_FILE | _WRITE_FILE | (writing & _TRUNCATE))]
    for path, access in allowed:
        with contextlib.suppress(OSError):
            opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
            only_files = _READ_FILE | _WRITE_FILE | _TRUNCATE | _EXECUTE
            access &= -1 if os.path.isdir(path) else only_files
            libc.syscall(_LANDLOCK_ADD, ruleset, 1, struct.pack("=Qi", access, opened), 0)
            os.close(opened)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0):
        return []
    os.close(ruleset)
    return ["writes only its own folder", "reads only Python and the book's code"]


def readable_folders():
    """What a submission needs to read: the system, Python, its packages and this one, but no instructor's source."""
    package = Path(__file__).resolve().parent
    system = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc", "/opt", "/proc", "/sys", "/dev", "/nix")
    python = (sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath(sys.executable)))
    paths = {str(Path(entry).resolve()) for entry in sys.path if entry and os.path.isdir(entry)}
    return [*system, *python, *(paths - {str(package.parent)}), str(package), str(package.parent / "assets")]


class Cells:
    """Runs cells one after the other in one namespace, as a notebook does.

    modules: names of what the tests import. It is imported first, and what a submission puts in the place of its
    functions and classes, or of those that this process works with, is put right after each cell.
    """

    OWN_TOOLS = frozenset({"ast", "builtins", "json", "linecache", "math", "os", "signal", "sys", "traceback"})

    def __init__(self, modules=()):
        self.names = {"__name__": "__main__", "display": lambda *shown, **options: None}
        self.given, self.count = {}, 0
        for name in modules:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        tops = {name.partition(".")[0] for name in modules} | self.OWN_TOOLS
        self._watched = {
            name: {key: value for key, value in vars(module).items() if callable(value)}
            for name, module in list(sys.modules.items())
            if module is not None and name.partition(".")[0] in tops
        }

    def run(self, source, kind):
        """Run a cell; returns None, or the reason why it failed. kind: "answer", "given" or "test".

        Names that a given cell binds are the instructor's again in every test; a test changes no names of the notebook.
        """
        names = self.names
        if kind == "test":
            hides = set(vars(builtins)) - {"__name__"}
            names = {name: value for name, value in self.names.items() if name not in hides} | self.given
            names["__builtins__"] = builtins
        before = dict(names)
        self.count += 1
        try:
            exec(self._compiled(source), names)
        except KeyboardInterrupt:
            return _INTERRUPTED
        except BaseException as error:
            # Nothing that the submission raises may end the grading, not even SystemExit.
            return self._reason(error, kind)
        finally:
            self._put_right()
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(Exception):
                    stream.flush()
            if kind == "given":
                self.given |= {n: v for n, v in names.items() if n not in before or before[n] is not v}
        return None

    def _compiled(self, source):
        name = f"<cell {self.count}>"
        try:
            tree = ast.parse(source, name)
        except SyntaxError:
            # %magic and !command mean something to a notebook only.
            lines = ["" if line.lstrip()[:1] in ("%", "!") else line for line in source.split("\n")]
            source = "\n".join(lines)
            tree = ast.parse(source, name)
        # So that a traceback can quote the line.
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        return compile(tree, name, "exec")

    def _put_right(self):
        for name, then in self._watched.items():
            module = vars(sys.modules[name]) if name in sys.modules else {}
            module.update({key: value for key, value in then.items() if module.get(key) is not value})

    @staticmethod
    def _reason(error, kind):
        try:
            said = str(error)
        except BaseException:
            said = "(an error that cannot be printed)"
        if kind != "test" or not isinstance(error, AssertionError):
            said = f"{type(error).__name__}: {said}" if said else type(error).__name__
        elif not said:
            # The line that failed is the best that is left to say.
            last = traceback.extract_tb(error.__traceback__)[-1]
            said = last.line or "an assertion failed"
        return "".join(c if c.isprintable() else " " for c in said)[:LONGEST_REASON]


def main():
    die_with_parent()
    orders, answers = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w")
    # What a submission prints goes where its errors go, and it reads nothing.
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)

    def answer(**what):
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    start = json.loads(orders.readline())
    protections = restrict_resources(start["cpu_seconds"], start["memory"], start["file_bytes"])
    folders = readable_folders()
    own_namespaces = leave_namespaces()
    if own_namespaces:
        fork_into_namespace()
    protections += own_namespaces + restrict_files(os.getcwd(), folders)
    # An interrupt is meant for a cell; one that comes as the cell ends must not end the grading.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cells, process = Cells(start["modules"]), os.getpid()
    answer(protections=protections)
    for line in orders:
        order = json.loads(line)
        reason = _INTERRUPTED
        with contextlib.suppress(KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.default_int_handler)
            reason = cells.run(order["source"], order["kind"])
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if os.getpid() != process:
            os._exit(0)  # a copy that the cell has forked
        # The token shows that the answer is this process's own, and not a line that a submission has written.
        answer(token=order["token"], reason=reason)
    # Threads that a submission left behind must not keep the process alive.
    os._exit(0)


if __name__ == "__main__":
    main()
