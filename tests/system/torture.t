#!/usr/bin/env python3
# Limit: 1200
# The torture nester: a bash script prints the same bytes under 200 seeds, the same seed does the same again, and a nester
# that forgets something is noticed.
import os, subprocess, sys
sys.path.insert(0, "tests")
import torturing
from hosttap import Tap
t = Tap()
RATE, BATCH, BATCHES = 5000, 50, 4

calm = torturing.boot(1, 1, 0)
t.check("torture-01", "without torment the script prints what it prints on Linux", calm.bad(1, 1) is None, calm.text)

sums, pairs, wrong = {}, {}, []
for n in range(BATCHES):
    first = 1 + n * BATCH
    b = torturing.boot(first, BATCH, RATE)
    bad = b.bad(first, BATCH)
    if bad is not None:
        wrong.append("boot of seeds from %d, %s" % (first, torturing.explain(b, bad, first)))
    for name, value in b.sums.items():
        sums[name] = sums.get(name, 0) + value
    for pair, count in b.pairs.items():
        pairs[pair] = pairs.get(pair, 0) + count
trips, largest = sum(pairs.values()), max(pairs.values(), default=0)
for pair, count in sorted(pairs.items(), key=lambda p: -p[1]):
    print("# %5.1f%% %6d  %s %s" % (100 * count / max(trips, 1), count, *pair))
print("# %s, %d pairs" % (", ".join("%s %d" % s for s in sums.items()), len(pairs)))
t.check("torture-02", "byte-identical output over 200 seeds", not wrong, "\n".join(wrong))
t.check("torture-03", "20,000 round trips of stop, read, destroy, create, resume", sums.get("trips", 0) >= 20000 and
        trips == sums["trips"], sums)
t.check("torture-04", "in 40 different (call, stage) pairs, none with more than a fifth", len(pairs) >= 40 and
        largest * 5 <= trips, (len(pairs), largest, trips))
t.check("torture-05", "5,000 page tables dropped, by spaces made again", sums.get("tables", 0) >= 5000, sums)
t.check("torture-06", "2,000 pages revoked, missed and restored", sums.get("revoked", 0) >= sums.get("restored", 0) >= 2000, sums)
t.check("torture-07", "thousands of objects moved away and back, and of frames from under their pages",
        sums.get("objects", 0) >= 10000 and sums.get("frames", 0) >= 10000, sums)

again = [torturing.boot(77, 2, 1000) for _ in range(2)]
t.check("torture-08", "the same seed does exactly the same again", again[0].bad(77, 2) is None and again[0].text == again[1].text,
        [b.text for b in again])

for number, defect in ((9, "register"), (10, "connection"), (11, "handler"), (15, "fpu")):
    b = torturing.boot(1, 4, 1000, words="defect=" + defect, timeout=20)
    t.check("torture-%02d" % number, "known bad: a thread made again without its %s is noticed" % defect,
            b.bad(1, 4) is not None, b.text)

b = torturing.boot(5, 1, 1000, words="", stack="process process")
t.check("torture-12", "a process manager in a process manager under torture", b.bad(5, 1) is None, b.text)

def run(stack, *command):
    r = subprocess.run(["boot/run", "--memory", "256", "--icount", "--timeout", "60", "--stack", stack, "--", *command],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
    return r.returncode, r.stdout, r.stderr

wrong = []
for seed in range(1, 21 if os.environ.get("TEST_LONG") else 5):
    for words in ("rate=300 kinds=t", "rate=1000"):
        status, out, err = run("process torture %s seed=%d process" % (words, seed), "bash", "-c", "seq 300 | sort -r | md5sum; exit 5")
        if (status, out) != (5, "3af2999127873b3409dddb1e4a831a11  -\n") or "trips" not in err:
            wrong.append((words, seed, status, out, err))
t.check("torture-13", "torture as a process of another process manager, %d seeds" % seed, not wrong, wrong)
if os.environ.get("TEST_LONG"):
    wrong = []
    for seed in range(1, 11):
        status, out, err = run("torture rate=300 seed=%d memory process" % seed, "bash", "-c", "seq 300 | sort -r | md5sum; exit 5")
        if (status, out) != (5, "3af2999127873b3409dddb1e4a831a11  -\n") or "trips" not in err:
            wrong.append((seed, status, out, err))
    t.check("torture-17", "torture around a memory manager, 10 seeds", not wrong, wrong)
else:
    t.skip("torture-17", "torture around a memory manager", "a known fault: tests/skips")
status, out, err = run("torture rate=300", "/fluke/apps/rpcdemo")
t.check("torture-14", "a native program with a child of its own under torture", status == 0 and "1..16" in out and
        ("\n" + out).count("\nok ") == 16 and "not ok" not in out, (status, out, err))
status, out, err = run("torture rate=300 kinds=f", "/fluke/apps/leftover", "stay")
t.check("torture-16", "pages of memory for objects that are used as plain memory keep their words when they move", status == 0 and
        out == "ok 1 plain words in memory for objects stay\n1..1\n", (status, out, err))
t.done()
