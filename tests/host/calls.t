#!/usr/bin/env python3
# calls.def against the list written by hand, and the manual pages against the headers.
import os, re, subprocess, sys, tempfile
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
listed = {}
for line in open("tests/host/calls.list"):
    words = line.split("#")[0].split()
    if words:
        source = words.pop(0) if words[0].isupper() else "MANUAL"
        listed.update({words[0] + "_" + w: source for w in words[1:]})
text = re.sub(r"/\*.*?\*/", "", open("include/fluke/calls.def").read(), flags=re.S)
calls = re.findall(r"^CALL\(\s*(\d+),\s*(\w+),\s*(\w+),\s*(\w+),", text, re.M)
defined = {name: source for _, name, _, source in calls}
t.check("calls-01", "every listed call is in calls.def", not set(listed) - set(defined), sorted(set(listed) - set(defined)))
t.check("calls-02", "no call is in calls.def that is not listed", not set(defined) - set(listed), sorted(set(defined) - set(listed)))
wrong = [n for n in defined if listed.get(n) != defined[n]]
t.check("calls-03", "each call is marked with where it is known from", not wrong, wrong)
t.check("calls-04", "the manual has 112 calls", sum(s == "MANUAL" for s in listed.values()) == 112)
numbers = [int(n) for n, _, _, _ in calls]
t.check("calls-05", "numbers are 1 to N, each once", sorted(numbers) == list(range(1, len(numbers) + 1)))
multi = {n for _, n, k, _ in calls if k == "MULTI"}
t.check("calls-06", "IPC but disconnect and alert, cond_wait and region_search are multi-stage",
        {n for n in defined if n.startswith("ipc_") and listed.get(n) == "MANUAL" and not n.endswith(("disconnect", "alert"))} | {"cond_wait", "region_search"} <= multi)
with tempfile.TemporaryDirectory() as folder:
    r = subprocess.run(["python3", "tools/man.py", folder], capture_output=True, text=True)
    t.check("calls-07", "every call has a prototype with a manual text", r.returncode == 0, r.stderr)
    gone = sorted(set(os.listdir(folder)) ^ set(os.listdir("docs/man")))
    t.check("calls-08", "docs/man has a page per call and no other", not gone, "make docs: " + " ".join(gone))
sys.path.insert(0, "tools")
import man
documented = {(kind, name) for _, kind, name in man.documented()}
every = re.findall(r"^#define FLUKE_(INSANITY_)?(\w+)\s+\d+(?:\s+/\*(.*)\*/)?$", open("include/fluke/errors.h").read(), re.M)
names = man.codes()
odd = [n for i, n, text in every if n in names["Insanities" if i else "Returns"]
       and (("insanity" if i else "error", n) in documented) == text.strip().startswith("reserved")]
t.check("calls-09", "every error and insanity is some call's, except those marked reserved", not odd and len(every) > 40, odd)
silent = [h for h in man.HEADERS + ["exception", "types"] if "Decided here" not in open("include/fluke/%s.h" % h).read()]
t.check("calls-10", "each header says what was decided where the published documents are silent, and why", not silent, silent)
t.done()
