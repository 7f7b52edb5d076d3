#!/usr/bin/env python3
"""The benchmark programs of one source: right results as programs for the Fluke API, for Linux, and below nesters; what `memory`
costs them when there is enough of it."""
import re, subprocess, sys
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
ALL = ["memtest", "appel", "forktest", "matconn", "readtest"]
RIGHT = ["memtest 0 wrong bits", "appel1 right", "appel2 right", "forktest right 7", "matconn right", "readtest right"]

def boot(stack, command):
    r = subprocess.run(["boot/run", "--stack", stack, "--icount", "0", "--timeout", "60", "--put", "build/apps/linux:/tmp/linux", "--",
                        "sh", "-c", command] if command else
                       ["boot/run", "--stack", stack, "--icount", "0", "--timeout", "60", "--put", "build/apps/linux:/tmp/linux", "--",
                        "/fluke/apps/appel"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=400)
    return r.stdout, r.stderr

def values(text):
    return {m[1]: int(m[2]) for m in re.finditer(r"^bench (\S+) \d+ (\d+) \d+$", text, re.M)}

def right(text, names=RIGHT):
    return all(any(line.startswith(n) for line in text.split("\n")) for n in names) and "wrong " not in text.replace("0 wrong bits", "")

LINUX = "for a in %s; do /tmp/linux/$a; done" % " ".join(ALL[:3] + ["forktest"] + ALL[3:])
NATIVE = "for a in memtest appel matconn readtest; do /fluke/apps/$a; done"
plain = boot("process", LINUX)
t.check("apps-01", "on K.P as Linux programs: all right", right(plain[0]), plain)
below = boot("memory process", LINUX)
t.check("apps-02", "on K.M.P too", right(below[0]), below)
native = boot("memory process", NATIVE)
t.check("apps-03", "as programs for the Fluke API on K.M.P", right(native[0], [n for n in RIGHT if "fork" not in n]), native)
k, m = boot("", ""), boot("memory", "")
t.check("apps-04", "appel directly on K and on M alone", right(k[0], RIGHT[1:3]) and right(m[0], RIGHT[1:3]), (k, m))
heads = [open("build/apps/linux/" + a, "rb").read(20) for a in ALL]
t.check("apps-05", "the Linux ones are static programs for the i386", all(h[:5] == b"\x7fELF\x01" and h[18:20] == b"\x03\x00" for h in heads), heads)

a, b = values(plain[0]), values(below[0])
ratio = {n: b[n] / a[n] for n in a if n in b}
print("# K.M.P / K.P: " + ", ".join("%s %.3f" % r for r in sorted(ratio.items())))
LIMIT = {"memtest": 1.05, "appel2": 1.05, "forktest": 1.15, "matconn": 1.005, "readtest": 1.05}
for number, (name, most) in enumerate(LIMIT.items(), 6):
    t.check("apps-%02d" % number, "memory, when it suffices, costs %s at most %.1f %%" % (name, 100 * most - 100), ratio.get(name, 9) <= most, ratio)
t.done()
