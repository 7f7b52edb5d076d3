"""Runs the cases of one group in the guest and on Linux and compares: compare.py GROUP [--record]

Each case of cases/GROUP.sh is a bash script; driver.sh runs it in both places.  Linux is a
chroot of the same tree on this host; where that cannot be (no root, or no i386 programs), the
recordings in recorded/GROUP.json.gz serve, which are refused when the tree or the script is not
what they were made with.  In the guest many cases share a boot; one that hangs the machine
fails, and the rest go on in a new boot."""
import atexit, base64, gzip, hashlib, json, os, re, shutil, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from hosttap import Tap

MINIMUM = {"text": 35, "file": 25, "bash": 35, "gawk": 10, "sed": 8, "tar": 7, "calls": 23}
BUILD = "build/compare"
TREE = "build/tree-debian"
BOOTS = 12			# at most, of one group
TIMEOUT = "60"

def sha(data):
    return hashlib.sha256(data).hexdigest()

def read_cases(group):
    """id -> (sentence, script)"""
    cases = {}
    for part in re.split(r"^#== ", open(os.path.join(HERE, "cases", group + ".sh")).read(), flags=re.M)[1:]:
        head, _, body = part.partition("\n")
        i, _, sentence = head.partition(" ")
        if i in cases:
            sys.exit("compare: two cases " + i)
        cases[i] = (sentence, body)
    return cases

def staged(name, cases):
    """BUILD/NAME with data, scripts and list: what becomes /compare."""
    top = os.path.join(BUILD, "%s-%d" % (name, os.getpid()))
    shutil.rmtree(top, ignore_errors=True)
    atexit.register(shutil.rmtree, top, ignore_errors=True)
    os.makedirs(top + "/cases")
    if subprocess.run([os.path.join(HERE, "mkdata"), top + "/data"]).returncode:
        sys.exit("compare: the input is not what it should be")
    for i, (_, body) in cases.items():
        with open("%s/cases/%s.sh" % (top, i), "w") as f:
            f.write(body)
    shutil.copy(os.path.join(HERE, "driver.sh"), top)
    shutil.copytree("build/tests/posix", top + "/bin", ignore=shutil.ignore_patterns("*.d", "*.o"))
    with open(top + "/list", "w") as f:
        f.write("".join(i + "\n" for i in cases))
    return top

def parse(stream):
    """Results in the driver's output: id -> (status, out, err, files)."""
    found, at = {}, 0
    while True:
        m = re.compile(rb"@@(\S+) (\d+) (\d+) (\d+) (\d+)\n").search(stream, at)
        if not m:
            return found
        sizes = [int(m[n]) for n in (3, 4, 5)]
        at = m.end()
        if at + sum(sizes) > len(stream):
            return found
        pieces = []
        for size in sizes:
            pieces.append(stream[at:at + size])
            at += size
        pieces[1] = without_pids(pieces[1])
        found[m[1].decode()] = (int(m[2]), *pieces)

# ---- Linux

IN_CHROOT = r"""
set -e
mount -t proc proc "$1/proc"
for n in null zero full random urandom tty; do : > "$1/dev/$n"; mount --bind /dev/$n "$1/dev/$n"; done
ln -sfn /proc/self/fd "$1/dev/fd"
for n in 0 1 2; do set -- "$1" $n $(echo stdin stdout stderr | cut -d' ' -f$((n + 1))); ln -sfn /proc/self/fd/$2 "$1/dev/$3"; done
exec chroot "$1" /bin/bash "$2"
"""
IN_CHROOT = IN_CHROOT.replace('set -- "$1" $n $(echo stdin stdout stderr | cut -d\' \' -f$((n + 1))); '
                              'ln -sfn /proc/self/fd/$2 "$1/dev/$3"',
                              's=$(echo stdin stdout stderr | cut -d" " -f$((n + 1))); ln -sfn /proc/self/fd/$n "$1/dev/$s"')

