#!/usr/bin/env python3
"""Opens reports in headless Chromium with the network off, at three widths, in light and dark, and printed.

    scripts/verify-report.py [--out FOLDER] [REPORT.html …]       (default: reports/sample/report.html)

Each page must: ask for nothing from a network, raise no error, never scroll sideways, leave no text below 10 px, name every chart and
table for those who cannot see them, and let every chart be walked through by keyboard. Recordings that it offers must lie beside it, be stereo (caller left, agent
right: what is loud in the left ear is where calls.jsonl has the caller speak) and be played by the browser. Screenshots stay in FOLDER for people to look at.
Prints `N passed, N failed`.
"""

import argparse
import array
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import wave
import zlib

WIDTHS = (1280, 800, 390)

# Runs in the page once it is laid out, and leaves what it found as JSON where --dump-dom shows it.
PROBE = """
<script>
window.problems = [];
addEventListener('error', e => problems.push('error: ' + e.message));
addEventListener('load', () => {
  const say = t => problems.push(t);
  for (const entry of performance.getEntriesByType('resource')) say('asked for ' + entry.name);
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth + 1) say('scrolls sideways: ' + root.scrollWidth + ' > ' + innerWidth);
  if (!root.lang) say('no language');
  for (const svg of document.querySelectorAll('svg')) {
    const label = (svg.getAttribute('aria-labelledby') || '').split(' ').map(i => document.getElementById(i));
    if (label.length < 2 || label.some(e => !e || !e.textContent.trim())) say('a chart without name or description');
    if (svg.getBoundingClientRect().width === 0) continue;
    const tips = svg.querySelectorAll('[data-tip]');
    if (tips.length) {
      if (svg.tabIndex !== 0) say('a chart the keyboard cannot reach');
      svg.focus({preventScroll: true});
      svg.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));
      if (document.getElementById('tip').hidden) say('a chart that arrow keys do not walk');
      svg.blur();
    }
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    for (const text of svg.querySelectorAll('text')) {
      const size = parseFloat(getComputedStyle(text).fontSize) * scale;
      if (size < 9) { say('chart text of ' + size.toFixed(1) + ' px: ' + text.textContent); break; }
    }
  }
  for (const table of document.querySelectorAll('table')) {
    if (!table.getAttribute('aria-label') && !table.caption) say('a table without a name');
    if (!table.querySelector('th[scope]')) say('a table without a head');
  }
  for (const link of document.querySelectorAll('a[href^="#"]'))
    if (!document.getElementById(link.getAttribute('href').slice(1))) say('a link to nowhere: ' + link.getAttribute('href'));
  const levels = [...document.querySelectorAll('h1,h2,h3')].map(h => +h.tagName[1]);
  if (levels.filter(l => l === 1).length !== 1) say('not one main heading');
  levels.reduce((a, b) => { if (b > a + 1) say('a heading skips a level'); return b; }, 0);
  const verdict = document.querySelector('.verdict').getBoundingClientRect();
  if (verdict.bottom > 500) say('the verdict is not on the first screen');
  const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const light = c => { const [r, g, b] = c.map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
    return .2126 * r + .7152 * g + .0722 * b; };
  const background = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c.slice(0, 3); } return [255, 255, 255]; };
  const pale = new Set();
  for (const e of document.querySelectorAll('p,td,th,dt,dd,li,h1,h2,h3,a,span,b,figcaption,summary')) {
    if (!e.offsetParent || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const a = light(parse(getComputedStyle(e).color).slice(0, 3)), b = light(background(e));
    const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (contrast < 4.45) pale.add(contrast.toFixed(2) + ' in <' + e.tagName.toLowerCase() + ' class="' + e.className + '">');
  }
  for (const p of [...pale].slice(0, 4)) say('too little contrast: ' + p);
  const out = document.createElement('pre');
  out.id = 'probe';
  out.textContent = JSON.stringify({width: innerWidth, problems: problems});
  document.body.append(out);
});
</script>
"""


def chromium(arguments, timeout=60):
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if binary is None:
        sys.exit("verify-report: no chromium; scripts/install-deps verify")
    base = [binary, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1",
            "--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:9"]
    return subprocess.run(base + arguments, capture_output=True, text=True, timeout=timeout)


def framed(page, width, folder):
    """The page in a frame of exactly `width`: a window is never narrower than the browser likes."""
    name = f"frame-{width}.html"
    (folder / name).write_text(
        f'<!doctype html><style>html,body{{margin:0}}iframe{{border:0;width:{width}px;height:2600px}}</style>'
        f'<iframe src="{page.name}"></iframe><pre id="probe"></pre>'
        "<script>addEventListener('message',e=>{document.getElementById('probe').textContent=e.data})</script>",
        encoding="utf-8")
    return folder / name


def colours(path):
    """How many colours a screenshot has: one means that nothing was drawn."""
    data = path.read_bytes()
    pixels = b"".join(
        data[m.end():m.end() + struct.unpack(">I", data[m.start() - 4:m.start()])[0]] for m in re.finditer(rb"IDAT", data))
    return len(set(zlib.decompress(pixels)[::997]))


