#!/usr/bin/env python3
"""The figures of the ladders: drawn from docs/figures/ladders.txt, with curves through what it says."""
import filecmp, os, subprocess, sys, tempfile
import xml.etree.ElementTree as xml
sys.dont_write_bytecode = True
sys.path[:0] = ["tests", "tests/bench"]
import ladder
from hosttap import Tap, program
t = Tap()
ladders = program("tools/ladders")
KEPT = "docs/figures/ladders.txt"
FIGURES = ["tracers.svg", "stacks.svg"]
rows = ladders.read(KEPT)
t.equal("ladders-01", "every row of the ladders has a figure", [r for r in ladder.ROWS if tuple(r.split("@")) not in rows], [])
with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
    subprocess.run(["tools/ladders", KEPT, one], check=True)
    t.equal("ladders-02", "the same rows give the same drawings, byte for byte",
            [f for f in FIGURES if not filecmp.cmp("docs/figures/" + f, os.path.join(one, f), False)], [])
    wrong = []
    for name, configs in ("tracers.svg", ladder.TRACERS), ("stacks.svg", ladders.OURS):
        curves = {e.get("id"): e.get("points") for e in xml.parse(os.path.join(one, name)).iter("{http://www.w3.org/2000/svg}polyline")}
        for p in ladder.NATIVE + ladder.POSIX:
            points = []
            for n, c in enumerate(configs):
                own = p in ladder.POSIX and not c.endswith("P")
                value, base = rows.get((p, c + ".P" if own else c)), rows[p, "K.P" if p in ladder.POSIX else "K"]
                if value:
                    points.append("%.2f,%.2f" % (60 + n * 510 / (len(configs) - 1), 390 - 100 * base / value * 344 / 110))
            if curves.get(p) != " ".join(points):
                wrong.append((name, p))
    t.equal("ladders-03", "the curves lead through them", wrong, [])
    with open(two + "/rows", "w") as f:
        f.write("".join("%s %s %d\n" % (p, c, v * (1.1 if c in ("K.T", "K.M") else 1)) for (p, c), v in rows.items()))
    subprocess.run(["tools/ladders", two + "/rows", two], check=True)
    t.equal("ladders-04", "other rows give other drawings", [f for f in FIGURES if filecmp.cmp(os.path.join(one, f), os.path.join(two, f), False)], [])
t.done()
