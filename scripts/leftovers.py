"""Which processes of a run are still there: for the checks that end runs in every way."""

import os
import pathlib


def alive(marker):
    """Processes whose command line or environment names `marker` (the run's folder), without ourselves and the dead."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if marker.encode() in text and state != "Z":
            found.append(int(entry.name))
    return found
