#!/usr/bin/env python3
"""apps/tree: the live nesting as it is, its figures the kernel's, nothing shown that is not below, nobody who hangs holds it up."""
import json, re, subprocess, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
from hosttap import Tap
t = Tap()

def run(stack, *command, nesting=True):
    r = subprocess.run(["boot/run", "--icount", "--timeout", "60", *(["--nesting"] if nesting else []), "--stack", stack, "--", *command],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    return r.stdout, r.stderr

def shape(node):
    name = node["name"].split("/")[-1]
    return [name, *map(shape, node["holds"])] if node.get("holds") else name

def total(node, key):
    return node[key] + sum(total(n, key) for n in node.get("holds", []))

def parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        return {"kernel": {"none": 1}, "tree": {"name": "nothing", "none": 0, "memory": 0, "limit": 0, "time_ns": 0}}

def below(node):
    yield node
    for n in node.get("holds", []):
        yield from below(n)

TRACE = "trace -o /dev/null"
for number, (stack, wanted) in enumerate([
        ("", ["root", "tree"]),
        ("memory", ["root", ["memory", "tree"]]),
        ("process", ["root", ["process", "tree[2]"]]),
        ("process memory process %s process" % TRACE, ["root", ["process", ["memory[2]", ["process", ["trace[2]", ["process", "tree[2]"]]]]]]),
        ("%s memory -s 32M %s process process" % (TRACE, TRACE), ["root", ["trace", ["memory", ["trace", ["process", ["process[2]", "tree[2]"]]]]]])], 1):
    out = parsed(run(stack, "/fluke/apps/tree", "--json")[0])
    tree, kernel = out["tree"], out["kernel"]
    t.equal("tree-%02d" % (2 * number - 1), 'who holds whom on "%s"' % stack, shape(tree), wanted)
    t.equal("tree-%02d" % (2 * number), "the objects of each type add up to what the kernel counts", {k: total(tree, k) for k in kernel}, kernel)
    if number == 4:
        nodes = list(below(tree))
        t.check("tree-11", "memory of each includes what is below it, and is within its limit; time has passed for each", all(
            n["memory"] >= sum(m["memory"] for m in n.get("holds", [])) and 0 < n["memory"] <= n["limit"] and n["time_ns"] > 0 for n in nodes), nodes)

out, err = run("process", "bash", "-c", "(trap '' TERM; exec sleep 100) & sleep 0.3; /fluke/apps/tree; free -k; cat /proc/*/status | grep -c Threads", nesting=False)
lines = out.splitlines()
mine = next((l.split() for l in lines if l.endswith(" process")), [])
held = [l.split()[-1].split("[")[0] for l in lines if "[" in l]
t.check("tree-12", "a process sees its manager's world without being given more; threads are right", mine and held == ["bash", "sleep", "tree"] and
        all(l.split()[1] == ("2" if "tree" in l else "1") for l in lines if "[" in l) and "root" not in out, out + err)
out, err = run("process memory process", "bash", "-c", "/fluke/apps/tree --json", nesting=False)
t.check("tree-13", "and nothing above or beside it", shape(parsed(out)["tree"]) == ["process", "tree[2]"], out + err)
out, err = run("process", "bash", "-c", "memory /fluke/apps/tree; memory -s 8M process /fluke/apps/tree --json", nesting=False)
t.check("tree-14", "a program below memory sees nothing, a manager below memory its own", "nobody here shows" in err and shape(parsed(out)["tree"]) ==
        ["process", "tree[2]"], out + err)

out, err = run("process memory process", "bash", "-c", """memory -s 8M bash -c 'sleep 100; true' & sleep 0.5; /fluke/apps/tree --json; echo =
kill -STOP $!; sleep 0.2; /fluke/apps/tree --json; echo =; /fluke/apps/tree | grep -c 'memory.* (stopped, does not answer)'; echo =
kill -KILL $!; sleep 0.3; /fluke/apps/tree --json; true""")
parts = out.split("=\n")
alive = parsed(parts[0])["tree"]
t.check("tree-15", "a nester started from a shell is below its process, with all that it holds", re.search(
        r"'memory\[3\]', \['process', \['bash\[2\]'.*'sleep\[", str(shape(alive))) or "sleep[" in str(shape(alive)), shape(alive))
stopped = parsed(parts[1] if len(parts) > 1 else "")["tree"]
node = next((n for n in below(stopped) if n["name"] == "memory[3]"), {})
t.check("tree-16", "stopped, it does not answer, and the tree says so, with what its parent knows", node.get("state") == "stopped" and node.get("answers") is False
        and node["memory"] > 1 << 20 and node["threads"] > 2 and "tree[" in str(shape(stopped)), node)
t.equal("tree-17", "in the table too", parts[2].strip() if len(parts) > 2 else "", "1")
dead = parsed(parts[3] if len(parts) > 3 else "")
t.check("tree-18", "killed, it is gone with all below, and the counts are the kernel's again", "memory[3]" not in str(shape(dead["tree"])) and
        {k: total(dead["tree"], k) for k in dead["kernel"]} == dead["kernel"], (shape(dead["tree"]), dead["kernel"]))
t.done()
