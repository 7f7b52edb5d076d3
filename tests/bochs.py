"""Boots an image in Bochs, the second PC: headless under a pty, serial line to a file."""
import os, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "boot"))
from patience import load

def bochs(iso, work, done, limit=240):
    """Text of port 0xE9 and of COM1, until `done` shows."""
    com1 = os.path.join(work, "bochs.com1")
    with open(os.path.join(work, "bochsrc"), "w") as f:
        f.write("""display_library: term
megs: 64
cpu: model=p3_katmai, ips=50000000
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path=%s, status=inserted
boot: cdrom
clock: sync=none
log: %s/bochs.log
panic: action=fatal
error: action=report
com1: enabled=1, mode=file, dev=%s
sound: waveoutdrv=dummy
port_e9_hack: enabled=1
""" % (iso, work, com1))
    with open(os.path.join(work, "debugger"), "w") as f:	# Debian builds it with the debugger: go on at once
        f.write("c\n")
    out = os.path.join(work, "bochs.out")
    p = subprocess.Popen(["script", "-qfec", "TERM=linux exec bochs -q -f %s/bochsrc -rc %s/debugger" % (work, work), out], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    text, end = "", time.time() + limit * load()
    while time.time() < end and p.poll() is None and done not in text:
        time.sleep(0.5)
        text = "".join(open(f, "rb").read().decode("latin-1").replace("\r", "") for f in (com1, out) if os.path.exists(f))
    try:
        os.killpg(p.pid, 15)
    except ProcessLookupError:
        pass
    p.wait()
    return text

