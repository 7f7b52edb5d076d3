/* The screen's terminal: sequences that programs with TERM=linux send, and the cells that must come out.
 * Sources: nesters/root/vt.c */
#include <stdio.h>
#include <string.h>
#include "../../nesters/root/vt.h"

static struct vt vt;
static char answers[200];
static unsigned number;

static void reply(const char *text)
{
	strcat(answers, text);
}

static void put(const char *text)
{
	while (*text)
		vt_put(&vt, (uint8_t)*text++);
}

static void fresh(void)
{
	memset(&vt, 0, sizeof vt);
	vt.reply = reply;
	answers[0] = 0;
	vt_init(&vt, 6, 20);
}

/* Row y as text, without blanks at its end. */
static const char *row(unsigned y)
{
	static char text[VT_COLUMNS + 1];
	unsigned x, end = 0;

	for (x = 0; x < vt.columns; x++) {
		text[x] = vt.cell[y][x].code < 128 ? (char)vt.cell[y][x].code : '?';
		if (text[x] != ' ')
			end = x + 1;
	}
	text[end] = 0;
	return text;
}

static void check(int good, const char *what)
{
	number++;
	printf("%sok %u vt-%02u %s\n", good ? "" : "not ", number, number, what);
}

int main(void)
{
	printf("1..12\n");
	fresh();
	put("one\r\ntwo\tx\r\n");
	check(!strcmp(row(0), "one") && !strcmp(row(1), "two     x") && vt.c.y == 2 && vt.c.x == 0, "text, tabs, new lines");
	fresh();
	put("aaaaaaaaaaaaaaaaaaaab");
	check(strlen(row(0)) == 20 && !strcmp(row(1), "b"), "a line wraps when the next character comes");
	fresh();
	put("aaaaaaaaaaaaaaaaaaaa\rX");
	check(row(0)[0] == 'X' && !*row(1), "a full line does not wrap before that");
	fresh();
	put("1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7");
	check(!strcmp(row(0), "2") && !strcmp(row(5), "7"), "the last line scrolls");
	fresh();
	put("1\r\n2\r\n3\r\n4\r\n5\r\n6\033[2;4r\033[4;1H\nX\033[r");
	check(!strcmp(row(0), "1") && !strcmp(row(1), "3") && !strcmp(row(3), "X") && !strcmp(row(4), "5"), "a region scrolls alone");
	fresh();
	put("1\r\n2\r\n3\033[2;1H\033[L\033[1;1H\033[M");
	check(!*row(0) && !strcmp(row(1), "2") && !strcmp(row(2), "3"), "lines are inserted and deleted");
	fresh();
	put("abcdef\033[1;3H\033[2@XY\033[1;7H\033[P\033[1;1H\033[X");
	check(!strcmp(row(0), " bXYcdf"), "characters are inserted, deleted, erased");
	fresh();
	put("abc\r\ndef\r\nghi\033[2;2H\033[1K\033[J");
	check(!strcmp(row(0), "abc") && !*row(1) && !*row(2), "parts of line and screen are erased");
	fresh();
	put("\033[31;1mr\033[0m\033[7mi\033[m\033[4mu");
	check(vt.cell[0][0].color == 12 && vt.cell[0][1].color == (7 << 4) && vt.cell[0][2].underline, "colors, reverse, underline");
	fresh();
	put("\303\251\342\202\254\360\237\230\200\377x");
	check(vt.cell[0][0].code == 0xe9 && vt.cell[0][1].code == 0x20ac && vt.cell[0][2].code == 0xfffd && vt.c.x >= 4,
		"UTF-8 of one to four bytes, and bytes that are none");
	fresh();
	put("\033(0qx\033(Bq");
	check(vt.cell[0][0].code == 0x2500 && vt.cell[0][1].code == 0x2502 && vt.cell[0][2].code == 'q', "line drawing characters");
	fresh();
	put("\033[3;5H\033[6n\033[c\033[999;999H\033[6n\033]P7ff0000ok\033[999999999999999A\033[;;;;;;;;;;;;;;;;;;;;;;m");
	check(!strcmp(answers, "\033[3;5R\033[?6c\033[6;20R") && vt.c.y == 0, "questions are answered; odd numbers do no harm");
	return 0;
}
