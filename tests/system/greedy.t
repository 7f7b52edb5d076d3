#!/usr/bin/env python3
# A hostile program takes as many of each kind of thing as servers give it: it gets the kind's error at its session's limit
# (docs/design/serving.md), a shell in another session goes on, and when it is killed all is given back.
import re, subprocess, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()

KINDS = [	# kind, how many it gets (it has a few things besides), the error
    ("files", 4094, "Too many open files"), ("directories", 4094, "Too many open files"), ("reopened", 4094, "Too many open files"),
    ("terminals", 4094, "Too many open files"), ("fifos", 4094, "Too many open files"), ("proc", 511, "Too many open files in system"),
    ("pipes", 511, "Too many open files in system"), ("timers", 1024, "Resource temporarily unavailable"),
    ("intervals", 512, "Resource temporarily unavailable"), ("locks", 1024, "No locks available"),
    ("description-locks", 1024, "No locks available"), ("owners", 2043, "No locks available"),
    ("badges", 2047, "Resource temporarily unavailable"), ("services", 2043, "Resource temporarily unavailable"),
    ("segments", 2043, "Cannot allocate memory"), ("pools", 2043, "Cannot allocate memory"), ("watches", 2000, "no error"),
    ("waits", 2040, "Cannot allocate memory"), ("threads", 2560, "Resource temporarily unavailable")]
SCRIPT = r"""
count() { mapfile -t lines < /proc/objects; echo "counts ${lines[*]:1}"; }
try() {
	rm -f /tmp/out; busybox setsid /fluke/apps/greedy $1 > /tmp/out & greedy=$!
	for i in {1..300}; do sleep 0.02; [ -s /tmp/out ] && break; done
	echo "kind $(cat /tmp/out)"
	echo "others $(echo yes | tr a-z A-Z) $(sleep 0.01; head -c 4 < /etc/passwd)"
	kill -9 $greedy; wait $greedy 2> /dev/null
	for i in 1 2 3 4; do sleep 0.5; count; done
}
for kind in %s; do try $kind; done
"""
def run(kinds):
    r = subprocess.run(["boot/run", "--icount", "--timeout", "60", "--", "/bin/bash", "-c", SCRIPT % " ".join(kinds)],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    return r.stdout, r.stderr

wanted = [(n, k) for n, k in enumerate(KINDS, 1) if t.wanted("greedy-%02d" % n)]
before, seen = None, {}
# the first one is for the servers' own pools, which have their size afterwards
out, err = run(["waits"] + [k[0] for _, k in wanted])
for part in out.split("kind ")[1:]:
    name, _, rest = part.partition(" ")
    counts = {re.sub(r" (mapping|free-pages) \d+", "", c) for c in re.findall(r"^counts (.*)$", rest, re.M)}
    seen[name] = (rest.partition("\n")[0], "others YES root" in rest, before is None or bool(counts & before))
    before = before or counts
for n, (kind, most, error) in wanted:
    said, others, back = seen.get(kind, ("", False, False))
    t.check("greedy-%02d" % n, "%s: %s at the limit, others go on, all comes back" % (kind, error),
            said == "%d %s" % (most, error) and others and back, (said, others, back, out[-3000:], err))
t.done()
