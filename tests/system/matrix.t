#!/usr/bin/env python3
# The whole system, down to a GNU program, on many machines and by every way of booting.
import subprocess, sys, tempfile
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from bochs import bochs
from hosttap import Tap
t = Tap()
SCRIPT = "x=$(echo one | tr a-z A-Z); echo $x $((6*7)); exit 9"

def run(i, what, *options, tree="small", shell="/bin/busybox sh"):
    r = subprocess.run(["boot/run", "--tree", tree, "--timeout", "60", *options, "--", *shell.split(), "-c", SCRIPT],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    t.equal(i, "a shell works " + what, (r.returncode, r.stdout, r.stderr[-500:]), (9, "ONE 42\n", ""))

run("matrix-01", "in 32 MB from the busybox tree", "--memory", "32")
run("matrix-02", "in 96 MB from the Debian tree", "--memory", "96", tree="debian", shell="/bin/bash")
run("matrix-03", "in 1 GB", "--memory", "1024", tree="debian", shell="/bin/bash")
run("matrix-04", "in 3 GB", "--memory", "3072")
for n, cpu in enumerate(["pentium2", "pentium3", "qemu32", "qemu32,-sep", "max"], 5):
    run("matrix-%02d" % n, "on " + cpu, "--cpu", cpu)
run("matrix-10", "with dynamic programs on pentium2", "--cpu", "pentium2", tree="debian", shell="/bin/bash")
run("matrix-11", "from the GRUB image by BIOS", "--iso", tree="debian", shell="/bin/bash")
run("matrix-12", "from the GRUB image by 32-bit UEFI", "--iso", "--uefi", "--memory", "256")
run("matrix-13", "counting instructions", "--icount")
run("matrix-14", "with a process manager in a process manager", "--stack", "process process", tree="debian", shell="/bin/bash")
def console():
    """On the console, where nothing comes in from the host while it runs."""
    r = subprocess.run(["boot/run", "--icount", "--timeout", "60", "--append", "seed=1234 cmd=\"/bin/bash -c "
                        "'head -c 16 /dev/urandom | od -An -tx1; date +%s.%N; echo $RANDOM'\""], stdin=subprocess.DEVNULL,
                       capture_output=True)
    return r.stdout
one, two = console(), console()
t.equal("matrix-15", "seed= and --icount make two runs alike", (one, len(one) > 60), (two, True))
work = tempfile.mkdtemp(prefix="bochs.", dir="build")
made = subprocess.run(["boot/mkimage", work + "/small.iso", "small", "--now", "--append",
                       "console=serial cmd=\"/bin/busybox sh -c 'echo one | tr a-z A-Z; echo $((6*7)) end'\""], capture_output=True, text=True)
text = bochs(work + "/small.iso", work, "42 end") if made.returncode == 0 else made.stdout
t.check("matrix-16", "a shell works in Bochs, from the image", "ONE\n42 end" in text, text[-800:])
subprocess.run(["rm", "-rf", work])
t.done()
