#!/usr/bin/env python3
"""Known-bad kernels: each tests/mutants/*.patch is laid on a copy of the tree, the kernel built and
the case named in the patch booted, which must then fail.  Prints TAP.

A patch opens with `Sentence: what is wrong` and `Caught-by: AREA CASE`; where the area is `restart`, the
kernel is built with PLACES=1, and the case is a scene of tests/restart."""
import glob, os, re, shutil, subprocess, sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.chdir(TOP)
sys.dont_write_bytecode = True
sys.path.insert(0, "tests/mutants")
from copying import update
COPY = "build/mutants/tree"

def run(command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **more)

def copy_tree():
    """What is gone here goes there too."""
    update(["kernel", "include", "tools", "tests/restart", "Makefile"], COPY)
    for folder, _, files in os.walk(COPY):
        for f in files:
            path = os.path.relpath(os.path.join(folder, f), COPY)
            if path.split(os.sep)[0] not in ("build", "placed") and not os.path.exists(path):
                os.remove(os.path.join(COPY, path))

def build(area):
    b = "placed" if area == "restart" else "build"
    p = run(["make", "-s", "-C", COPY, "-f", "kernel/kernel.mk", "CC=gcc", "B=" + b, b + "/fluke.elf"] +
            (["PLACES=1"] if area == "restart" else []))
    return None if p.returncode == 0 else p.stdout

def case_fails(area, case):
    """The case's own line says `not ok`, or the machine ended or hung without one."""
    kernel, program, line = "build", "api/" + area, "cases=" + case
    if area == "restart":
        kernel, program, line, case = "placed", "restart/places", "cases=places-01," + case, "places-01"
    p = run(["timeout", "60", "qemu-system-i386", "-accel", "tcg", "-m", "64", "-display", "none", "-nic", "none",
             "-monitor", "none", "-no-reboot", "-serial", "null", "-debugcon", "stdio", "-icount",
             "shift=2,sleep=off,align=off", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
             "-kernel", COPY + "/" + kernel + "/fluke.elf", "-initrd", "build/tests/%s.elf" % program, "-append", line],
            stdin=subprocess.DEVNULL)
    started = ("case " + case) in p.stdout
    return started and not re.search(r"^ok %s " % re.escape(case), p.stdout, re.M), p.stdout

def mutant(patch):
    text = open(patch).read()
    area, case = re.search(r"^Caught-by: (\S+) (\S+)", text, re.M).groups()
    sentence = re.search(r"^Sentence: (.*)", text, re.M)[1]
    files = re.findall(r"^\+\+\+ b/(\S+)", text, re.M)
    p = run(["patch", "-p1", "-s", "-d", COPY, "-i", os.path.abspath(patch)])
    problem = p.stdout if p.returncode else build(area)
    failed, output = (False, "") if problem else case_fails(area, case)
    for f in files:				# back to the good source
        shutil.copy2(f, os.path.join(COPY, f))
        os.utime(os.path.join(COPY, f))
        for left in glob.glob(os.path.join(COPY, f) + ".*"):
            os.unlink(left)
    if problem:
        print("# " + problem.replace("\n", "\n# "), file=sys.stderr)
    elif not failed:
        print("# %s passed, and should not have" % case, file=sys.stderr)
    return failed, "%s (%s)" % (sentence, case)

def good_copy(plan):
    problem = build("api") or build("restart")
    if problem:
        print("# " + problem, file=sys.stderr)
    cases = [re.search(r"^Caught-by: (\S+) (\S+)", open(p).read(), re.M).groups() for _, p in plan]
    return not problem and not any(case_fails(area, case)[0] for area, case in cases)

def main():
    only = os.environ.get("TEST_ONLY", "").split()
    patches = sorted(glob.glob("tests/mutants/*.patch"))
    plan = [(os.path.basename(p)[:-6], p) for p in patches]
    plan = [(i, p) for i, p in plan if not only or "mutant-" + i.split("-")[0] in only or not any(o.startswith("mutant-") for o in only)]
    print("1..%d" % (len(plan) + 1), flush=True)
    copy_tree()
    print("%sok 1 - mutant-00 the copy without a patch passes the same cases" % ("" if good_copy(plan) else "not "), flush=True)
    for n, (name, patch) in enumerate(plan, 2):
        ok, sentence = mutant(patch)
        print("%sok %d - mutant-%s %s" % ("" if ok else "not ", n, name.split("-")[0], sentence), flush=True)

main()
