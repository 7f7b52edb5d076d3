#!/usr/bin/env python3
# The kernel with all its checks (make CHECK=1: undefined behaviour traps, stack protector, poisoned
# objects, its own books): the API cases pass in it, and so does a shell at work.
import glob, os, re, subprocess, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
import pairs
from hosttap import Tap
t = Tap()
KERNEL = "build/check/fluke.elf"

made = subprocess.run(["flock", "build/check.lock", "make", "-s", "check-kernel"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
t.check("check-kernel", "the checked kernel is built", made.returncode == 0, made.stdout[-1500:])

seen, meant = set(), set()	# pairs: by all cases; by those that call on purpose

def api(area):
    wanted = len(re.findall(r"^CASE\(", open("tests/api/%s.c" % area).read(), re.M))
    p = subprocess.run(["timeout", "280", "qemu-system-i386", "-accel", "tcg", "-m", "64", "-display", "none", "-nic", "none",
                        "-monitor", "none", "-no-reboot", "-serial", "null", "-debugcon", "stdio", "-icount",
                        "shift=2,sleep=off,align=off", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
                        "-kernel", KERNEL, "-initrd", "build/tests/api/%s.elf" % area],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    good = len(re.findall(r"^ok ", p.stdout, re.M)) == wanted and "done %d" % wanted in p.stdout
    seen.update(pairs.seen(p.stdout))
    if area not in ("adversary", "random", "model", "pairs", "hostile"):
        meant.update(pairs.seen(p.stdout))
    t.check("check-" + area, "the cases of %s pass in it" % area, good,
            "\n".join(re.findall(r"^(?:not ok.*|#.*|.*panic.*|  [0-9a-f]{8} .*)", p.stdout, re.M)[:30]))

for f in sorted(glob.glob("tests/api/*.c")):
    api(os.path.basename(f)[:-2])

documented = pairs.documented()
t.check("check-documented", "every error and insanity that left the kernel is in the header of its call",
        seen and not seen - documented, pairs.lines(seen - documented))
t.check("check-seen", "every error and insanity in the headers left the kernel, and every call succeeded",
        not documented - meant, pairs.lines(documented - meant))
bad = pairs.documented({"mutex.h": (" MUTEX_NOT_OWNER.", " NOT_SENDER."), "ipc.h": ("Returns: SUCCESS, IPC_SEND_DISCONNECTED.", "Returns: SUCCESS.")})
t.equal("check-wrong-header", "a header that names another insanity, or leaves an error out, is caught",
        (pairs.lines(seen - bad), pairs.lines(bad - meant)),
        ("fluke_ipc_client_send: error IPC_SEND_DISCONNECTED\nfluke_ipc_server_send: error IPC_SEND_DISCONNECTED\n"
         "fluke_mutex_unlock: insanity MUTEX_NOT_OWNER", "fluke_mutex_unlock: insanity NOT_SENDER"))

script = "cd /bin; i=0; while [ $i -lt 30 ]; do ls | sort -r | head -1 >/dev/null; i=$((i+1)); done; (exit 3); echo $?"
p = subprocess.run(["boot/run", "--tree", "small", "--kernel", KERNEL, "--timeout", "60", "--", "/bin/busybox", "sh", "-c", script],
                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
t.check("check-shell", "a shell with pipelines works on it", p.returncode == 0 and p.stdout == "3\n", p.stdout[-1000:])
t.done()
