#!/usr/bin/env python3
"""Puts the figures of a drill into its runbook page.

  scripts/runbooks.py            simulates every drill, writes reports/drills/figures.json and the pages' figures
  scripts/runbooks.py NAME...    simulates these drills only
  scripts/runbooks.py --check    compares the pages with reports/drills/figures.json, runs nothing
"""
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parent.parent
store = root / "reports/drills/figures.json"
pages = root / "docs/runbooks"
begin, end = "<!-- figures: scripts/runbooks.py -->", "<!-- end -->"
rows = [
    ("time_to_detect", "noticed after"), ("time_to_failover", "a caller waited for the stand-in at most"),
    ("failover_decide", "of it, to ask it"), ("failover_establish", "of it, for its first result"),
    ("time_to_fail_back", "back with the primary after the end"),
    ("time_to_recover", "first wrong turn to well again"), ("recovery_lag", "well again after the end"),
    ("longest_dead_air", "longest silence"), ("calls_exposed", "calls exposed"),
    ("calls_affected", "calls affected"), ("calls_dropped", "calls ended early"), ("turns", "turns meanwhile"),
    ("turns_lost", "turns lost"), ("turns_late", "turns late"), ("amplification", "requests, as a multiple of before"),
    ("extra_latency", "median latency on the stand-in, beyond the usual"),
    ("extra_cost_per_turn", "cost of a turn on the stand-in, beyond the usual"),
    ("detection_floor", "one attempt gives up after"), ("breaker_floor", "the breaker opens no sooner than"),
]


def duration(ms):
    if ms < 0:
        return "-" + duration(-ms)
    if ms == 0:
        return "0 ms"
    if ms < 1000:
        return f"{ms:.0f} ms"
    return f"{ms / 1000:.2f} s" if ms < 60000 else f"{int(ms // 60000)} min {int(round(ms % 60000 / 1000)):02d} s"


def text(figure):
    unit, value = figure["unit"], figure["value"]
    show = {
        "time": duration, "count": lambda v: f"{v:.0f}", "factor": lambda v: f"{v:.1f} x",
        "money": lambda v: f"{'-' if v < 0 else ''}${abs(v):.5f}",
    }[unit]
    words = ("> " if figure["censored"] else "") + show(value)
    if figure.get("high", value) > value:
        words += f" (up to {show(figure['high'])})"
    return words


def simulate(name):
    program = os.environ.get("UPROAR", str(root / ".build/release/uproar"))
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "run"
        run = subprocess.run(
            [program, "simulate", f"scenarios/drills/{name}.yaml", "--quiet", "--out", str(out)],
            cwd=root, capture_output=True, text=True)
        if run.returncode != 0:
            sys.exit(f"{name}: exit {run.returncode}\n{run.stdout[:600]}{run.stderr[:600]}")
        result = json.loads((out / "result.json").read_text())
    fault = result["faults"][0]
    figures = {figure["name"]: figure for figure in fault["figures"]}
    found = [[label, text(figures[key])] for key, label in rows if key in figures]
    fired = [[alert["name"], alert["at_ms"] - fault["first_effect_ms"]]
             for alert in result.get("alerts", []) if "at_ms" in alert]
    return {
        "seed": result["seed"], "stood_in": fault["alternates"], "figures": found,
        "errors": [f"{error['component']} {error['kind']} {error['count']}" for error in fault.get("agent_errors", [])[:3]],
        "alerts": [f"`{alert}` {duration(after)} after the first effect" for alert, after in fired if after >= 0],
    }


def block(name, record):
    lines = [begin, f"Simulated, seed {record['seed']}: `uproar simulate scenarios/drills/{name}.yaml`.", "", "| | |", "|---|---|"]
    lines.append("| stood in | " + (", ".join(record["stood_in"]) or "nobody") + " |")
    lines += [f"| {label} | {value} |" for label, value in record["figures"]]
    lines.append("| the agent's own errors | " + (", ".join(record["errors"]) or "none") + " |")
    lines.append("| alerts | " + ("; ".join(record["alerts"]) or "none of the shipped rules fired") + " |")
    return "\n".join(lines + [end])


def main():
    check = "--check" in sys.argv
    names = sorted(page.stem for page in pages.glob("*.md") if page.stem != "README")
    chosen = [name for name in sys.argv[1:] if not name.startswith("-")]
    if unknown := [name for name in chosen if name not in names]:
        sys.exit(f"no runbook is named {', '.join(unknown)}")
    records = json.loads(store.read_text()) if check or chosen else {}
    if not check:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            chosen = chosen or names
            records.update(zip(chosen, pool.map(simulate, chosen)))
        store.parent.mkdir(parents=True, exist_ok=True)
        store.write_text(json.dumps(records, indent=1, sort_keys=True) + "\n")
    wrong = []
    for name in names:
        if name not in records:
            wrong.append(name)
            continue
        page = pages / f"{name}.md"
        old = page.read_text()
        new = re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: block(name, records[name]), old, flags=re.S)
        if begin not in old or old != new and check:
            wrong.append(name)
        elif old != new:
            page.write_text(new)
    if wrong:
        sys.exit("runbooks that do not say what reports/drills/figures.json says: " + ", ".join(wrong))
    print(f"{len(names)} runbooks agree with their drills")


main()