def as_root():
    if os.geteuid() == 0:
        return []
    if subprocess.run(["sudo", "-n", "true"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode == 0:
        return ["sudo", "-n"]
    return None

def linux_possible():
    """May we mount in a name space of our own, and does the host run i386 programs?"""
    prefix = as_root()
    if prefix is None:
        return False
    return subprocess.run(prefix + ["unshare", "-m", "-p", "-f", "sh", "-c", 'mount -t proc proc "$1/proc" && exec chroot "$1" /bin/true', "sh", TREE],
                          stderr=subprocess.DEVNULL).returncode == 0

def linux_root(name):
    """A copy of the tree to run in."""
    root = os.path.join(BUILD, "root-%s-%d" % (name, os.getpid()))
    prefix = as_root()
    os.makedirs(BUILD, exist_ok=True)
    subprocess.run(prefix + ["rm", "-rf", root], check=True)
    subprocess.run(prefix + ["cp", "-a", TREE, root], check=True)
    return root

def run_linux(name, top, script="/compare/driver.sh"):
    root, prefix = linux_root(name), as_root()
    subprocess.run(prefix + ["cp", "-a", top, root + "/compare"], check=True)
    subprocess.run(prefix + ["chown", "-R", "0:0", root + "/compare"], check=True)
    r = subprocess.run(prefix + ["setsid", "unshare", "-m", "-p", "-f", "--kill-child", "sh", "-c", IN_CHROOT, "sh", root, script],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env={"PATH": os.environ["PATH"]})
    subprocess.run(prefix + ["rm", "-rf", root])
    return parse(r.stdout)

# ---- recordings

def tree_sum():
    return sha(open(TREE + ".cpio", "rb").read())

def recording(group):
    return os.path.join(HERE, "recorded", group + ".json.gz")

def record(group, cases, results):
    os.makedirs(os.path.join(HERE, "recorded"), exist_ok=True)
    text = {"tree": tree_sum(), "cases": {
        i: {"script": sha(cases[i][1].encode()), "status": r[0],
            **{n: base64.b64encode(p).decode() for n, p in zip(("out", "err", "files"), r[1:])}} for i, r in results.items()}}
    with open(recording(group), "wb") as f:
        f.write(gzip.compress(json.dumps(text, indent=0, sort_keys=True).encode(), mtime=0))

def from_recording(group, cases):
    """(results, why not)"""
    if not os.path.exists(recording(group)):
        return {}, "no recording " + recording(group)
    kept = json.loads(gzip.open(recording(group)).read())
    if kept["tree"] != tree_sum():
        return {}, "the recording was made with another tree"
    return {i: (c["status"], *[base64.b64decode(c[n]) for n in ("out", "err", "files")])
            for i, c in kept["cases"].items() if i in cases and c["script"] == sha(cases[i][1].encode())}, ""

# ---- guest

def run_guest(name, cases, options=()):
    """All cases, in as many boots as it takes; (results, notes per id)."""
    results, notes, left = {}, {}, dict(cases)
    os.makedirs("build/calls", exist_ok=True)
    for number in range(BOOTS):
        if not left:
            break
        top = staged(name, left)
        log = "build/logs/%s.log" % name
        whole = name.endswith("-guest") and not os.environ.get("TEST_ONLY")	# a run of some cases does not count
        calls = "build/calls/%s-%d" % (name, number) if whole else "/dev/null"
        r = subprocess.run(["boot/run", "--icount", "--memory", "384", "--timeout", TIMEOUT, "--log", log, *options,
                            "--stack", "process -c", "--calls", calls,
                            "--put", top + ":/compare", "--", "/bin/bash", "/compare/driver.sh"],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        found = parse(r.stdout)
        results.update(found)
        left = {i: c for i, c in left.items() if i not in found}
        if left:
            first = next(iter(left))
            notes[first] = "the boot ended here, status %d: %s" % (r.returncode, r.stderr.decode("utf-8", "replace")[-600:])
            del left[first]
    for i in left:
        notes[i] = "not run: too many boots of this group failed"
    return results, notes

def without_pids(text):
    """bash's report of a killed child names its number, which no two systems share."""
    return re.sub(rb"(: line \d+:) +\d+( [A-Z][a-z])", rb"\1 PID\2", text)

def show(what, guest, linux):
    """The first difference of one stream, for the eye."""
    g, l = [x.decode("utf-8", "replace").splitlines() for x in (guest, linux)]
    for n in range(max(len(g), len(l))):
        a, b = (g[n] if n < len(g) else "(end)"), (l[n] if n < len(l) else "(end)")
        if a != b:
            return "%s line %d:\n  guest %.160r\n  linux %.160r" % (what, n + 1, a, b)
    return what + " differs"

def main(group):
    t = Tap()
    cases = {i: c for i, c in read_cases(group).items() if t.wanted(i)}
    if linux_possible():
        linux = run_linux(group, staged(group + "-linux", cases))
        why = "Linux ran no such case"
        if "--record" in sys.argv:
            record(group, cases, linux)
            return
    else:
        linux, why = from_recording(group, cases)
        print("# compared with recordings: this host does not run i386 programs in a chroot")
    guest, notes = run_guest(group + "-guest", cases)
    ran = 0
    for i, (sentence, _) in cases.items():
        if i not in linux:
            t.check(i, sentence, False, why)
        elif i not in guest:
            t.check(i, sentence, False, notes.get(i, "no result"))
        else:
            ran += 1
            differ = [show(w, g if w != "status" else str(g).encode(), l if w != "status" else str(l).encode())
                      for w, g, l in zip(("status", "output", "error output", "files"), guest[i], linux[i]) if g != l]
            t.check(i, sentence, not differ, "\n".join(differ))
    if not t.only:
        t.check(group + "-00", "at least %d cases ran" % MINIMUM[group], ran >= MINIMUM[group], "%d ran" % ran)
    t.done()
