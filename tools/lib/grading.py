"""Grading a submission: the course's tests against a student's sources.

A submission is the src directory of one step. Everything else (tests, Makefile, common/, examples)
comes from the course's tree. The two are laid together in a temporary directory, built, and each
test runs in a process of its own; see sandbox.py for its limits.

The result of a test is what the test harness says over a socket, with a nonce (test_record.h); what
a program prints or how it exits earns nothing. So that the harness gets its say, a build is refused
in which the submission could take its place: code that runs before main, redefined symbols of
the C library or cmocka, system calls of its own, calls that a JIT compiler has no use for.
docs/teaching.md says what this defends against and what it does not.
"""

import concurrent.futures
import hashlib
import itertools
import os
import re
import secrets
import shutil
import signal
import stat
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from fractions import Fraction

import csource
import sandbox

BUILD_SECONDS, BUILD_OUTPUT = 180, 2 << 20
MAX_FILES, MAX_BYTES = 400, 1 << 20
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
NOT_FOR_TESTS = {"src", "assignment.d", "assignment.toml", "README.md", "bench", "exercises", "figures", "stops"}
IGNORED_DIRECTORIES = {".git", "build", "__pycache__"}
SYSTEM_INCLUDES = ["/usr/include", "/usr/include/x86_64-linux-gnu", "/usr/local/include"]

# The functions and objects of the C library that submitted code may use. What is missing on purpose:
# everything that makes processes, uses descriptors by number, loads libraries, or changes what memory may do.
ALLOWED_CALLS = set("""
abort abs aligned_alloc asprintf atexit atoi atol atoll bcmp bsearch bzero calloc clearerr clock
clock_gettime close div exit fclose feof ferror fflush ffs ffsl ffsll fgetc fgets fileno fmemopen fopen fprintf
fputc fputs fread free fseek fseeko ftell ftello fwrite getc getchar getenv getline getopt getopt_long
getpagesize gettimeofday isatty labs llabs ldiv lldiv malloc memchr memcmp memcpy
memmem memmove mempcpy memrchr memset nanosleep open_memstream optarg opterr
optind optopt perror posix_memalign printf putc putchar puts qsort qsort_r rand rand_r random rawmemchr
realloc reallocarray rewind setjmp _setjmp __sigsetjmp longjmp setvbuf snprintf sprintf srand
srandom sscanf stderr stdin stdout stpcpy stpncpy strcasecmp strcat strchr strchrnul strcmp strcoll strcpy
strcspn strdup strerror strlen strncasecmp strncat strncmp strncpy strndup strnlen strpbrk strrchr strsep
strspn strstr strtod strtof strtoimax strtok strtok_r strtol strtold strtoll strtoul strtoull strtoumax
sysconf tdelete tdestroy tfind tsearch twalk time timespec_get tolower toupper ungetc vasprintf vfprintf vprintf vsnprintf vsprintf
isalnum isalpha isascii isblank iscntrl isdigit isgraph islower isprint ispunct isspace isupper isxdigit
ceil ceilf cos exp fabs fabsf floor floorf fmax fmin fmod frexp ldexp llrint llround log log10 log2 lrint
lround modf nan nearbyint pow rint round sin sqrt sqrtf tan trunc truncf
_GLOBAL_OFFSET_TABLE_ __assert_fail __ctype_b_loc __ctype_tolower_loc __ctype_toupper_loc __errno_location
__isoc99_fscanf __isoc99_sscanf __isoc23_sscanf __isoc23_strtol __isoc23_strtoll __isoc23_strtoul
__isoc23_strtoull __isoc99_strtol __stack_chk_fail __overflow __uflow __getdelim __xpg_strerror_r
__popcountdi2 __clear_cache
""".split())


class GraderError(Exception):
    """The assignment or this machine is at fault, not the submission."""


class Refused(Exception):
    """The submission cannot be graded; the message is the reason."""


@dataclass
class TestResult:
    test: str  # program:name, or a script's name
    passed: bool
    reason: str = ""
    seconds: float = 0.0
    output: str = ""


@dataclass
class TaskResult:
    task: object
    tests: list = field(default_factory=list)
    points: Fraction = Fraction(0)


