#!/usr/bin/env python3
"""Processes that take turns over a pipe: each has its time on its own account."""
import re, subprocess, sys
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
r = subprocess.run(["boot/run", "--icount", "0", "--timeout", "60", "--put", "build/tests/posix/shares:/bin/shares", "--", "shares"],
                   capture_output=True, text=True, timeout=300)
m = re.search(r"^shares (\d+) (\d+) of (\d+) us$", r.stdout, re.M)
t.check("pipe-01", "of two processes that take turns over pipes, the one that computes has at least 95 % of the time, all of it accounted",
        m and int(m[2]) >= 950 and 300000 <= int(m[3]) <= 900000, r.stdout + r.stderr)
t.done()
