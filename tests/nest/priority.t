#!/usr/bin/env python3
"""nice, setpriority, sched_setscheduler, jobs and sessions: tests/posix/priority.c as a process."""
import re, subprocess, sys
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
CASES = ["nice values share by 1.25 a step", "jobs share, however many processes they have",
         "a SCHED_FIFO process runs before the others", "sessions share, each process is charged what it was given"]

def run(*options):
    r = subprocess.run(["boot/run", "--tree", "small", "--icount", "--timeout", "60", "--put", "build/tests/posix/priority:/tmp/priority",
                        *options, "--", "/tmp/priority"], capture_output=True, timeout=300)
    return r.returncode, r.stdout.decode(errors="replace"), r.stderr.decode(errors="replace")

seen = run()
for n, what in enumerate(CASES, 1):
    t.check("priority-%02d" % n, what, re.search(r"^ok %d " % n, seen[1], re.M), seen)
seen = run("--scheduler", "fixed(lottery,rr)")
t.check("priority-05", "the same under fixed(lottery,rr)", seen[1].count("\nok ") == 4, seen)
t.done()
