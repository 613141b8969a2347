"""The step directories: which there are, and their files as plain dictionaries.

A tree is {path inside the step: Entry}. It is read from the working tree (what git would track:
everything that .gitignore does not exclude) or from a commit.
"""

import hashlib
import os
import re
import stat
import subprocess
from collections import namedtuple

Entry = namedtuple("Entry", "mode data")        # mode: 0o644, 0o755 or LINK; data: bytes
Step = namedtuple("Step", "number name")        # name: the directory, "step01-codegen"

LINK = 0o120000
STEP_DIRECTORY = re.compile(r"step(\d\d)-[A-Za-z0-9_.-]+\Z")
SKIPPED = {"build", "__pycache__", ".carry", ".git"}   # where git cannot be asked


class TreeError(Exception):
    """A message for the user: the tree or the revision is not what was asked for."""


def top_directory():
    """The directory that holds tools/ and the steps."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


def list_steps(root):
    """[Step], in order. Two directories with one number are an error."""
    steps = {}
    for name in sorted(os.listdir(root)):
        match = STEP_DIRECTORY.match(name)
        if not match or not os.path.isdir(os.path.join(root, name)):
            continue
        number = int(match.group(1))
        if number in steps:
            raise TreeError(f"two directories are step {number}: {steps[number].name} and {name}")
        steps[number] = Step(number, name)
    return [steps[n] for n in sorted(steps)]


def git(root, *arguments, stdin=None):
    """The output of git in `root` as bytes; TreeError with git's own words when it fails."""
    try:
        done = subprocess.run(["git", "-C", root, *arguments], input=stdin,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError:
        raise TreeError("git is not installed") from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["git failed"]
        raise TreeError(f"git {arguments[0]}: {lines[0]}")
    return done.stdout


def _walk(root, directory):
    for folder, folders, files in os.walk(os.path.join(root, directory)):
        folders[:] = [f for f in folders if f not in SKIPPED]
        for name in files:
            if not name.endswith((".o", ".pyc")):
                yield os.path.relpath(os.path.join(folder, name), root)


def _visible_files(root, directories):
    if not directories:
        return []
    try:
        listed = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--",
                     *directories)
        return sorted({os.fsdecode(p) for p in listed.split(b"\0") if p})
    except TreeError:       # not a git checkout: a tarball
        return sorted(p for d in directories for p in _walk(root, d))


def read_entry(path):
    """The file as an Entry, or None when there is none."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISLNK(status.st_mode):
        return Entry(LINK, os.fsencode(os.readlink(path)))
    if not stat.S_ISREG(status.st_mode):
        return None
    with open(path, "rb") as file:
        return Entry(0o755 if status.st_mode & 0o100 else 0o644, file.read())


def read_steps(root, steps):
    """{number: tree} of the working tree, with one question to git for all steps."""
    trees = {step.number: {} for step in steps}
    numbers = {step.name: step.number for step in steps}
    for path in _visible_files(root, [step.name for step in steps]):
        entry = read_entry(os.path.join(root, path))
        if entry is not None:
            directory, inner = path.split("/", 1)
            trees[numbers[directory]][inner] = entry
    return trees


def read_step(root, step):
    return read_steps(root, [step])[step.number]


def resolve(root, revision):
    """The full name of a commit."""
    try:
        return git(root, "rev-parse", "--verify", "--quiet", revision + "^{commit}").decode().strip()
    except TreeError as error:
        if not str(error).endswith("git failed"):       # more than a name that is not known
            raise
        raise TreeError(f"no commit '{revision}' here; name the one before the change: --base REV") from None


def blob_name(data, like):
    """The name that git gives to this content, in the hash that the name `like` uses."""
    new = hashlib.sha1 if len(like) == 40 else hashlib.sha256
    return new(b"blob %d\0" % len(data) + data).hexdigest()


def read_step_at(root, revision, step, working_tree):
    """The tree of step `step.number` in a commit. Contents equal to the working tree's are not read again."""
    directory = None
    for name in git(root, "ls-tree", "-d", "-z", "--name-only", revision).split(b"\0"):
        match = STEP_DIRECTORY.match(os.fsdecode(name))
        if match and int(match.group(1)) == step.number:
            directory = os.fsdecode(name)
    if directory is None:
        return {}
    tree, wanted = {}, []
    for line in git(root, "ls-tree", "-r", "-z", revision, "--", directory).split(b"\0"):
        if not line:
            continue
        (mode, kind, blob), path = line.split(b"\t")[0].split(), os.fsdecode(line.split(b"\t", 1)[1])
        if kind != b"blob":
            continue
        path, mode, blob = path[len(directory) + 1:], int(mode, 8), blob.decode()
        mode = LINK if mode == LINK else mode & 0o777
        here = working_tree.get(path)
        if here is not None and blob_name(here.data, blob) == blob:
            tree[path] = Entry(mode, here.data)
        else:
            wanted.append((path, mode, blob))
    if wanted:
        output = git(root, "cat-file", "--batch", stdin="".join(b + "\n" for _, _, b in wanted).encode())
        at = 0
        for path, mode, _ in wanted:
            end = output.index(b"\n", at)
            size = int(output[at:end].split()[2])
            tree[path] = Entry(mode, output[end + 1:end + 1 + size])
            at = end + 1 + size + 1
    return tree


def write_entry(path, entry):
    """Make the file exactly `entry`; None removes it and the directories that it leaves empty."""
    if read_entry(path) == entry:
        return
    if os.path.lexists(path):
        os.unlink(path)
    if entry is None:
        folder = os.path.dirname(path)
        while folder and not os.listdir(folder):
            os.rmdir(folder)
            folder = os.path.dirname(folder)
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if entry.mode == LINK:
        os.symlink(os.fsdecode(entry.data), path)
        return
    with open(path, "wb") as file:
        file.write(entry.data)
    os.chmod(path, entry.mode)


def write_step(root, step, tree):
    """Make the step's visible files exactly `tree`. Files that are equal already are not touched."""
    now = read_step(root, step)
    for path in sorted(set(now) | set(tree)):
        if now.get(path) != tree.get(path):
            write_entry(os.path.join(root, step.name, path), tree.get(path))


def is_binary(data):
    return b"\0" in data[:8000]


def similar(one, other):
    """0 to 1: the share of lines that two texts have in common."""
    if one == other:
        return 1.0
    if is_binary(one) or is_binary(other):
        return 0.0
    a, b = one.split(b"\n"), other.split(b"\n")
    counts = {}
    for line in a:
        counts[line] = counts.get(line, 0) + 1
    common = 0
    for line in b:
        if counts.get(line, 0):
            counts[line] -= 1
            common += len(line.strip()) > 1
    total = sum(len(line.strip()) > 1 for line in a) + sum(len(line.strip()) > 1 for line in b)
    return 2 * common / total if total else 0.0


def find_renames(gone, come, least=0.6):
    """{old path: new path} between two {path: Entry}: the most similar pairs first."""
    pairs = sorted(((similar(a.data, b.data), os.path.basename(p) == os.path.basename(q), p, q)
                    for p, a in gone.items() for q, b in come.items()
                    if a.data and os.path.splitext(p)[1] == os.path.splitext(q)[1]), reverse=True)
    renames, taken = {}, set()
    for score, _, p, q in pairs:
        if score >= least and p not in renames and q not in taken:
            renames[p] = q
            taken.add(q)
    return renames
