"""A step's assignment.toml: what a class writes in this step, and which tests grade it.

  title   = "..."
  time    = 10        # seconds for each test
  memory  = "1G"      # address space of each test
  allow   = ["..."]   # C library functions that a submission may call beyond the usual ones

  [[task]]
  id        = "labels"
  title     = "..."
  kind      = "core"                       # or "extra"
  points    = 10
  section   = "Jumps and labels"           # a heading of the step's README.md
  functions = ["src/asm/asm.c:asm_bind"]   # the bodies that a handout leaves out
  tests     = ["test_asm:test_label*"]     # program:test, a glob; or a script's name
  grading   = "each"                       # points are shared among the tests; "all": all or none
  by_hand   = false                        # true: no tests; the teacher gives the points
"""

import glob
import os
import re
import tomllib
from dataclasses import dataclass, field

TASK_KEYS = {"id", "title", "kind", "points", "section", "functions", "tests", "grading", "by_hand"}
TOP_KEYS = {"title", "time", "memory", "allow", "task", "step"}


class AssignmentError(Exception):
    pass


@dataclass
class Task:
    id: str
    title: str
    kind: str
    points: int
    section: str = ""
    functions: list = field(default_factory=list)  # of (file, function)
    tests: list = field(default_factory=list)      # of globs
    grading: str = "each"
    by_hand: bool = False


@dataclass
class Assignment:
    step: int
    directory: str  # of the step, in the course's tree
    title: str
    tasks: list
    seconds: float
    memory: int
    allow: list

    @property
    def name(self):
        return os.path.basename(self.directory)


def step_directory(root, step):
    """The directory of a step. Raises AssignmentError."""
    found = sorted(glob.glob(os.path.join(glob.escape(root), f"step{int(step):02d}-*")))
    found = [path for path in found if os.path.isdir(path)]
    if len(found) != 1:
        raise AssignmentError(f"there is no step {step} in {root}")
    return found[0]


def assigned_steps(root):
    """The numbers of the steps that have an assignment."""
    paths = glob.glob(os.path.join(glob.escape(root), "step[0-9][0-9]-*", "assignment.toml"))
    return sorted(int(os.path.basename(os.path.dirname(path))[4:6]) for path in paths)


def load(root, step):
    directory = step_directory(root, step)
    path = os.path.join(directory, "assignment.toml")
    try:
        with open(path, "rb") as file:
            table = tomllib.load(file)
    except FileNotFoundError:
        raise AssignmentError(f"step {step} has no assignment: {path} is missing") from None
    except tomllib.TOMLDecodeError as error:
        raise AssignmentError(f"{path}: {error}") from None
    unknown = set(table) - TOP_KEYS
    check(not unknown, path, f"unknown key {', '.join(sorted(unknown))}")
    tasks = [read_task(path, entry) for entry in table.get("task", [])]
    ids = [task.id for task in tasks]
    check(tasks, path, "it lists no [[task]]")
    check(len(ids) == len(set(ids)), path, "two tasks have the same id")
    return Assignment(int(step), directory, table.get("title", ""), tasks, float(table.get("time", 10)),
                      read_size(path, table.get("memory", "1G")), list(table.get("allow", [])))


def read_task(path, entry):
    where = f"task {entry.get('id', '?')}"
    unknown = set(entry) - TASK_KEYS
    check(not unknown, path, f"{where}: unknown key {', '.join(sorted(unknown))}")
    for key in ("id", "title", "points"):
        check(key in entry, path, f"{where}: '{key}' is missing")
    check(entry.get("kind", "core") in ("core", "extra"), path, f"{where}: kind is core or extra")
    check(entry.get("grading", "each") in ("each", "all"), path, f"{where}: grading is each or all")
    check(entry["points"] > 0, path, f"{where}: points must be above 0")
    functions = []
    for text in entry.get("functions", []):
        file, colon, name = text.rpartition(":")
        check(colon and file.startswith("src/") and ".." not in file, path,
              f"{where}: '{text}' is not src/FILE:FUNCTION")
        functions.append((file, name))
    by_hand = entry.get("by_hand", False)
    check(by_hand or entry.get("tests"), path, f"{where}: no tests grade it (by_hand = true says that you do)")
    check(not functions or entry.get("section"), path, f"{where}: 'section' is missing")
    return Task(entry["id"], entry["title"], entry.get("kind", "core"), entry["points"], entry.get("section", ""),
                functions, list(entry.get("tests", [])), entry.get("grading", "each"), by_hand)


def check(condition, path, message):
    if not condition:
        raise AssignmentError(f"{path}: {message}")


def read_size(path, text):
    match = re.fullmatch(r"(\d+)([KMG]?)", str(text))
    check(match, path, f"memory = '{text}' is not a size such as \"512M\"")
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]]
