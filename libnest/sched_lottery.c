/* Lottery: each ready client has so many tickets as its weight; the holder of the one drawn runs for
 * a quantum or until it blocks.  Shares are right on average only, and clients that block early get
 * less than theirs (stride is exact); but a draw needs no history, so weights may change at any time. */
#include <errno.h>
#include <nest/policy.h>

struct lottery {
	struct policy	policy;
	struct policy_queue ready;
	struct policy_client *winner;	/* of the last draw, in its quantum */
	uint32_t	tickets;	/* of all ready ones */
};

#define TICKETS_MOST	(1u << 18)	/* times SCHEDULER_CLIENTS: below 2^32 */

static uint32_t tickets(const struct policy_client *c)
{
	return c->parameters.weight ? c->parameters.weight : 1;
}

static int lottery_check(struct policy *p, struct policy_client *c, const struct policy_parameters *to)
{
	(void)p, (void)c;
	return to->weight > TICKETS_MOST ? EINVAL : 0;
}

static void lottery_apply(struct policy *p, struct policy_client *c)
{
	(void)p;
	c->parameters = c->wanted;
}

static void lottery_ready(struct policy *p, struct policy_client *c, uint64_t now)
{
	struct lottery *l = (struct lottery *)p;

	(void)now;
	policy_queue_last(&l->ready, c);
	l->tickets += tickets(c);
}

static void lottery_blocked(struct policy *p, struct policy_client *c)
{
	struct lottery *l = (struct lottery *)p;

	policy_queue_remove(&l->ready, c);
	l->tickets -= tickets(c);
	c->left = c->turn;
	if (l->winner == c)
		l->winner = NULL;
}

static struct policy_client *lottery_pick(struct policy *p, uint64_t now)
{
	struct lottery *l = (struct lottery *)p;
	struct policy_client *c = l->ready.first;
	uint32_t number;

	(void)now;
	if (l->winner || !c)
		return l->winner;
	for (number = policy_random(p, l->tickets); number >= tickets(c); c = c->next)
		number -= tickets(c);
	l->winner = c;
	return c;
}

static void lottery_charge(struct policy *p, struct policy_client *c, uint64_t time)
{
	struct lottery *l = (struct lottery *)p;

	if (policy_turn_over(c, time) && l->winner == c)
		l->winner = NULL;
}

static uint64_t lottery_quantum(struct policy *p, struct policy_client *c)
{
	return policy_turn_left(p, c);
}

const struct policy_class policy_lottery = {
	.name = "lottery", .size = sizeof(struct lottery), .check = lottery_check,
	.apply = lottery_apply, .ready = lottery_ready,
	.blocked = lottery_blocked, .pick = lottery_pick, .charge = lottery_charge, .quantum = lottery_quantum,
};
