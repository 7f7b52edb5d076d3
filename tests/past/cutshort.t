#!/usr/bin/env python3
"""A handler whose signal cut a sleep short ran only in the next call: nanosleep, clock_nanosleep and waits for a futex returned
EINTR with a signal that was taken and not delivered."""
import re, subprocess, sys
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
KINDS = "nanosleep clock_nanosleep futex poll select epoll read pause sigtimedwait write wait".split()
r = subprocess.run(["boot/run", "--icount", "--timeout", "60", "--put", "build/tests/posix/cutshort:/bin/cutshort", "--", "cutshort"],
                   capture_output=True, text=True, timeout=300)
seen = dict(re.findall(r"^(\w+) 6 (\d+)$", r.stdout, re.M))
for n, kind in enumerate(KINDS, 1):
    t.check("past-cutshort-%02d" % n, "a signal's handler has run when %s returns for it" % kind, seen.get(kind) == "6", r.stdout + r.stderr)
t.done()
