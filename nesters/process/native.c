/* Programs written to the Fluke API, run as processes: no personality, but libnest's loader puts the program into the
 * body that exec made, and its thread starts as every native program's does.  Descriptors come by Parent.get_fd. */
#include <stdlib.h>
#include <string.h>
#include <native.h>
#include <nest/child.h>
#include "manager.h"

#define LOADER_MAPPINGS_USED	4	/* body.c */

static char **strings(const char *at, const char *end, uint32_t count)
{
	char **list = calloc(count + 1, sizeof *list);

	for (uint32_t n = 0; list && n < count; n++) {
		const char *zero = memchr(at, 0, end - at);

		if (!zero)
			break;
		list[n] = (char *)at;
		at = zero + 1;
	}
	return list;
}

/* Into the process's body; entry and stack of its first thread. */
int native_load(struct process *p, fluke_ref_t *program, const struct startup *s, uint32_t size, uint32_t *entry,
	uint32_t *stack)
{
	struct body *b = p->body;
	struct child child = { .space = &b->objects->space, .space_ref = body_object(b, START_REF_SPACE),
		.data = &b->objects->data, .data_region = &b->objects->data_region, .window = (char *)b->window,
		.mappings = LOADER_MAPPINGS_USED };
	const char *record = (const char *)s, *end = record + size;
	char **argv = strings(record + s->arg_offset, end, s->arg_count);
	char **envp = strings(record + s->env_offset, end, s->env_count);
	struct load_source source;
	int error = argv && envp ? 0 : ENOMEM;

	load_from_file(&source, program);
	if (!error)
		error = load_elf(&child, &source);
	if (!error)
		error = load_arguments(&child, argv, envp);
	free(argv);
	free(envp);
	*entry = child.entry;
	*stack = child.stack;
	return error;
}
