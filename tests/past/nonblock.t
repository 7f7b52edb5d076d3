#!/usr/bin/env python3
"""A read of more than 2 KB from a pipe that does not block made the next one fail with EAGAIN, whatever was in the pipe, and a write
right after it too: the server had not yet heard that its answer had arrived.  poll saw data that had just been read."""
import subprocess, sys
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
KINDS = {"drained": "reads take all that is there", "room": "a read makes room", "polled": "poll sees what is there and no more",
         "counted": "FIONREAD tells how much there is"}
r = subprocess.run(["boot/run", "--icount", "--timeout", "60", "--put", "build/tests/posix/nonblock:/bin/nonblock", "--", "nonblock"],
                   capture_output=True, text=True, timeout=300)
for n, (kind, sentence) in enumerate(KINDS.items(), 1):
    t.check("past-nonblock-%02d" % n, sentence, kind + " right" in r.stdout.splitlines(), r.stdout + r.stderr)
t.done()
