#!/usr/bin/env python3
"""Schedulers below schedulers.  One that slept on requests which its clients took back kept its own request at the scheduler above,
which stood by it for ever: with process managers in one another, a pipeline stood still.  Another way to it: the client that
asked ended."""
import subprocess, sys
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
PIPELINE = "process bash -c 'seq 200 > /tmp/m; sort -n /tmp/m | cmp - <(seq 200) && echo the same'"
ENDING = "for n in 1 2 3; do trace -o /dev/null process scheduler rr scheduler rr bash -c 'sleep 100 & kill $!; wait $!; echo $?'; done"
for number, what, script, wanted in [(1, "a pipeline in two process managers", PIPELINE, "the same\n"),
                                     (2, "programs that end below four schedulers", ENDING, "143\n" * 3)]:
    r = subprocess.run(["boot/run", "--icount", "--memory", "256", "--timeout", "40", "--stack", "process", "--", "bash", "-c", script],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    t.check("past-nested-%02d" % number, what + " do not stand still", (r.returncode, r.stdout) == (0, wanted), (r.returncode, r.stdout, r.stderr))
t.done()
