#!/usr/bin/env python3
# tests/model/ipc.pml: its names are the kernel's, spin finds nothing in it, and finds each seeded defect.
import glob, os, re, subprocess, sys, tempfile
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
MODEL = "tests/model/ipc.pml"
text = open(MODEL).read()
bare = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
kernel = "".join(open(f).read() for f in glob.glob("kernel/*.[ch]") + glob.glob("include/fluke/*.h"))
calls = re.findall(r"^\w+\(\s*(\w+),\s*(\w+)", open("include/fluke/calls.def").read(), re.M)

# ---- names: every event of the model is the kernel's, every stage and wait of the kernel the model's
def foreign(text):
    names = set(re.findall(r"\b(?:(?:ipc|wait|thread|exception|syscall)_\w+|(?:WAIT|TRANSFER|FLUKE)_\w+)", text))
    ours = {"wait_kind"}
    return sorted(n for n in names - ours if not re.search(r"\b(sys_)?%s\b|CALL_%s\b" % (n, n), kernel) and not a_call(n))

def a_call(name):
    return re.search(r"\b%s\b" % name[4:], open("include/fluke/calls.def").read()) if name.startswith("ipc_") else None

t.equal("model-01", "a name that the kernel does not have is noticed", foreign("ipc_stage_nothing"), ["ipc_stage_nothing"])
t.equal("model-02", "each function, call, wait and status of the model is one of the kernel's", foreign(bare), [])
stages = re.findall(r"^(?:static )?result_t (\w+)\(struct thread \*t", open("kernel/ipc_stage.c").read(), re.M)
waits = re.findall(r"^\t(WAIT_\w+)", open("kernel/thread.h").read().split("on the connection of wait_side")[1], re.M)
ours = {"again", "send_short"}	# in the model: leaving a step, and two lines of send_to_receiver
t.check("model-03", "the list of stages was found", len(stages) >= 10 and len(waits) == 4, (stages, waits))
t.equal("model-04", "each stage and each wait on a connection stands in the model",
        sorted(n for n in set(stages + waits) - ours if not re.search(r"\b%s\b" % n, bare)), [])

# ---- the search
def search(*defines):
    with tempfile.TemporaryDirectory(dir="build") as work:
        def step(*command, limit):
            return subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=limit).stdout
        said = step("spin", "-a", *["-D" + d for d in defines], os.path.abspath(MODEL), limit=60)
        said += step("gcc", "-O0", "-w", "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c", limit=120)
        said += step("./pan", "-m200000", limit=300)
    errors, states = re.search(r"errors: (\d+)", said), re.search(r"(\d+) states, stored", said)
    full = "Search not completed" not in said and "max search depth too small" not in said
    found = re.search(r"pan:1: (.*) \(at depth", said)
    return (int(errors[1]) if errors else said[-2000:], int(states[1]) if states else 0, full, found[1] if found else "")

for number, (what, defines, states) in enumerate((
        ("two acts of the watcher in one RPC", ("ROUNDS=1", "CAUSES=2", "STOPS=1", "LONGEST=2"), 500000),
        ("one act in two RPCs", ("ROUNDS=2", "CAUSES=1", "STOPS=1", "LONGEST=2"), 100000),
        ("long messages, two faults or preemptions", ("ROUNDS=1", "CAUSES=0", "STOPS=2", "LONGEST=3"), 10000))):
    errors, stored, full, found = search(*defines)
    t.check("model-%02d" % (5 + number), "no deadlock, no lost message: " + what,
            errors == 0 and full and stored > states, (errors, stored, full, found))
for number, (defect, what) in enumerate((
        ("SLEEPER", "a disconnect that wakes nobody"), ("PROGRESS", "a transfer whose registers do not advance"),
        ("STAGE", "a stage register that is not advanced"), ("EXPORT", "a state without the pending words"))):
    errors, stored, full, found = search("ROUNDS=1", "CAUSES=2", "STOPS=1", "LONGEST=2", "DEFECT_" + defect)
    t.check("model-%02d" % (8 + number), "seeded and found: " + what, errors == 1 and found, (errors, stored, found))
t.done()
