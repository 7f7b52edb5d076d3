"""A hundred programs that say when something of them is not what it was, and how they are checkpointed, destroyed and
restored at instants of their own run.  Used by nest/checkpoint-truth."""
import os, random, re, shlex, subprocess

KINDS = ("fpu", "files", "pipes", "threads", "scripts")

def sh(text):
    return ["bash", "-c", "echo begin; " + text + "; echo end"]

def fpu(n):
    if n < 14:
        return ["selfcheck", "fpu" if n % 2 else "memory", str(n)]
    return ["gawk", "-v", "n=%d" % n, 'BEGIN { print "begin"; fflush(); x = n / 7; for (i = 1; i <= 24; i++) { for (k = 1; k <= 900; k++) { x += sin(k * n) / '
            '(1 + sqrt(k)); y += cos(x) * atan2(k, x) } printf "%d %.15g %.15g\\n", i, x, y; fflush() } }']

def files(n):
    d = "/tmp/files%d" % n
    return sh((
        "mkdir -p {d}; cd {d}; exec 4>log 5<>both; for i in 1 2 3 4 5 6 7 8; do echo line $((i * {n})) >&4; echo $i {n} >>more; "
        "read -r last < <(tail -n 1 more); echo step $i $last; done; cksum <log; wc -l <more; rm -r {d}",
        "mkdir -p {d}; cd {d}; exec 6>gone 7<gone; rm gone; for i in 1 2 3 4 5 6 7 8; do echo $((i + {n})) >&6; read -r x <&7; "
        "echo got $x; done; cd /; rm -r {d}",
        "mkdir -p {d}/a/b; cd {d}; for i in 1 2 3 4 5 6; do seq $((i * {n})) >a/$i; mv a/$i a/b/$i; cksum <a/b/$i; done; ls a/b; cd /; rm -r {d}",
        "mkdir -p {d}; cd {d}; seq 400 >in; exec 3<in; for i in 1 2 3 4 5 6 7 8; do for k in {{1..{n}}} {{1..20}}; do read -r x <&3; done; echo $x; "
        "done; cd /; rm -r {d}")[n % 4].format(d=d, n=n + 1))

def pipes(n):
    return sh((
        "for i in 1 2 3 4 5 6; do seq $((i * {n})) | sort -r | while read -r x; do echo $((x * 3)); done | tail -n 2; done",
        "trap 'echo caught $((++c))' USR1; for i in {{1..80}}; do kill -USR1 $$; ((i % 8)) || echo sent $i {n}; done; echo $c",
        "coproc cat; for i in 1 2 3 4 5 6 7 8; do echo word $i {n} >&${{COPROC[1]}}; read -r x <&${{COPROC[0]}}; echo back $x; done",
        "echo go; seq {n}0 | while read -r x; do case $x in *7) echo $x;; esac; done; (sleep 0.03 & p=$!; kill $p; wait $p; "
        "echo ended $?); (trap '' TERM; kill $BASHPID; echo still here)")[n % 4].format(n=n + 2))

def threads(n):
    return ["selfcheck", ("threads", "rpc")[n % 5 == 4], str(n)] if n < 10 else ["ring", str(n)]

def scripts(n):
    return sh((
        "f() {{ (($1 < 2)) && r=$1 || {{ f $(($1 - 1)); local a=$r; f $(($1 - 2)); r=$((a + r)); }}; }}; for i in {{1..12}}; do f $i; echo fib $i $r {n}; done",
        "declare -A a; for i in {{1..80}}; do a[$((i * {n} % 37))]+=$i,; ((i % 8)) || echo ${{#a[@]}} ${{a[$((i % 37))]:-none}}; done",
        "for i in 1 2 3 4 5 6; do x=$(printf '%s\\n' {{a..k}} | shuf --random-source=<(yes {n}$i) | tr -d '\\n'); echo $i ${{x^^}} ${{x:2:4}}; done",
        "s=0; for i in {{1..400}}; do ((s = (s * 31 + i * {n}) % 65521)); ((i % 40)) || echo sum $s; done; echo $s | sed 's/./& /g'",
        "for j in 1 2 3; do (sleep 0.0$j; exit $((j + {n}))) & done; for p in $(jobs -p); do wait $p; echo job $?; done; for i in 1 2 3; do "
        "sleep 0.01; echo tick $i; done")[n % 5].format(n=n + 3))

def programs():
    """(name, words, native)"""
    made = {"fpu": fpu, "files": files, "pipes": pipes, "threads": threads, "scripts": scripts}
    return [("%s-%d" % (k, n), made[k](n)) for n in range(20) for k in KINDS]

def run(words, drive=None, *options):
    r = subprocess.run(["boot/run", "--icount", "--timeout", "60", "--put", "build/tests/posix/ring:/bin/ring", *options,
                        *(["--drive", drive] if drive else []), "--", *words],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ, LC_ALL="C"), timeout=600)
    return str(r.returncode), r.stdout.decode(errors="replace")

def path(words):
    return ["/fluke/apps/selfcheck", *words[1:]] if words[:1] == ["selfcheck"] else words

