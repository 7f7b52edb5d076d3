#!/usr/bin/env python3
"""Atomicity, shown at every place: builds the kernel with PLACES=1, boots tests/restart's program on
it, and compares what was reached with the list of places in the image and with `unreachable`.

TAP comments (tests/run -v) tell, per place and cause, how often a thread was stopped there and
replaced / its peer was replaced / the whole subtree was made again; the same in build/places/hits."""
import collections, importlib.machinery, importlib.util, os, re, subprocess, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from hosttap import Tap

loader = importlib.machinery.SourceFileLoader("places_list", "tests/restart/list")
listing = importlib.util.module_from_spec(importlib.util.spec_from_loader("places_list", loader))
loader.exec_module(listing)
KERNEL = "build/places/fluke"
# Limit: 1200
CAUSES = ["interrupt", "soft", "hard", "peer", "export"]

def build(b="build/places", more=()):
    p = subprocess.run(["make", "-s", "-f", "kernel/kernel.mk", "CC=gcc", "B=" + b, "PLACES=1", *more, b + "/fluke.elf"],
                       capture_output=True, text=True)
    return p.stdout + p.stderr if p.returncode else ""

def boot(kernel=KERNEL):
    p = subprocess.run(["timeout", "1800", "qemu-system-i386", "-accel", "tcg", "-m", "64", "-display", "none", "-nic", "none",
                        "-monitor", "none", "-no-reboot", "-serial", "null", "-debugcon", "stdio",
                        "-icount", "shift=0,sleep=off,align=off", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
                        "-kernel", kernel + ".elf", "-initrd", "build/tests/restart/places.elf",
                        "-append", "cases=places-01" + (",every-visit" if os.environ.get("TEST_LONG") else "")],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    open(os.path.dirname(kernel) + "/log", "w").write(p.stdout)
    return p.stdout

def unreachable():
    """(name, cause) -> reason; the cause `all` stands for each."""
    found = {}
    for line in open("tests/restart/unreachable"):
        line = line.split("#")[0].strip()
        if line:
            name, cause, reason = line.split(None, 2)
            for c in CAUSES if cause == "all" else [cause]:
                found[name, c] = reason
    return found

def main():
    t = Tap()
    problem = build()
    log = "" if problem else boot()
    names = [name for name, kind, line in listing.places(KERNEL + ".debug.elf")] if not problem else []
    hits = collections.Counter()
    for number, cause, *counts in re.findall(r"^hits (\d+) (\w+) (\d+) (\d+) (\d+)", log, re.M):
        for mode, n in enumerate(counts):
            hits[names[int(number)], cause, mode] += int(n)
    total = re.search(r"^runs (\d+) differ (\d+) unfired (\d+) read (\d+) way (\d+)", log, re.M)
    runs, differ, unfired, read, way = map(int, total.groups()) if total else (0, 1, 0, 10**9, 10**9)
    with open("build/places/hits", "w") as f:
        for name in sorted(set(names)):
            row = name + "".join("  %s %s" % (c, "/".join(str(hits[name, c, m]) for m in range(3))) for c in CAUSES)
            print("# " + row)
            f.write(row + "\n")
    t.check("places-01", "stopped at any place by any cause and replaced: the same end (%d runs)" % runs,
            runs > 1000 and not differ and re.search("^ok places-01 ", log, re.M), problem or "\n".join(
                l for l in log.splitlines() if not l.startswith("hits"))[-3000:])
    listed = unreachable()
    # where the peer has been ended it cannot be replaced
    reached = {(n, c): all(hits[n, c, m] for m in range(3) if (c, m) != ("peer", 1)) for n in names for c in CAUSES}
    t.check("places-02", "every place was reached by every cause, or is listed as unreachable",
            names and not [k for k in reached if not reached[k] and k not in listed],
            "\n".join("%s %s" % k for k in sorted(reached) if not reached[k] and k not in listed))
    t.check("places-03", "what is listed as unreachable exists and was not reached",
            not [k for k in listed if k not in reached or any(hits[k[0], k[1], m] for m in range(3))],
            [k for k in listed if k not in reached or any(hits[k[0], k[1], m] for m in range(3))])
    t.check("places-04", "at most one place in twenty is listed (%d of %d)" % (len({n for n, c in listed}), len(set(names))),
            20 * len({n for n, c in listed}) <= len(set(names)))
    t.check("places-05", "a stopped thread's state is read within 2,000 instructions (at most %d; %d more to the watcher)" % (read, way),
            read <= 2000)
    t.equal("places-06", "the kernel that everybody boots has the same places",
            sorted(set(n for n, k, l in listing.places("build/fluke.debug.elf"))), sorted(set(names)))
    problem = build("build/places-check", ["CHECK=1"])
    log = problem or boot("build/places-check/fluke")
    t.check("places-07", "the same in the kernel that checks itself", re.search("^ok places-01 ", log, re.M), log[-3000:])
    t.done()

main()
