/* A facet: a second port of a served object, in a session of its own.  It has no methods; what comes is done by
 * the object, which it keeps alive by a reference to the object's own port.  Once the object has been ended its
 * facets answer PROTO_DEAD. */
#include <stdlib.h>
#include <nest/serve.h>
#include <linux_abi.h>
#include <protocols/Session_server.h>
#include "worker.h"

struct facet {
	struct served	served;		/* first */
	struct served_entry *entry;	/* of the object */
	uint32_t	generation;
	fluke_ref_t	*keep;
};

static int other(void *self, struct request *r)
{
	struct facet *f = self;
	struct worker *w = r->worker;
	struct served *object = served_take(f->entry, f->generation);
	int error;

	if (!object) {
		served_leave(f->entry);
		return PROTO_DEAD;
	}
	w->behind = f->entry;		/* left when the reply has gone out */
	r->object = object;
	error = served_call(object, r);
	return error;
}

static void release(void *self)
{
	struct facet *f = self;

	ref_free(f->keep);
	served_done(&f->served);
	free(f);
}

static const struct served_class class = { .name = "facet", .other = other, .release = release };

struct served *facet_object(struct served *object)
{
	struct facet *f = (struct facet *)object;

	if (object->class != &class)
		return object;
	object = served_take(f->entry, f->generation);
	served_leave(f->entry);		/* the reference that our caller has keeps it */
	return object;
}

int served_facet_of(struct server *server, fluke_ref_t *ref, fluke_ref_t *base, uint32_t *session)
{
	struct served *object = served_port_of(server, ref);

	if (!object || object->class != &class)
		return 0;
	fluke_ref_copy(((struct facet *)object)->keep, base);
	*session = (uint32_t)object->session;
	return 1;
}

fluke_ref_t *served_facet(struct served *object, struct session *like)
{
	struct facet *f = calloc(1, sizeof(*f));
	fluke_ref_t *ref = NULL;

	if (!f || !(f->keep = served_ref(object)))
		goto fail;
	f->entry = served_place(object, &f->generation);
	if (served_init(&f->served, &class, object->server))
		goto fail;
	if (!(like ? session_join(&f->served, like) : served_session(&f->served)))
		ref = served_ref(&f->served);
	if (ref)
		return ref;
	served_done(&f->served);
fail:
	if (f)
		ref_free(f->keep);
	free(f);
	return NULL;
}

/* ---- the service */

static int create(void *self, struct request *r, fluke_ref_t *of, fluke_ref_t *like, void **port)
{
	struct server *server = ((struct served *)self)->server;
	struct served *object = served_of(server, of), *other = served_port_of(server, like);
	fluke_ref_t *ref;

	if (!object || (!other && fluke_ref_type(like) != FLUKE_NULL))
		return EXDEV;
	ref = served_facet(object, other ? other->session : NULL);
	request_free_ref(r, ref);
	*port = ref;
	return ref ? 0 : EAGAIN;
}

int session_service(struct served *port, struct server *server)
{
	static const struct Session_methods methods = { .create = create };
	static const struct interface interfaces[] = { { Session_INTERFACE, Session_dispatch, &methods }, { 0, NULL, NULL } };
	static const struct served_class session_class = { .name = "session", .interfaces = interfaces };

	return served_init(port, &session_class, server);
}
