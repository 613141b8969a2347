"""What tools/grade prints: text for people, JSON, JUnit's XML, Gradescope's results.json."""

import json
import xml.etree.ElementTree as xml

from testrun import xml_text


def number(points):
    """Points without needless decimals."""
    return f"{float(points):.2f}".rstrip("0").rstrip(".")


def points_of(report, kind=None):
    return f"{number(report.points(kind))} / {number(report.maximum(kind))}"


def reasons(report, result):
    """(test, reason) of each loss in a task."""
    if report.refusal:
        return [("", report.refusal)]
    return [(test.test, test.reason) for test in result.tests if not test.passed]


def text(report):
    assignment = report.assignment
    lines = [f"Step {assignment.step}: {assignment.title or assignment.name}    {report.submission}", ""]
    if report.refusal:
        lines += [report.refusal, ""]
    width = max(len(result.task.title) for result in report.tasks)
    for result in report.tasks:
        task = result.task
        points = "by hand" if task.by_hand else f"{number(result.points):>6} / {number(task.points)}"
        lines.append(f"{task.kind:<5}  {task.title:<{width}}  {points}")
        if not report.refusal:
            lines += [f"       - {test}: {reason}" for test, reason in reasons(report, result)]
    lines += [""] + [f"note: {note}" for note in report.notes] + [""] * bool(report.notes)
    if not report.isolated:
        lines += ["note: this machine permits no namespaces; the tests ran with weaker isolation", ""]
    kinds = [kind for kind in ("core", "extra") if report.graded(kind)]
    detail = ", ".join(f"{kind} {points_of(report, kind)}" for kind in kinds)
    lines.append(f"total {points_of(report)}" + (f"    ({detail})" if len(kinds) > 1 else ""))
    return "\n".join(lines)


def as_json(report):
    return {
        "step": report.assignment.step,
        "title": report.assignment.title,
        "submission": report.submission,
        "points": float(report.points()),
        "max_points": float(report.maximum()),
        "core": {"points": float(report.points("core")), "max_points": float(report.maximum("core"))},
        "extra": {"points": float(report.points("extra")), "max_points": float(report.maximum("extra"))},
        "refusal": report.refusal,
        "notes": report.notes,
        "isolated": report.isolated,
        "build_output": report.build_output[-20000:],
        "tasks": [{
            "id": result.task.id,
            "title": result.task.title,
            "kind": result.task.kind,
            "by_hand": result.task.by_hand,
            "points": float(result.points),
            "max_points": float(result.task.points),
            "section": result.task.section,
            "reasons": [f"{test}: {reason}" if test else reason for test, reason in reasons(report, result)],
            "tests": [{"test": test.test, "passed": test.passed, "reason": test.reason,
                       "seconds": round(test.seconds, 3)} for test in result.tests],
        } for result in report.tasks],
    }


def write_junit(path, reports):
    suites = xml.Element("testsuites")
    for report in reports:
        for result in report.graded():
            tests = result.tests
            suite = xml.SubElement(suites, "testsuite", name=f"{report.submission}: {result.task.id}",
                                   tests=str(max(len(tests), 1)),
                                   failures=str(sum(not test.passed for test in tests) or int(bool(report.refusal))))
            if report.refusal:
                case = xml.SubElement(suite, "testcase", classname=result.task.id, name="build")
                failure = xml.SubElement(case, "failure", message=xml_text(report.refusal))
                failure.text = xml_text(report.build_output[-20000:])
            for test in tests if not report.refusal else []:
                case = xml.SubElement(suite, "testcase", classname=result.task.id, name=test.test,
                                      time=f"{test.seconds:.3f}")
                if not test.passed:
                    failure = xml.SubElement(case, "failure", message=xml_text(test.reason))
                    failure.text = xml_text(test.output[-20000:])
    xml.indent(suites)
    xml.ElementTree(suites).write(path, encoding="unicode", xml_declaration=True)


def gradescope(report):
    """The results.json that a Gradescope autograder leaves in /autograder/results. Points of extra
    tasks count on top: a task's max_score tells what was in reach."""
    tests = []
    for result in report.graded():
        lost = [f"{test}: {reason}" if test else reason for test, reason in reasons(report, result)]
        tests.append({
            "name": f"{result.task.title} ({result.task.kind})",
            "number": result.task.id,
            "score": round(float(result.points), 4),
            "max_score": float(result.task.points),
            "status": "passed" if result.points == result.task.points else "failed",
            "output": "\n".join(lost),
            "visibility": "visible",
        })
    output = report.refusal
    if report.build_output:
        output += "\n\n" + report.build_output[-20000:]
    return {
        "score": round(float(report.points()), 4),
        "output": "\n".join([output] * bool(output) + report.notes),
        "stdout_visibility": "hidden",
        "tests": tests,
    }


def write(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)
        file.write("\n")
