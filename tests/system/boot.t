#!/usr/bin/env python3
# The kernel on many machines: processors, memory sizes, firmware, a second PC emulator; and
# what it says where it cannot start.
import os, re, shutil, subprocess, sys, tempfile, time
sys.dont_write_bytecode = True
sys.path[:0] = ["tests", "boot"]
from bochs import bochs
from hosttap import Tap
from patience import Patience
t = Tap()
HARNESS = "build/tests/api/harness.elf"
KERNEL = os.environ.get("FLUKE_KERNEL") or "build/fluke.elf"
CASES = len(re.findall(r"^CASE\(", open("tests/api/harness.c").read(), re.M))
work = tempfile.mkdtemp(prefix="boot.", dir="build")

def qemu(*options, memory=64, limit=120, ready=None):
    """(text of port 0xE9, of COM1, VGA text screen); stops when the machine ends or `ready` shows."""
    e9, com1, screen = [os.path.join(work, n) for n in ("e9", "com1", "screen")]
    for f in (e9, com1, screen):
        if os.path.exists(f):
            os.unlink(f)
    q = subprocess.Popen(["qemu-system-i386", "-accel", "tcg", "-m", str(memory), "-display", "none", "-nic", "none", "-no-reboot",
                          "-monitor", "stdio", "-debugcon", "file:" + e9, "-serial", "file:" + com1, *options],
                         stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    read = lambda f: open(f, "rb").read().decode("latin-1") if os.path.exists(f) else ""
    patience = Patience(q.pid, limit)
    while q.poll() is None and not patience.over() and not (ready and re.search(ready + ".*\n", read(e9))):
        time.sleep(0.1)
    if q.poll() is None:
        time.sleep(0.2)
        try:
            q.communicate(("pmemsave 0xb8000 4000 \"%s\"\nquit\n" % screen).encode(), timeout=10)
        except subprocess.TimeoutExpired:
            q.kill()
            q.wait()
    return read(e9), read(com1), read(screen)[::2]

def all_ok(text):
    return len(re.findall(r"^ok ", text, re.M)) == CASES and "not ok" not in text and "done %d" % CASES in text

EXIT = ["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]
n = 0
for what, options, memory in [
        ("pentium2", ["-cpu", "pentium2"], 64), ("pentium3", ["-cpu", "pentium3"], 64), ("qemu32", ["-cpu", "qemu32"], 64),
        ("qemu32,-sep", ["-cpu", "qemu32,-sep"], 64), ("max", ["-cpu", "max"], 64), ("32 MB", [], 32), ("96 MB", [], 96),
        ("128 MB", [], 128), ("1 GB", [], 1024), ("3 GB", [], 3072)]:
    n += 1
    e9, com1, _ = qemu("-kernel", KERNEL, "-initrd", HARNESS, *EXIT, *options, memory=memory)
    t.check("boot-%02d" % n, "the harness cases pass with " + what, all_ok(e9), e9[-1500:])

iso = os.path.join(work, "harness.iso")
made = subprocess.run(["boot/mkimage", iso, "small", "--now", "--module", "root=" + HARNESS, "--append", "log=serial"],
                      capture_output=True, text=True)
t.check("boot-11", "an image is made", made.returncode == 0, made.stdout + made.stderr)
e9, _, _ = qemu("-cdrom", iso, "-boot", "d", *EXIT)
t.check("boot-12", "the image boots by BIOS from a disc", all_ok(e9), e9[-1500:])
e9, _, _ = qemu("-drive", "format=raw,snapshot=on,file=" + iso, *EXIT)
t.check("boot-13", "the image boots by BIOS from a USB stick or disk", all_ok(e9), e9[-1500:])
uefi = ["-machine", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on",
        "-drive", "if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF32_CODE_4M.secboot.fd",
        "-drive", "if=pflash,format=raw,unit=1,snapshot=on,file=/usr/share/OVMF/OVMF32_VARS_4M.fd"]
e9, _, _ = qemu(*uefi, "-cdrom", iso, *EXIT, memory=256, limit=180)
t.check("boot-14", "the image boots by 32-bit UEFI", all_ok(e9), e9[-1500:])

text = bochs(iso, work, "done %d" % CASES)
t.check("boot-15", "the image boots in Bochs", "done %d" % CASES in text and "not ok" not in text, text[-1500:])

def refused(i, sentence, message, *options, memory=64):
    e9, com1, screen = qemu("-kernel", KERNEL, *options, memory=memory, ready="cannot start", limit=60)
    squeezed = re.sub(r"\s+", " ", screen)
    t.check(i, sentence + ": message on serial line and screen", message in com1 and message in squeezed,
            "serial: %s\nscreen: %s" % (com1[-300:], squeezed[:400]))

root = ["-initrd", HARNESS]
with open(work + "/truncated", "wb") as f:
    f.write(open(HARNESS, "rb").read()[:3000])
refused("boot-16", "a processor without PAE", "no physical address extension", "-cpu", "qemu32,-pae", *root)
refused("boot-17", "a processor without FXSR", "no FXSAVE", "-cpu", "pentium3,-fxsr", *root)
refused("boot-18", "too little memory", "of memory,", *root, memory=4)
refused("boot-19", "a missing boot module", "no boot module")
refused("boot-20", "a truncated boot module", "is truncated", "-initrd", work + "/truncated")
refused("boot-21", "an unknown word", "unknown word on the command line: frobnicate", *root, "-append", "frobnicate=1")
shutil.rmtree(work)
t.done()
