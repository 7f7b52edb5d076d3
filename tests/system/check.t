#!/usr/bin/env python3
# The kernel with all its checks (make CHECK=1: undefined behaviour traps, stack protector, poisoned
# objects, its own books): the API cases pass in it, and so does a shell at work.
import glob, os, re, subprocess, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
KERNEL = "build/check/fluke.elf"

made = subprocess.run(["make", "-s", "check-kernel"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
t.check("check-kernel", "the checked kernel is built", made.returncode == 0, made.stdout[-1500:])

def api(area):
    wanted = len(re.findall(r"^CASE\(", open("tests/api/%s.c" % area).read(), re.M))
    p = subprocess.run(["timeout", "280", "qemu-system-i386", "-accel", "tcg", "-m", "64", "-display", "none", "-nic", "none",
                        "-monitor", "none", "-no-reboot", "-serial", "null", "-debugcon", "stdio", "-icount",
                        "shift=2,sleep=off,align=off", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
                        "-kernel", KERNEL, "-initrd", "build/tests/api/%s.elf" % area],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    good = len(re.findall(r"^ok ", p.stdout, re.M)) == wanted and "done %d" % wanted in p.stdout
    t.check("check-" + area, "the cases of %s pass in it" % area, good,
            "\n".join(re.findall(r"^(?:not ok.*|#.*|.*panic.*|  [0-9a-f]{8} .*)", p.stdout, re.M)[:30]))

for f in sorted(glob.glob("tests/api/*.c")):
    api(os.path.basename(f)[:-2])

script = "cd /bin; i=0; while [ $i -lt 30 ]; do ls | sort -r | head -1 >/dev/null; i=$((i+1)); done; (exit 3); echo $?"
p = subprocess.run(["boot/run", "--tree", "small", "--kernel", KERNEL, "--timeout", "60", "--", "/bin/busybox", "sh", "-c", script],
                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
t.check("check-shell", "a shell with pipelines works on it", p.returncode == 0 and p.stdout == "3\n", p.stdout[-1000:])
t.done()
