#!/usr/bin/env python3
# Measurements against their budgets (tests/bench/budgets.tsv).
import fcntl, os, pty, re, struct, subprocess, sys, termios
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
r = subprocess.run(["tests/bench/run", "--quick"], capture_output=True, text=True)
bad = dict(re.findall(r"^bench: (\S+) (.*)$", r.stderr, re.M))
for line in open("tests/bench/budgets.tsv"):
    words = line.split()
    if words and words[0] != "#":
        t.check("bench-" + words[0], "%s stays within %s" % (words[0], words[1]), words[0] not in bad and r.stdout, bad.get(words[0], r.stderr))

# the figures of the ladders tell what is so today
kept = dict(line.rsplit(" ", 1) for line in open("docs/figures/ladders.txt"))
now = {"%s %s" % (w[1], w[2]): int(w[4]) for w in (line.split("\t") for line in open("build/bench/results.tsv")) if w[2].startswith("K")}
t.check("bench-figures", "docs/figures/ladders.txt is within a tenth of these rows (else: make figures)", now and all(
        abs(int(kept.get(k, 0)) - v) < 0.1 * v for k, v in now.items()), {k: (kept.get(k), v) for k, v in now.items()})

def values(*options, **more):
    r = subprocess.run(["tests/bench/run", *options], stdout=subprocess.PIPE, text=True, **more)
    return dict(re.findall(r"^(\S+) +\d+ +(\d+) ", r.stdout, re.M))

# flukeperf's rows: all that are named anywhere
TYPES = "mutex cond port portset region mapping space".split()
NAMED = """null mlock munlock mpair mtry cond switch rpc rpc-same rpc8w rpc-idem send size-8 size-16 size-128 size-1k size-4k
    size-8k size-64k long-256k long-1m long-2m long-2m-odd refs-1 refs-8 soft soft2 soft4 hard trap keeper keeper-map search-0 search-16
    search-1024 thread recreate interrupt map-1p protect-1p map-1m protect-1m ref-create ref-copy ref-compare ref-hash ref-destroy
    getstate getstate-runs getstate-rpc getstate-stopped setstate setstate-runs setstate-rpc irqoff-copy irqoff-revoke irqoff-clear
    irqoff-search irqoff-walk irqoff-wake irqoff-many client-soft client-hard server-soft server-hard rollback-cs rollback-ch rollback-ss rollback-sh""".split()
LEVELS = [1, 2, 3, 4, 8]
NAMED += ["dispatch-%d" % n for n in LEVELS]
NAMED += ["create-" + n for n in TYPES + ["ref", "thread"]] + [v + "etstate-" + n for v in "gs" for n in TYPES]
rows = values(*NAMED, stderr=subprocess.DEVNULL)
cost = [int(rows.get("dispatch-%d" % n, 0)) for n in LEVELS]
steps = [(b - a) / (m - n) for a, b, n, m in zip(cost, cost[1:], LEVELS, LEVELS[1:])]
t.check("bench-linear", "the dispatcher's work grows with depth by the same at each level, less than 234 instructions", 0 < min(steps) and max(steps) < 234 and
        max(steps) < 1.05 * min(steps), cost)
t.equal("bench-rows", "flukeperf has every row", [n for n in NAMED if n not in rows], [])

# the second time from a terminal of odd size: nothing of the host may reach what is measured
ROWS = ["null", "rpc", "pipe", "appel2@K.M.P", "prompt", "memory"]
terminal, other = pty.openpty()
fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 41, 131, 0, 0))
one, two = values(*ROWS, stderr=subprocess.DEVNULL), values(*ROWS, stderr=other)
t.equal("bench-same", "two runs give the same numbers", (sorted(one), two), (sorted(ROWS), one))
t.done()
