#!/usr/bin/env python3
"""Takes a real Redis away from the reference agent in every way, and looks whether the report tells them apart.

    scripts/verify-redis.py [--binary .build/release/uproar] [--jobs 3]

Each run is live, with a redis-server of its own and one fault. What the agent meets must be the fault's own kind of error and no other:
a dead server refuses, a hung one says nothing, a replica says READONLY, a slow one within the agent's bound is no error. It must stand in
result.json and in the post-mortem; no turn may be lost.
"""

import argparse
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
# The fault, and the kinds of error that the agent meets under it.
CASES = {
    "kill": ("inject: kill, restart: 6s, destructive: on, on: redis", {"unreachable"}),
    "hang (the process stands still)": ("inject: pause, on: redis", {"timeout"}),
    "hang (the link holds every command)": ("inject: hang, on: redis", {"timeout"}),
    "partition": ("inject: partition, on: agent->redis", {"timeout"}),
    "slow, 20 ms": ("inject: slow, delay: 20ms, on: redis", set()),
    "READONLY failover": ("inject: failover, old: read_only, promotion: 6s, on: redis", {"readonly"}),
    "LOADING": ("inject: error, kind: LOADING, on: redis", {"loading"}),
}
SCENARIO = """name: redis
summary: One fault of Redis.
seed: 42
target:
  embedded: {{workers: 1}}
conversation: {root}/scenarios/conversations/task-manager.yaml
audio: {root}/fixtures/task-manager
load:
  - hold: 12 callers for 36s
drain: 20s
timeline:
  - {{id: redis, at: 20s, for: 6s, {fault}}}
gates:
  - "turns_lost: count <= 0"
  - "calls_dropped: count <= 0"
"""


def one(binary, name, fault, wanted):
    problems = []
    with tempfile.TemporaryDirectory(prefix="uproar-redis-") as folder:
        folder = pathlib.Path(folder)
        scenario = folder / "redis.yaml"
        scenario.write_text(SCENARIO.format(root=ROOT, fault=fault))
        done = subprocess.run(
            [binary, "run", str(scenario), "--out", str(folder / "run"), "--quiet"],
            capture_output=True, text=True, timeout=150,
        )  # fmt: skip
        try:
            record = json.loads((folder / "run/result.json").read_text())["faults"][0]
        except (OSError, IndexError) as problem:
            return f"FAIL {name}: {problem}: {done.stderr[-300:]}", False
        postmortem = (folder / "run/postmortem.md").read_text()
    if done.returncode != 0:
        problems.append(f"exit {done.returncode}: {done.stdout[:200]}")
    met = {e["kind"]: e["count"] for e in record.get("agent_errors", []) if e["component"] == "store"}
    if set(met) != wanted:
        problems.append(f"wanted {sorted(wanted) or 'no error'}")
    for kind, count in met.items():
        if f"store {kind} {count}" not in postmortem:
            problems.append(f"'store {kind} {count}' is not in the post-mortem")
    noticed = next((f for f in record["figures"] if f["name"] == "time_to_detect"), None)
    seen = f"; noticed after {noticed['value']:.0f} ms {noticed.get('basis', '')}" if noticed and not noticed["censored"] else ""
    said = ", ".join(f"store {kind} {count}" for kind, count in sorted(met.items())) or "no error"
    return f"{'FAIL' if problems else 'ok  '} {name}: {said}{seen}{'; ' if problems else ''}{'; '.join(problems)}", not problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=str(ROOT / ".build/release/uproar"))
    parser.add_argument("--jobs", type=int, default=3, help="runs at a time")
    arguments = parser.parse_args()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        results = list(pool.map(lambda case: one(arguments.binary, case[0], *case[1]), CASES.items()))
    for text, _ in results:
        print(text, flush=True)
    passed = sum(good for _, good in results)
    print(f"{passed} passed, {len(results) - passed} failed")
    return 0 if passed == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
