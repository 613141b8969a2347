"""Writing a student's tree for an assignment.

The tree holds the earlier steps whole, the step with the bodies of the assigned functions replaced by
stubs, common/, and the tools to build, test and grade it. Nothing in it shows a solution: that is
checked at the end, over every file that was written, and a handout that fails the check is an error.
"""

import os
import re
import shutil
import subprocess

import csource

# What a handout leaves out of the course's tree, besides the later steps.
LEFT_OUT = [".git", ".ci", ".github", ".carry", "docs", "tools/tests", "tools/handout", "tools/lib/handouts.py",
            "tools/carry", "tools/carry.d", "build", "node_modules"]
STEP = re.compile(r"step(\d\d)-[^/]+")
TOP_COMMENT = """\
// The functions below that say "not implemented yet" are yours to write. Until then, what only they
// use stands unused, and that is no error.
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-const-variable"
#ifdef __clang__
#pragma clang diagnostic ignored "-Wunneeded-internal-declaration"
#endif

#include "testing/not_implemented.h"

"""
NO_COMMON_TESTS = """\
# The tests of common/ are about the final assembler, which this handout does not hold.
.PHONY: all test clean
all test clean:
"""
ELIDED = "// ... yours to write ..."
MIN_LINE, MIN_RUN, MIN_BODY = 8, 3, 40  # of the check: characters in a line, lines, characters in a body


class HandoutError(Exception):
    pass


def write(root, assignment, out):
    """Write the handout of an assignment to the new directory `out`. Returns a list of remarks."""
    if os.path.exists(out) and (not os.path.isdir(out) or os.listdir(out)):
        raise HandoutError(f"{out} exists already and is not an empty directory")
    real_root, real_out = os.path.realpath(root), os.path.realpath(out)
    if real_root.startswith(real_out + "/") or real_root == real_out:
        raise HandoutError(f"{out} holds the course itself")
    files = [path for path in course_files(root) if wanted(path, assignment, root)
             and not os.path.realpath(os.path.join(root, path)).startswith(real_out + "/")]
    bodies = solution_bodies(assignment)
    made = not os.path.exists(out)
    try:
        for path in files:
            copy(root, out, path)
        blank_sources(assignment, os.path.join(out, assignment.name))
        remarks = blank_chapter(assignment, os.path.join(out, assignment.name), bodies)
        need_stub_header(out)
        if own_assembler(assignment) and os.path.exists(os.path.join(root, "common", "Makefile")):
            with open(os.path.join(out, "common", "Makefile"), "w", encoding="utf-8") as file:
                file.write(NO_COMMON_TESTS)
        leaks = find_leaks(out, bodies, assignment)
        if leaks:
            raise HandoutError("the solution shows in the handout:\n" + "\n".join(f"  {leak}" for leak in leaks))
    except HandoutError:
        if made:
            shutil.rmtree(out, ignore_errors=True)
        raise
    return remarks


def course_files(root):
    """The files of the course: what git would track, or everything where there is no git."""
    try:
        top = subprocess.run(["git", "-C", root, "rev-parse", "--show-toplevel"], capture_output=True, text=True)
        if top.returncode == 0 and os.path.realpath(top.stdout.strip()) == os.path.realpath(root):
            listing = subprocess.run(["git", "-C", root, "ls-files", "-z", "-co", "--exclude-standard"],
                                     capture_output=True, check=True)
            names = sorted(set(os.fsdecode(listing.stdout).split("\0")) - {""})
            return [name for name in names if os.path.isfile(os.path.join(root, name))]
    except FileNotFoundError:
        pass
    found = []
    for folder, directories, names in os.walk(root):
        directories[:] = [name for name in directories if name not in (".git", "__pycache__", ".carry", "node_modules")
                          and not re.fullmatch(r"build(-.*)?", name)]
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names
                  if not name.endswith((".o", ".pyc"))]
    return sorted(found)


def wanted(path, assignment, root):
    if any(path == name or path.startswith(name + "/") for name in LEFT_OUT):
        return False
    step = STEP.match(path)
    if step and int(step[1]) > assignment.step:
        return False
    if step and re.match(r"step\d\d-[^/]+/assignment\.d/", path):
        return False
    if step and int(step[1]) == assignment.step and path.split("/")[1] == "stops":
        return False  # what the chapter has built half-way, and faults to plant: pieces of the solution
    if own_assembler(assignment) and path.startswith(("common/asm/", "common/tests/", "common/Makefile")):
        return False  # the final assembler is a solution of the step that builds a small one
    return True