def boot(words, options):
    """One program below a checkpointer of those options, in a boot of its own; status, and output with the checkpointer's lines."""
    return run(path(words), None, "--stack", "checkpoint -v " + options + ("" if words[0] == "selfcheck" else " process"))

def batch(list, drive=None):
    """Several (name, options, words), one after the other as commands of a shell: name -> (status, output)."""
    script = "exec 2>&1\n" + "".join("echo '== %s'; checkpoint -v %s %s; echo == $?\n" % (name, options, shlex.join(path(words)))
                                     for name, options, words in list)
    text = run(["bash", "-c", script], drive)[1]
    found = {name: (status, output) for name, output, status in re.findall(r"^== (\S+)\n(.*?)^== (\d+)$", text, re.S | re.M)}
    last = text.rsplit("\n== ", 1)[-1][-3000:]
    return {name: found.get(name, ("none", last)) for name, _, _ in list}

def batches(list, drive=None, count=10):
    found = {}
    for n in range(0, len(list), count):
        found.update(batch(list[n:n + count], drive))
    return found

def split(text):
    """The program's own lines; how many restores lay between its first and its last; images, restores, failures, microseconds."""
    own, at = [], []
    for line in text.splitlines(True):
        if line.startswith("checkpoint: "):
            at += [len(own)] * line.startswith("checkpoint: restored in ")
        else:
            own.append(line)
    m = re.search(r"taken (\d+) restored (\d+) failed (\d+), ran (\d+) us", text)
    return "".join(own), sum(0 < n < len(own) for n in at), [int(x) for x in m.groups()] if m else [0, 0, 0, 0]

def reference(list):
    """name -> (output, status, microseconds from where instants are drawn, to where).  Each kind of program runs a while before its
    first output."""
    least = {"bash": ["bash", "-c", "echo"], "gawk": ["gawk", "BEGIN { print }"], "selfcheck": ["selfcheck", "none", "1"]}
    seen = batches([(name, "", words) for name, words in [*least.items(), *list]], None, 20)
    starts = {name: split(seen[name][1])[2][3] for name in least}
    starts["ring"] = starts["bash"]
    found = {}
    for name, words in list:
        output, _, counts = split(seen[name][1])
        found[name] = (output, seen[name][0], min(starts[words[0]], counts[3] // 2), counts[3])
    return found

def instants(seed, name, start, end, count):
    draw = random.Random("%s %s" % (seed, name))
    end -= (end - start) // 20			# its manager's own end
    return sorted(draw.randrange(start, max(end, start + count * 10)) for _ in range(count))

class Result:
    def __init__(self):
        self.wrong, self.few, self.restores, self.inside, self.failed, self.programs = [], [], 0, 0, 0, 0

    def add(self, name, seen, wanted):
        output, inside, counts = split(seen[1])
        self.restores += counts[1]
        self.inside += inside
        self.failed += counts[2]
        if (output, seen[0]) != wanted[:2]:
            self.wrong.append("%s: status %s:\n%s\nwanted %s:\n%s" % (name, seen[0], seen[1][-3000:], wanted[1], wanted[0][-1500:]))
        return counts[1]

def same_boot(list, wanted, seed, count):
    """Each at `count` instants, destroyed and restored in its boot: every other one in a boot of its own, as the first nester, the rest
    as commands of a shell.  Of those that had already ended when an instant came the missing ones are drawn again."""
    result = Result()
    missing = {name: count for name, _ in list}
    result.programs = len(list)
    for draw in range(5):
        todo = [(name, "-c -a " + ",".join(map(str, instants(seed + 1000 * draw, name, wanted[name][2], wanted[name][3], missing[name]))), words)
                for name, words in list if missing[name] > 0]
        seen = batches([t for n, t in enumerate(todo) if n % 2 or draw])
        for name, options, words in todo:
            missing[name] -= result.add(name, seen.get(name) or boot(words, options), wanted[name])
    result.few = [name for name in missing if missing[name] > 0]
    return result

def other_boot(list, wanted, seed, drive, per_boot=11):
    """Each once: begun in one boot, gone on with in another; several per boot."""
    result = Result()
    for n in range(0, len(list), per_boot):
        part = list[n:n + per_boot]
        subprocess.run(["tools/mkdisk", drive, *("i%d:4M" % k for k in range(len(part)))], check=True)
        begun = batch([(name, "-l -t -f disk:i%d -a %d" % (k, instants(seed, name, *wanted[name][2:4], 1)[0]), words)
                       for k, (name, words) in enumerate(part)], drive)
        part = [(k, name) for k, (name, _) in enumerate(part) if "checkpoint: image 1" in begun[name][1]]	# had not ended
        ended = batch([(name, "-r -f disk:i%d" % k, ["restored"]) for k, name in part], drive)
        for k, name in part:
            first, second = split(begun[name][1])[0], split(ended[name][1])[0]
            result.programs += 1
            result.inside += bool(first and second)
            if (first + second, ended[name][0]) != wanted[name][:2]:
                result.wrong.append("%s:\n%s\nthen status %s:\n%s\nwanted %s:\n%s" % (name, begun[name][1][-1500:], ended[name][0],
                                    ended[name][1][-1500:], wanted[name][1], wanted[name][0][-1500:]))
    return result
