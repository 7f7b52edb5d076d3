#!/usr/bin/env python3
"""What four tracers, which show nothing to anybody, cost a program: alone on them, and below a process manager on them."""
import re, subprocess, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
PROGRAMS = ["memtest", "appel", "matconn", "readtest"]
TRACERS = " ".join(["trace -o /dev/null"] * 4)

def values(stack, *command):
    r = subprocess.run(["boot/run", "--stack", stack, "--icount", "0", "--timeout", "60", "--put", "build/apps/linux:/tmp/linux", "--", *command],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=400)
    right = r.returncode == 0 and not re.search(r"^\S+ wrong ", r.stdout, re.M)
    return {m[1]: int(m[2]) for m in re.finditer(r"^bench (\S+) \d+ (\d+) \d+$", r.stdout, re.M)} if right else {}

def alone(stack):
    found = {}
    for name in PROGRAMS:
        found.update(values(stack, "/fluke/apps/" + name))
    return found

def managed(stack):
    return values((stack + " process").strip(), "sh", "-ec", "for a in %s; do /tmp/linux/$a; done" % " ".join(PROGRAMS))

number = 0
for where, measure in [("alone", alone), ("as Linux programs below a process manager", managed)]:
    none, four = measure(""), measure(TRACERS)
    speed = {n: none[n] / four[n] for n in none if four.get(n)}
    print("# speed under four tracers, %s: " % where + ", ".join("%s %.4f" % s for s in sorted(speed.items())))
    # appel: the segment's frames lie in more runs, so each walk takes some steps more
    for name, least in [("readtest", 0.95), ("memtest", 0.995), ("matconn", 0.995), ("appel1", 0.96), ("appel2", 0.96)]:
        number += 1
        t.check("tracers-%02d" % number, "%s, %s, keeps %.1f %% of its speed" % (name, where, 100 * least), speed.get(name, 0) >= least, (none, four))
t.done()
