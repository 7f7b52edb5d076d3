/* What each kernel call takes, from include/fluke/calls.def: for tests that make every call. */
#ifndef CALL_TABLE_H
#define CALL_TABLE_H

enum kind { NONE, SELF_, NEW_, OBJ_, REF_, IN_, OUT_, INOUT_, WORD_, PROT_, CODE_, BLOCK_, DEST_, ALIAS_, HALF_, REFS_ };
enum detail { D_5, D_mutex, D_cond, D_mapping, D_region, D_port, D_portset, D_space, D_thread, D_ref,
	D_hash, D_offset, D_count, D_size, D_flags, D_base, D_sensitivity, D_max, D_prot, D_trap, D_interrupt, D_client_alert,
	D_server_alert, D_send, D_receive, D_client, D_server, D_inheritor, D_keeper, D_owner, D_word, D_handlers, D_saved,
	D_bits, D_obspec, D_cond_state, D_mapping_state, D_mutex_state, D_port_state, D_portset_state, D_region_state,
	D_space_state, D_thread_state };
struct argument { uint8_t kind, detail; };

#define SELF		{ SELF_, 0 },
#define NEW(x)		{ NEW_, D_##x },
#define OBJ(x)		{ OBJ_, D_##x },
#define REF(x)		{ REF_, D_##x },
#define IN(x)		{ IN_, D_##x },
#define OUT(x)		{ OUT_, D_##x },
#define INOUT(x)	{ INOUT_, D_##x },
#define WORD(x)		{ WORD_, D_##x },
#define PROT(x)		{ PROT_, D_##x },
#define CODE(x)		{ CODE_, D_##x },
#define BLOCK		{ BLOCK_, 0 },
#define DEST		{ DEST_, 0 },
#define ALIAS		{ ALIAS_, 0 },
#define HALF(x)		{ HALF_, D_##x },
#define REFS(x)		{ REFS_, 0 },
#define LIST(...)	__VA_ARGS__
#define CALL(number, name, class, source, result, arguments) [number] = { #name, { LIST arguments } },
#define CALLS		128u
static const struct call { const char *name; struct argument argument[6]; } calls[CALLS] = {
#include <fluke/calls.def>
};


#endif
