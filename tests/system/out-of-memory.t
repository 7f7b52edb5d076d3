#!/usr/bin/env python3
# Programs that want all memory, without any ulimit: mmap and brk refuse what certainly cannot be had; who has reserved more
# than there is and touches it is killed, alone.
import re, subprocess, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()

SCRIPT = r"""
wait_for() { for i in {1..200}; do grep -q . $1 && return; sleep 0.1; done; }
busybox setsid /t/hog memory > /dev/null 2> /tmp/mmap & hog=$!
wait_for /tmp/mmap; cat /tmp/mmap; echo "shell goes on: $(seq 3 | paste -sd+)"; kill -9 $hog; wait $hog 2> /dev/null
busybox setsid /t/hog brk 2>&1; echo "brk status $?"
/t/hog brk 2>&1
busybox setsid /t/hog touch 2>&1; echo "touch status $?"
echo "shell goes on: $(seq 4 | paste -sd+)"
"""
r = subprocess.run(["boot/run", "-v", "--timeout", "60", "--put", "build/tests/posix/hog:/t/hog", "--", "/bin/bash", "-c", SCRIPT],
                   stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
out, err = r.stdout, r.stderr
t.check("out-of-memory-01", "an endless allocator gets ENOMEM from mmap", re.search("mmap: (Cannot allocate|Out of) memory", out), out + err)
t.check("out-of-memory-02", "a shell in another session goes on meanwhile", "shell goes on: 1+2+3\n" in out, out + err)
t.check("out-of-memory-03", "so does one from brk, and ends by itself", "brk status 0" in out and len(re.findall("brk: (?:Cannot allocate|Out of) memory", out)) == 2, out + err)
t.check("out-of-memory-04", "who touches more than there is dies by SIGKILL", "reserved\n" in out and "touch status 137" in out and "all touched" not in out, out + err)
t.check("out-of-memory-05", "the log says so", re.search(r"pid \d+: no memory for the page at 0x[0-9a-f]+: killed", out + err), out + err)
t.check("out-of-memory-06", "and nobody else", "shell goes on: 1+2+3+4\n" in out and r.returncode == 0, out + err)
t.done()