@dataclass
class Report:
    assignment: object
    submission: str
    tasks: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    refusal: str = ""     # why nothing could be run: a build error, or a refused build
    build_output: str = ""
    isolated: bool = True

    def graded(self, kind=None):
        return [result for result in self.tasks
                if not result.task.by_hand and kind in (None, result.task.kind)]

    def points(self, kind=None):
        return sum((result.points for result in self.graded(kind)), Fraction(0))

    def maximum(self, kind=None):
        return sum(result.task.points for result in self.graded(kind))


class Grader:
    """Grades any number of submissions for one step. With `warm` the objects that do not depend on
    the submission are compiled once; use it for more than one submission. `make` are further arguments
    of make."""

    def __init__(self, root, assignment, warm=False, isolate=True, allow=(), make=()):
        self.root, self.assignment, self.make = os.path.realpath(root), assignment, list(make)
        self.isolate = isolate and sandbox.can_isolate()
        self.allowed = ALLOWED_CALLS | set(assignment.allow) | set(allow)
        self.programs = self.find_programs(assignment.tasks)
        self.libraries = None
        self.warm = self.build_warm() if warm else None

    def close(self):
        if self.warm:
            shutil.rmtree(self.warm, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- the assignment's tests -------------------------------------------------------------

    def find_programs(self, tasks):
        """The test programs, and scripts, that the tasks' globs need."""
        directory = os.path.join(self.assignment.directory, "tests")
        files = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
        available = [name[:-2] for name in files if name.startswith("test_") and name.endswith(".c")]
        scripts = [name for name in files if name.startswith("test_") and name.endswith((".sh", ".py"))]
        needed = set()
        for task in tasks:
            for pattern in task.tests:
                program, colon, _ = pattern.partition(":")
                found = [name for name in (available if colon else scripts) if fnmatchcase(name, program)]
                if not found:
                    raise GraderError(f"task {task.id}: '{pattern}' names no test program of {directory}")
                needed.update(found)
        return sorted(needed)

    # ---- the tree -----------------------------------------------------------------------------

    def lay_tree(self, source):
        """A new tree: the course's files with the sources of the directory `source`.
        Returns (tree, notes, changed): changed are the files that differ from the course's."""
        tree = sandbox.make_tree("grade-")
        step = os.path.join(tree, self.assignment.name)
        notes, changed = self.take_sources(source, os.path.join(step, "src"))
        if self.warm:
            # What is linked must not be written: the sandbox sees to that, and make writes no object
            # that is up to date.
            linked = self.isolate and not any(path.endswith(".h") for path in changed)
            shutil.copytree(self.warm, tree, dirs_exist_ok=True, symlinks=True,
                            copy_function=os.link if linked else shutil.copy2,
                            ignore=lambda path, names: ["src"] if path == os.path.join(self.warm, self.assignment.name)
                            else [])
            os.chmod(tree, 0o755)
            forget_objects(os.path.join(step, "build", "src"), os.path.join(step, "src"), changed)
        else:
            copy_tree(os.path.join(self.root, "common"), os.path.join(tree, "common"))
            copy_tree(self.assignment.directory, step, skip=NOT_FOR_TESTS)
            os.makedirs(os.path.join(step, "build"), exist_ok=True)
        give_away(os.path.join(step, "build"))
        return tree, notes, changed

    def build_warm(self):
        """A tree with the objects of everything, built from the course's own sources."""
        source = os.path.join(self.assignment.directory, "src")
        self.warm = None
        tree, _, _ = self.lay_tree(source)
        outcome = self.build(tree, self.programs)
        if outcome.status != 0 or outcome.stopped:
            error = build_error(outcome)
            shutil.rmtree(tree, ignore_errors=True)
            raise GraderError(f"the course's own step {self.assignment.step} does not build: {error}")
        build = os.path.join(tree, self.assignment.name, "build")
        for name in [os.path.join(build, "jit")] + [os.path.join(build, "tests", name) for name in self.programs]:
            if os.path.exists(name):
                os.unlink(name)
        os.chmod(tree, 0o700)
        return tree

    def take_sources(self, source, target):
        """Copy a submission's sources. Only regular .c and .h files are taken; a header that declares
        other things than the course's, which the tests were written against, is put back."""
        reference = os.path.join(self.assignment.directory, "src")
        warm = os.path.join(self.warm, self.assignment.name, "src") if self.warm else None
        notes, changed, count = [], [], 0
        os.makedirs(target, exist_ok=True)
        for path in walk_sources(source, notes):
            count += 1
            if count > MAX_FILES:
                notes.append(f"more than {MAX_FILES} files: the rest was left out")
                break
            data = read_limited(os.path.join(source, path))
            if data is None:
                notes.append(f"src/{path}: longer than {MAX_BYTES >> 10} KiB, left out")
                continue
            original_path = os.path.join(reference, path)
            original = read_limited(original_path) if os.path.isfile(original_path) else None
            if original is None and self.shadows(path):
                notes.append(f"src/{path}: would take the place of a header or source that the tests use, left out")
                continue
            if original is not None and data != original and path.endswith(".h") and not same_interface(original, data):
                notes.append(f"src/{path}: declares other things than the course's header, which was put back")
                data = original
            out = os.path.join(target, path)
            os.makedirs(os.path.dirname(out), exist_ok=True)
            if warm and data == original:
                shutil.copy2(os.path.join(warm, path), out)
                continue
            with open(out, "wb") as file:
                file.write(data)
            if data != original:
                changed.append(path)
        for path in walk_sources(reference, []):  # headers that the tests need
            out = os.path.join(target, path)
            if path.endswith(".h") and not os.path.exists(out):
                notes.append(f"src/{path}: missing, the course's was put back")
                os.makedirs(os.path.dirname(out), exist_ok=True)
                shutil.copy2(os.path.join(warm or reference, path if warm else path), out)
        return notes, changed

    def shadows(self, path):
        places = [os.path.join(self.root, "common")] + SYSTEM_INCLUDES
        return any(os.path.exists(os.path.join(place, path)) for place in places) \
            or path == "asm/asm.c"  # step.mk would then link it instead of common/asm

    # ---- building -------------------------------------------------------------------------------

    def sandboxed(self, tree, argv, **options):
        options.setdefault("limits", sandbox.Limits(seconds=30, memory=4 << 30, output=8 << 20))
        return sandbox.run(argv, tree=tree, cwd=os.path.join(tree, self.assignment.name), hide=[self.root],
                           isolate=self.isolate, **options)

    def build(self, tree, programs):
        targets = ["build/jit"] + [f"build/tests/{name}" for name in programs if "." not in name]
        limits = sandbox.Limits(seconds=BUILD_SECONDS, memory=4 << 30, output=BUILD_OUTPUT, file=256 << 20)
        jobs = min(os.cpu_count() or 1, 4)
        # Warnings are no reason to lose points.
        return self.sandboxed(tree, ["make", f"-j{jobs}", "--no-print-directory", "BUILD=build", "CFLAGS=-Wno-error"]
                              + self.make + targets, writable=True, limits=limits)

    def output_of(self, tree, argv):
        outcome = self.sandboxed(tree, argv)
        if outcome.status != 0 or outcome.stopped:
            why = outcome.stopped or outcome.output.decode("utf-8", "replace").strip()[-300:]
            raise Refused(f"{argv[0]} failed: {why or f'status {outcome.status}'}")
        return outcome.output.decode("utf-8", "replace")

    # ---- what a submission may not do -----------------------------------------------------------

    def inspect(self, tree, changed):
        """Why this build is refused, or ''. Looks at the objects, so no spelling in C hides it."""
        step = os.path.join(tree, self.assignment.name)
        submitted = objects_below(step, "build/src")
        others = objects_below(step, "build/common") + objects_below(step, "build/tests")
        return (self.early_code(tree, submitted + others) or self.foreign_symbols(tree, submitted, others)
                or self.assembly(tree, step, changed) or self.outside_files(step))

    def early_code(self, tree, objects):
        """Code that would run before main, or when a symbol is resolved."""
        name = ""
        for line in self.output_of(tree, ["readelf", "-SW"] + objects).splitlines():
            if line.startswith("File: "):
                name = source_of(line[6:].strip())
            match = re.match(r"\s*\[ *\d+\] (\S+)\s+(\S+)", line)
            if match and (re.match(r"\.(ctors|dtors|init|fini|preinit)", match[1])
                          or match[2] in ("INIT_ARRAY", "FINI_ARRAY", "PREINIT_ARRAY")):
                return f"{name}: a constructor or destructor ({match[1]}): code that runs outside of the tests is refused"
        return ""

    def foreign_symbols(self, tree, submitted, others):
        """Calls outside of the permitted ones; definitions that replace those of others."""
        defined, wanted = {}, {}
        for path, kind, symbol in symbols(self.output_of(tree, ["nm", "-A"] + submitted)):
            if kind == "i":
                return f"{source_of(path)}: {symbol} is an indirect function (ifunc): refused"
            if kind in "Uwv":
                wanted.setdefault(symbol, source_of(path))
            elif kind.isupper() or kind == "u":
                defined.setdefault(symbol, source_of(path))
        ours = {symbol for _, kind, symbol in symbols(self.output_of(tree, ["nm", "-A"] + others))
                if kind not in "Uwv" and (kind.isupper() or kind == "u")}
        weak_names = {"not_implemented"}
        libraries = self.library_symbols(tree)
        for symbol, path in sorted(defined.items()):
            if symbol in libraries or symbol in ours - weak_names - {"main"}:
                return f"{path}: defines {symbol}, a name of {libraries.get(symbol, 'the tests')}: refused"
        for symbol, path in sorted(wanted.items()):
            if symbol not in defined and symbol not in ours and symbol not in self.allowed:
                return f"{path}: uses {symbol}, which the grader does not permit (assignment.toml: allow)"
        return ""

    def library_symbols(self, tree):
        if self.libraries is None:
            found = {}
            for library in ("libc.so.6", "libcmocka.so", "libcapstone.so"):
                path = self.output_of(tree, ["gcc", f"-print-file-name={library}"]).strip()
                if not os.path.isabs(path):
                    continue
                for line in self.output_of(tree, ["nm", "-D", "--defined-only", path]).splitlines():
                    symbol = line.split()[-1].split("@")[0]
                    found.setdefault(symbol, library.split(".")[0])
            self.libraries = found
        return self.libraries

    def assembly(self, tree, step, changed):
        """Assembly in C, which could hide a system call or another file."""
        reference = os.path.join(self.assignment.directory, "src")
        for path in changed:
            if not path.endswith(".c"):
                continue
            outcome = self.sandboxed(tree, ["gcc", "-E", "-std=c17", "-D_GNU_SOURCE", "-DHAVE_CAPSTONE=1",
                                            f"-DSTEP={self.assignment.step}", "-Isrc", "-I../common", f"src/{path}"])
            if outcome.status != 0:
                continue
            text, own = [], False
            for line in outcome.output.decode("utf-8", "replace").splitlines():
                marker = re.match(r'# \d+ "([^"]*)"', line)
                if marker:
                    own = marker[1].startswith("src/")
                elif own:
                    text.append(line)
            original = os.path.join(reference, path)
            before = csource.read(original) if os.path.exists(original) else ""
            if count_asm("\n".join(text)) > count_asm(before):
                return f"src/{path}: assembly (asm) that the course's file does not have is refused"
        return ""

    def outside_files(self, step):
        """Source files from outside of the tree that were compiled in."""
        for folder, _, names in os.walk(os.path.join(step, "build")):
            for name in names:
                if not name.endswith(".d"):
                    continue
                text = csource.read(os.path.join(folder, name))
                for path in text.replace("\\\n", " ").split():
                    if path.startswith("/") and not path.startswith(("/usr/include/", "/usr/lib/")):
                        return f"{source_of(name)}: includes {path.rstrip(':')}, a file outside of the step: refused"
        return ""

    # ---- running ----------------------------------------------------------------------------------

    def tests_of(self, tree, tasks, programs):
        """{task id: [test, ...]}, from what the test programs list."""
        listed = {}
        for program in programs:
            if "." not in program:
                names = self.output_of(tree, [f"build/tests/{program}", "--list"]).split()
                listed[program] = names
        chosen = {}
        for task in tasks:
            tests = []
            for pattern in task.tests:
                program, colon, name = pattern.partition(":")
                if not colon:
                    found = [script for script in programs if "." in script and fnmatchcase(script, program)]
                else:
                    found = [f"{p}:{t}" for p, names in listed.items() if fnmatchcase(p, program)
                             for t in names if fnmatchcase(t, name)]
                if not found:
                    raise GraderError(f"task {task.id}: no test matches '{pattern}'")
                tests += [test for test in found if test not in tests]
            chosen[task.id] = tests
        return chosen

    def fingerprint(self, tree):
        build = os.path.join(tree, self.assignment.name, "build")
        paths = [os.path.join(build, "jit")] + [os.path.join(build, "tests", name) for name in self.programs]
        return [file_hash(path) for path in paths if os.path.isfile(path)]

    def run_test(self, tree, test):
        limits = sandbox.Limits(seconds=self.assignment.seconds, memory=self.assignment.memory)
        program, colon, name = test.partition(":")
        if not colon:
            environment = dict(sandbox.clean_environment(), BUILD="build", JIT="build/jit")
            interpreter = ["sh"] if program.endswith(".sh") else ["python3"]
            outcome = self.sandboxed(tree, interpreter + [f"tests/{program}"], limits=limits, environment=environment)
            output = outcome.output.decode("utf-8", "replace")
            passed = outcome.status == 0 and not outcome.stopped
            return TestResult(test, passed, "" if passed else why_script(outcome, output), outcome.seconds, output)
        nonce = secrets.token_hex(16).encode()
        environment = dict(sandbox.clean_environment(), TEST_FILTER=name, TEST_RECORD="3")
        outcome = self.sandboxed(tree, [f"build/tests/{program}"], limits=limits, environment=environment,
                                 record=[nonce])
        output = outcome.output.decode("utf-8", "replace")
        said = [message for message in outcome.messages if message.startswith(nonce + b" ")]
        skipped = re.search(rf"^\[ *SKIPPED *\] {re.escape(name)}$", output, re.M) is not None
        passed = (outcome.status == 0 and not outcome.stopped and not skipped
                  and outcome.messages == [nonce + b" " + name.encode() + b" passed"])
        reason = "" if passed else why_failed(outcome, output, said, skipped, limits)
        return TestResult(test, passed, reason, outcome.seconds, output)

    def grade_all(self, submissions, jobs=1):
        """Grade submissions, each the arguments of grade(); yields their Reports in order. `jobs` are graded at
        a time, but only one where the isolation could not keep one from meddling with another."""
        with concurrent.futures.ThreadPoolExecutor(jobs if self.isolate else 1) as pool:
            yield from pool.map(lambda arguments: self.grade(*arguments), submissions)

    def grade(self, submission, only=None):
        """Grade one submission and return its Report; `only` the tasks with these ids if it is given."""
        report = Report(self.assignment, submission, isolated=self.isolate)
        report.tasks = [TaskResult(task) for task in self.assignment.tasks if only is None or task.id in only]
        source = find_sources(submission, self.assignment.name)
        if not source:
            report.refusal = f"no src directory of {self.assignment.name} in {submission}"
            return report
        tree, report.notes, changed = self.lay_tree(source)
        try:
            self.grade_tree(tree, changed, report)
        except Refused as refused:
            report.refusal = str(refused)
        finally:
            shutil.rmtree(tree, ignore_errors=True)
        return report

    def grade_tree(self, tree, changed, report):
        tasks = [result.task for result in report.tasks]
        programs = self.find_programs(tasks)
        outcome = self.build(tree, programs)
        if outcome.status != 0 or outcome.stopped:
            report.build_output = outcome.output.decode("utf-8", "replace")
            report.refusal = f"build error: {build_error(outcome)}"
            return
        report.refusal = self.inspect(tree, changed)
        if report.refusal:
            return
        chosen, results = self.tests_of(tree, tasks, programs), {}
        built = self.fingerprint(tree)
        for result in report.tasks:
            for test in chosen[result.task.id]:
                if test not in results:
                    results[test] = self.run_test(tree, test)
                    if self.fingerprint(tree) != built:
                        report.refusal = f"{test} changed the test programs"
                        return
            result.tests = [results[test] for test in chosen[result.task.id]]
            passed = sum(test.passed for test in result.tests)
            if result.tests and (result.task.grading == "each" or passed == len(result.tests)):
                result.points = Fraction(result.task.points) * passed / len(result.tests)


# ---- files ----------------------------------------------------------------------------------------

def copy_tree(source, target, skip=()):
    """Copy a directory of the course, readable for everyone, without what builds leave behind."""
    for folder, directories, names in os.walk(source):
        relative = os.path.relpath(folder, source)
        top = relative == "."
        directories[:] = [name for name in directories
                          if name not in IGNORED_DIRECTORIES and not name.startswith("build-")
                          and not (top and name in skip)]
        os.makedirs(os.path.join(target, relative), mode=0o755, exist_ok=True)
        for name in names:
            path = os.path.join(folder, name)
            if (top and name in skip) or not os.path.isfile(path):
                continue
            out = os.path.join(target, relative, name)
            shutil.copyfile(path, out)
            os.chmod(out, 0o755 if os.access(path, os.X_OK) else 0o644)


def give_away(directory):
    """Let the sandbox's user write in a directory."""
    if os.geteuid() != 0:
        return
    for folder, _, names in os.walk(directory):
        os.chown(folder, sandbox.NOBODY, sandbox.NOBODY)
        for name in names:
            os.chown(os.path.join(folder, name), sandbox.NOBODY, sandbox.NOBODY)


def forget_objects(objects, source, changed):
    """Remove the objects that were not compiled from these sources."""
    for folder, _, names in os.walk(objects):
        for name in names:
            stem = os.path.splitext(os.path.relpath(os.path.join(folder, name), objects))[0]
            if stem + ".c" in changed or not os.path.exists(os.path.join(source, stem + ".c")):
                os.unlink(os.path.join(folder, name))


def walk_sources(source, notes):
    """The .c and .h files below a directory, sorted. Symbolic links are not followed."""
    found = []
    for folder, directories, names in os.walk(source):
        directories[:] = sorted(name for name in directories if FILE_NAME.fullmatch(name)
                                and not os.path.islink(os.path.join(folder, name)))
        for name in sorted(names):
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, source)
            if not name.endswith((".c", ".h")):
                continue
            if not FILE_NAME.fullmatch(name) or not stat.S_ISREG(os.lstat(path).st_mode):
                notes.append(f"src/{ascii(relative)[1:-1]}: not a regular file with a plain name, left out")
                continue
            found.append(relative)
    return sorted(found)


