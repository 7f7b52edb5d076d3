#!/usr/bin/env python3
"""User-level threads: the cases of apps/uthreads, directly on root and under the process manager."""
import re, subprocess, sys
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()

def run(stack):
    r = subprocess.run(["boot/run", "--stack", stack, "--tree", "small", "--timeout", "60", "--icount", "--", "/fluke/apps/uthreads"],
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=400)
    return r.returncode, r.stdout.decode(errors="replace") + r.stderr.decode(errors="replace")

IDS = ["uthreads-01", "uthreads-02", "uthreads-03", "uthreads-04", "uthreads-05", "uthreads-06", "uthreads-07", "uthreads-08", "uthreads-09",
       "uthreads-10", "uthreads-11", "uthreads-12", "uthreads-13"]
status, out = run("")
found = {int(n): (not bad, text) for bad, n, text in re.findall(r"^(not )?ok (\d+) (.*?)\r?$", out, re.M)}
for n, i in enumerate(IDS, 1):
    good, text = found.get(n, (False, "case %d" % n))
    t.check(i, text, good, out)
status, out = run("process")
t.check("uthreads-14", "the same under the process manager", status == 0 and len(re.findall("^ok", out, re.M)) == len(IDS), out)
t.done()