def own_assembler(assignment):
    return os.path.exists(os.path.join(assignment.directory, "src", "asm", "asm.c"))


def copy(root, out, path):
    source, target = os.path.join(root, path), os.path.join(out, path)
    if os.path.islink(source) and not os.path.realpath(source).startswith(os.path.realpath(root) + "/"):
        raise HandoutError(f"{path} is a link out of the course's tree")
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copyfile(source, target)
    os.chmod(target, 0o755 if os.access(source, os.X_OK) else 0o644)


def by_file(assignment):
    """{file: {function: section}} of the assignment."""
    files = {}
    for task in assignment.tasks:
        for file, name in task.functions:
            if name in files.get(file, {}):
                raise HandoutError(f"{file}:{name} belongs to two tasks")
            files.setdefault(file, {})[name] = task.section
    return files


def solution_bodies(assignment):
    """{file:function: body} of the functions to blank."""
    bodies = {}
    for file, names in by_file(assignment).items():
        path = os.path.join(assignment.directory, file)
        if not os.path.exists(path):
            raise HandoutError(f"the assignment names {file}, which does not exist")
        text = csource.read(path)
        found = {}
        for function in csource.functions(text):
            if function.name in names:
                if function.name in found:
                    raise HandoutError(f"{file} defines {function.name} twice; only one can be blanked")
                found[function.name] = text[function.open + 1:function.close]
        for name in names:
            if name not in found:
                raise HandoutError(f"the assignment names {file}:{name}, which is not defined there")
            bodies[f"{file}:{name}"] = found[name]
    return bodies


def stub(function, section):
    unused = [f"(void){name};" for name in csource.parameter_names(function.parameters)]
    lines = [" ".join(unused)] if unused else []
    section = section.replace("\\", "\\\\").replace('"', '\\"')
    lines.append(f'not_implemented("{function.name}", "{section}");')
    return "\n" + "".join(f"    {line}\n" for line in lines)


def blank_sources(assignment, step):
    for file, names in by_file(assignment).items():
        path = os.path.join(step, file)
        text = csource.read(path)
        stubs = {function.name: stub(function, names[function.name])
                 for function in csource.functions(text) if function.name in names}
        text = csource.replace_bodies(text, stubs)
        at = first_code(text)
        top = TOP_COMMENT if file.endswith(".c") else '#include "testing/not_implemented.h"\n\n'
        gap = "" if at == 0 or text[:at].endswith("\n\n") else "\n"
        with open(path, "w", encoding="utf-8") as out:
            out.write(text[:at] + gap + top + text[at:])


def first_code(text):
    """Where the lead goes: before the first code of a source file; in a header, below its guard."""
    code = csource.without_comments(text)
    guard = re.search(r"#ifndef (\w+)\s*\n#define \1\s*\n\s*", code)
    if guard and not code[:guard.start()].strip():
        return guard.end()
    match = re.search(r"\S", code)
    return match.start() if match else len(text)


def need_stub_header(out):
    if not os.path.exists(os.path.join(out, "common", "testing", "not_implemented.h")):
        raise HandoutError("common/testing/not_implemented.h is missing from the course")


# ---- the chapter, and the check ---------------------------------------------------------------------

def telling(lines):
    return [line for line in lines if len(line) >= MIN_LINE]


def blank_chapter(assignment, step, bodies):
    """Take the solutions out of the chapter's blocks of C and of diffs. Returns remarks for the teacher."""
    path, remarks = os.path.join(step, "README.md"), []
    if not os.path.exists(path):
        return [f"{assignment.name} has no README.md yet; the stubs refer to its sections"]
    text = csource.read(path)
    headings = re.findall(r"^#+\s+(.*?)\s*#*$", text, re.M)
    for task in assignment.tasks:
        if task.functions and not any(task.section in heading for heading in headings):
            remarks.append(f"task {task.id}: README.md has no section '{task.section}'")
    given = remaining_lines(step)
    solution = {line: line not in given for body in bodies.values() for line in telling(csource.code_lines(body))}
    fence = re.compile(r"^(?P<fence>```+|~~~+)(?P<info>[^\n]*)\n(?P<code>.*?)^(?P=fence)[ \t]*$", re.M | re.S)

    def blank(match):
        language = re.match(r"\s*(?:\{\s*\.)?(c|h|diff)\b", match["info"])
        if not language:
            return match[0]
        code = blank_diff(match["code"], solution) if language[1] == "diff" \
            else blank_block(match["code"], bodies, solution)
        return f"{match['fence']}{match['info']}\n{code}{match['fence']}"
    changed = fence.sub(blank, text)
    if changed != text:
        with open(path, "w", encoding="utf-8") as out:
            out.write(changed)
    return remarks


