#!/usr/bin/env python3
"""Traces and metrics of a live run reach an OpenTelemetry collector and are what the protocol's own schema says.

    scripts/verify-otlp.py [UPROAR]       (default .build/release/uproar)

A collector of ours takes what `uproar run scenarios/first-call.yaml --otlp …` posts; each body is read by the protocol's published
message types (opentelemetry-proto, from PyPI, in a folder of its own). Then the same run against a collector that never answers
must end all the same. Prints `N passed, N failed`.
"""

import base64
import http.server
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import venv

root = pathlib.Path(__file__).resolve().parent.parent
uproar = sys.argv[1] if len(sys.argv) > 1 else str(root / ".build/release/uproar")
cache = root / ".build/verify-otlp"
if not (cache / "bin/python").exists():
    venv.create(cache, with_pip=True)
if pathlib.Path(sys.prefix).resolve() != cache.resolve():
    python = str(cache / "bin/python")
    subprocess.run([python, "-m", "pip", "install", "-q", "opentelemetry-proto==1.29.0"], check=True)
    sys.exit(subprocess.run([python, __file__, *sys.argv[1:]]).returncode)

from google.protobuf import json_format  # noqa: E402
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2  # noqa: E402
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2  # noqa: E402

posted = []
is_mute = threading.Event()
release = threading.Event()


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if is_mute.is_set():
            release.wait(60)
            return
        posted.append((self.path, self.headers["Content-Type"], self.headers.get("x-key"), body))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
endpoint = f"http://127.0.0.1:{server.server_address[1]}"
passed = failed = 0


def check(what, holds):
    global passed, failed
    if holds:
        passed += 1
    else:
        failed += 1
        print(f"FAILED: {what}")


def run(folder):
    started = time.monotonic()
    ran = subprocess.run(
        [uproar, "run", "scenarios/first-call.yaml", "--quiet", "--out", folder, "--otlp", endpoint],
        cwd=root, env={**__import__("os").environ, "OTEL_EXPORTER_OTLP_HEADERS": "x-key=secret%2C1"},
        capture_output=True, text=True, timeout=180)
    return ran, time.monotonic() - started


def ids_as_base64(node):
    """The protocol writes ids in hexadecimal; protobuf's own JSON wants base64."""
    if isinstance(node, dict):
        return {
            key: base64.b64encode(bytes.fromhex(value)).decode()
            if key in ("traceId", "spanId", "parentSpanId") else ids_as_base64(value)
            for key, value in node.items()}
    return [ids_as_base64(item) for item in node] if isinstance(node, list) else node


with tempfile.TemporaryDirectory() as folder:
    ran, quick = run(folder + "/run")
    check(f"the run ends well: {ran.stderr[-300:]}", ran.returncode == 0)
    spans, metrics = [], set()
    for path, kind, key, body in posted:
        check("JSON with the headers of the environment", kind == "application/json" and key == "secret,1")
        message = (trace_service_pb2.ExportTraceServiceRequest() if path == "/v1/traces"
                   else metrics_service_pb2.ExportMetricsServiceRequest())
        json_format.ParseDict(ids_as_base64(json.loads(body)), message)
        if path == "/v1/traces":
            spans += [s for r in message.resource_spans for c in r.scope_spans for s in c.spans]
        else:
            metrics |= {m.name for r in message.resource_metrics for c in r.scope_metrics for m in c.metrics}
    turns = sum(len(json.loads(line)["turns"]) for line in open(folder + "/run/calls.jsonl"))
    roots = [s for s in spans if s.name == "turn"]
    check(f"a trace for each of {turns} turns, {len(roots)} came", turns > 0 and len(roots) == turns)
    check("traces are told apart", len({s.trace_id for s in roots}) == turns)
    check("every other span hangs on its turn",
          {s.parent_span_id for s in spans if s.name != "turn"} == {s.span_id for s in roots})
    check("no span ends before it begins",
          all(s.start_time_unix_nano <= s.end_time_unix_nano for s in spans))
    check("spans are of now", all(abs(s.start_time_unix_nano / 1e9 - time.time()) < 600 for s in spans))
    check("latency and ledger are among the metrics",
          {"uproar.voice_to_voice", "uproar.turns_lost"} <= metrics)
    check("no key in what the run leaves",
          not any("secret,1" in p.read_text(errors="replace")
                  for p in pathlib.Path(folder, "run").rglob("*") if p.is_file()))
    is_mute.set()
    ran, slow = run(folder + "/mute")
    check(f"a mute collector is said ({ran.stderr[-200:]!r})", ran.returncode == 0)
    check(f"and holds nobody up ({slow:.1f} s against {quick:.1f} s)", slow < quick + 5)
release.set()
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
