#!/usr/bin/env python3
# Everything that runs in the guest, made by clang: no warning, and a shell works on it.
import subprocess, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
B = "build/clang"
made = subprocess.run(["make", "-s", "-j2", "CC=clang", "B=" + B, "WERROR=1", "kernel", "user", B + "/fluke.cpio"],
                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
said = [line for line in made.stdout.splitlines() if not line.startswith("  ")]
t.check("clang-01", "clang makes kernel, libraries, nesters and image without a warning", made.returncode == 0 and not said, "\n".join(said[:30]))
r = subprocess.run(["boot/run", "--tree", "small", "--timeout", "60", "--kernel", B + "/fluke.elf", "--module", "root=%s/root" % B,
                    "--module", "fluke.cpio=%s/fluke.cpio" % B, "--", "sh", "-c", "seq 2000 | sort -r | head -2; (exit 3); echo $?; kill -9 $$"],
                   stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
t.equal("clang-02", "a shell works on what it made", (r.returncode, r.stdout, r.stderr), (137, "999\n998\n3\n", ""))
t.done()
