#!/usr/bin/env python3
"""What a tracer gives out, and what those below it hold: the torture nester, which has all memory, stops everything now and then and
looks at every reference to a port that is held below the tracer (kinds=b).  A port of the tracer's must stand in its own list
(--given), and so must any other that is neither the tracer's nor made below (what goes to the kernel: schedulers)."""
import os, re, subprocess, sys, tempfile
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
work = tempfile.mkdtemp(prefix="leak.", dir="build")
SCRIPT = "for i in 1 2 3; do seq 2000 | sort -rn | head -1; done; mkfifo /tmp/f; (cat /tmp/f; sleep 0.1) & echo through >/tmp/f; wait; ls /dev | wc -l"

def look(tracer, stack):
    """(output, references seen, {T: hashes, E: hashes}, the tracer's list)"""
    given = work + "/given"
    if os.path.exists(given):
        os.unlink(given)
    r = subprocess.run(["boot/run", "--icount", "--timeout", "100", "--put", "build/tests/nest/trace-leak:/fluke/nesters/trace-leak", "--get",
                        "/tmp/given:" + given, "--stack", "torture rate=10000 kinds=b %s --given /tmp/given -o /dev/null %s" % (tracer, stack),
                        "--", "bash", "-c", SCRIPT], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    found = {"T": set(), "E": set()}
    for where, number in re.findall(r"^border: ([TE]) ([0-9a-f]{8})$", r.stderr, re.M):
        found[where].add(number)
    counted = re.search(r"^border: (\d+) looks, (\d+) references$", r.stderr, re.M)
    rows = [line.split() for line in open(given)] if os.path.exists(given) else []
    return r.stdout, tuple(int(n) for n in counted.groups()) if counted else (0, 0), found, rows

def faults(found, rows):
    """References below that the tracer has not given out."""
    proxies, direct = {r[0] for r in rows if r[1] != "direct"}, {r[0] for r in rows if r[1] == "direct"}
    return ["%s (the tracer's)" % n for n in sorted(found["T"] - proxies)] + ["%s (around the tracer)" % n for n in sorted(found["E"] - direct)]

out, counted, found, rows = look("trace", "process")
right = out.split()
t.check("leak-01", "the script runs, and references below are looked at many times", right[:4] == ["2000"] * 3 + ["through"] and counted[0] >= 10 and
        counted[1] >= 1000 and len(found["T"]) >= 30 and found["E"], (out, counted, len(found["T"]), found["E"]))
t.equal("leak-02", "all that is held below is the tracer's own and in its list, or made below, or a scheduler's port", faults(found, rows), [])
less = [r for r in rows if r[0] != min(found["T"])]
t.check("leak-03", "one entry less in the list, and it is noticed", len(faults(found, less)) == 1, faults(found, less))
out2, counted2, found2, rows2 = look("trace-leak", "process")
t.check("leak-04", "a tracer that lets one capability through: the program notices nothing", out2 == out and counted2[1] >= 1000, (out2, counted2))
t.check("leak-05", "... but the comparison does", any("around" in f for f in faults(found2, rows2)), (faults(found2, rows2), len(rows2)))
out, counted, found, rows = look("trace", "trace -o /dev/null memory process")
# what becomes of the script below a memory manager under torture is torture-17's
t.check("leak-06", "the same with a tracer and a memory manager below", "through" in out.split() and counted[1] >= 1000 and not faults(found, rows),
        (out, counted, faults(found, rows)))
t.done()
