#!/usr/bin/env python3
# Known-bad personalities: each tests/mutants/posix/*.patch is laid on a copy of the tree, our
# programs are built, and the comparison case that the patch names must then differ from Linux.
import glob, os, re, shutil, subprocess, sys
sys.dont_write_bytecode = True
sys.path[:0] = ["tests", "tests/compare", "tests/mutants"]
import compare
from copying import update
from hosttap import Tap

COPY = "build/mutants/posix"
SOURCES = ["Makefile", "include", "kernel", "libc", "libnest", "nesters", "apps", "tools", "docs/nester.md"]
BIG = ("tree-", "debs", "apt", "compare", "mutants", "logs", "tests", "bench", "run.", "boot", "fluke.iso", "results")

def run(command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")

def copy_tree():
    """Sources and objects."""
    update(SOURCES, COPY)
    update(["build/" + n for n in os.listdir("build") if not n.startswith(BIG)], COPY)

def build():
    p = run(["make", "-s", "-C", COPY, "user", "build/fluke.cpio"])
    return "" if p.returncode == 0 else p.stdout

def differs(case, linux):
    """Runs the case with the copy's programs; True when it is not as on Linux."""
    cases = {case: compare.read_cases(case.split("-")[0])[case]}
    result, notes = compare.run_guest("mutant", cases, ["--module", "root=%s/build/root" % COPY,
                                                        "--module", "fluke.cpio=%s/build/fluke.cpio" % COPY])
    return result.get(case) != linux[case], notes

t = Tap()
patches = sorted(glob.glob("tests/mutants/posix/*.patch"))
heads = {p: dict(re.findall(r"^(\S+): (.*)", open(p).read(), re.M)) for p in patches}
copy_tree()
problem = build()
linux = {}
for h in heads.values():
    case = h["Caught-by"]
    cases = {case: compare.read_cases(case.split("-")[0])[case]}
    linux.update(compare.run_linux("mutant", compare.staged("mutant-linux", cases)) if compare.linux_possible()
                 else compare.from_recording(case.split("-")[0], cases)[0])
good = not problem and not any(differs(h["Caught-by"], linux)[0] for h in heads.values())
t.check("defect-00", "the copy without a patch is as Linux in the same cases", good, problem)
for p in patches:
    h, name = heads[p], os.path.basename(p)[:2]
    files = re.findall(r"^\+\+\+ b/(\S+)", open(p).read(), re.M)
    r = run(["patch", "-p1", "-s", "-d", COPY, "-i", os.path.abspath(p)])
    problem = r.stdout if r.returncode else build()
    found, notes = (False, "") if problem else differs(h["Caught-by"], linux)
    for f in files:			# back to the good source
        shutil.copy2(f, os.path.join(COPY, f))
        os.utime(os.path.join(COPY, f))
    t.check("defect-" + name, "%s: %s differs" % (h["Sentence"], h["Caught-by"]), found, problem or "as on Linux")
t.done()
