#!/usr/bin/env python3
"""Deadlines: when sleepers wake up, what that costs, and that a machine with nothing to do takes no interrupts."""
import os, re, select, subprocess, sys, tempfile
sys.path.insert(0, "tests")
sys.path.insert(0, "boot")
from hosttap import Tap
from patience import Patience
t = Tap()
work = tempfile.mkdtemp(prefix="time.", dir="build")

# -- native threads on root
r = subprocess.run(["boot/run", "--stack", "", "--tree", "small", "--icount", "0", "--timeout", "60", "--", "deadlines"],
                   capture_output=True, text=True, timeout=300)
for n, what in enumerate(("a sleeping thread does not wait for the idle thread's work",
                          "a sleeping thread runs within 2,000 instructions of its deadline",
                          "the same with 10,000 deadlines pending",
                          "a wake-up costs at most twice as much with 10,000 deadlines pending as with ten"), 1):
    t.check("time-%02d" % n, what, re.search("^ok %d " % n, r.stdout, re.M), r.stdout + r.stderr)

# -- Linux programs under the process manager
MOST = {"nanosleep": 4000, "clock_nanosleep": 4000, "ppoll": 6000, "timer_create": 16000}
r = subprocess.run(["boot/run", "--icount", "0", "--timeout", "60", "--put", "build/tests/posix/late:/bin/late", "--", "sh", "-c",
                    "sleep 1; for i in %s; do late $i; done" % " ".join(MOST)], capture_output=True, text=True, timeout=300)
late = {m[1]: int(m[2]) for m in re.finditer(r"^(\S+) \d+ (\d+)$", r.stdout, re.M)}
for n, (call, most) in enumerate(MOST.items(), 5):
    t.check("time-%02d" % n, "a Linux program's %s ends at most %d instructions after its deadline" % (call, most),
            0 < late.get(call, 0) <= most, (late, r.stderr))

# -- QEMU's own record of interrupts: vectors from 0x20 on that are not int 0x80
log = os.path.join(work, "interrupts")
boot = subprocess.Popen(["boot/run", "--log", os.path.join(work, "log"), "--qemu", "-d int -D " + log], stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
def interrupts():
    return len(re.findall(rb": v=(?!80)[2-9a-f][0-9a-f] ", open(log, "rb").read()))
def read_for(seconds, wanted=None):
    text, patience = b"", Patience(boot.pid, seconds)
    while not patience.over() and not (wanted and wanted in text):
        if select.select([boot.stdout], [], [], 0.2)[0]:
            more = os.read(boot.stdout.fileno(), 65536)
            if not more:
                break
            text += more
    return text
prompt = read_for(60, b"# ")
before, quiet = -1, 0
while quiet < 4 and before < 100000:		# what the start left to do has been done
    read_for(0.5)
    before, quiet = interrupts(), quiet + 1 if interrupts() == before else 0
read_for(3)
idle = interrupts() - before
boot.stdin.write(b"x")
boot.stdin.flush()
read_for(20, b"x")
typed = interrupts() - before - idle
boot.terminate()
boot.wait()
t.check("time-09", "bash at its prompt: no interrupt in three seconds; a key typed is seen in the same record", b"# " in prompt and before > 0 and
        idle == 0 and typed > 0, "prompt %r, before %d, idle %d, with a key %d" % (prompt[-40:], before, idle, typed))

def sleeping(seconds):		# guest time, which passes at once
    record = os.path.join(work, "sleep%d" % seconds)
    r = subprocess.run(["boot/run", "--icount", "--timeout", "60", "--log", os.path.join(work, "log"), "--qemu", "-d int -D " + record, "--",
                        "sh", "-c", "sleep 1; sleep %d; echo woke" % seconds], capture_output=True, text=True, timeout=300)
    return r.stdout, len(re.findall(r": v=(?!80)[2-9a-f][0-9a-f] ", open(record).read()))
near, far = sleeping(1), sleeping(500)
t.check("time-10", "a deadline in 500 seconds costs at most five interrupts more than one in one second", "woke" in near[0] and "woke" in far[0] and
        far[1] <= near[1] + 5, (near, far))
subprocess.run(["rm", "-rf", work])
t.done()
