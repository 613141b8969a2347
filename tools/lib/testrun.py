"""Running test programs and reading what they say.

A test program is a cmocka program built on common/testing/test_main.h:
  program --list          prints the names of its tests, one a line
  TEST_FILTER=glob        in the environment: only the tests that match are run
Its output is cmocka's standard output, from which the result of each test is read.

A test that crashes or hangs takes its whole program down. It counts as failed, and the tests that
had not been run are then run one by one, each in a process of its own.
"""

import os
import re
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

LIST_SECONDS = 20
OUTPUT_LIMIT = 4 << 20  # a program that prints more than this is stopped
EVENT = re.compile(r"\[ +(RUN|OK|FAILED|SKIPPED) +\] (\S+)")
CLOSING = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)
UNITTEST = re.compile(r"^Ran (\d+) tests? in ", re.M)
UNITTEST_BAD = re.compile(r"^(?:OK|FAILED)(?: \(([^)]*)\))?$", re.M)


@dataclass
class Result:
    name: str
    outcome: str  # "passed", "failed" or "skipped"
    seconds: float = 0.0
    output: str = ""  # what the test printed
    reason: str = ""  # why it failed, in a few words


@dataclass
class ProgramRun:
    program: str
    results: list = field(default_factory=list)
    seconds: float = 0.0

    def count(self, outcome):
        return sum(1 for result in self.results if result.outcome == outcome)


def describe_status(status):
    """What an exit status of subprocess means, in words."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


def kill_group(process):
    """Kill a process that was started in its own session, and all of that session's group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def start(argv, environment, cwd=None):
    """Start a program in a session of its own, with both its outputs on one pipe."""
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, env=environment, cwd=cwd,
                            start_new_session=True)


class Stream:
    """The output of a process, line by line, with a limit on the silence between two lines
    that matter (restart() begins a new period) and on the amount."""

    def __init__(self, process, seconds):
        self.process, self.seconds = process, seconds
        self.stopped = ""  # why the process was stopped by us
        self.restart()

    def restart(self):
        self.deadline = time.monotonic() + self.seconds

    def stop(self, why):
        self.stopped = why
        kill_group(self.process)

    def chunks(self):
        """Yield the output as it comes. Ends when the program has ended, even if a process that
        it left behind still holds the pipe."""
        out = self.process.stdout
        os.set_blocking(out.fileno(), False)
        total = 0
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ)
            while True:
                left = self.deadline - time.monotonic()
                if left <= 0 and not self.stopped:
                    self.stop(f"time limit of {self.seconds:g} s")
                ready = selector.select(min(max(left, 0.01), 0.2))
                if ready:
                    data = out.read(65536)
                    if not data:
                        return
                    total += len(data)
                    yield data
                    if total > OUTPUT_LIMIT and not self.stopped:
                        self.stop(f"output limit of {OUTPUT_LIMIT >> 20} MiB")
                elif self.process.poll() is not None:
                    return

    def lines(self):
        """Yield whole lines (the last one may lack its newline)."""
        rest = b""
        for data in self.chunks():
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                yield line.decode("utf-8", "replace") + "\n"
        if rest:
            yield rest.decode("utf-8", "replace")


def list_tests(program, environment=None):
    """The names of a program's tests, in order. Raises RuntimeError with the reason."""
    process = start([program, "--list"], environment or os.environ.copy())
    stream = Stream(process, LIST_SECONDS)
    text = "".join(stream.lines())
    status = finish(process)
    if stream.stopped or status != 0:
        why = stream.stopped or describe_status(status)
        raise RuntimeError(f"'{program} --list' failed ({why})\n{text}".rstrip())
    return text.split()


def finish(process):
    """Wait for a process whose output has ended, then end whatever it left behind."""
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        kill_group(process)
    status = process.wait()
    kill_group(process)
    process.stdout.close()
    return status


def run_once(program, pattern, seconds):
    """One process that runs the tests which match `pattern`.
    Returns (results, leftover): leftover is None when the program ended as its results say."""
    environment = dict(os.environ, TEST_FILTER=pattern)
    process = start([program], environment)
    stream = Stream(process, seconds)
    results, running, began, text, outside = [], None, 0.0, [], []
    for line in stream.lines():
        event = EVENT.search(line)
        kind, name = (event[1], event[2]) if event else (None, None)
        if kind == "RUN":
            running, began, text = name, time.monotonic(), []
            stream.restart()
        elif kind and running == name:
            text.append(line[:event.start()])
            outcome = {"OK": "passed", "FAILED": "failed", "SKIPPED": "skipped"}[kind]
            results.append(Result(name, outcome, time.monotonic() - began, "".join(text)))
            running = None
            stream.restart()
        else:
            (text if running else outside).append(line)
    status = finish(process)
    why = stream.stopped or describe_status(status)
    if running:
        reason = why if stream.stopped or status < 0 else f"the program ended inside the test ({why})"
        results.append(Result(running, "failed", time.monotonic() - began, "".join(text), reason))
        return results, None
    broken = stream.stopped or status < 0 or (status != 0 and all(r.outcome != "failed" for r in results))
    return results, (why, "".join(outside)) if broken else None


