#!/usr/bin/env python3
# A person at the machine: the PC keyboard is typed on and the screen is read, on VGA text (from
# -kernel and from GRUB by BIOS) and on GRUB's framebuffer (32-bit UEFI).
import os, re, subprocess, sys, tempfile
sys.dont_write_bytecode = True
sys.path.insert(0, "tests")
import screen
from hosttap import Tap
t = Tap()
PROMPT = "$>"
EVERY = "".join(map(chr, range(33, 127))).replace("'", "")
RED, BLUE, GREY, WHITE = 4, 1, 7, 15

def last(rows):
    """The rows down to the prompt, which must be the last that is not empty."""
    filled = [n for n, row in enumerate(rows) if row]
    return rows[:filled[-1] + 1] if filled else []

def answer(g, keys, lines):
    """Types a line; True when these lines and a prompt follow it at the end of the screen."""
    g.type(keys + "\n")
    wanted = lines + [PROMPT]
    rows = last(g.until(lambda rows: last(rows)[-len(wanted):] == wanted))
    g.seen = "\n".join(rows[-8:])
    before = rows[:-len(wanted)]		# the line typed, if it has not gone off the screen
    return rows[-len(wanted):] == wanted and (not before or before[-1].endswith(keys[-8:]))

def colors(g, text):
    """(foreground, background) of each cell of the row that is this text."""
    for row in g.cells():
        if "".join(c[0] or "\0" for c in row).rstrip() == text:
            return [(c[1], c[2]) for c in row[:len(text)]]

def wrapped(text, columns):
    return [text[n:n + columns] for n in range(0, len(text), columns)]

def look(name, what, text, *options):
    def check(number, sentence, claim, shown=None):
        t.check("%s-%02d" % (name, number), sentence + " " + what, claim, g.seen if shown is None else shown)

    with tempfile.TemporaryDirectory(dir="build", prefix="screen.") as work:
        g = screen.Guest(work, 'cmd="/bin/busybox sh" env="PS1=$> " cwd=/', *options)
        try:
            rows = g.until(lambda rows: last(rows)[-1:] == [PROMPT], 240)
            check(1, "the shell's prompt shows", last(rows)[-1:] == [PROMPT], "\n".join(rows))
            height, width = len(rows), g.columns
            check(2, "every character of the keyboard is typed, echoed and shown",
                  answer(g, "echo '%s'\"'\"" % EVERY, wrapped(EVERY + "'", width)))
            if name == "screen-bios":		# the same screen: another way there
                return
            check(3, "the terminal has the screen's size", answer(g, "stty size", ["%d %d" % (height, width)]))
            g.press("caps_lock")
            g.type("# aB-1")
            rows = g.until(lambda rows: last(rows)[-1].endswith("# Ab-1"))
            check(4, "Caps Lock turns letters around and nothing else", last(rows)[-1] == PROMPT + " # Ab-1", "\n".join(last(rows)[-5:]))
            g.press("caps_lock", "ret")
            g.type("cat\nabc\n", shown=False)
            g.until(lambda rows: last(rows)[-2:] == ["abc", "abc"])
            g.press("ctrl-c")
            rows = last(g.until(lambda rows: last(rows)[-1] == PROMPT))
            check(5, "^C is shown and ends a program", rows[-4:] == ["abc", "abc", "^C", PROMPT], "\n".join(rows[-6:]))
            check(6, "its status is that of SIGINT", answer(g, "echo $?", ["130"]))
            answer(g, "echo one", ["one"])
            g.press("up")
            g.until(lambda rows: last(rows)[-1] == PROMPT + " echo one")
            check(7, "cursor up brings the last line back", answer(g, "", ["one"]))
            g.type("echo a3c")
            g.press("left", "backspace")
            g.type("b", shown=False)
            g.press("right", "home", "delete", "delete", "delete", "delete", "delete", "end")
            g.until(lambda rows: last(rows)[-1] == PROMPT + " abc")
            g.press("home")
            g.type("echo ", shown=False)
            g.press("ret")
            rows = last(g.until(lambda rows: last(rows)[-2:] == ["abc", PROMPT]))
            check(8, "left, right, home, end, backspace and delete edit a line", rows[-3:] == [PROMPT + " echo abc", "abc", PROMPT], "\n".join(rows[-5:]))
            check(9, "the screen scrolls", answer(g, "seq 1 200", [str(n) for n in range(202 - height, 201)]))
            check(10, "output of UTF-8 shows as characters", answer(g, r"printf '\303\244\342\224\200\342\224\274\n'", ["ä─┼"]))
            check(11, "a character that the screen lacks is a question mark" if text else "so do those outside the old code pages",
                  answer(g, r"printf '\304\201\n'", ["?" if text else "ā"]))
            answer(g, r"printf '\033[31mred\033[0;1;44mblue\033[0mx\n'", ["redbluex"])
            wanted = [(RED, 0)] * 3 + [(WHITE, BLUE)] * 4 + [(GREY, 0)]
            check(12, "colours are those asked for", colors(g, "redbluex") == wanted, colors(g, "redbluex"))
            g.type("mkdir /tmp/d /tmp/d/folder; ls --color=always /tmp/d\n")
            g.until(lambda rows: last(rows)[-2:] == ["folder", PROMPT])
            check(13, "ls --color shows a folder in bright blue", colors(g, "folder") == [(BLUE + 8, 0)] * 6, colors(g, "folder"))
            g.type("clear\n")
            rows = g.until(lambda rows: last(rows) == [PROMPT])
            check(14, "clear leaves the prompt alone", last(rows) == [PROMPT], "\n".join(rows))
            if text:
                cursor = g.cursor()
            else:		# a block: the blank cell whose colours are the other way round
                cursor = [(y, x) for y, row in enumerate(g.cells()) for x, c in enumerate(row) if c[2] == GREY][0:1]
                cursor = cursor[0] if cursor else None
            check(15, "the cursor stands behind it", cursor == (0, 3), cursor)
            if name == "screen":
                known_bad(g)
        except (OSError, EOFError) as e:
            t.check(name + "-99", "QEMU goes on to the end", False, e)
        finally:
            g.end()

