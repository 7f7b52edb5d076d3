#!/usr/bin/env python3
"""boot/run --scheduler, nesters/scheduler, apps/cputop."""
import json, re, subprocess, sys
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()

def run(*args, options=(), tree="debian"):
    r = subprocess.run(["boot/run", "--tree", tree, "--timeout", "60", *options, "--", *args], capture_output=True, timeout=300)
    return r.returncode, r.stdout.decode(errors="replace"), r.stderr.decode(errors="replace")

SCRIPT = "seq 300 | sort -rn | tail -3; (exit 7); echo $?; for i in 1 2 3; do echo $i & done; wait; echo end"
def lines(out):
    return sorted(out.split())
plain = lines(run("bash", "-c", SCRIPT)[1])
for n, expression in enumerate(["rr", "fifo", "fixed(lottery,rr)", "stride(3*fair,fixed(rm,posix:3))", "rm(5/10*rm(2/5*rr),4/10*lottery)"], 1):
    seen = run("bash", "-c", SCRIPT, options=["--scheduler", expression])
    t.check("scheduler-%02d" % n, "bash and its children under " + expression, seen[0] == 0 and plain and lines(seen[1]) == plain, seen)

seen = run("true", options=["--scheduler", "fixed(lotery,rr)"])
t.check("scheduler-06", "a wrong expression ends with status 125 and the column of the mistake",
        seen[0] == 125 and "column 7: no such policy" in seen[2] and re.search(r"^ {17}\^", seen[2], re.M) and not seen[1], seen)
seen = run("hello", options=["--stack", "", "--scheduler", "rm(5/10*rr,6/10*rr)"], tree="small")
t.check("scheduler-07", "more than rm admits is a mistake too, with its place", seen[0] == 125 and "column 17: more than rm admits" in seen[2], seen)
seen = run("true", options=["--scheduler", "a'b"])
t.check("scheduler-08", "an expression with quotes never gets that far", seen[0] == 125 and "boot/run: no quotes" in seen[2], seen)
seen = run("schedule", "leaves", options=["--stack", "", "--icount", "--scheduler", "stride(3*fifo,rr)"], tree="small")
t.check("scheduler-09", "threads in two leaves of stride(3*fifo,rr) get 3 to 1", seen[0] == 0 and "\nok 1 " in seen[1], seen)
seen = run("schedule", options=["--stack", "", "--icount", "--scheduler", "fixed(lottery,rr)"], tree="small")
t.check("scheduler-10", "a program's own schedulers under those", seen[1].count("\nok ") == 5, seen)

# ---- cputop

seen = run("bash", "-c", "/fluke/apps/cputop -n 1; i=0; while ((i < 30000)); do ((i++)); done; /fluke/apps/cputop -n 2",
           options=["--scheduler", "fixed(lottery,rr)", "--icount"])
tables = seen[1].split("   seconds  share")
t.check("cputop-01", "the table shows the stack of schedulers with shares, live what has changed",
        seen[0] == 0 and len(tables) == 4 and all(re.search(r"100\.0%   all: rr of", x) and "scheduler: fixed of 2" in x and
        re.search(r"thread 1: lottery of 0", x) for x in tables[1:]) and "\33[H" in tables[1], seen)
seen = run("bash", "-c", "i=0; while ((i < 100000)); do ((i++)); done; /fluke/apps/cputop --json",
           options=["--scheduler", "fixed(lottery,rr)", "--icount"])
try:
    tree = json.loads(seen[1])
except ValueError:
    tree = {}

def schedulers(x, path=()):
    found = [(path + (x["policy"],), x)] if "policy" in x else []
    for c in x.get("clients", []):
        found += schedulers(c, path + (x["policy"],))
    return found
found = dict(schedulers(tree)) if tree else {}
t.check("cputop-02", "--json is one object, the tree of schedulers", {("rr",), ("rr", "fixed"), ("rr", "fixed", "lottery"), ("rr", "fixed", "rr")} <= set(found),
        seen)
base = found.get(("rr", "fixed", "rr"), {"clients": [], "used_ns": 0})
parts = sum(c["used_ns"] for c in base["clients"]) + base.get("ended_ns", 0)
t.check("cputop-03", "a scheduler's time is that of its clients, to 3 %", base["used_ns"] and 0.97 <= parts / base["used_ns"] <= 1.01, (parts, base["used_ns"]))
top = tree.get("clients", [])
t.check("cputop-04", "the clients of the base have no more than there is, and bash the most", top and
        0.5 < sum(c["used_ns"] for c in top) / tree["used_ns"] <= 1.01 and max(c["share"] for c in top) ==
        max((c["share"] for c in top if c["name"] == "scheduler"), default=0), [(c["name"], c["used_ns"]) for c in top])
seen = run("/fluke/apps/cputop", "-n", "x")
t.check("cputop-05", "a wrong option is said", seen[0] == 1 and "usage" in seen[2], seen)
t.done()
