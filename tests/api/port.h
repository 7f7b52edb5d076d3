/* What the cases of ports and port sets share: a set, a port in it with alias 11, one-way messages
 * from `out` to `in`. */
#ifndef API_PORT_H
#define API_PORT_H

#include "type.h"

static fluke_portset_t	*set;
static fluke_port_t	*port;
static uint32_t		in[8], out[8];
static fluke_port_state_t state;

static void make(void)
{
	set = check_portset_new();
	port = check_port_new(set, 11);
	out[0] = 6;
	in[0] = in[1] = 0;
}

static uint32_t receive(fluke_portset_t *from, natural_t *alias)
{
	fluke_ipc_params_t block = { .recv_words = 8, .recv_data = in };

	return fluke_ipc_setup_wait_receive(&block, from, alias);
}

static uint32_t send(fluke_ref_t *to)
{
	fluke_ipc_params_t block = { .send_words = 2, .send_data = out };

	return fluke_ipc_send(&block, to);
}

#endif
