/* The same calls on the host's own file system, for comparison: 0 or errno. */
#ifndef RAMFS_LINUX_H
#define RAMFS_LINUX_H
struct host_status { unsigned mode, links; unsigned long long size; };
int	host_start(void);		/* into a fresh empty directory; 0 = good */
void	host_end(void);
int	host_open(const char *path, unsigned flags, unsigned mode);
int	host_mkdir(const char *path, unsigned mode);
int	host_mkfifo(const char *path, unsigned mode);
int	host_symlink(const char *target, const char *path);
int	host_link(const char *path, const char *new_path, int follow);
int	host_unlink(const char *path);
int	host_rmdir(const char *path);
int	host_rename(const char *path, const char *new_path, unsigned flags);
int	host_chmod(const char *path, unsigned mode);
int	host_truncate(const char *path, unsigned long long size);
int	host_write(const char *path, unsigned long long offset, const void *data, unsigned count);
int	host_read(const char *path, unsigned long long offset, void *data, unsigned count, unsigned *done);
int	host_readlink(const char *path, char *target, unsigned size);
int	host_stat(const char *path, int follow, struct host_status *status);
#endif
