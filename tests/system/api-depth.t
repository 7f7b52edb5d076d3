#!/usr/bin/env python3
# The cases of tests/api as a native program: under root, and three levels deep.  The plan is the host's list
# of ids; what needs the bare machine stands in tests/api/bare.
import glob, os, re, subprocess, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
CASE = re.compile(r'^CASE\("([^"]+)",\s*"([^"]*)"', re.M)
areas, left_out = {}, {}
for line in open("tests/api/bare"):
    words = line.split("#")[0].split(None, 2)
    if words:
        {"area": areas, "case": left_out}[words[0]][words[1]] = words[2].strip() if len(words) > 2 else ""
every = {os.path.basename(f)[:-2]: CASE.findall(open(f).read()) for f in sorted(glob.glob("tests/api/*.c"))}
plan = [c for area, cases in every.items() if area not in areas for c in cases if c[0] not in left_out]
ids = {i for cases in every.values() for i, _ in cases}
stale = [a for a in areas if a not in every] + [i for i in left_out if i not in ids] + [w for w, r in {**areas, **left_out}.items() if not r]
t.check("api-depth-bare", "all that is listed for the bare machine is there, with a reason", not stale, stale)
t.check("api-depth-plan", "at least 400 cases remain", len(plan) >= 400, len(plan))

def judge(lines):
    """id -> (passed, notes)"""
    seen, current, notes = {}, None, []
    for line in lines:
        m = re.match(r"(not ok|ok) (\S+)( |$)", line)
        if line.startswith("case "):
            current, notes = line[5:].strip(), []
        elif m and m[2] == current:
            seen[m[2]] = (m[1] == "ok" and m[2] not in seen, notes)
        elif line.startswith("#"):
            notes.append(line)
    return seen

def run(name, stack, program):
    p = subprocess.run(["boot/run", "--stack", stack, "--tree", "small", "--timeout", "120", "--", program, "not", *left_out],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    lines = p.stdout.splitlines()
    seen = judge(lines)
    for i, sentence in plan:
        ok, notes = seen.get(i, (False, ["no result; the last lines:"] + lines[-3:] + p.stderr.splitlines()[-5:]))
        t.check("%s-%s" % (i, name), sentence, ok, "\n".join(notes))
    t.check("api-depth-" + name, "%s: the program ran all of them and ended" % (stack or "root alone"),
            p.returncode == 0 and lines[-1:] == ["done %d" % len(plan)], "status %d\n%s" % (p.returncode, p.stderr))
    return lines

lines = run("root", "", "api")
run("deep", "process process process", "/fluke/apps/api")
first = plan[0][0]
bad = [re.sub("^ok %s " % re.escape(first), "not ok %s " % first, line) for line in lines if "mutex-04" not in line]
found = judge(bad)
t.equal("api-depth-wrong", "a case that fails and one that is missing are seen", ("mutex-04" in found, found.get(first, (1,))[0]), (False, False))
t.done()
