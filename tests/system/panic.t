#!/usr/bin/env python3
# What a panic of the kernel prints, on its log and on the serial line, and how the machine ends.
import os, re, subprocess, sys, tempfile
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
KERNEL = os.environ.get("FLUKE_KERNEL") or "build/fluke.elf"
with tempfile.TemporaryDirectory() as folder:
    r = subprocess.run(["qemu-system-i386", "-accel", "tcg", "-m", "64", "-display", "none", "-nic", "none", "-monitor", "none", "-no-reboot",
                        "-serial", "file:%s/serial" % folder, "-debugcon", "file:%s/log" % folder,
                        "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04", "-kernel", KERNEL,
                        "-initrd", "build/tests/bad/bad.elf", "-append", "cases=bad-09"], stdin=subprocess.DEVNULL, timeout=300)
    log, serial = (open(folder + "/" + n, errors="replace").read().replace("\r", "") for n in ("log", "serial"))
panic = log[log.find("kernel panic"):]
t.check("panic-01", "a line `kernel panic: cause`", re.search(r"^kernel panic: .*: on purpose$", log, re.M), log)
t.check("panic-02", "the registers of the current thread", re.search(r"eax [0-9a-f]{8} ebx .*\n.*eip bffff000", panic), panic)
t.check("panic-03", "a back trace with names", re.search(r"^  c01[0-9a-f]{5} machine_request\+\d+$", panic, re.M), panic)
t.check("panic-04", "each thread with its call", re.search(r"thread [0-9a-f]+ hash .* in fluke_ipc_call .*CURRENT", panic), panic)
t.check("panic-05", "the same on the serial line", panic.strip() and panic.strip() in serial, serial)
t.equal("panic-06", "the exit device gets 0x7e", r.returncode, 0x7e << 1 | 1)
t.done()
