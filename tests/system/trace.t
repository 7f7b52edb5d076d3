#!/usr/bin/env python3
"""The tracer: what it prints, what it leaves as it was, what it injects."""
import collections, json, re, subprocess, sys, tempfile, os
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()
work = tempfile.mkdtemp(prefix="trace.", dir="build")

def run(stack, *command, options=(), stdin=b""):
    r = subprocess.run(["boot/run", "--icount", "--timeout", "100", "--stack", stack, *options, "--", *command], input=stdin,
                       capture_output=True, timeout=600)
    return r.returncode, r.stdout.decode(errors="replace"), r.stderr.decode(errors="replace")

SCRIPT = r"""
seq 3000 | sort -R --random-source=/bin/bash | sort -n | md5sum
for i in 1 2 3; do echo $i | cat | (read x; echo got $x); done
(sleep 1; echo late) & wait
trap 'echo usr1' USR1; kill -USR1 $$; echo after
read -t 0.3 x </dev/console; echo read $?
timeout 0.3 cat /dev/console; echo timeout $?
mkfifo /tmp/f; (sleep 0.2; echo through >/tmp/f) & cat /tmp/f; wait
bash -c 'sleep 100 & p=$!; kill $p; wait $p; echo $?'
timeout 0.2 yes >/dev/null; echo yes $?
sh -c 'trap "echo int; exit 5" INT; (sleep 0.2; kill -INT $$) & while :; do sleep 30; done'; echo $?
bash -c 'kill -SEGV $$'; echo $?
ls /proc/self/fd | wc -l
exit 7
"""
with open(work + "/script", "w") as f:
    f.write(SCRIPT)
PUT = ["--put", work + "/script:/tmp/script"]
wanted = run("process", "bash", "/tmp/script", options=PUT)
t.check("trace-01", "the script without a tracer", wanted[0] == 7 and "through" in wanted[1] and "read 142" in wanted[1], wanted)
quiet = "trace -o /dev/null"
for number, stack in enumerate(["%s process" % quiet, "%s %s %s %s process" % ((quiet,) * 4), "process %s process" % quiet,
                                "%s memory %s process" % (quiet, quiet)], 2):
    t.equal("trace-%02d" % number, 'the same below "%s": output, status' % stack, run(stack, "bash", "/tmp/script", options=PUT)[:2], wanted[:2])

status, out, err = run("trace -f -T -y process", "cat", "/etc/passwd")
lines = err.splitlines()
t.check("trace-06", "each line has thread, nester path, object, method, arguments, result, time", status == 0 and len(lines) > 40 and all(
    re.match(r"\[\d+\] \w[\w/\[\]]* \w+#\d+(<.*?>)? \w+\.\w+\(.*\) = .* <\d+\.\d{6}>$", l) for l in lines), [l for l in lines if not
    re.match(r"\[\d+\] \w[\w/\[\]]* \w+#\d+(<.*?>)? \w+\.\w+\(.*\) = .* <\d+\.\d{6}>$", l)][:3] or err[:300])
opened = [re.search(r'FileSystem\.open\(path="etc/passwd", .*file=(file#\d+)', l) for l in lines]
name = next((m.group(1) for m in opened if m), "nothing")
t.check("trace-07", "a file is opened, read and shown with its path", any(l.find(name + "<etc/passwd> FileDescription.read(offset=0, ") >= 0 and
        '= 0 data="root:x:0:0:' in l for l in lines), name)
t.check("trace-08", "an error is shown by its text", any("FileSystem.open(" in l and "= No such file or directory" in l for l in lines), err[:300])

status, out, err = run("trace -e FileSystem.stat,Parent -s 3 process", "ls", "/")
t.check("trace-09", "-e shows these and no others, -s cuts", err and all(" FileSystem.stat(" in l or " Parent." in l for l in err.splitlines())
        and 'name="poo"...' in err, err[:300])
