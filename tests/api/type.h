/* Claims that hold for every object type, written once: each type's file has a case for each of
 * them.  An object is made by its own calls alone; `other` is an active object of another type. */
#ifndef TYPE_H
#define TYPE_H

#include "check.h"

struct type_calls {
	fluke_type_t	type;
	uint32_t	size, not_it;		/* bytes; the insanity NOT_T */
	fluke_error_t	(*create)(void *), (*create_hash)(void *, integer_t *);
	void		(*destroy)(void *), (*move)(void *, void *), (*reference)(void *, fluke_ref_t *);
	void		(*get)(void *, void *, void *, fluke_ref_t *), (*set)(void *, const void *, void *, fluke_ref_t *);
	uint32_t	links;			/* references that get_state and set_state take; FIVE: a table of five */
};
#define FIVE 5

#define TYPE_CALLS(name, NAME, how_many) \
	static const struct type_calls calls = { \
		FLUKE_TYPE_##NAME, sizeof(fluke_##name##_t), FLUKE_INSANITY_NOT_##NAME, \
		(void *)fluke_##name##_create, (void *)fluke_##name##_create_hash, (void *)fluke_##name##_destroy, \
		(void *)fluke_##name##_move, (void *)fluke_##name##_reference, (void *)fluke_##name##_get_state, \
		(void *)fluke_##name##_set_state, how_many, \
	}

#define KERNEL_ADDRESS	((void *)0xc0100000)

/* The statement, with o an address where nothing is, another type's object, and no user address. */
#define REFUSES_BAD(not_it, other, statement) \
	do { \
		void *volatile o = check_object(1024); \
		EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, statement); \
		o = other; \
		EXPECT_INSANITY(not_it, statement); \
		o = KERNEL_ADDRESS; \
		EXPECT_INSANITY(FLUKE_INSANITY_INVALID_OBJECT, statement); \
		o = (char *)check_object(1024) + 4; \
		EXPECT_INSANITY(FLUKE_INSANITY_INVALID_OBJECT, statement); \
	} while (0)

static inline void *type_other(const struct type_calls *c)
{
	return c->type == FLUKE_TYPE_MUTEX ? (void *)check_cond_new() : (void *)check_mutex_new();
}

static inline void *type_new(const struct type_calls *c)
{
	void *o = check_object(c->size);

	CHECK_EQUAL(c->create(o), FLUKE_SUCCESS);
	return o;
}

static inline integer_t type_hash(const struct type_calls *c, void *o)
{
	fluke_ref_t *ref = check_ref_new();

	c->reference(o, ref);
	CHECK_EQUAL(fluke_ref_type(ref), c->type);
	return fluke_ref_hash(ref);
}

/* get_state with references that lead elsewhere before; how many of them are null afterwards. */
static inline uint32_t type_null_links(const struct type_calls *c, void *o)
{
	fluke_ref_t *ref[5];
	uint32_t nulls = 0;

	for (uint32_t i = 0; i < c->links; i++)
		fluke_mutex_reference(check_mutex_new(), ref[i] = check_ref_new());
	if (c->links == FIVE)
		c->get(o, 0, ref, 0);
	else
		c->get(o, 0, c->links > 0 ? ref[0] : 0, c->links > 1 ? ref[1] : 0);
	for (uint32_t i = 0; i < c->links; i++)
		nulls += fluke_ref_type(ref[i]) == FLUKE_NULL;
	return nulls;
}

static inline void type_create(const struct type_calls *c)
{
	void *o = type_new(c);

	CHECK(type_hash(c, o) != 0);
	CHECK_EQUAL(type_null_links(c, o), c->links);
	CHECK(type_hash(c, type_new(c)) != type_hash(c, o));
}

static inline void type_create_refuses(const struct type_calls *c, fluke_error_t (*create)(void *, integer_t *))
{
	char *place = check_object(2 * c->size);
	integer_t hash = 7;

	EXPECT_INSANITY(FLUKE_INSANITY_NOT_ALIGNED, create(place + c->size / 2, &hash));
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_ALIGNED, create(place + 1, &hash));
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_OBJECT, create(KERNEL_ADDRESS, &hash));
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_OBJECT, create((char *)FLUKE_ENTRY, &hash));
	CHECK_EQUAL(create(place, &hash), FLUKE_SUCCESS);
	EXPECT_INSANITY(FLUKE_INSANITY_OBJECT_EXISTS, create(place, &hash));
	CHECK_EQUAL(create(place + c->size, &hash), FLUKE_SUCCESS);
}

static inline void type_create_hash(const struct type_calls *c)
{
	integer_t hash = 4711;
	void *o = check_object(c->size);

	CHECK_EQUAL(c->create_hash(o, &hash), FLUKE_SUCCESS);
	CHECK_EQUAL(hash, 4711);
	CHECK_EQUAL(type_hash(c, o), 4711);
	hash = 0;
	o = check_object(c->size);
	CHECK_EQUAL(c->create_hash(o, &hash), FLUKE_SUCCESS);
	CHECK(hash != 0);
	CHECK_EQUAL(type_hash(c, o), hash);
	o = check_object(c->size);
	CHECK_EQUAL(c->create_hash(o, 0), FLUKE_SUCCESS);
	CHECK(type_hash(c, o) != 0);
}

static inline void type_destroy(const struct type_calls *c)
{
	fluke_ref_t *ref[40];
	void *o = type_new(c);

	for (uint32_t i = 0; i < 40; i++)
		c->reference(o, ref[i] = check_ref_new());
	c->destroy(o);
	for (uint32_t i = 0; i < 40; i++)
		CHECK_EQUAL(fluke_ref_type(ref[i]), FLUKE_NULL);
	EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, c->destroy(o));
	CHECK_EQUAL(c->create(o), FLUKE_SUCCESS);
}

