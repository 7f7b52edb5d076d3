#!/usr/bin/env python3
# Random calls guided by the coverage of a kernel built for it (tests/guided).
import re, subprocess, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()

def boot(kernel):
    p = subprocess.run(["timeout", "500", "qemu-system-i386", "-accel", "tcg", "-m", "64", "-display", "none", "-nic", "none",
                        "-monitor", "none", "-no-reboot", "-serial", "null", "-debugcon", "stdio", "-icount",
                        "shift=2,sleep=off,align=off", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
                        "-kernel", kernel, "-initrd", "build/tests/guided/guided.elf", "-append", "cases=guided-01"],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    return p.stdout

made = subprocess.run(["make", "-s", "-f", "kernel/kernel.mk", "CC=gcc", "B=build/guide", "GUIDE=1", "build/guide/fluke.elf"],
                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
t.check("guided-kernel", "the kernel that counts its ways is built", made.returncode == 0, made.stdout[-1500:])
text = boot("build/guide/fluke.elf")
counts = re.search(r"# (\d+) calls; ways through the kernel: (\d+) after the unguided, (\d+) after", text)
t.check("guided-run", "sequences of calls, guided by what the kernel has not done yet", "ok guided-01" in text and "not ok" not in text
        and counts and int(counts[3]) > int(counts[2]), text[-1500:])
if counts:
    print(counts[0])
t.check("guided-bad", "a kernel that does not count is noticed", "not ok guided-01" in boot("build/fluke.elf"))
t.done()
