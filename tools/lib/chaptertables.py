# The tables in chapters that are made from data: measurements, and what a step changed.

import fnmatch
import json
import os
import re


def time_text(ns):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}" if ns / size < 1000 else f"{ns / size:.0f} {unit}"
    return f"{ns:.3g} ns"


def bench_table(name, results_path):
    """The markdown lines for <!-- bench:NAME -->, from a results file (JSON lines, as common/testing/bench.c
    appends them; times are per operation). NAME may be a glob: one benchmark gives a row per contestant,
    several give a row per benchmark and a column per contestant. Raises ValueError with the reason when
    there is nothing to show."""
    if not os.path.exists(results_path):
        raise ValueError("there is no bench/results.jsonl; `make bench RECORD=1` writes it")
    records = {}
    with open(results_path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                key = (record["bench"], record["contestant"])
                for field in ("min_ns", "median_ns", "ratio"):
                    record[field] = float(record[field])
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"bench/results.jsonl:{number}: not a result: {error!r}") from None
            if record["bench"] == name or fnmatch.fnmatchcase(record["bench"], name):
                records[key] = record           # the last measurement of a pair counts
    if not records:
        raise ValueError(f"bench/results.jsonl has no benchmark named {name}")
    names = list(dict.fromkeys(k[0] for k in records))
    contestants = list(dict.fromkeys(k[1] for k in records))
    table = one_bench(records) if len(names) == 1 else bench_matrix(records, names, contestants)
    machines = list(dict.fromkeys(machine_text(r) for r in records.values()))
    date = max(str(r.get("date", ""))[:10] for r in records.values())
    return table + ["", f"Measured on {'; and on '.join(machines)}" + (f", {date}" if date else "") + "."]


def machine_text(record):
    cores = record.get("cores")
    parts = [record.get("cpu") or "an unnamed processor", f"{cores} core{'s' if cores != 1 else ''}" if cores else "",
             record.get("kernel"), record.get("compiler")]
    return ", ".join(str(p) for p in parts if p)


def one_bench(records):
    rows = list(records.values())
    baseline = rows[0].get("baseline", rows[0]["contestant"])
    lines = [f"| time per {rows[0].get('operation', 'run')} | fastest | median | times as fast as {baseline} |",
             "|---|---:|---:|---:|"]
    for row in rows:
        lines.append(f"| {row['contestant']} | {time_text(row['min_ns'])} | {time_text(row['median_ns'])} | "
                     f"{row['ratio']:.2f} |")
    return lines


def bench_matrix(records, names, contestants):
    def cell(name, contestant):
        record = records.get((name, contestant))
        if record is None:
            return ""
        text = time_text(record["median_ns"])
        return text if record.get("baseline") == contestant else f"{text} ({record['ratio']:.2f}×)"
    lines = ["| median time | " + " | ".join(contestants) + " |", "|---|" + "---:|" * len(contestants)]
    for name in names:
        operation = records[next(k for k in records if k[0] == name)].get("operation", "run")
        lines.append(f"| {name}, per {operation} | " + " | ".join(cell(name, c) for c in contestants) + " |")
    return lines


def table_rows(text):
    """The body rows of a markdown table (or of tab-separated lines) as lists of cells."""
    rows = []
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("|"):
            cells = [c.strip() for c in re.split(r"(?<!\\)\|", line.strip("|"))]
        elif "\t" in line:
            cells = [c.strip() for c in line.split("\t")]
        else:
            continue
        if all(re.fullmatch(r":?-+:?", c) for c in cells if c) and any(cells):
            continue
        rows.append(cells)
    return rows


def file_key(cell):
    """The file a table cell names, without its markup."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", cell).replace("`", "").strip()


def count(cell):
    match = re.fullmatch(r"[+\-−]?\s*(\d+)", cell.strip())
    return int(match.group(1)) if match else None


def changed_rows(text):
    """{file: (added, removed)} in order, from the table that `tools/step-diff N --table` prints."""
    result = {}
    for cells in table_rows(text):
        if len(cells) >= 3 and count(cells[1]) is not None and count(cells[2]) is not None:
            result[file_key(cells[0])] = (count(cells[1]), count(cells[2]))
    return result


def changed_table(rows, whys):
    lines = ["| file | + | − | why |", "|---|---:|---:|---|"]
    for name, (added, removed) in rows.items():
        shown = name if name.lower() in ("total", "sum", "all") else f"`{name}`"
        lines.append(f"| {shown} | +{added} | -{removed} | {whys.get(name, '')} |")
    return lines
