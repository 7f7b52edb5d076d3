#!/usr/bin/env python3
# Programs that do forbidden things end with the right signal and nobody else notices; what
# greedy ones took comes back.
import os, re, subprocess, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()

def run(script, *put, memory="128", timeout="60", more=()):
    options = []
    for f in put:
        options += ["--put", "build/tests/posix/%s:/t/%s" % (f, f)]
    r = subprocess.run(["boot/run", "--icount", "--memory", memory, "--timeout", timeout, *options, *more, "--", "/bin/bash", "-c", script],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    return r.returncode, r.stdout, r.stderr

WAYS = [("null", 11), ("data", 11), ("stack", 11), ("kernel", 11), ("read-kernel", 11), ("write-text", 11), ("opcode", 4),
        ("privileged", 11), ("divide", 8), ("port", 11)]
status, out, err = run("sleep 1000 & bg=$!; for w in %s; do /t/crash $w; echo $w $?; done; kill -0 $bg && echo still there; kill $bg"
                       % " ".join(w for w, _ in WAYS), "crash")
for n, (way, signal) in enumerate(WAYS, 1):
    t.check("abuse-%02d" % n, "%s kills by signal %d" % (way, signal), re.search(r"^%s %d$" % (way, 128 + signal), out, re.M), out + err)
t.check("abuse-11", "the shell and a background program notice nothing", "still there" in out and status == 0, (status, out, err))
# Free page tables are a cache and left out.  What the servers keep (heaps, records to be used again) has its size after the
# first rounds; it settles while nobody is busy, so each side is looked at several times, and there must be a moment
# behind that is exactly like one before.
def states(out, when):
    return set(re.findall(r"^%s free-tables \d+ (.*?) ?$" % when, out, re.M))

status, out, err = run("/t/rounds 1000 2000", "rounds", timeout="240")
before, after = states(out, "before"), states(out, "after")
t.check("abuse-12", "2,000 rounds of fork, exec, pipe, signal and exit are done", "2000 rounds" in out, out + err)
t.check("abuse-13", "after them free memory and the count of every object type are exactly as before",
        before & after and all(len(x.split()) == 20 for x in before | after), out + err)
BOMBS = r"""
look() { for i in {1..8}; do sleep 0.3; mapfile -t lines < /proc/objects; echo "$1 ${lines[*]}"; done; }
once() {
	busybox setsid bash -c 'ulimit -u 24; exec /t/hog fork' > /dev/null 2> /tmp/bomb.err & bomb=$!
	sleep 2; echo "shell goes on: $(echo yes | tr a-z A-Z)"; head -1 /tmp/bomb.err; echo "bombs $(pgrep -c hog)"
	kill -9 -$bomb; wait 2> /dev/null; sleep 1; echo "left $(pgrep -c hog)"
	busybox setsid bash -c 'ulimit -v 30000; exec /t/hog memory' > /dev/null 2> /tmp/mem.err & hog=$!
	sleep 3; echo "shell goes on: $(seq 3 | paste -sd+)"; head -1 /tmp/mem.err; kill -9 -$hog; wait 2> /dev/null; sleep 1
}
for i in {1..7}; do once > /tmp/first 2>&1; look first > /tmp/first; done	# what servers and shell keep has its size after these
look before; once; look after
"""
status, out, err = run(BOMBS, "hog", timeout="120")
t.check("abuse-14", "a fork bomb in a session gets EAGAIN at its limit", "fork: Resource temporarily unavailable" in out and re.search(r"^bombs (\d\d)$", out, re.M), out + err)
t.check("abuse-15", "an endless allocator gets ENOMEM", re.search("mmap: (Cannot allocate|Out of) memory", out), out + err)
t.check("abuse-16", "a shell in another session goes on", "shell goes on: YES" in out and "shell goes on: 1+2+3" in out, out + err)
t.check("abuse-17", "killed, they leave nothing", "left 0" in out, out + err)
t.check("abuse-18", "and all comes back: free memory and the count of every object type are exactly as before",
        states(out, "before") & states(out, "after"), out + err)
t.done()