def look(report, width, dark, out):
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        text = report.read_text(encoding="utf-8")
        page = folder / "page.html"
        probe = PROBE.replace("document.body.append(out);", "parent.postMessage(out.textContent, '*');")
        page.write_text(text.replace("<head>", "<head>" + probe, 1), encoding="utf-8")
        frame = framed(page, width, folder)
        theme = ["--blink-settings=preferredColorScheme=" + ("0" if dark else "1")]
        dom = chromium(theme + ["--virtual-time-budget=4000", "--dump-dom", f"--window-size={max(width, 500)},2600",
                                f"file://{frame}"]).stdout
        found = re.search(r'<pre id="probe">(.*?)</pre>', dom, re.S)
        if not found or not found.group(1):
            return ["the page's script never came to its end"]
        seen = json.loads(found.group(1).replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&"))
        problems = list(dict.fromkeys(seen["problems"]))
        if seen["width"] != width:
            problems.append(f"laid out at {seen['width']}")
        shot = out / f"{report.parent.name}-{report.stem}-{width}{'-dark' if dark else ''}.png"
        chromium(theme + [f"--screenshot={shot}", f"--window-size={max(width, 500)},2600", f"file://{frame}"])
        if not shot.exists() or colours(shot) < 8:
            problems.append("nothing was drawn")
        return problems


def printed(report, out):
    """The page on paper: a PDF of a few pages."""
    path = out / f"{report.parent.name}-{report.stem}.pdf"
    chromium([f"--print-to-pdf={path}", "--no-pdf-header-footer", f"file://{report}"])
    if not path.exists():
        return ["no PDF came"]
    pages = len(re.findall(rb"/Type\s*/Page\b", path.read_bytes()))
    return [] if 1 <= pages <= 40 else [f"{pages} pages"]


def loud(samples, rate, start, end):
    """The loudest sample between two times, in seconds."""
    part = samples[max(0, int(start * rate)):max(0, int(end * rate))]
    return max((abs(sample) for sample in part), default=0)


def recordings(report):
    """What the page's players would play."""
    names = re.findall(r'<audio [^>]*src="([^"]+)"', report.read_text(encoding="utf-8"))
    calls = report.parent / "calls.jsonl"
    calls = {c["call"]: c for c in map(json.loads, calls.read_text().splitlines())} if calls.exists() else {}
    problems = []
    for name in names:
        path = report.parent / name
        if not path.exists():
            problems.append(f"{name} is not there")
            continue
        with wave.open(str(path)) as sound:
            if sound.getnchannels() != 2:
                problems.append(f"{name} has {sound.getnchannels()} channels")
                continue
            rate = sound.getframerate()
            samples = array.array("h", sound.readframes(sound.getnframes()))
        left, right = samples[0::2], samples[1::2]
        call = calls.get(int(re.search(r"\d+", path.stem).group()))
        if call and "answered_ms" in call:
            for turn in call.get("turns", []):
                began, ended = ((turn[k] - call["answered_ms"]) / 1000 for k in ("began_ms", "ended_ms"))
                if loud(left, rate, began, ended) < 1000:
                    problems.append(f"{name}: nothing in the left ear while the caller speaks, {began:.1f} s to {ended:.1f} s")
            for speech in call.get("agent_speech", []):
                onset = (speech["from_ms"] - call["answered_ms"]) / 1000
                if loud(right, rate, onset, onset + 0.5) < 300:
                    problems.append(f"{name}: nothing in the right ear while the agent speaks, from {onset:.1f} s")
        probe = (f'<!doctype html><pre id="probe"></pre><audio src="file://{path}" preload="auto"></audio><script>'
                 "var a=document.querySelector('audio'),p=document.getElementById('probe');"
                 "a.onerror=function(){p.textContent='error '+a.error.code};"
                 "a.oncanplaythrough=function(){p.textContent='plays '+a.duration}</script>")
        with tempfile.TemporaryDirectory() as temporary:
            page = pathlib.Path(temporary) / "audio.html"
            page.write_text(probe, encoding="utf-8")
            dom = chromium(["--allow-file-access-from-files", "--virtual-time-budget=4000", "--dump-dom", f"file://{page}"]).stdout
        found = re.search(r'<pre id="probe">plays ([\d.]+)</pre>', dom)
        if not found or abs(float(found.group(1)) - len(left) / rate) > 0.1:
            problems.append(f"{name}: the browser does not play it: {re.findall(r'probe.>[^<]*', dom)}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", default=None)
    parser.add_argument("reports", nargs="*", default=[])
    arguments = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parent.parent
    reports = [pathlib.Path(r).resolve() for r in arguments.reports] or [root / "reports/sample/report.html"]
    out = pathlib.Path(arguments.out or tempfile.mkdtemp(prefix="uproar-report-"))
    out.mkdir(parents=True, exist_ok=True)
    passed = failed = 0
    for report in reports:
        size = report.stat().st_size
        checks = [("size", [] if size < 3_000_000 else [f"{size} bytes"]), ("paper", printed(report, out))]
        if "<audio" in report.read_text(encoding="utf-8"):
            checks.append(("recordings", recordings(report)))
        for width in WIDTHS:
            checks.append((f"{width} px", look(report, width, False, out)))
        checks.append(("1280 px, dark", look(report, 1280, True, out)))
        for name, problems in checks:
            if problems:
                failed += 1
                print(f"FAILED  {report.parent.name}/{report.name} {name}")
                for problem in problems:
                    print(f"        {problem}")
            else:
                passed += 1
                print(f"passed  {report.parent.name}/{report.name} {name}")
    print(f"screenshots in {out}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
