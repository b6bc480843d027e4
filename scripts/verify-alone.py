#!/usr/bin/env python3
"""What the reference agent promises beside its calls: pages, tools for other programs, logs, prices, configuration, sessions in Redis.

    scripts/verify-alone.py [--binary .build/release/uproar] [--only TEXT] [--table]

Starts emulators, Redis and agents by hand. Each promise is looked at twice: as it is kept, and switched off, where the same look has to
show that it is not. --table prints the rows of docs/agent.md.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time

from agent_stage import ROOT, Stage, command, free_port, get, metrics, wait_for

# Names of the contract with their kinds; labels and buckets are held by AgentMetricsTests.
NAMES = """voice_latency_seconds histogram, voice_stt_duration_seconds histogram, voice_llm_duration_seconds histogram,
voice_tts_duration_seconds histogram, voice_cost_per_call_usd histogram, voice_transcription_errors_total counter,
voice_session_duration_seconds histogram, voice_agent_active_sessions gauge, voice_stt_failover_total counter,
voice_llm_failover_total counter, voice_tts_failover_total counter, livekit_agent_jobs_total counter,
livekit_agent_job_duration_seconds histogram, livekit_queue_depth gauge, http_requests_total counter,
http_request_duration_seconds histogram, mcp_tool_calls_total counter, mcp_tool_duration_seconds histogram, active_workflows gauge,
workflow_executions_total counter, workflow_duration histogram, memory_usage_bytes gauge, cpu_usage_percent gauge,
errors_total counter, agent_info gauge"""
NAMES = [tuple(pair.split()) for pair in NAMES.replace("\n", " ").split(",")]
FIELDS = ["timestamp", "level", "message", "module", "function", "line", "room_name", "session_id"]

rows, problems = [], []


def check(promise, rule, setting, kept, off):
    """`kept` and `off` are (text, claim): the claim has to hold in the first and not in the second."""
    rows.append((promise, rule, kept[0], setting, off[0]))
    good = kept[1] and not off[1]
    print(f"{'ok' if good else 'FAILED':6} {promise}: {kept[0]} | {setting}: {off[0]}", file=sys.stderr)
    if not good:
        problems.append(promise)


def share(claims):
    claims = list(claims)
    return f"{sum(map(bool, claims))} of {len(claims)}", all(claims)


def rpc(port, method, parameters=None, headers={}):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters or {}}).encode()
    status, _, text = get(
        f"http://127.0.0.1:{port}/mcp", {"Content-Type": "application/json", "X-User-Id": "anna"} | headers, body)
    return status, json.loads(text) if text else {}


# MARK: One agent with everything, and one with nothing


def whole(binary, on):
    """What is seen of an agent with some calls, by promise."""
    environment = {"API_KEY": "tool-key"} if on else {}
    seen = {}
    with Stage(binary, **environment) as stage:
        stage.providers()
        _, redis = stage.redis("--save", "")
        health, page = free_port(), free_port()
        prices = stage.top / "prices.yaml"
        own = "name: ours\nprices:\n  - {provider: deepgram, model: nova-3, unit: audio_minute, dollars: $1, as_of: 2026-11-30, source: test}\n"
        prices.write_text(own if on else own.replace("$1,", "$2,"))
        _, port = stage.agent(
            metrics_port=page if on else 0, health_port=health if on else 0, tools=True, prices=str(prices),
            redis_url=f"redis://127.0.0.1:{redis}" if on else "", log_level="info" if on else "off",
            handoff_number="+15550002222" if on else "")
        host = "http://127.0.0.1"
        paths = ["/", "/health", "/health/live", "/health/ready", "/ready"]
        seen["pages"] = share(
            [get(f"{host}:{p}{path}")[0] == 200 for p in (port, health) for path in paths]
            + [get(f"{host}:{p}/metrics")[0] == 200 for p in (port, page)])
        kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", get(f"{host}:{page if on else port + 1}/metrics")[2], re.M))
        seen["names"] = share(kinds.get(name) == kind for name, kind in NAMES)
        status, _ = rpc(port, "tools/list")
        seen["key"] = (f"answered {status}", status == 401)
        voice = get(f"{host}:{port}/voice", data=b"CallSid=CA1")[2]
        after = get(f"{host}:{port}/voice/after", data=b"CallSid=CA1")[2]
        seen["markup"] = share(["<Connect><Stream" in voice, "<Redirect>/voice/after" in voice, "<Hangup/>" in after])
        run = stage.calls(port, 3, 18)

        def session():
            keys = command(redis, "KEYS", "voice:session:*")
            return [(json.loads(command(redis, "GET", k)), command(redis, "TTL", k)) for k in keys]

        time.sleep(12)
        found = session()
        wanted = {"session_id", "user_id", "channel", "conversation_history", "current_agent", "created_at",
                  "last_activity", "context"}
        whole = [wanted <= set(value) and 3500 < left <= 3600 for value, left in found]
        run.wait(timeout=120)
        seen["sessions"] = (
            f"{sum(whole)} of 3 while they last, {len(session())} afterwards", sum(whole) == 3 and not session())
        # By Deepgram's price alone, both sides reckon with its audio.
        after_calls = metrics(port)
        own = after_calls.get('voice_provider_cost_usd_total{provider="deepgram"}', 0)
        minutes = sum(
            entry["audio_ms"] for call in stage.records() for entry in call.get("usage", [])
            if entry["provider"] == "deepgram") / 60000
        seen["prices"] = (f"${own:.2f} for {minutes:.2f} min", minutes > 0 and abs(own / minutes - 1) < 0.2)
        lines = [line for line in stage.text("agent.log").splitlines() if line.startswith("{")]
        logs = [json.loads(line) for line in lines]
        told = [log for log in logs if log.get("session_id")]
        seen["logs"] = (
            f"{len(logs)} lines, {len(told)} of calls",
            len(told) >= 3 and all(all(f in log for f in FIELDS) for log in logs))
    seen["left"] = (f"{len(stage.left)} processes", not stage.left)
    return seen


def tools(binary, on):
    with Stage(binary) as stage:
        stage.providers()
        _, port = stage.agent(tools=on)
        hello = rpc(port, "initialize")[1].get("result", {})
        names = [tool["name"] for tool in rpc(port, "tools/list")[1]["result"]["tools"]]
        made = rpc(port, "tools/call", {"name": "create_task", "arguments": {"title": "milk"}})[1]
        listed = rpc(port, "tools/call", {"name": "list_tasks"})[1]
        counted = metrics(port)
        return share(
            ["protocolVersion" in hello, names == ["create_task", "list_tasks", "complete_task"],
             made.get("result", {}).get("isError") is False,
             "milk" in listed.get("result", {}).get("content", [{}])[0].get("text", ""),
             counted.get('mcp_tool_calls_total{server="task-manager",tool="create_task",status="success"}') == 1,
             counted.get('mcp_tool_duration_seconds_count{server="task-manager",tool="list_tasks"}') == 1])


def printed(binary, on):
    """Settings that --print-config shows to come from the environment, without a secret."""
    variables = {
        "REDIS_URL": "redis://:hunter2@redis:6379/0", "LOG_LEVEL": "debug", "HOSTNAME": "pod-7",
        "RECORDING_ENABLED": "true", "RECORDING_STORAGE": "s3://voice-recordings-bucket",
        "RECORDING_RETENTION_DAYS": "30"}
    secrets = {name: "hunter2" for name in ("OPENAI_API_KEY", "DEEPGRAM_API_KEY", "CARTESIA_API_KEY", "REDIS_PASSWORD", "API_KEY")}
    with Stage(binary, **(variables | secrets if on else {})) as stage:
        text = subprocess.run(
            [binary, "agent", "--print-config"], capture_output=True, text=True, env=stage.environment).stdout
    return share(
        [f"(environment {name})" in text for name in variables]
        + [f"{name} = set, hidden" in text for name in secrets] + ["hunter2" not in text])


def drains(binary, on):
    """A worker that is asked to end says that it is not ready, and ends with its last call."""
    with Stage(binary) as stage:
        stage.providers()
        child, port = stage.agent(drain_grace_ms=60000 if on else 0)
        run = stage.calls(port, 3, 6, drain=60)
        time.sleep(7)
        child.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        ready, _, _ = get(f"http://127.0.0.1:{port}/health/ready")
        run.wait(timeout=150)
        code = child.wait(timeout=20)
        dropped = stage.result()["load"]["dropped"]
    return f"ready {ready or 'nothing'}, {dropped} calls dropped, exit {code}", (ready, dropped, code) == (503, 0, 0)


def dead_letters(binary, on):
    """Events that nobody took lie in a file, and are delivered from there."""
    with Stage(binary) as stage:
        stage.providers()
        file = stage.top / "dead.jsonl"
        _, port = stage.agent(
            workflow_url=f"http://127.0.0.1:{free_port()}", workflow_attempts=1, dead_letters=str(file) if on else "")
        stage.calls(port, 2, 15).wait(timeout=120)
        events = file.read_text().splitlines() if file.exists() else []
        config = stage.top / "replay.json"
        config.write_text(json.dumps({"agent": {"workflow_url": f"http://127.0.0.1:{stage.ports['workflow']}"}}))
        done = subprocess.run(
            [binary, "agent", "--config", str(config), "--replay", str(file)], capture_output=True, text=True,
            env=stage.environment)
        left = len(file.read_text().splitlines()) if file.exists() else 0
        taken = json.loads(get(f"http://127.0.0.1:{stage.ports['workflow']}/deliveries")[2])["deliveries"]
    return (
        f"{len(events)} kept, {taken} delivered from there, {left} left",
        bool(events) and taken == len(events) and left == 0 and done.returncode == 0)


def retries(binary, on):
    """A port that is taken for a moment is waited for."""
    import socket
    with Stage(binary) as stage:
        stage.providers()
        port = free_port()
        other = socket.socket()
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        config = stage.top / "busy.json"
        config.write_text(json.dumps({"agent": {
            "redis_url": "", "metrics_port": 0, "health_port": 0, "port": port, "start_pause_ms": 1000,
            "start_retries": 3 if on else 0}}))
        child = stage.start(
            "busy.log", binary, "agent", "--config", str(config), "--providers", f"127.0.0.1:{stage.first}")
        time.sleep(1.5)
        other.close()
        time.sleep(3)
        status = get(f"http://127.0.0.1:{port}/health/live")[0]
        ended = child.poll()
    return f"answered {status or 'nothing'}, exit {'none' if ended is None else ended}", status == 200


def sentinel(binary, on):
    """The master dies during calls; sentinels lead to the one that takes over."""
    with Stage(binary) as stage:
        stage.providers()
        child, master = stage.redis("--save", "", "--repl-diskless-sync-delay", "0")
        _, replica = stage.redis("--save", "", "--replicaof", "127.0.0.1", str(master))
        _, watcher = stage.sentinel(master)
        wait_for(lambda: len(command(watcher, "SENTINEL", "REPLICAS", "tasks")) == 1, 20, "the sentinel's replica")
        place = f"redis-sentinel://127.0.0.1:{watcher}#tasks" if on else f"redis://127.0.0.1:{master}"
        _, port = stage.agent(redis_url=place)
        run = stage.calls(port, 5, 40)
        time.sleep(14)
        child.kill()
        child.wait()
        run.wait(timeout=150)
        time.sleep(2)
        durable = metrics(port)["voice_session_store_durable"]
        lost = stage.result()["ledger"]["lost"]
        role = command(replica, "ROLE")[0]
        kept = sum(command(replica, "HLEN", key) for key in command(replica, "KEYS", "voice:tasks:*"))
    return (
        f"durable {durable:.0f}, {kept} tasks at the new {role}, {lost} turns lost",
        durable == 1 and role == "master" and lost == 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default=str(ROOT / ".build/release/uproar"))
    parser.add_argument("--only", default="")
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    binary = os.path.abspath(arguments.binary)

    def wanted(name):
        return arguments.only in name

    if wanted("whole"):
        on, off = whole(binary, True), whole(binary, False)
        for name, promise, rule, setting in [
            ("pages", "health and metrics pages of both guides, on their three ports", "all pages answer 200",
             "health_port=0, metrics_port=0"),
            ("names", "every metric of the guides by its name and kind", "all names are on the metrics port",
             "metrics_port=0"),
            ("key", "tools for other programs are behind a key", "without the key: 401", "API_KEY not set"),
            ("markup", "Twilio is told to connect the stream, and to ask again after it", "all verbs are there",
             "handoff_number=off"),
            ("sessions", "a session is in Redis with its fields for 3600 s, and gone after its call",
             "all while they last, none afterwards", "redis_url=off"),
            ("prices", "what a call costs comes from a file of prices", "$1 for a minute of audio",
             "prices=FILE with $2"),
            ("logs", "the log is JSON lines with call and session", "all fields in every line", "log_level=off"),
        ]:
            check(promise, rule, setting, on[name], off[name])
        if not on["left"][1]:
            problems.append("a process is left")
    for name, promise, rule, setting, look in [
        ("tools", "tasks are tools of the Model Context Protocol, counted", "initialize, list, call, metrics",
         "tools=off", tools),
        ("printed", "--print-config shows where each setting is from, and no secret", "the guides' variables are named",
         "no variable set", printed),
        ("drain", "SIGTERM: not ready, calls go on to their end, exit 0", "ready 503, none dropped",
         "drain_grace=0s", drains),
        ("letters", "events that nobody takes are kept in a file and can be delivered from it", "all are delivered later",
         "dead_letters=off", dead_letters),
        ("retries", "a start that fails is tried again", "answers once the port is free", "start_retries=0", retries),
        ("sentinel", "sentinels lead to the Redis that takes over", "durable again, no turn lost",
         "redis_url of the old master", sentinel),
    ]:
        if wanted(name):
            check(promise, rule, setting, look(binary, True), look(binary, False))
    if arguments.table:
        for promise, rule, on, setting, off in rows:
            print(f"| {promise} | `verify-alone.py` | {rule} | {on} | {setting} | {off} |")
    print(f"{len(rows) - len(problems)} passed, {len(problems)} failed", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