def known_bad(g):
    """What the checks above must not let pass."""
    g.press("e", "c", "h", "o", "spc", "a", "ret")
    rows = last(g.until(lambda rows: last(rows)[-1] == PROMPT and len(last(rows)) > 2))
    t.check("screen-80", "a letter that comes without its shift is noticed", rows[-2:] == ["a", PROMPT] and rows[-2:] != ["A", PROMPT], rows)
    t.check("screen-81", "an answer that does not come is noticed", not any(r == "never" for r in g.until(lambda rows: "never" in rows, 2)))

def pictures():
    """The reader of pictures by itself: a glyph moved, thinned or in a strange colour is no character."""
    glyphs = screen.font()
    shape = next(s for s, c in glyphs.items() if c == "R")

    def cell(shape, fore=(170, 170, 170), back=(0, 0, 0)):
        pixels = b"".join(bytes(fore if row & 0x80 >> c else back) for row in shape for c in range(8))
        return screen.read_cells(8, 16, pixels, glyphs)[0][0]
    t.equal("screen-90", "a glyph of the font is read as its character and colours", cell(shape, (255, 85, 85), (0, 0, 170)), ("R", 12, 1))
    dotted = bytes(row ^ (0x01 if n == 3 else 0) for n, row in enumerate(shape))
    t.equal("screen-91", "with one pixel more it is none", cell(dotted), (None, None, None))
    t.equal("screen-92", "one line lower it is none", cell(shape[-1:] + shape[:-1]), (None, None, None))
    t.equal("screen-93", "in a colour that is not in the palette it is none", cell(shape, (170, 170, 160)), (None, None, None))

pictures()
look("screen", "on VGA text", True)
look("screen-bios", "on VGA text from GRUB", True, "--iso")
look("screen-uefi", "on a framebuffer", False, "--iso", "--uefi", "--memory", "256")
t.done()
