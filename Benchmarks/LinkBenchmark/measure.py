"""Requests per second to one Redis three ways, in turn, and their ratios."""

import csv
import io
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 3
REQUESTS = {1: 60_000, 16: 600_000}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    sys.exit(f"nothing listens on port {port}")


def rates(port, pipeline):
    text = subprocess.run(
        ["redis-benchmark", "-p", str(port), "-c", "50", "-n", str(REQUESTS[pipeline]), "-P", str(pipeline),
         "-t", "set,get", "--csv"],
        check=True, capture_output=True, text=True).stdout
    rows = [row for row in csv.reader(io.StringIO(text)) if row and row[0] in ("SET", "GET")]
    return {row[0]: float(row[1]) for row in rows}


def main(uproar, floor):
    redis_port, floor_port = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        started = [subprocess.Popen(
            ["redis-server", "--port", str(redis_port), "--save", "", "--appendonly", "no", "--dir", folder,
             "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL)]
        try:
            wait_for(redis_port)
            started.append(subprocess.Popen([floor, str(floor_port), str(redis_port)]))
            ports = {"direct": redis_port, "C relay": floor_port}
            for name, flags in (("link", []), ("link --redis", ["--redis"])):
                link = subprocess.Popen(
                    [uproar, "link", "--listen", "127.0.0.1:0", "--upstream", f"127.0.0.1:{redis_port}", *flags],
                    stderr=subprocess.PIPE, text=True)
                started.append(link)
                ports[name] = int(re.search(r"127\.0\.0\.1:(\d+) ->", link.stderr.readline()).group(1))
            for port in ports.values():
                wait_for(port)
            for pipeline in REQUESTS:
                seen = {name: {"SET": [], "GET": []} for name in ports}
                for _ in range(ROUNDS):
                    for name, port in ports.items():
                        for command, rate in rates(port, pipeline).items():
                            seen[name][command].append(rate)
                for command in ("SET", "GET"):
                    for name in ("link", "link --redis"):
                        def ratio(peer):
                            return statistics.median(
                                a / b for a, b in zip(seen[name][command], seen[peer][command]))
                        print(
                            f"{command} pipeline {pipeline:2}: {name:12} {statistics.median(seen[name][command]):9,.0f}/s"
                            f"   {ratio('C relay'):.2f} of the C relay   {ratio('direct'):.2f} of direct"
                            f"   (C relay {statistics.median(seen['C relay'][command]):,.0f}/s,"
                            f" direct {statistics.median(seen['direct'][command]):,.0f}/s)")
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait()


main(*sys.argv[1:3])
