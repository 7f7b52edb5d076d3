#!/usr/bin/env python3
# Static checks of the kernel are silent (tools/lint); clang-tidy, which takes long, in test-all.
import os, subprocess, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
for n, check in enumerate(["gcc", "clang", "cppcheck"] + (["tidy"] if os.environ.get("TEST_LONG") else []), 1):
    p = subprocess.run(["tools/lint", check], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    t.check("lint-%02d" % n, check + " says nothing about the kernel", p.returncode == 0 and not p.stdout, p.stdout[:2000])
t.done()
