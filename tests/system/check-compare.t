#!/usr/bin/env python3
# Twenty cases of the comparison with Linux and tests/past pass on the kernel with all its checks;
# with TEST_LONG all cases, and every other group that boots a kernel which FLUKE_KERNEL can name.  The areas api and restart are
# run on it by system/check and restart/places; host boots none, mutants kernels with a fault of their own, and bench counts
# instructions of the kernel that everybody boots.
# Limit: 9000
import glob, os, re, subprocess, sys
sys.dont_write_bytecode = True
sys.path[:0] = ["tests", "tests/compare"]
import compare
from hosttap import Tap
t = Tap()
KERNEL = "build/check/fluke.elf"
PICKED = """text-01 text-07 text-12 text-20 text-30 file-02 file-09 file-15 file-22 bash-01 bash-06 bash-13 bash-19 bash-27 bash-34 gawk-03
	gawk-08 sed-04 tar-02 tar-06""".split()
GROUPS = ("text", "file", "bash", "gawk", "sed", "tar")
LONG = bool(os.environ.get("TEST_LONG"))

made = subprocess.run(["flock", "build/check.lock", "make", "-s", "check-kernel"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
t.check("check-compare-kernel", "the checked kernel is built", made.returncode == 0, made.stdout[-1500:])
cases, linux, why = {}, {}, "Linux ran no such case"
for group in GROUPS:
    of_group = compare.read_cases(group)
    cases.update({i: c for i, c in of_group.items() if LONG or i in PICKED})
    if not compare.linux_possible():
        recorded, why = compare.from_recording(group, of_group)
        linux.update(recorded)
if compare.linux_possible():
    linux = compare.run_linux("check", compare.staged("check-linux", cases))
guest, notes = compare.run_guest("check", cases, ["--kernel", KERNEL])
for i, (sentence, _) in cases.items():
    same = i in linux and i in guest and guest[i] == linux[i]
    t.check("check-" + i, sentence + " (checked kernel)", same,
            notes.get(i, "") or (why if i not in linux else "no result" if i not in guest else "differs from Linux"))
t.check("check-compare-00", "at least 20 cases ran", len([i for i in cases if i in guest and i in linux]) >= 20)
LEFT_OUT = {	# group: why
    "system/check": "boots it by itself", "system/check-compare": "this one",
    "system/clang": "its kernel is what clang makes", "system/guided": "its kernel counts the lines that ran",
    "system/boot-run": "boots a stand-in for the kernel", "system/lint": "boots nothing",
    **{"compare/" + g: "its cases ran above" for g in GROUPS},
}
MEASURES = set("""time-02 time-03 time-07 time-08 uthreads-11 uthreads-14 checkpoint-truth-03""".split())	# cases that hold the kernel to a time, which its checks take
every = sorted(f[6:-2] for d in ("nest", "stack", "system", "past", "compare") for f in glob.glob("tests/%s/*.t" % d))
t.equal("check-left-out", "the groups left out exist", [g for g in LEFT_OUT if g not in every], [])
for group in [g for g in every if g not in LEFT_OUT and (LONG or g.startswith("past/"))]:
    r = subprocess.run(["tests/run", "-j1", group], env=dict(os.environ, FLUKE_KERNEL=KERNEL, TEST_LONG=""), stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    failed = set(re.findall(r"^failed: (\S+)", r.stdout, re.M))
    t.check("check-group-" + group.replace("/", "-"), group + " passes on the checked kernel", re.search(r"^\d+ passed, %d failed$" % len(failed),
            r.stdout, re.M) and failed <= MEASURES, r.stdout[-2000:])
t.done()
