#!/usr/bin/env python3
# Recordings of the comparison suite are refused when tree or script are not those of the recording.
import os, sys
sys.dont_write_bytecode = True
sys.path[:0] = ["tests", "tests/compare"]
import compare
from hosttap import Tap
t = Tap()
cases = compare.read_cases("sed")
compare.recording = lambda group: "build/recorded-test.json.gz"
os.makedirs("build", exist_ok=True)
compare.tree_sum = lambda: "one"
compare.record("sed", cases, {i: (0, b"out", b"err", b"files") for i in cases})
found, why = compare.from_recording("sed", cases)
t.equal("recorded-01", "a recording gives back what was recorded", found.get("sed-01"), (0, b"out", b"err", b"files"))
i = next(iter(cases))
changed = dict(cases, **{i: (cases[i][0], cases[i][1] + "# changed\n")})
found, why = compare.from_recording("sed", changed)
t.check("recorded-02", "a case whose script has changed is refused, others are not", i not in found and len(found) == len(cases) - 1)
compare.tree_sum = lambda: "two"
found, why = compare.from_recording("sed", cases)
t.check("recorded-03", "a recording of another tree is refused", not found and "tree" in why, why)
os.unlink("build/recorded-test.json.gz")
t.done()
