#!/usr/bin/env python3
# Entropy: the virtio device is used where there is one, and seed= makes it repeat.
import re, subprocess, sys
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
COMMAND = ["--", "/bin/sh", "-c", "od -An -tx4 -N16 /dev/urandom"]

def run(*options):
    r = subprocess.run(["boot/run", "--tree", "small", *options, *COMMAND], stdin=subprocess.DEVNULL, capture_output=True,
                       timeout=400, text=True)
    return r.stdout, r.stderr

out, err = run("-v", "--qemu", "-device virtio-rng-pci")
t.check("entropy-01", "bytes come from a virtio entropy device", "64 bytes of entropy from the virtio device" in err, out + err)
first, second = run("--append", "seed=17"), run("--append", "seed=17")
t.equal("entropy-02", "the same seed gives the same bytes", second[0], first[0])
t.check("entropy-03", "another seed gives others", run("--append", "seed=18")[0] != first[0] != "", first)
t.check("entropy-04", "without a seed no two boots agree", run()[0] != run()[0])
t.done()
