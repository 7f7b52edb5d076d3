#!/usr/bin/env python3
"""The child of a process with several threads owned the lock of its image for ever: its first call after it had made a thread failed
with EFAULT, and so did all others."""
import subprocess, sys
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
KINDS = {"first": "fork by the first of several threads, then threads in the child", "other": "the same by another one"}
r = subprocess.run(["boot/run", "--icount", "--timeout", "60", "--put", "build/tests/posix/forked:/bin/forked", "--", "forked"],
                   capture_output=True, text=True, timeout=300)
for n, (kind, sentence) in enumerate(KINDS.items(), 1):
    t.check("past-forked-%02d" % n, sentence, kind + " right" in r.stdout.splitlines(), r.stdout + r.stderr)
t.done()