status, out, err = run("trace -e !FileSystem,FileDescription process", "ls", "/")
t.check("trace-10", "-e !LIST shows the others", err and not re.search(r" File(System|Description)\.", err) and " Scheduler.add(" in err, err[:300])
status, out, err = run("trace -c process", "ls", "/")
table = err.splitlines()
total = [l for l in table if l.endswith(" total")]
t.check("trace-11", "-c is a table that adds up", total and sum(int(l.split()[2]) for l in table[1:-1]) == int(total[0].split()[2]) and
        any(l.endswith(" FileSystem.open") for l in table), err[:400])

# ---- injection
status, out, err = run("trace -o /dev/null --fail FileDescription.write:when=1:error=ENOSPC process", "sh", "-c", "echo one; echo two; echo $? >&2")
t.check("trace-12", "--fail fails the call named, and only that", (status, out) == (0, "two\n") and "I/O error" in err and err.endswith("0\n"), (status, out, err))
status, out, err = run("trace -o /dev/null --fail FileSystem.mkdir:when=2+2:error=EROFS process", "sh", "-c",
                       "for i in 1 2 3 4 5; do mkdir /tmp/$i 2>&1 | grep -c Read-only; done")
t.equal("trace-13", "when=N+EVERY", out.split(), ["0", "1", "0", "1", "0"])
status, out, err = run("trace -T -e .mkdir --delay FileSystem.mkdir:ms=250 process", "mkdir", "/tmp/late")
seconds = re.search(r"<(\d+\.\d+)>", err)
t.check("trace-14", "--delay makes it late", status == 0 and seconds and 0.25 <= float(seconds.group(1)) < 0.3, err)
for number, (option, wrong) in enumerate([("-x", "unknown option"), ("-e Nonsense", "no such interface or method"), ("--fail .read:error=EWHAT",
                                          "unknown error name"), ("-s", "wants a number")], 15):
    status, out, err = run("trace %s process" % option, "true")
    t.check("trace-%d" % number, "'trace %s' has a message" % option, status == 125 and wrong in err, (status, err))

# ---- JSON
JSON = work + "/trace.json"
status, out, err = run("trace --json /tmp/t process", "bash", "-c", "ls / | sort | head -3; (sleep 0.1; ls /nothing) 2>/dev/null & cat /etc/passwd; wait",
                       options=["--get", "/tmp/t:" + JSON])

def faults(events):
    """What is wrong with a trace: each begin has its end, each flow one start and one end, times rise."""
    wrong, stacks, flows, last = [], {}, {}, 0
    named = {e["tid"] for e in events if e["ph"] == "M" and e["name"] == "thread_name"}
    wrong += ["track %s has no name" % e["tid"] for e in events if e["tid"] not in named]
    for n, e in enumerate(events):
        if e["ph"] == "M":
            continue
        if e["ts"] < last:
            wrong.append("time falls at %d" % n)
        last = e["ts"]
        stack = stacks.setdefault(e["tid"], [])
        if e["ph"] == "B":
            stack.append(e)
        elif e["ph"] == "E":
            if not stack or stack.pop()["ts"] > e["ts"]:
                wrong.append("end without begin at %d" % n)
        elif e["ph"] in "sf":
            flows.setdefault(e["id"], []).append(e["ph"])
    wrong += ["flow %s: %s" % (i, f) for i, f in flows.items() if f != ["s", "f"]]
    wrong += ["thread %s: %d calls without end" % (i, len(s)) for i, s in stacks.items() if s]
    return wrong

events = json.load(open(JSON))["traceEvents"] if os.path.exists(JSON) else []
t.equal("trace-19", "--json: each begin has its end, each flow one start and one end, times rise", faults(events), [])
t.check("trace-20", "and it holds the calls of several threads", len(events) > 400 and len({e["tid"] for e in events}) > 3, len(events))
bad = [dict(e) for e in events]
bad.remove(next(e for e in bad if e["ph"] == "E"))
bad.remove(next(e for e in bad if e["ph"] == "f"))
t.check("trace-21", "the check notices a missing end and a missing arrow", len(faults(bad)) >= 2, faults(bad))
r = subprocess.run(["tools/trace-svg", JSON], capture_output=True, text=True)
t.check("trace-22", "tools/trace-svg draws a bar for each call", r.returncode == 0 and r.stdout.count("<title>") == sum(e["ph"] == "B" for e in events)
        and r.stdout.endswith("</svg>\n"), r.stderr)
