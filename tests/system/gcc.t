#!/usr/bin/env python3
"""Debian's gcc from the drive: what the guest compiles is what the same gcc makes on Linux, byte for byte."""
# Limit: 1200
import hashlib, json, os, re, shutil, subprocess, sys, tempfile
sys.path[:0] = ["tests", "tests/compare"]
sys.dont_write_bytecode = True
import compare
from hosttap import Tap
t = Tap()
RECORDED, DRIVE = "tests/gcc/recorded.json", "build/drive.img"
work = tempfile.mkdtemp(prefix="gcc.", dir="build")
shutil.copytree("tests/gcc/project", work + "/gcc/project")
shutil.copy("tests/gcc/broken.c", work + "/gcc")
with open(work + "/gcc/big.c", "w") as f:
    subprocess.run(["tests/gcc/mkbig", "3000"], stdout=f, check=True)

# the same commands on both sides; BIG: what goes before gcc there.  gcc's own thrift does not depend on the machine's memory.
FLAGS = "--param ggc-min-expand=30 --param ggc-min-heapsize=4096"
PROJECT = r"""cd /gcc/project; make -s -j3; echo "status $?"; make -s libtext.a; md5sum *.o words libtext.a; ./words 20000
touch tree.c; make -n | grep -c -- -c; make -n | wc -l; objdump -d text.o | md5sum; nm words | cut -c 10- | md5sum; size main.o | tail -n 1"""
BROKEN = r"""cd /gcc; gcc -O2 -Wall -Wextra -c broken.c 2>&1; echo "status $?" """
BIG = r"""cd /gcc; %%s gcc %s -O2 -S big.c; md5sum big.s; as big.s -o big.o; gcc big.o -o big; md5sum big; ./big""" % FLAGS

def linux():
    """Output of the three scripts in a chroot of the tree and the pack."""
    root, prefix = compare.linux_root("gcc"), compare.as_root()
    subprocess.run(prefix + ["cp", "-al", "--remove-destination", "build/tree-gcc/.", root], check=True)
    subprocess.run(prefix + ["cp", "-a", work + "/gcc", root + "/gcc"], check=True)
    out = {}
    for name, script in (("project", PROJECT), ("broken", BROKEN), ("big", BIG % "")):
        with open(work + "/script", "w") as f:
            f.write("umask 022; export PATH=/usr/bin:/bin LC_ALL=C TERM=dumb\n" + script)
        subprocess.run(prefix + ["cp", work + "/script", root + "/script"], check=True)
        r = subprocess.run(prefix + ["setsid", "unshare", "-m", "-p", "-f", "--kill-child", "sh", "-c", compare.IN_CHROOT, "sh", root, "/script"],
                           stdin=subprocess.DEVNULL, capture_output=True, env={"PATH": os.environ["PATH"]})	# not what `make test` says to its makes
        out[name] = (r.stdout + r.stderr).decode(errors="replace")
    subprocess.run(prefix + ["rm", "-rf", root])
    return out

def sources():
    """What a recording stands for: the inputs and the compiler."""
    data = [open(os.path.join(d, f), "rb").read() for d, _, files in sorted(os.walk(work + "/gcc")) for f in sorted(files)]
    data += [l.encode() for l in open("build/debs/chosen") if l.startswith("gcc ")] + [PROJECT.encode(), BROKEN.encode(), BIG.encode()]
    return hashlib.sha256(b"\0".join(data)).hexdigest()

def wanted():
    if compare.linux_possible():
        found = linux()
        if "--record" in sys.argv:
            with open(RECORDED, "w") as f:
                json.dump({"sources": sources(), **found}, f, indent=1)
        return found
    print("# compared with a recording: this host does not run i386 programs in a chroot")
    kept = json.load(open(RECORDED))
    return kept if kept["sources"] == sources() else {n: "the recording was made of other sources or with another compiler" for n in kept}

def guest(script, memory=192, drive=DRIVE + ",snapshot=on", stack="process"):
    """Status, output, errors.  No -icount: its clock runs ahead while the guest waits for the drive."""
    r = subprocess.run(["boot/run", "--stack", stack, "--memory", str(memory), "--timeout", "120", "--drive", drive, "--log", work + "/log",
                        "--put", work + "/gcc:/gcc", "--put", "build/apps/linux/compile:/gcc/compile", "--", "bash", "-c", "umask 022; export PATH=/usr/bin:/bin:/fluke/nesters:/fluke/apps LC_ALL=C\n" + script],
                       stdin=subprocess.DEVNULL, capture_output=True)
    return r.returncode, r.stdout.decode(errors="replace"), r.stderr.decode(errors="replace")

want = wanted()
RESTARTS = r"""(for n in 1 2 3 4; do diskfile restart; sleep 0.5; done) & gcc -O2 -c /gcc/project/main.c -o /tmp/main.o; wait; md5sum </tmp/main.o
"""
status, out, err = guest(RESTARTS + PROJECT + "\n" + BROKEN.replace("cd /gcc; ", "cd /gcc; echo ====; ") + "\necho ====; /gcc/compile")
first, _, rest = out.partition("\n")
project, broken, compiled = (rest + "====\n====\n").split("====\n")[:3]
said = open(work + "/log", errors="replace").read()
t.equal("gcc-01", "a project of six files by make -j3: objects, archive, program and its output are as on Linux", project, want["project"])
t.check("gcc-02", "the driver is killed four times while gcc is brought from it: the object is the same",
        said.count("is started again") == 4 and first.split()[:1] and first.split()[0] in want["project"], (first, err, said[-500:]))
t.equal("gcc-03", "gcc's warnings and errors are as on Linux", broken, want["broken"])
t.check("gcc-07", "apps/compile, the row of the ladders: what gcc made of its source prints what it should", status == 0 and
        re.fullmatch(r"compile right\nbench compile 1 \d+ \d+\n", compiled), (status, compiled, err))
status, out, err = guest(BIG % "memory -v -s 8M -f disk:swap --", memory=128)
m = re.search(r"memory: in (\d+) pages by \d+ reads, out (\d+)", err)
t.check("gcc-04", "gcc -O2 of 3,000 lines under memory, three times its memory, swapping to the same drive: what Linux makes",
        out == want["big"] and m and int(m[1]) > 3000 and int(m[2]) > 5000, "%s\n%s\nwanted %s" % (out, err, want["big"]))
if os.environ.get("TEST_LONG"):
    status, out, err = guest(BIG % "memory -v -s 24M -f disk:swap --")
    m = re.search(r"memory: in \d+ pages by \d+ reads, out (\d+)", err)
    t.check("gcc-05", "and it is three times: with three times that memory there are still pages too many", out == want["big"] and m and int(m[1]) > 0, (out, err))
    status, out, err = guest("cd /gcc; for s in process 'memory -s 12M -f disk:swap process'; do rm -rf p; cp -r project p; $s make -C p -s -j4; md5sum <p/words; done")
    t.check("gcc-06", "make -j4 under a second process manager, and one under memory", out.split() == [s for l in want["project"].splitlines()
            if l.endswith("  words") for s in (l.split()[0], "-")] * 2, (out, err))
shutil.rmtree(work)
t.done()
