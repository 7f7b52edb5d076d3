#!/usr/bin/env python3
# Those that mean harm (tests/api: hostile, adversary, random, pairs) as a native program under root, and three process
# managers deep with a neighbour at work.  The kernel walks its books when the system ends (root asks for it).
import re, subprocess, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
AREAS = ("hostile", "adversary", "random", "pairs")
plan = [c for a in AREAS for c in re.findall(r'^CASE\("([^"]+)",\s*"([^"]*)"', open("tests/api/%s.c" % a).read(), re.M)]
t.check("hostile-depth-plan", "at least 25 cases", len(plan) >= 25, len(plan))

NEIGHBOUR = r"""
neighbour() { n=0; bad=0; while [ ! -e /tmp/over ]; do
	[ "$(seq 500 | sort -r | md5sum)" = "5d8b7b4e9db18ba7621d7dbb5e94a48a  -" ] || bad=$((bad+1)); n=$((n+1)); done
	echo "neighbour $n bad $bad"; }
neighbour & /fluke/apps/harm; echo "status $?"
{ timeout -s KILL 1 /fluke/apps/harm >/dev/null; } 2>/dev/null; echo "killed $?"
>/tmp/over; wait; rm /tmp/over; echo goes on"""

def run(name, stack, *command):
    p = subprocess.run(["boot/run", "--icount", "--stack", stack, "--timeout", "300", "--", *command], stdin=subprocess.DEVNULL,
                       capture_output=True, text=True, errors="replace")
    seen = {m[1]: (m[2] == "ok", m[0]) for m in re.finditer(r"^case (\S+)\n(?:.*\n)*?(ok|not ok) \1 ", p.stdout, re.M)}
    for i, sentence in plan:
        t.check("%s-%s" % (i, name), sentence, *seen.get(i, (False, "no result")))
    return p

p = run("root", "", "harm")
t.check("hostile-depth-root", "under root all of them ran and the system ended in order", (p.returncode, p.stderr) == (0, "") and
        p.stdout.endswith("done %d\n" % len(plan)), (p.returncode, p.stderr))
p = run("deep", "process process process", "bash", "-c", NEIGHBOUR)
t.check("hostile-depth-deep", "and three levels deep", (p.returncode, p.stderr) == (0, "") and
        re.search(r"^done %d\nstatus 0$" % len(plan), p.stdout, re.M), (p.returncode, p.stderr, p.stdout[-300:]))
m = re.search(r"^killed 137\nneighbour (\d+) bad (\d+)\ngoes on\n$", p.stdout, re.M)
t.check("hostile-depth-neighbour", "its neighbour computed on, rightly, and it is killed like any other", m and int(m[1]) > 5 and m[2] == "0",
        p.stdout[-300:])
t.done()
