#!/usr/bin/env python3
# Limit: 900
"""Images restored under other stacks than they were taken below, and a `make -j` with gcc from the drive in the middle of its work."""
import os, subprocess, sys
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
DRIVE, WORK = "build/tests/checkpoint-stacks.img", "build/tests/checkpoint-stacks"

def run(drive, stack, *command, options=()):
    r = subprocess.run(["boot/run", "--icount", "--memory", "256", "--timeout", "90", "--drive", drive, "--stack", stack, *options, "--", *command],
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=500)
    return r.returncode, r.stdout.decode(errors="replace"), r.stderr.decode(errors="replace")

LOOP = "exec 5>/tmp/five; for n in {1..16}; do echo $n $(seq $n | tr '\\n' ' '); echo $n >&5; done; cksum </tmp/five"
os.makedirs(WORK, exist_ok=True)
subprocess.run(["tools/mkdisk", DRIVE, "image:16M"], check=True)
plain = run(DRIVE, "process", "bash", "-c", LOOP)
first = run(DRIVE, "process checkpoint -l -t -f disk:image -a 110000 process", "bash", "-c", LOOP)
for number, above in enumerate(("", "memory -s 64M", "trace -o /dev/null", "process memory -s 64M", "scheduler rr"), 1):
    then = run(DRIVE, above + " checkpoint -r -f disk:image", "x")
    t.check("checkpoint-stacks-%02d" % number, "taken below a process manager, restored below `%s`" % (above or "root itself"), plain[0] == then[0] == 0 and
            first[1] and then[1] and first[1] + then[1] == plain[1], (plain, first, then))

# ---- a make -j
for n in range(1, 5):
    with open("%s/f%d.c" % (WORK, n), "w") as f:
        f.write('#include <stdio.h>\nint f%d(void) { return printf("file %d\\n"); }\n' % (n, n))
with open(WORK + "/main.c", "w") as f:
    f.write("int f1(void);\nint f2(void);\nint f3(void);\nint f4(void);\nint main(void) { return f1() + f2() + f3() + f4() != 28; }\n")
with open(WORK + "/Makefile", "w") as f:
    f.write("prog: main.o f1.o f2.o f3.o f4.o\n\tgcc -o $@ $^\n%.o: %.c\n\tgcc -O -c $<\n")
MAKE = "cp -r /project /tmp/w; cd /tmp/w; make -s -j3 && ./prog; echo status $?; cksum *.o"
GCC, PUT = "build/drive.img,ro", ["--put", WORK + ":/project"]
plain = run(GCC, "process", "bash", "-c", MAKE, options=PUT)
got = run(GCC, "checkpoint -v -c -i 700 process", "bash", "-c", MAKE, options=PUT)
t.check("checkpoint-stacks-06", "make -j3 with gcc, destroyed and restored in the middle: the same objects", plain[0] == 0 and "status 0" in plain[1] and
        got[:2] == plain[:2] and got[2].count("restored in") >= 3 and " 0 lost" in got[2], (plain, got))
subprocess.run(["tools/mkdisk", DRIVE, "pack=build/gcc.pack", "image:16M"], check=True)
first = run(DRIVE, "checkpoint -v -l -t -f disk:image -a 900000 process", "bash", "-c", MAKE, options=PUT)
then = run(DRIVE, "checkpoint -r -f disk:image", "x")
t.check("checkpoint-stacks-07", "make -j3 begun in one boot, gone on with in another that has the same drive: the same objects; of the drive's files none is in "
        "the image", "image 1" in first[2] and not first[1] and then[:2] == plain[:2], (plain, first, then))
t.done()