def run_program(program, selected, every, seconds):
    """Run the tests in `selected` (names, in order) of a cmocka program. `every` says that these
    are all of its tests."""
    began = time.monotonic()
    run = ProgramRun(os.path.basename(program))
    pending = list(selected)
    leftover = None
    if every or len(pending) == 1:
        run.results, leftover = run_once(program, "*" if every else pending[0], seconds)
    done = {result.name for result in run.results}
    for name in pending:
        if name not in done:
            run.results += run_alone(program, name, seconds)
    if leftover and done.issuperset(pending):
        why, text = leftover
        run.results.append(Result("(after the last test)", "failed", 0.0, text, why))
    run.seconds = time.monotonic() - began
    return run


def run_alone(program, name, seconds):
    """Run one test in a process of its own."""
    results, leftover = run_once(program, name, seconds)
    results = [result for result in results if result.name == name]
    if not results:
        why, text = leftover or ("the program did not run this test", "")
        return [Result(name, "failed", 0.0, text, why)]
    if leftover and results[0].outcome != "failed":
        results[0] = Result(name, "failed", results[0].seconds, results[0].output + leftover[1], leftover[0])
    return results


def run_script(path, environment, seconds, cwd):
    """Run a test script. One that closes with `N passed, N failed`, or that is a Python unittest,
    counts as that many tests; any other counts as one."""
    began = time.monotonic()
    name = os.path.basename(path)
    process = start(script_command(path), environment, cwd)
    stream = Stream(process, seconds)
    output = "".join(stream.lines())
    status = finish(process)
    run = ProgramRun(name, seconds=time.monotonic() - began)
    bad = bool(stream.stopped) or status != 0
    passed, failed, skipped = script_counts(output, bad)
    reason = (stream.stopped or describe_status(status)) if bad else ""
    run.results += [Result(f"{name}#{i + 1}", "passed", run.seconds / max(passed, 1)) for i in range(passed)]
    run.results += [Result(f"{name}#skipped{i + 1}", "skipped") for i in range(skipped)]
    for i in range(failed):  # the output is shown once, with the first of them
        run.results.append(Result(f"{name}#failed{i + 1}" if failed > 1 else name, "failed", run.seconds,
                                  output if i == 0 else "", reason))
    return run


def script_command(path):
    if os.access(path, os.X_OK):
        return [os.path.abspath(path)]
    return [sys.executable if path.endswith(".py") else "sh", os.path.abspath(path)]


def script_counts(output, bad):
    """(passed, failed, skipped) of a script from its output and whether it ended badly."""
    closing, ran = CLOSING.findall(output), UNITTEST.findall(output)
    if closing:
        passed, failed, skipped = (int(number or 0) for number in closing[-1])
    elif ran:
        words = (UNITTEST_BAD.findall(output) or [""])[-1]
        parts = dict(re.findall(r"(\w+)=(\d+)", words))
        failed = int(parts.get("failures", 0)) + int(parts.get("errors", 0)) \
            + int(parts.get("successes", 0))
        skipped = int(parts.get("skipped", 0))
        passed = max(int(ran[-1]) - failed - skipped, 0)
    else:
        return (0, 1, 0) if bad else (1, 0, 0)
    return passed, max(failed, 1) if bad else failed, skipped


def select(names, program, pattern):
    """The tests that a --filter pattern means: it may name tests, a whole program, or
    program:test."""
    if not pattern or fnmatchcase(program, pattern):
        return list(names)
    return [name for name in names
            if fnmatchcase(name, pattern) or fnmatchcase(f"{program}:{name}", pattern)]


def write_junit(path, runs):
    import xml.etree.ElementTree as xml
    suites = xml.Element("testsuites")
    for run in runs:
        suite = xml.SubElement(suites, "testsuite", name=run.program, tests=str(len(run.results)),
                               failures=str(run.count("failed")), skipped=str(run.count("skipped")),
                               time=f"{run.seconds:.3f}")
        for result in run.results:
            case = xml.SubElement(suite, "testcase", classname=run.program, name=result.name,
                                  time=f"{result.seconds:.3f}")
            if result.outcome == "failed":
                failure = xml.SubElement(case, "failure", message=xml_text(result.reason or "failed"))
                failure.text = xml_text(result.output)
            elif result.outcome == "skipped":
                xml.SubElement(case, "skipped")
    xml.indent(suites)
    xml.ElementTree(suites).write(path, encoding="unicode", xml_declaration=True)


def xml_text(text):
    """`text` without the characters that XML 1.0 cannot hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd]", "?", text)
