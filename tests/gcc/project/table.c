#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "words.h"

static uint32_t hash_of(const char *word)
{
	uint32_t hash = 2166136261u;

	while (*word)
		hash = (hash ^ (unsigned char)*word++) * 16777619u;
	return hash;
}

static void grow(struct table *t)
{
	size_t slots = t->slots ? 2 * t->slots : 8;
	struct entry **slot = calloc(slots, sizeof *slot), *e, *next;

	if (!slot) {
		perror("words");
		exit(1);
	}
	for (size_t i = 0; i < t->slots; i++)
		for (e = t->slot[i]; e; e = next) {
			next = e->next;
			e->next = slot[e->hash % slots];
			slot[e->hash % slots] = e;
		}
	free(t->slot);
	t->slot = slot;
	t->slots = slots;
}

struct entry *table_add(struct table *t, const char *word)
{
	uint32_t hash = hash_of(word);
	struct entry *e = t->slots ? t->slot[hash % t->slots] : NULL;

	while (e && (e->hash != hash || strcmp(e->word, word)))
		e = e->next;
	if (!e) {
		if (t->used >= t->slots)
			grow(t);
		e = malloc(sizeof *e);
		if (!e) {
			perror("words");
			exit(1);
		}
		*e = (struct entry){ .next = t->slot[hash % t->slots], .hash = hash };
		strcpy(e->word, word);
		t->slot[hash % t->slots] = e;
		t->used++;
	}
	e->count++;
	return e;
}

void table_free(struct table *t)
{
	for (size_t i = 0; i < t->slots; i++)
		for (struct entry *e = t->slot[i], *next; e; e = next) {
			next = e->next;
			free(e);
		}
	free(t->slot);
	*t = (struct table){ 0 };
}
