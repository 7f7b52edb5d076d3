#!/usr/bin/env python3
"""Native programs directly on root: boot/run --stack "" -- PROGRAM."""
import re, subprocess, sys
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()

def run(*args, stdin=b"", options=()):
    r = subprocess.run(["boot/run", "--stack", "", "--tree", "small", "--timeout", "40", *options, "--", *args], input=stdin,
                       capture_output=True, timeout=300)
    return r.returncode, r.stdout.decode(errors="replace"), r.stderr.decode(errors="replace")

t.equal("native-01", "hello prints its line and its arguments", run("hello", "one", "two words"),
        (0, "hello from a nested process\nargument 1: one\nargument 2: two words\n", ""))
status, out, err = run("rpcdemo")
t.check("native-02", "two programs and a protocol: every case of rpcdemo", status == 0 and "1..16" in out and "not ok" not in out
        and len(re.findall("^ok", out, re.M)) == 16, "status %d\n%s%s" % (status, out, err))
status, out, err = run("no-such-program")
t.check("native-03", "a program that is not there", status in (125, 127) and "no-such-program" in err and not out, (status, out, err))
status, out, err = run("standstill", options=["--icount"])
t.check("native-04", "a used-up pool of workers is freed from clients that stand still for five seconds", status == 0 and
        len(re.findall("^ok", out, re.M)) == 3, "status %d\n%s%s" % (status, out, err))
status, out, err = run("starve", options=["--icount"])
t.check("native-05", "200 requests that never end, of one session, keep no other session waiting", status == 0 and
        len(re.findall("^ok", out, re.M)) == 3, "status %d\n%s%s" % (status, out, err))
status, out, err = run("starve", "bad", options=["--icount"])
t.check("native-06", "known-bad: without the limit per session they do", "\nnot ok 1" in "\n" + out, "status %d\n%s%s" % (status, out, err))
status, out, err = run("standstill", "line", options=["--icount"])
t.check("native-07", "stopped clients in the middle of their replies keep no other request of their session waiting, and lose nothing",
        status == 0 and len(re.findall("^ok", out, re.M)) == 3, "status %d\n%s%s" % (status, out, err))
status, out, err = run("leftover", options=["--icount", "--memory", "64"])
t.check("native-08", "new memory, for data or objects, reads as zero, whoever had its frames before and whatever was in them", status == 0 and
        len(re.findall("^ok", out, re.M)) == 9, "status %d\n%s%s" % (status, out, err))
t.done()