r = subprocess.run(["tools/trace-svg", work + "/script"], capture_output=True, text=True)
t.check("trace-23", "and says when a file is no trace", r.returncode == 1 and "not a trace" in r.stderr, r.stderr)

# ---- the drawing in the README
def bars(path):
    """The calls of a drawing, without times and numbers."""
    return [re.sub(r"#\d+", "", title.split("(")[0]) for title in re.findall("<title>(.*?)</title>", open(path).read())]

drawings = []
for name in ("one", "two"):
    os.mkdir(work + "/" + name)
    subprocess.run(["tools/trace-figure", work + "/" + name], timeout=300)
    drawings.append(work + "/" + name + "/trace.svg")
t.check("trace-26", "make figures draws the same trace again, to the byte", open(drawings[0]).read() == open(drawings[1]).read() and len(bars(drawings[0])) > 100,
        [len(bars(d)) for d in drawings])
fresh, kept = collections.Counter(bars(drawings[0])), collections.Counter(bars("docs/figures/trace.svg"))
t.check("trace-27", "the drawing in docs/figures is of such a run: four of five calls are the same (else: make figures)", sum((fresh & kept).values()) >=
        0.8 * max(sum(fresh.values()), sum(kept.values())), (fresh - kept, kept - fresh))

# ---- who sent it
status, out, err = run("trace process", "bash", "-c", "cat /etc/hostname; (exec sleep 0.01); memory -s 8M cat /etc/hostname; trace -o /dev/null cat /etc/hostname")
paths = {line.split(" ")[0] for line in err.splitlines()}
t.equal("trace-24", "the nester path says who sent a message, through process managers and a memory manager; a tracer sends for those below it", paths, {
        "process", "process/bash[2]", "process/bash[3]", "process/cat[3]", "process/bash[4]", "process/sleep[4]", "process/bash[5]", "process/memory[5]",
        "process/memory[5]/process", "process/memory[5]/process/cat[2]", "process/trace[2]"})
status, out, err = run("trace -f -T process", "sh", "-c", "memory -s 8M sleep 9 & sleep 0.3; kill -STOP $!; sleep 0.1; (cat /etc/hostname; true); kill -KILL $!")
late = [line for line in err.splitlines() if "/cat[" in line]
t.check("trace-25", "a stopped nester below does not keep it from telling of the others", status == 0 and late and all(re.search(
        r" process/cat\[\d+\] ", line) for line in late), (status, err[-400:]))

# ---- one process of those that run already
FOLLOW = """(sleep 1; cat /etc/hostname; exec sleep 0.2) & p=$!
sleep 0.2; trace -p $p -o /tmp/lines & f=$!; cat /etc/passwd >/dev/null; wait $p; sleep 0.3; kill $f 2>/dev/null; wait $f; echo ended $?
cat /tmp/lines; trace -p 4711; echo nobody $?"""
status, out, err = run("trace -w process", "bash", "-c", FOLLOW)
lines = [line for line in out.splitlines() if " = " in line]
t.check("trace-28", "trace -p: a process that runs already is shown from then on, and no other; with its end trace ends", status == 0 and lines and all(
        re.match(r"process/\w+\[3\] ", line) for line in lines) and any(line.startswith("process/sleep[3]") for line in lines) and "ended 0" in out, (out, err))
t.check("trace-29", "the standing tracer shows nothing by itself; no such process is said", not re.search(r"= 0", err) and "trace: -p: no such process" in err and
        "nobody 125" in out, (out[-200:], err))
status, out, err = run("process", "bash", "-c", "sleep 5 & trace -p $!; echo $?")
t.check("trace-30", "without a tracer around it is an error", "no tracer stands around" in err and out == "125\n", (out, err))
t.done()
