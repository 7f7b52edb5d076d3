#!/usr/bin/env python3
# Measurements against their budgets (tests/bench/budgets.tsv).
import os, re, subprocess, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
r = subprocess.run(["tests/bench/run", "--quick"], capture_output=True, text=True)
bad = dict(re.findall(r"^bench: (\S+) (.*)$", r.stderr, re.M))
for line in open("tests/bench/budgets.tsv"):
    words = line.split()
    if words and words[0] != "#":
        t.check("bench-" + words[0], "%s stays within %s" % (words[0], words[1]), words[0] not in bad and r.stdout, bad.get(words[0], r.stderr))
t.done()
