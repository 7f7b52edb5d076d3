#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "words.h"

struct sum { uint32_t crc; unsigned words, wrong, most; struct table *table; };

static void add(const struct node *n, void *context)
{
	struct sum *sum = context;
	struct entry *e = table_add(sum->table, n->word);

	sum->wrong += --e->count != n->count;
	sum->words += n->count;
	sum->most = n->count > sum->most ? n->count : sum->most;
	sum->crc = text_crc(sum->crc, n->word);
}

static int by_count(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;

	return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : strcmp(x->word, y->word);
}

static void show_top(const struct table *t, unsigned rows, unsigned most)
{
	struct entry **list = malloc(t->used * sizeof *list);
	size_t count = 0;
	char bar[31];

	for (size_t i = 0; i < t->slots; i++)
		for (struct entry *e = t->slot[i]; e; e = e->next)
			list[count++] = e;
	qsort(list, count, sizeof *list, by_count);
	for (size_t i = 0; i < count && i < rows; i++) {
		text_bar(bar, sizeof bar, list[i]->count, most);
		printf("%-*s %6u %s\n", WORD_MAX, list[i]->word, list[i]->count, bar);
	}
	free(list);
}

int main(int argc, char **argv)
{
	unsigned count = argc > 1 ? (unsigned)atoi(argv[1]) : 50000;
	struct source source = { 42 };
	struct table table = { 0 };
	struct node *tree = NULL;
	struct sum sum = { .table = &table };
	char word[WORD_MAX];

	for (unsigned n = 0; n < count; n++) {
		word_next(&source, word);
		table_add(&table, word);
		tree = tree_add(tree, word, (uint32_t)(source.state >> 16));
	}
	tree_walk(tree, add, &sum);
	printf("%u words, %zu different, %u wrong, sum %08" PRIx32 "\n", sum.words, table.used, sum.wrong, sum.crc);
	show_top(&table, 5, sum.most);
	printf("trace %.12f\n", matrix_trace_of_power(24, 7));
	tree_free(tree);
	table_free(&table);
	return sum.wrong != 0 || sum.words != count;
}
