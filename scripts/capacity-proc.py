#!/usr/bin/env python3
"""Holds what a search for capacity says of the agent's processor time and memory against /proc, read by somebody else.

    scripts/capacity-proc.py --match bot.py [--within 5] -- .build/release/uproar capacity scenarios/pipecat.yaml --out FOLDER …

Runs the search, and beside it reads /proc/PID/stat of every process whose command line holds the word and of all below it, four times a second. Then
the cores of each run's steady state, the cores by call over all loads and the memory are compared; exit 1 where cores by call differ by more than so many
per cent.
"""
import argparse, bisect, json, os, pathlib, subprocess, sys, time

HERTZ = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGESIZE")


def table():
    """pid -> (parent, start, ticks used, resident pages), of all processes."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            text = open(f"/proc/{name}/stat").read()
        except OSError:
            continue
        rest = text[text.rindex(")") + 2:].split()
        # utime and stime, with those of children that have ended and been waited for.
        used = sum(int(rest[place]) for place in (11, 12, 13, 14))
        found[int(name)] = (int(rest[1]), int(rest[19]), used, int(rest[21]))
    return found


def holds(pid, word):
    try:
        parts = open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0")
    except OSError:
        return False
    return any(word.encode() == part or part.endswith(b"/" + word.encode()) for part in parts)


def sample(word, known, roots, skip):
    now = time.monotonic()
    rows = table()
    for pid, row in rows.items():
        key = (pid, row[1])
        if key not in known:
            # A process is looked at until it has become what it is started for.
            if holds(pid, word) and pid not in skip:
                known[key] = True
                if (row[0], rows.get(row[0], (0, 0))[1]) not in known:
                    roots[key] = []
    children = {}
    for pid, row in rows.items():
        children.setdefault(row[0], []).append(pid)
    for root, series in roots.items():
        if root[0] not in rows or rows[root[0]][1] != root[1]:
            continue
        stack, used, pages = [root[0]], 0, 0
        while stack:
            pid = stack.pop()
            used += rows[pid][2]
            pages += rows[pid][3]
            stack += children.get(pid, [])
        series.append((now, used / HERTZ, pages * PAGE))


def at(series, moment):
    """Processor seconds at a moment, between two samples."""
    place = bisect.bisect_left(series, (moment,))
    if place == 0 or place == len(series):
        return None
    (t0, a, _), (t1, b, _) = series[place - 1], series[place]
    return a + (b - a) * (moment - t0) / (t1 - t0)


def align(series, seconds):
    """Where the run's zero lies on our clock: the shift at which its seconds look most like ours."""
    best = None
    shift = series[0][0]
    while shift < series[-1][0]:
        error = count = 0
        for second in seconds:
            a, b = at(series, shift + second["at"]), at(series, shift + second["at"] + second["length"])
            if a is not None and b is not None:
                error += ((b - a) / second["length"] - second["cores"]) ** 2
                count += 1
        if count > 0.8 * len(seconds) and (best is None or error / count < best[0]):
            best = (error / count, shift)
        shift += 0.05
    return best and best[1]


def line(points):
    """Slope and constant of least squares."""
    n = len(points)
    mx, my = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    slope = sum((x - mx) * (y - my) for x, y in points) / sum((x - mx) ** 2 for x, _ in points)
    return slope, my - slope * mx


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--match", required=True)
    parser.add_argument("--within", type=float, default=5)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    command = given.command[1:] if given.command[:1] == ["--"] else given.command
    out = pathlib.Path(command[command.index("--out") + 1])
    # Those above us have the word in their command lines as well.
    skip, rows, pid = set(), table(), os.getpid()
    while pid in rows:
        skip.add(pid)
        pid = rows[pid][0]
    known, roots = {}, {}
    child = subprocess.Popen(command)
    skip.add(child.pid)
    while child.poll() is None:
        sample(given.match, known, roots, skip)
        time.sleep(0.25)
    capacity = json.load(open(out / "capacity.json"))
    series = [s for _, s in sorted(roots.items(), key=lambda item: item[0][1]) if len(s) > 20]
    ours, theirs = [], []
    print(f"{'run':18} {'calls':>6} {'uproar':>8} {'/proc':>8} {'differ':>8} {'MB':>7} {'/proc MB':>9}")
    for probe, seen in zip(capacity["probes"], series):
        if probe["purpose"] in ("ramping", "cooling") or probe["outcome"] == "harness" or "agent_cores" not in probe:
            continue
        result = json.load(open(out / probe["folder"] / "result.json"))
        steady = [w for w in result["windows"] if w["kind"] == "steady"]
        seconds = [
            {"at": s["at_ms"] / 1000, "length": s.get("length_ms", 1000) / 1000, "cores": s["cpu"]["agent"]}
            for s in result["validity"]["per_second"] if "agent" in s.get("cpu", {})
        ]
        zero = align(seen, seconds)
        if zero is None:
            print(f"{probe['folder']:18} could not be found in what /proc said")
            continue
        inside = [
            s for s in seconds
            if any(w["from_ms"] / 1000 + 1 <= s["at"] < w["to_ms"] / 1000 for w in steady)
        ]
        begin, end = zero + inside[0]["at"], zero + inside[-1]["at"] + inside[-1]["length"]
        a, b = at(seen, begin), at(seen, end)
        if a is None or b is None:
            continue
        cores = (b - a) / (end - begin)
        memory = [m for t, _, m in seen if begin <= t <= end]
        memory = sum(memory) / len(memory)
        ours.append((probe["calls_under_way"], probe["agent_cores"]))
        theirs.append((probe["calls_under_way"], cores))
        print(
            f"{probe['folder']:18} {probe['calls_under_way']:6.1f} {probe['agent_cores']:8.3f} {cores:8.3f} "
            f"{(probe['agent_cores'] / cores - 1) * 100:+7.1f} % {probe['agent_memory'] / 1e6:7.1f} {memory / 1e6:9.1f}")
    if len({round(x) for x, _ in ours}) < 2:
        sys.exit("fewer than two loads were measured")
    mine, rest = line(ours)
    other, other_rest = line(theirs)
    differ = (mine / other - 1) * 100
    print(f"cores by call: {mine:.4f} by uproar, {other:.4f} by /proc, {differ:+.1f} %")
    knee = capacity["summary"].get("knee")
    if knee:
        a, b = rest + mine * knee, other_rest + other * knee
        print(f"cores at the knee ({knee:.1f} calls): {a:.3f} by uproar, {b:.3f} by /proc, {(a / b - 1) * 100:+.1f} %")
        differ = max(differ, (a / b - 1) * 100, key=abs)
    sys.exit(abs(differ) > given.within)


main()
