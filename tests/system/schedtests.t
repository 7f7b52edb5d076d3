#!/usr/bin/env python3
"""The published figures of CPU inheritance scheduling (apps/schedtests), and their drawings."""
import filecmp, os, re, subprocess, sys, tempfile
import xml.etree.ElementTree as xml
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()

def run(stack, *options):
    r = subprocess.run(["boot/run", "--stack", stack, "--tree", "small", "--timeout", "60", *options, "--", "/fluke/apps/schedtests"],
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=400)
    return r.returncode, r.stdout.decode(errors="replace").replace("\r", ""), r.stderr.decode(errors="replace")

status, out, err = run("")
results = re.findall(r"^(not )?ok \d+ (.*), seed (\d)$", out, re.M)
CLAIMS = [
    ("schedtests-01", "figure 7: totals as published"),
    ("schedtests-02", "figure 7: RM1 has every second tick, RR1 and RR2 stand still during LS1's burst"),
    ("schedtests-03", "figure 8: JAVA1, JAVA2, browser, app within 3 points of their tickets"),
    ("schedtests-04", "figure 8: FIFO1 to FIFO2 as their bursts, within one burst"),
    ("schedtests-05", "figure 8: the RR class keeps a third, RR1 and RR2 within a point"),
    ("schedtests-06", "figure 9: with donation RM1 never waits more than 3 ticks"),
    ("schedtests-07", "figure 9: it does wait"),
    ("schedtests-08", "figure 9: known-bad: without donation it waits longer"),
]
for i, claim in CLAIMS:
    seen = sorted((int(seed), not bad) for bad, what, seed in results if what == claim)
    t.equal(i, claim + ", for five seeds", seen, [(seed, True) for seed in range(1, 6)])

def data(text):
    return "".join(line + "\n" for line in text.splitlines() if line.startswith("data "))

other = run("process", "--icount")
t.check("schedtests-09", "under the process manager, at another speed: the same to the tick", status == 0 and other[0] == 0 and data(out) == data(other[1]),
        "status %d, %d\n%s%s" % (status, other[0], err, other[2]))

# ---- the drawings
kept = open("docs/figures/results.txt").read()
t.check("schedtests-10", "docs/figures/results.txt is what schedtests measures (else: make figures)", data(out) == kept)

def drawn(text, folder):
    path = os.path.join(folder, "results.txt")
    open(path, "w").write(text)
    return subprocess.run(["tools/figures", path, folder], capture_output=True, text=True).returncode == 0

FIGURES = ["fig7.svg", "fig8.svg", "fig9.svg"]
with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
    drawn(kept, one)
    t.equal("schedtests-11", "the same results give the same drawings, byte for byte",
            [f for f in FIGURES if not filecmp.cmp("docs/figures/" + f, os.path.join(one, f), False)], [])

    # every curve leads through the measured points
    wrong = []
    names = {"fig7": ["idle", "RM1", "RM2", "LS1", "RR1", "RR2"], "fig8": ["idle", "JAVA1", "JAVA2", "FIFO1", "FIFO2", "RR1", "RR2"]}
    for figure, unit, top, across in (("fig7", 0.05, 2.5, 100), ("fig8", 1, 3000, 10000)):
        tree = xml.parse(os.path.join(one, figure + ".svg"))
        curves = {e.get("id"): e for e in tree.iter("{http://www.w3.org/2000/svg}polyline") if e.get("id")}
        rows = [[int(w) for w in line.split()[3:]] for line in kept.splitlines() if line.startswith("data %s 1 " % figure)]
        for n, name in enumerate(names[figure]):
            if figure == "fig8" and name == "idle":
                continue
            wanted = " ".join("%.2f,%.2f" % (60 + r[0] * 510 / across, 390 - r[1 + n] * unit * 344 / top) for r in rows)
            if curves[name + "-1"].get("points") != wanted:
                wrong.append(figure + " " + name)
    t.equal("schedtests-12", "the curves lead through the measured points", wrong, [])

    changed = re.sub(r"^(data fig7 1 50 \d+) (\d+)", lambda m: "%s %d" % (m[1], int(m[2]) + 7), kept, flags=re.M)
    changed = re.sub(r"^(data fig8 1 4000 \d+) (\d+)", lambda m: "%s %d" % (m[1], int(m[2]) + 99), changed, flags=re.M)
    changed = re.sub(r"^(data fig9 1 on) (\d+) (\d+)", lambda m: "%s %d %d" % (m[1], int(m[2]) - 5, int(m[3]) + 5), changed, flags=re.M)
    drawn(changed, two)
    t.equal("schedtests-13", "other results give other drawings", [f for f in FIGURES if filecmp.cmp(os.path.join(one, f), os.path.join(two, f), False)], [])
t.done()
