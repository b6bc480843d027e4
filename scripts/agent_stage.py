"""A stage for checks of an agent that stands alone: emulators, agents and Redis servers that end with it."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from leftovers import alive

ROOT = pathlib.Path(__file__).resolve().parent.parent


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Stage:
    def __init__(self, binary, **environment):
        self.binary = binary
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="uproar-alone-"))
        self.children = []
        self.ports = {}
        # Nobody's own keys and settings reach the agent.
        own = ("REDIS", "RECORDING", "AWS", "TWILIO", "LIVEKIT", "OPENAI", "LOG_LEVEL", "HOSTNAME", "API_KEY")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(own)}
        self.environment.update(UPROAR_SIGNALS=str(self.top), XDG_STATE_HOME=str(self.top / "state"))
        self.environment.update(environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for child in reversed(self.children):
            if child.poll() is None:
                child.kill()
                child.wait()
        time.sleep(0.2)
        self.left = alive(str(self.top))
        shutil.rmtree(self.top, ignore_errors=True)

    def start(self, log, *command):
        file = open(self.top / log, "ab")
        child = subprocess.Popen(command, stdout=file, stderr=file, env=self.environment, cwd=self.top)
        self.children.append(child)
        return child

    def text(self, log):
        path = self.top / log
        return path.read_text(errors="replace") if path.exists() else ""

    def wait(self, log, pattern, within=60):
        end = time.monotonic() + within
        while time.monotonic() < end:
            if found := re.search(pattern, self.text(log)):
                return found
            time.sleep(0.1)
        raise SystemExit(f"{log} never said {pattern}:\n{self.text(log)[-2000:]}")

    # MARK: Parts

    def providers(self):
        """Starts the emulators; `self.ports` then has them by name, `self.attach` their address for a run."""
        self.first = 21000 + os.getpid() % 9000
        self.start("providers.log", self.binary, "providers", "--port", str(self.first), "--seed", "5")
        self.attach = self.wait("providers.log", r"attach (tcp://\S+)").group(1)
        for name, port in re.findall(r"providers: (\w+) 127\.0\.0\.1:(\d+)", self.text("providers.log")):
            self.ports[name] = int(port)

    def agent(self, name="agent", port=None, **settings):
        """Starts an agent and waits until it listens; answers the process and its port."""
        settings = {"redis_url": "", "metrics_port": 0, "health_port": 0} | settings
        config = self.top / f"{name}.json"
        config.write_text(json.dumps({"agent": settings}))
        port = port or free_port()
        # The file has the last word on ports: `--port` alone would take no others.
        config.write_text(json.dumps({"agent": settings | {"port": port}}))
        child = self.start(
            f"{name}.log", self.binary, "agent", "--config", str(config),
            "--providers", f"127.0.0.1:{self.first}")
        self.wait(f"{name}.log", r"agent: ws://")
        return child, port

    def calls(self, port, callers, seconds, name="run", conversation="task-manager", drain=40):
        """Starts a run against an agent; `self.result(name)` has what it came to."""
        scenario = self.top / f"{name}.yaml"
        scenario.write_text(f"""name: {name}
seed: 5
target: {{url: "ws://127.0.0.1:{port}/media"}}
providers: {{attach: "{self.attach}"}}
conversation: {ROOT}/scenarios/conversations/{conversation}.yaml
audio: {ROOT}/fixtures/task-manager
load:
  - ramp: 0 -> {callers} callers over 2s
  - hold: {callers} callers for {seconds}s
drain: {drain}s
gates:
  - "turns_answered: count >= 1"
""")
        return self.start(
            f"{name}.log", self.binary, "run", str(scenario), "--quiet", "--out", str(self.top / name))

    def result(self, name="run"):
        return json.loads((self.top / name / "result.json").read_text())

    def records(self, name="run"):
        """The lines of its `calls.jsonl`."""
        return [json.loads(line) for line in (self.top / name / "calls.jsonl").read_text().splitlines()]

    def redis(self, *arguments):
        """Starts a `redis-server`; answers its process and port."""
        port = free_port()
        folder = self.top / f"redis-{port}"
        folder.mkdir()
        child = self.start(
            f"redis-{port}.log", "redis-server", *arguments, "--port", str(port), "--bind", "127.0.0.1",
            "--dir", str(folder))
        wait_for(lambda: command(port, "PING") == "PONG", 10, "a Redis")
        return child, port

    def sentinel(self, master):
        """A sentinel that watches the master `tasks` and promotes its replica after a second of silence."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.top))
        (folder / "sentinel.conf").write_text(
            f"sentinel monitor tasks 127.0.0.1 {master} 1\n"
            "sentinel down-after-milliseconds tasks 1000\nsentinel failover-timeout tasks 5000\n")
        return self.redis(str(folder / "sentinel.conf"), "--sentinel")


def wait_for(claim, within, what):
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            if value := claim():
                return value
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"{what} does not come within {within} s")


def command(port, *words):
    """One command to a Redis, and its answer as Python has it."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
        link.sendall(b"*%d\r\n" % len(words) + b"".join(
            b"$%d\r\n%s\r\n" % (len(w.encode()), w.encode()) for w in words))
        file = link.makefile("rb")
        return answer(file)


def answer(file):
    line = file.readline().decode().rstrip("\r\n")
    kind, rest = line[:1], line[1:]
    if kind in "+-":
        return rest
    if kind == ":":
        return int(rest)
    if kind == "$":
        if rest == "-1":
            return None
        data = file.read(int(rest) + 2)[:-2]
        return data.decode(errors="replace")
    if kind == "*":
        return [answer(file) for _ in range(int(rest))]
    raise OSError(f"no Redis: {line!r}")


def get(url, headers={}, data=None):
    """Status, headers and body; status 0 when nobody listens."""
    request = urllib.request.Request(url, headers=headers, data=data)
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:
            return reply.status, reply.headers, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()
    except OSError:
        return 0, {}, ""


def metrics(port):
    """The samples of an agent's page by name with labels."""
    values = {}
    for line in get(f"http://127.0.0.1:{port}/metrics")[2].splitlines():
        if line and not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            values[name] = float(value)
    return values
