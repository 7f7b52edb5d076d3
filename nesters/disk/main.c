/* disk: the driver of a virtio block device, and the files on it.  Started by root, which gives it the device (Driver.idl)
 * and its clients the way to it (DriverService).  It may be killed at any time: see files.c. */
#include <stdio.h>
#include <protocols/Driver.h>
#include "disk.h"

fluke_ref_t	*driver;
struct server	*server;

int main(void);

static int start(void)
{
	int error;

	driver = service_lookup("driver");
	if (!driver)
		return ENXIO;
	error = transport_find();
	if (error)
		return error;
	server = server_new(4, 24, 0);
	return server ? 0 : ENOMEM;
}

int main(void)
{
	fluke_ref_t *service;
	int error = start();

	if (!error)
		error = queue_start(files_done);
	if (!error)
		error = files_start();
	if (!error)
		error = queue_interrupts();
	service = error ? NULL : files_service();
	if (!error)
		error = service ? Driver_ready(driver, service) : ENOMEM;
	if (error) {
		eprintf("disk: %s\n", error_text(error));
		return 1;
	}
	eprintf("disk: %llu sectors, %s\n", (unsigned long long)disk_sectors, transport->name);
	server_run(server);
}
