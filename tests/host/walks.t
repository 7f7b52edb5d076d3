#!/usr/bin/env python3
# docs/walks.md names real functions: each file exists and has the name in it.
import os, re, sys
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", open("docs/walks.md").read(), re.M)

def missing(rows):
    return ["%s: %s" % (f, name) for f, name in rows
            if not os.path.exists(f) or not re.search(r"\b%s\b" % re.escape(name), open(f).read())]

t.equal("walks-01", "a function that does not exist is noticed", len(missing([("kernel/mutex.c", "no_such_function")])), 1)
t.check("walks-02", "three walks of some length", len(rows) >= 25, rows)
t.equal("walks-03", "each file and function named in docs/walks.md exists", missing(rows), [])
t.done()