static inline void type_destroy_refuses(const struct type_calls *c)
{
	REFUSES_BAD(c->not_it, type_other(c), c->destroy(o));
	c->destroy(type_new(c));
}

static inline void type_move(const struct type_calls *c)
{
	fluke_ref_t *ref[40], *there = check_ref_new();
	void *o = type_new(c), *to = check_object(c->size);
	integer_t hash = type_hash(c, o);

	for (uint32_t i = 0; i < 40; i++)
		c->reference(o, ref[i] = check_ref_new());
	c->move(o, to);
	c->reference(to, there);
	for (uint32_t i = 0; i < 40; i++)
		CHECK_EQUAL(fluke_ref_compare(ref[i], there), 1);
	CHECK_EQUAL(fluke_ref_hash(there), hash);
	EXPECT_INSANITY(FLUKE_INSANITY_NO_OBJECT, c->reference(o, there));
	c->move(to, o);
	CHECK_EQUAL(type_hash(c, o), hash);
}

static inline void type_move_refuses(const struct type_calls *c)
{
	char *place = check_object(2 * c->size);
	void *mine = type_new(c), *second = type_new(c);

	REFUSES_BAD(c->not_it, type_other(c), c->move(o, place));
	EXPECT_INSANITY(FLUKE_INSANITY_NOT_ALIGNED, c->move(mine, place + c->size / 2));
	EXPECT_INSANITY(FLUKE_INSANITY_OBJECT_EXISTS, c->move(mine, second));
	EXPECT_INSANITY(FLUKE_INSANITY_INVALID_OBJECT, c->move(mine, KERNEL_ADDRESS));
	c->move(mine, place);
}

static inline void type_reference(const struct type_calls *c)
{
	fluke_ref_t *ref = check_ref_new(), *other = check_ref_new();
	void *a = type_new(c), *b = type_new(c);

	c->reference(a, ref);
	c->reference(b, ref);
	c->reference(b, other);
	CHECK_EQUAL(fluke_ref_compare(ref, other), 1);
	c->destroy(a);
	CHECK_EQUAL(fluke_ref_type(ref), c->type);
}

static inline void type_reference_refuses(const struct type_calls *c)
{
	fluke_ref_t *ref = check_ref_new();
	void *mine = type_new(c);

	REFUSES_BAD(c->not_it, type_other(c), c->reference(o, ref));
	CHECK_EQUAL(fluke_ref_type(ref), FLUKE_NULL);
	REFUSES_BAD(FLUKE_INSANITY_NOT_REF, mine, c->reference(mine, o));
	c->reference(mine, ref);
	CHECK_EQUAL(fluke_ref_type(ref), c->type);
}

static inline void type_with_link(void (*call)(void *, void *, void *, fluke_ref_t *), void *mine, uint32_t i, void *o)
{
	fluke_thread_links_t links = { 0 };

	links[i] = o;
	call(mine, 0, links, 0);
}

static inline void type_state_refuses(const struct type_calls *c, void (*call)(void *, void *, void *, fluke_ref_t *))
{
	static uint32_t state[1024] __attribute__((aligned(16)));
	void *mine = type_new(c);

	memset(state, 0, sizeof state);
	if (c->type == FLUKE_TYPE_THREAD)
		((fluke_thread_state_t *)state)->flags = FLUKE_THREAD_STOPPED;
	REFUSES_BAD(c->not_it, type_other(c), call(o, state, 0, 0));
	if (c->links == FIVE) {
		REFUSES_BAD(FLUKE_INSANITY_NOT_REF, mine, type_with_link(call, mine, FLUKE_LINK_SPACE, o));
		REFUSES_BAD(FLUKE_INSANITY_NOT_REF, mine, type_with_link(call, mine, FLUKE_LINK_SERVER, o));
	}
	if (c->links == 1 || c->links == 2)
		REFUSES_BAD(FLUKE_INSANITY_NOT_REF, mine, call(mine, state, o, 0));
	if (c->links == 2)
		REFUSES_BAD(FLUKE_INSANITY_NOT_REF, mine, call(mine, state, 0, o));
	call(mine, state, 0, 0);
}

/* With null pointers alone nothing is read, nothing written. */
static inline void type_state_null(const struct type_calls *c)
{
	static uint32_t before[1024] __attribute__((aligned(16))), after[1024] __attribute__((aligned(16)));
	void *o = type_new(c);

	memset(before, 0, sizeof before);
	memset(after, 0, sizeof after);
	c->get(o, before, 0, 0);
	CHECK_EQUAL(before[0], type_hash(c, o));
	c->get(o, 0, 0, 0);
	c->set(o, 0, 0, 0);
	c->get(o, after, 0, 0);
	CHECK(!memcmp(before, after, sizeof before));
	CHECK_EQUAL(type_null_links(c, o), c->links);
}

/* State written is state read, and another hash in it is not taken. */
static inline void type_state_again(const struct type_calls *c)
{
	static uint32_t before[1024] __attribute__((aligned(16))), after[1024] __attribute__((aligned(16)));
	void *o = type_new(c);

	memset(before, 0, sizeof before);
	memset(after, 0, sizeof after);
	c->get(o, before, 0, 0);
	before[0]++;
	c->set(o, before, 0, 0);
	c->get(o, after, 0, 0);
	before[0]--;
	CHECK(!memcmp(before, after, sizeof before));
}

#endif
