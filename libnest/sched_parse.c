/* Policy expressions: "fixed(lottery,rr)", "stride(3*rr:5,fair)", "rm(2/10*fifo)".  Recursive descent over
 * the text; the first mistake ends it, with its place. */
#include <string.h>
#include <nest/policy.h>

#define NUMBER_MOST	100000u
#define DEPTH_MOST	16u

struct parse {
	const char	*text, *at;
	struct policy_node *nodes;
	unsigned	count;
	struct policy_mistake *mistake;
};

static int wrong(struct parse *p, const char *at, const char *what)
{
	if (!p->mistake->column) {
		p->mistake->column = (unsigned)(at - p->text) + 1;
		p->mistake->what = what;
	}
	return 0;
}

static char next(struct parse *p)
{
	while (*p->at == ' ')
		p->at++;
	return *p->at;
}

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int parse_number(struct parse *p, unsigned *number)
{
	const char *start;

	if (!is_digit(next(p)))
		return wrong(p, p->at, "a number is wanted here");
	start = p->at;
	for (*number = 0; is_digit(*p->at) && *number <= NUMBER_MOST; p->at++)
		*number = *number * 10 + (unsigned)(*p->at - '0');
	if (!*number || *number > NUMBER_MOST)
		return wrong(p, start, "the number must be 1 to 100000");
	return 1;
}

/* WEIGHT* or BUDGET/PERIOD*, as the policy above has it. */
static int parse_share(struct parse *p, struct policy_node *node)
{
	int rm = node->above >= 0 && p->nodes[node->above].class == &policy_rm;
	const char *start = p->at;
	unsigned first, period = 0;

	if (!is_digit(next(p)))
		return !rm || wrong(p, p->at, "a client of rm needs BUDGET/PERIOD* (ms)");
	if (!parse_number(p, &first))
		return 0;
	if (next(p) == '/') {
		p->at++;
		if (!parse_number(p, &period))
			return 0;
	}
	if (rm != (period != 0))
		return wrong(p, start, rm ? "a client of rm needs BUDGET/PERIOD* (ms)" : "BUDGET/PERIOD is for clients of rm");
	if (rm && first > period)
		return wrong(p, start, "the budget is longer than the period");
	if (next(p) != '*')
		return wrong(p, p->at, "`*` is wanted here");
	p->at++;
	if (rm) {
		node->parameters.budget = first;
		node->parameters.period = period;
	} else {
		node->parameters.weight = first;
	}
	return 1;
}

static int parse_name(struct parse *p, struct policy_node *node)
{
	const char *start;

	next(p);
	for (start = p->at; *p->at >= 'a' && *p->at <= 'z'; p->at++)
		;
	if (p->at == start)
		return wrong(p, start, "a policy is wanted here: fixed, rr, fifo, rm, lottery, stride, fair or posix");
	node->class = policy_find(start, (size_t)(p->at - start));
	node->column = (unsigned)(start - p->text) + 1;
	if (!node->class)
		return wrong(p, start, "no such policy; there are fixed, rr, fifo, rm, lottery, stride, fair, posix");
	if (next(p) != ':')
		return 1;
	p->at++;
	return parse_number(p, &node->quantum);
}

static int parse_node(struct parse *p, int above, unsigned depth)
{
	struct policy_node *node = &p->nodes[p->count];
	int self = (int)p->count, place = POLICY_LEVELS - 1;

	next(p);
	if (p->count == POLICY_NODES || depth > DEPTH_MOST)
		return wrong(p, p->at, "too many schedulers");
	memset(node, 0, sizeof *node);
	node->above = above;
	if (!parse_share(p, node))
		return 0;
	p->count++;
	if (!parse_name(p, node))
		return 0;
	if (next(p) != '(')
		return 1;
	do {
		unsigned child = p->count;

		p->at++;
		if (!parse_node(p, self, depth + 1))
			return 0;
		p->nodes[child].parameters.priority = place--;
	} while (next(p) == ',');
	if (next(p) != ')')
		return wrong(p, p->at, "`,` or `)` is wanted here");
	p->at++;
	return 1;
}

unsigned policy_parse(const char *text, struct policy_node nodes[POLICY_NODES], struct policy_mistake *mistake)
{
	struct parse p = { .text = text, .at = text, .nodes = nodes, .mistake = mistake };

	mistake->column = 0;
	if (!parse_node(&p, -1, 1))
		return 0;
	if (next(&p))
		return (unsigned)wrong(&p, p.at, "nothing is wanted after this");
	return p.count;
}
