/* A treap: ordered by word, a heap by weight. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "words.h"

static struct node *turn_right(struct node *n)
{
	struct node *up = n->left;

	n->left = up->right;
	up->right = n;
	return up;
}

static struct node *turn_left(struct node *n)
{
	struct node *up = n->right;

	n->right = up->left;
	up->left = n;
	return up;
}

struct node *tree_add(struct node *n, const char *word, uint32_t weight)
{
	int order;

	if (!n) {
		n = calloc(1, sizeof *n);
		if (!n) {
			perror("words");
			exit(1);
		}
		strcpy(n->word, word);
		n->weight = weight;
		n->count = 1;
		return n;
	}
	order = strcmp(word, n->word);
	if (!order) {
		n->count++;
	} else if (order < 0) {
		n->left = tree_add(n->left, word, weight);
		if (n->left->weight > n->weight)
			n = turn_right(n);
	} else {
		n->right = tree_add(n->right, word, weight);
		if (n->right->weight > n->weight)
			n = turn_left(n);
	}
	return n;
}

void tree_walk(const struct node *n, void (*visit)(const struct node *, void *), void *context)
{
	for (; n; n = n->right) {
		tree_walk(n->left, visit, context);
		visit(n, context);
	}
}

void tree_free(struct node *n)
{
	if (n) {
		tree_free(n->left);
		tree_free(n->right);
		free(n);
	}
}