def remaining_lines(step):
    """The lines of the sources after blanking. A solution's line that is among them is no secret."""
    found = set()
    for folder, _, names in os.walk(os.path.join(step, "src")):
        for name in names:
            if name.endswith((".c", ".h")):
                found.update(csource.code_lines(csource.read(os.path.join(folder, name))))
    return found


def blank_block(code, bodies, solution):
    """A C block without solutions: whole bodies first, then the runs of lines that are theirs. `solution` says
    of each line of a solution whether it stands nowhere else."""
    names = {key.rpartition(":")[2] for key in bodies}
    try:
        for function in reversed(csource.functions(code)):
            if function.name in names:
                code = code[:function.open + 1] + f"\n    {ELIDED}\n" + code[function.close:]
    except ValueError:
        pass  # an excerpt that ends inside of a function
    return blank_lines(code, solution, r"\s*")


def blank_diff(code, solution):
    """A diff without solutions. What it removes are lines of an earlier step, which a handout holds."""
    return blank_lines(code, solution, r"[+ ]\s*")


def blank_lines(code, solution, lead):
    """Code without the runs of lines that are a solution's. Each line begins with `lead`."""
    lines, out, at = code.splitlines(keepends=True), [], 0
    while at < len(lines):
        end, run = solution_run(lines, at, solution, lead)
        if len(run) >= MIN_RUN or any(solution[line] for line in run):
            out.append(re.match(lead, lines[at])[0].rstrip("\n") + ELIDED + "\n")
            while end < len(lines) and re.fullmatch(r"[+ ]\s+[})\];]+\s*", lines[end]):
                end += 1  # what closed the blocks inside of the run
            at = end
        else:
            out.append(lines[at])
            at += 1
    return "".join(out)


def solution_run(lines, at, solution, lead):
    """(end, lines): the longest run of a solution's lines that begins with line `at`. Comments and braces
    may stand between them."""
    end, run = at, []
    for i in range(at, len(lines)):
        before = re.match(lead, lines[i])
        normal = csource.code_lines(lines[i][before.end():]) if before else []
        if normal and normal[0] in solution:
            end = i + 1
            run.append(normal[0])
        elif i == at or normal or lines[i].startswith(("@@", "-")):
            break
    return end, run


def find_leaks(out, bodies, assignment):
    """Places in the handout that show a solution. In the step itself that is MIN_RUN lines of a blanked
    body in a row, comments included; in the earlier steps and common/, which a handout holds
    whole and where similar code is no wonder, it is all lines of a body."""
    whole, parts = {}, {}
    for key, body in bodies.items():
        lines = telling(csource.code_lines(body))
        name = key.rpartition(":")[2]
        if sum(len(line) for line in lines) < MIN_BODY:
            continue  # too little to tell from any other code
        whole[tuple(lines)] = name
        size = min(MIN_RUN, len(lines))
        for at in range(len(lines) - size + 1):
            parts.setdefault(tuple(lines[at:at + size]), name)
    leaks = set()
    for folder, _, names in os.walk(out):
        for name in names:
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, out)
            elsewhere = STEP.match(relative) and not relative.startswith(assignment.name + "/") \
                or relative.startswith("common/")
            try:
                with open(path, encoding="utf-8") as file:
                    text = file.read()
            except UnicodeDecodeError:
                continue
            for function in shown(text, whole if elsewhere else parts):
                leaks.add(f"{relative}: the body of {function}")
    return sorted(leaks)


def shown(text, runs):
    """The functions of which one of the runs of lines occurs in a text."""
    # With the comments blanked, and without: a solution could hide in one; and as what a diff leads to.
    commented = [re.sub(r"\s+", " ", line).strip(" /*\t") for line in text.split("\n")]
    readings = [telling(csource.code_lines(text)), telling(commented)]
    if re.search(r"^\+", text, re.M):
        patched = re.sub(r"^(-.*\n|[+ ])", "", text, flags=re.M)
        readings.append(telling(csource.code_lines(patched)))
    for lines in readings:
        for size in {len(run) for run in runs}:
            for at in range(len(lines) - size + 1):
                function = runs.get(tuple(lines[at:at + size]))
                if function:
                    yield function
