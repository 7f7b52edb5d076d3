"""A guest with a screen and a PC keyboard, driven through QEMU's monitor.

Keys are pressed with `sendkey`; what shows is read back as rows of (character, foreground,
background): from VGA's text memory, or, where there is a framebuffer, from a picture of the screen
whose cells are looked up in the font that root draws with."""
import os, re, signal, socket, subprocess, sys, time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "boot"))
from patience import Patience

NAMES = {" ": "spc", "\n": "ret", "\t": "tab", "-": "minus", "=": "equal", "[": "bracket_left", "]": "bracket_right",
         ";": "semicolon", "'": "apostrophe", "`": "grave_accent", "\\": "backslash", ",": "comma", ".": "dot", "/": "slash"}
UPPER = dict(zip('~!@#$%^&*()_+{}|:"<>?', "`1234567890-=[]\\;',./"))
# what VGA shows for the bytes of its text memory
PAGE = bytes(range(32, 127)).decode() + "?" + bytes(range(128, 256)).decode("cp437")
RGB = [(0, 0, 0), (0, 0, 170), (0, 170, 0), (0, 170, 170), (170, 0, 0), (170, 0, 170), (170, 85, 0), (170, 170, 170)]
RGB += [tuple(c + 85 for c in color) for color in RGB[:6]] + [(255, 255, 85), (255, 255, 255)]

def key(character):
    if character in UPPER:
        return "shift-" + NAMES.get(UPPER[character], UPPER[character])
    if character.isupper():
        return "shift-" + character.lower()
    return NAMES.get(character, character)

def font():
    """16 rows of 8 pixels, as bytes -> character, from the table that root is linked with."""
    text = open(os.path.join(TOP, "build/font_data.c")).read()
    glyphs = [bytes(map(int, g.split(","))) for g in re.findall(r"^\t\{((?:\d+,){15}\d+)\}", text, re.M)]
    found = {}
    for code, count, first in re.findall(r"\{ (0x[0-9a-f]+), (\d+), (\d+) \}", text):
        for n in range(int(count)):
            found.setdefault(glyphs[int(first) + n], chr(int(code, 16) + n))
    return found

def picture(path):
    """(width, height, pixels) of a PPM file."""
    data = open(path, "rb").read()
    m = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
    return int(m[1]), int(m[2]), data[m.end():]

def read_cells(width, height, pixels, glyphs):
    """Rows of cells.  A cell that is no glyph in two colours of the palette is (None, None, None)."""
    size = width * 3
    return [read_row(pixels[y * size:(y + 16) * size], width, glyphs) for y in range(0, height - 15, 16)]

seen = {}			# rows and cells recur

def read_row(pixels, width, glyphs):
    if pixels not in seen:
        lines = [pixels[n * width * 3:(n + 1) * width * 3] for n in range(16)]
        seen[pixels] = [read_cell([line[x * 24:x * 24 + 24] for line in lines], glyphs) for x in range(width // 8)]
    return seen[pixels]

def read_cell(lines, glyphs):
    whole = b"".join(lines) + b"cell"
    if whole not in seen:
        colors = sorted({line[n:n + 3] for line in lines for n in range(0, 24, 3)})
        seen[whole] = (None, None, None)
        if len(colors) == 1:
            seen[whole] = (" ", None, index(colors[0]))
        for back, fore in (colors, colors[::-1]) if len(colors) == 2 else []:
            shape = bytes(sum(0x80 >> c for c in range(8) if line[c * 3:c * 3 + 3] == fore) for line in lines)
            if shape in glyphs and index(fore) is not None and index(back) is not None:
                seen[whole] = (glyphs[shape], index(fore), index(back))
                break
    return seen[whole]

def index(color):
    return RGB.index(tuple(color)) if tuple(color) in RGB else None

class Guest:
    def __init__(self, work, command, *options):
        self.work, self.buffer = work, b""
        path = os.path.join(work, "monitor")
        self.p = subprocess.Popen(["boot/run", "--tree", "small", "--append", "console=screen " + command, "--qemu",
                                   "-monitor unix:%s,server=on,wait=off" % path, *options], stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL, stderr=open(work + "/errors", "wb"))
        patience = Patience(self.p.pid, 120)
        self.s = socket.socket(socket.AF_UNIX)
        while self.p.poll() is None and not patience.over():
            try:
                self.s.connect(path)
                break
            except OSError:
                time.sleep(0.1)
        self.s.settimeout(120)
        self.answer()
        self.glyphs = font()

    def answer(self):
        while not self.buffer.endswith(b"(qemu) "):
            data = self.s.recv(65536)
            if not data:
                raise EOFError("QEMU has ended: " + open(self.work + "/errors").read())
            self.buffer += data
        text, self.buffer = self.buffer, b""
        return text.decode("latin-1")

    def ask(self, command):
        self.s.sendall(command.encode() + b"\n")
        return self.answer()

    def press(self, *names):
        for name in names:
            self.ask("sendkey %s 20" % name)

    def type(self, text, shown=True):
        """A PC's keyboard keeps 16 bytes for a guest that is slow, so each four keys are awaited on the screen."""
        for at in range(0, len(text), 4):
            part = text[at:at + 4]
            self.press(*[key(c) for c in part])
            if shown and part[-1] != "\n":
                self.until(lambda rows: self.flat(rows).endswith(part.rstrip()))

    def flat(self, rows):
        return "".join(r.ljust(self.columns) for r in rows).rstrip()

    def cells(self):
        shot = os.path.join(self.work, "screen.ppm")
        self.ask("screendump " + shot)
        width, height, pixels = picture(shot)
        if (width, height) != (720, 400):
            return read_cells(width, height, pixels, self.glyphs)
        memory = os.path.join(self.work, "memory")
        self.ask('pmemsave 0xb8000 4000 "%s"' % memory)
        data = open(memory, "rb").read()
        cell = lambda n: (PAGE[data[n] - 32] if data[n] >= 32 else None, data[n + 1] & 15, data[n + 1] >> 4)
        return [[cell(y * 160 + x * 2) for x in range(80)] for y in range(25)]

    def rows(self):
        cells = self.cells()
        self.columns = len(cells[0])
        return ["".join(c[0] or "\0" for c in row).rstrip() for row in cells]

    def cursor(self):
        """(row, column) of VGA's text cursor."""
        values = [int(re.search(r"= 0x([0-9a-f]+)", self.ask("i /1bx 0x3d4.%d" % register))[1], 16) for register in (14, 15)]
        return divmod(values[0] << 8 | values[1], 80)

    def until(self, claim, limit=60):
        """The screen's rows as soon as the claim holds for them, else as they are in the end."""
        patience = Patience(self.p.pid, limit)
        while True:
            rows = self.rows()
            if claim(rows) or patience.over() or self.p.poll() is not None:
                return rows
            time.sleep(0.1)

    def end(self):
        self.s.close()
        self.p.send_signal(signal.SIGTERM)
        self.p.wait()
