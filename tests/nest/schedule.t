#!/usr/bin/env python3
"""Schedulers of a native program's own (libnest): tests/nest/schedule.c, directly on root and as a process."""
import re, subprocess, sys
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()

CASES = ["shares by weight, changed while they run", "a stack of three schedulers, each with its own time",
         "who waits for a mutex pays for its holder", "rate monotonic: admission and budgets", "numbers are used again"]

def run(*options, program="schedule"):
    r = subprocess.run(["boot/run", "--tree", "small", "--icount", "--timeout", "60", *options, "--", program],
                       capture_output=True, timeout=300)
    return r.returncode, r.stdout.decode(errors="replace"), r.stderr.decode(errors="replace")

for first, where, seen in (1, "on root", run("--stack", "")), (11, "as a process", run(program="/fluke/apps/schedule")):
    for n, what in enumerate(CASES, 1):
        t.check("schedule-%02d" % (first + n - 1), "%s: %s" % (where, what), re.search(r"^ok %d " % n, seen[1], re.M), seen)
t.done()
