/* Counts made-up words in two ways, and multiplies matrices; all output repeats exactly. */
#ifndef WORDS_H
#define WORDS_H

#include <stddef.h>
#include <stdint.h>

#define WORD_MAX 16

/* words.c: the sequence of words */
struct source { uint64_t state; };
void word_next(struct source *s, char word[WORD_MAX]);

/* table.c: a hash table that grows */
struct entry { struct entry *next; uint32_t hash; unsigned count; char word[WORD_MAX]; };
struct table { struct entry **slot; size_t slots, used; };
struct entry *table_add(struct table *t, const char *word);
void table_free(struct table *t);

/* tree.c: a balanced tree in order of the words */
struct node { struct node *left, *right; uint32_t weight; unsigned count; char word[WORD_MAX]; };
struct node *tree_add(struct node *root, const char *word, uint32_t weight);
void tree_walk(const struct node *root, void (*visit)(const struct node *, void *), void *context);
void tree_free(struct node *root);

/* matrix.c */
double matrix_trace_of_power(unsigned size, unsigned power);

/* text.c */
uint32_t text_crc(uint32_t crc, const char *text);
void text_bar(char *to, size_t size, unsigned value, unsigned most);

#endif
