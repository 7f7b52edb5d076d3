#!/usr/bin/env python3
"""Nesters in any order: every ordered pair, random stacks of depth 3 to 8, deep ones, run the same script with the same output, and
leave as much free memory and as many kernel objects as there were.  TEST_LONG: all orders of process, memory and trace up to
depth 4, and 200 more random ones."""
# Limit: 1200
import itertools, os, sys
sys.dont_write_bytecode = True
sys.path[:0] = ["tests", "tests/stack"]
from hosttap import Tap
from stacks import NAMES, ROUNDS, boot, draw, words
t = Tap()
LONG = bool(os.environ.get("TEST_LONG"))
PART = 40				# stacks of one boot

def run(jobs):
    """jobs: (id, stack, part of the memory it wants).  All below one process manager, one after the other; then some of
    them again and again, until what servers keep has its size."""
    for n in range(0, len(jobs), PART):
        part = jobs[n:n + PART]
        again = [(name,) for name in NAMES] + [max((s for _, s, _ in part), key=len)]
        r = boot("process bash /tmp/stack-script wanted > /tmp/wanted\njob wanted process\n" +
                 "".join("job %s %s\n" % (i, words(s, tight)) for i, s, tight in part) +
                 "again() {\n" + "".join("job again-$1-%d %s\n" % (k, words(s)) for k, s in enumerate(again)) + "}\nsettle\n")
        wanted = r.jobs.get("wanted", "nothing")
        for i, stack, tight in part:
            t.check(i, "the script below %s" % words(stack, tight), wanted.startswith("status 7 ") and r.jobs.get(i) == wanted,
                    "%s, not %s\n%s" % (r.jobs.get(i), wanted, r.notes(i)))
        t.check("counts-" + part[0][0], "when they have ended, free memory and the count of every object type are exactly as before",
                r.status == 0 and r.settled(), r.seen(*["again-%d" % n for n in range(1, ROUNDS + 1)]))

pairs = [("pair-%d%d" % (a, b), (x, y), 1) for a, x in enumerate(NAMES, 1) for b, y in enumerate(NAMES, 1)]
drawn = [("random-%02d" % n, draw(n), 0.6 if n % 3 == 0 else 1) for n in range(1, 31)]
run(pairs)
run(drawn)
if LONG:
    three = ("process", "memory", "trace")
    run([("all-" + "".join(n[0] for n in s), s, 1) for depth in range(1, 5) for s in itertools.product(three, repeat=depth)])
    run([("more-%03d" % n, draw(1000 + n), 0.6 if n % 3 == 0 else 1) for n in range(1, 201)])

# from the boot on, without a shell's process manager outside
DEEP = [("deep-08", draw(8, least=8), 512), ("deep-16", (NAMES * 16)[:16], 1024),]
DEEP += [("deep-17", (NAMES[::-1] * 16)[:16], 1024)] if LONG else []
wanted = boot("bash /tmp/stack-script deep; echo $?", stack="process")
for i, stack, memory in DEEP:
    r = boot("bash /tmp/stack-script deep; echo $?", stack=words(stack) + " process", memory=memory)
    t.check(i, "a stack of %d at boot: the same output" % len(stack), (r.status, r.out) == (0, wanted.out) and r.out.endswith("\n7\n"), (r.status, r.out, r.err))
t.done()