def read_limited(path):
    with open(path, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    return data if len(data) <= MAX_BYTES else None


def file_hash(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).digest()


def same_interface(original, data):
    """Whether two headers differ in nothing but comments and the bodies of inline functions."""
    first, second = (text.decode("utf-8", "replace") for text in (original, data))
    directives = [[" ".join(match[0].split()) for match in csource.DIRECTIVE.finditer(csource.without_comments(text))]
                  for text in (first, second)]
    try:
        return directives[0] == directives[1] and csource.skeleton(first) == csource.skeleton(second)
    except ValueError:
        return False


def find_sources(submission, name):
    """The src directory in a submission: a whole tree, a step's directory, or src's parent."""
    for place in (os.path.join(submission, name, "src"), os.path.join(submission, "src")):
        if os.path.isdir(place) and not os.path.islink(place):
            return place
    return None


# ---- reading what tools say -------------------------------------------------------------------------

def objects_below(step, directory):
    found = []
    for folder, _, names in os.walk(os.path.join(step, directory)):
        found += [os.path.relpath(os.path.join(folder, name), step) for name in names if name.endswith(".o")]
    return sorted(found)


def source_of(path):
    """The source file of an object or dependency file, as the student knows it."""
    return re.sub(r"\.[od]$", ".c", path.removeprefix("build/"))


def symbols(text):
    """(object, kind, symbol) of each line of `nm -A`."""
    for line in text.splitlines():
        match = re.match(r"(\S+?):(?:[0-9a-f]+)? +([A-Za-z?-]) (\S+)$", line)
        if match:
            yield match.groups()


def count_asm(text):
    return len(re.findall(r"\b(?:asm|__asm|__asm__)\b", csource.without_comments(text, literals=False)))


def build_error(outcome):
    """The first error of a build, in one line."""
    if outcome.stopped:
        return outcome.stopped
    text = outcome.output.decode("utf-8", "replace")
    for pattern in (r"^\S+:\d+:(?:\d+:)? (?:fatal )?error: .*$", r"^.*(?:undefined reference|multiple definition).*$",
                    r"^.*\berror: .*$", r"^make.*\*\*\* .*$", r"^.*\bcannot\b.*$"):
        match = re.search(pattern, text, re.M)
        if match:
            return re.sub(r"^/usr/bin/ld: |/tmp/grade-[^/]*/[^/]*/", "", match[0].strip())
    return (text.strip().splitlines() or [f"make ended with status {outcome.status}"])[-1]


def memory_note(outcome, limits):
    near = limits.memory and outcome.peak > limits.memory * 0.9
    refused = re.search(rb"out of memory|[Cc]annot allocate memory", outcome.output)
    return f"; memory limit of {limits.memory >> 20} MiB reached" if near or refused else ""


def signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def why_failed(outcome, output, said, skipped, limits):
    """The reason why a cmocka test earned nothing, in one line."""
    memory = memory_note(outcome, limits)
    if outcome.stopped:
        return outcome.stopped + memory
    if outcome.status == sandbox.START_FAILED:
        return output.strip().splitlines()[-1] if output.strip() else "the program could not be started"
    missing = re.search(r"^not implemented yet: .*$", output, re.M)
    if missing:
        return missing[0]
    if said and said[0].endswith(b" failed"):
        return first_failure(output) + memory
    if skipped:
        return "skipped"
    if outcome.status < 0:
        return f"killed by {signal_name(-outcome.status)}" + memory
    if not said:
        last = [line for line in output.splitlines() if line.strip() and not line.startswith("[")]
        return f"the program ended inside the test (exit status {outcome.status})" + memory \
            + (f": {last[-1].strip()[:200]}" if last else "")
    return f"the program failed after the test (exit status {outcome.status})" + memory


def first_failure(output):
    """The first failing assertion in cmocka's output: where and what."""
    crash = re.search(r"Test failed with exception: (.*)\((\d+)\)", output)
    if crash:
        return f"{signal_name(int(crash[2]))} ({crash[1]})"
    where = re.search(r"^\[ *LINE *\] --- (\S+?:\d+): error", output, re.M)
    what = re.search(r"^\[ *ERROR *\] --- (.*?)(?=^\[|\Z)", output, re.M | re.S)
    place = where or re.search(r"--- (\S+?:\d+): error", output)
    message = difference(what[1].strip()) if what else ""
    if not message or message.startswith("[   LINE"):  # fail() or fail_msg(): what was printed before tells
        message = printed_before(output[:place.start()] if place else output)
    return ": ".join(part for part in (place[1] if place else "", message[:400] or "failed") if part)


def difference(message):
    """A failed comparison in one line: of texts of several lines, the first two that differ."""
    texts = re.fullmatch(r'"(.*)" != "(.*)"', message, re.S)
    if not texts or "\n" not in message:
        return message.split("\n")[0]
    found, expected = (text.split("\n") for text in texts.groups())
    for number, pair in enumerate(itertools.zip_longest(found, expected, fillvalue=""), 1):
        if pair[0] != pair[1]:
            return f'line {number}: "{pair[0].strip()}" != "{pair[1].strip()}"'
    return "the texts differ"


def printed_before(output):
    """fail_msg's message, and the two lines before it: tests print there what they found."""
    lines = [line.strip() for line in output.splitlines() if line.strip() and not re.match(r"\[[ A-Z=-]{10}\]", line)]
    at = next((i for i in reversed(range(len(lines))) if "ERROR: " in lines[i]), None)
    if at is None:
        return "; ".join(lines[-3:])
    before = lines[max(0, at - 2):at]
    return lines[at].replace("ERROR: ", "", 1) + (f" ({'; '.join(before)})" if before else "")


def why_script(outcome, output):
    if outcome.stopped:
        return outcome.stopped
    missing = re.search(r"not implemented yet: .*$", output, re.M)
    if missing:
        return missing[0]
    last = output.strip().splitlines()
    status = f"exit status {outcome.status}" if outcome.status >= 0 else f"killed by {signal_name(-outcome.status)}"
    return status + (f": {last[-1].strip()[:200]}" if last else "")
