#include "bench/net/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/socket.h>

#define LO_IFINDEX 1 /* the kernel gives lo this index in every namespace */

__attribute__((format(printf, 3, 4))) static int fail(char *err, size_t err_len, const char *fmt,
                                                      ...) {
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(err, err_len, fmt, ap);
  va_end(ap);
  return -1;
}

/* /proc/sys/net shows the namespace of the thread that opens it. */
static int sysctl_write(const char *path, const char *value) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  ssize_t n = write(fd, value, strlen(value));
  int saved = errno;
  close(fd);
  errno = saved;
  return n < 0 ? -1 : 0;
}

static int set_defaults(char *err, size_t err_len) {
  static const char *const sets[][2] = {
      {"ipv4/ip_forward", "0"},
      {"ipv4/conf/default/rp_filter", "0"},
      {"ipv4/conf/all/rp_filter", "0"},
      {"ipv6/conf/all/accept_dad", "0"},
      {"ipv6/conf/default/accept_dad", "0"},
      {"ipv6/conf/default/addr_gen_mode", "1"},
      {"ipv6/conf/default/accept_ra", "0"},
      {"ipv6/conf/default/disable_ipv6", "1"},
  };
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
    char path[128];
    snprintf(path, sizeof path, "/proc/sys/net/%s", sets[i][0]);
    if (sysctl_write(path, sets[i][1]) != 0)
      return fail(err, err_len, "cannot write %s to %s: %s; the kernel needs IPv6", sets[i][1],
                  path, strerror(errno));
  }
  return 0;
}

static int lo_up(struct nl_sock *nl, char *err, size_t err_len) {
  struct rtnl_link *lo = rtnl_link_alloc(), *up = rtnl_link_alloc();
  int rc = -NLE_NOMEM;
  if (lo != NULL && up != NULL) {
    rtnl_link_set_ifindex(lo, LO_IFINDEX);
    rtnl_link_set_flags(up, IFF_UP);
    rc = rtnl_link_change(nl, lo, up, 0);
  }
  rtnl_link_put(lo);
  rtnl_link_put(up);
  return rc == 0 ? 0 : fail(err, err_len, "cannot bring lo up: %s", nl_geterror(rc));
}

/* The socket was opened inside. */
static int read_cookie(int fd, uint64_t *cookie) {
  socklen_t len = sizeof *cookie;
  return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &len);
}

/* The caller stands in the new namespace. */
static int open_inside(struct netns *ns, char *err, size_t err_len) {
  struct stat st;
  ns->fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (ns->fd < 0 || fstat(ns->fd, &st) != 0)
    return fail(err, err_len, "cannot open /proc/self/ns/net: %s", strerror(errno));
  ns->name.inode = st.st_ino;
  ns->ioctl_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (ns->ioctl_fd < 0)
    return fail(err, err_len, "cannot open a socket in the new namespace: %s", strerror(errno));
  if (read_cookie(ns->ioctl_fd, &ns->name.cookie) != 0)
    return fail(err, err_len,
                "cannot read the cookie of a network namespace: %s; it needs Linux 5.14",
                strerror(errno));
  ns->nl = nl_socket_alloc();
  if (ns->nl == NULL)
    return fail(err, err_len, "no memory for a netlink socket");
  int rc = nl_connect(ns->nl, NETLINK_ROUTE);
  if (rc != 0)
    return fail(err, err_len, "cannot open a netlink socket: %s", nl_geterror(rc));
  if (set_defaults(err, err_len) != 0)
    return -1;
  return lo_up(ns->nl, err, err_len);
}

int netns_make(struct netns *ns, char *err, size_t err_len) {
  *ns = NETNS_NONE;
  int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (home < 0)
    return fail(err, err_len, "cannot open /proc/self/ns/net: %s", strerror(errno));
  int rc;
  if (unshare(CLONE_NEWNET) != 0)
    rc = fail(err, err_len, "cannot make a network namespace: %s; it needs root (CAP_SYS_ADMIN)",
              strerror(errno));
  else
    rc = open_inside(ns, err, err_len);
  if (setns(home, CLONE_NEWNET) != 0)
    rc = fail(err, err_len, "cannot return to the first network namespace: %s", strerror(errno));
  close(home);
  if (rc != 0)
    netns_close(ns);
  return rc;
}

void netns_close(struct netns *ns) {
  if (ns->nl != NULL)
    nl_socket_free(ns->nl);
  if (ns->ioctl_fd >= 0)
    close(ns->ioctl_fd);
  if (ns->fd >= 0)
    close(ns->fd);
  *ns = NETNS_NONE;
}

int netns_enter(const struct netns *ns) {
  return setns(ns->fd, CLONE_NEWNET);
}

/* The caller stands in *fd's namespace while its cookie is read. */
static int visit(int fd, int home, uint64_t *cookie) {
  if (setns(fd, CLONE_NEWNET) != 0)
    return -1;
  int inside = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int rc = inside < 0 ? -1 : read_cookie(inside, cookie);
  int saved = errno;
  if (inside >= 0)
    close(inside);
  if (setns(home, CLONE_NEWNET) != 0)
    return -1;
  errno = saved;
  return rc;
}

int netns_name_of(const char *path, struct netns_name *name) {
  struct stat st;
  *name = (struct netns_name){0};
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  int rc = home >= 0 && fstat(fd, &st) == 0 ? 0 : -1;
  if (rc == 0) {
    name->inode = st.st_ino;
    rc = visit(fd, home, &name->cookie);
  }
  int saved = errno;
  if (home >= 0)
    close(home);
  close(fd);
  errno = saved;
  return rc;
}

/* Writes each file with the caller inside the namespace. */
static int write_inside(const struct netns *ns, const char *const *paths, size_t n,
                        const char *value, char *err, size_t err_len) {
  int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (home < 0 || netns_enter(ns) != 0) {
    if (home >= 0)
      close(home);
    return fail(err, err_len, "cannot enter a network namespace: %s", strerror(errno));
  }
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < n; i++)
    if (sysctl_write(paths[i], value) != 0)
      rc = fail(err, err_len, "cannot write %s to %s: %s", value, paths[i], strerror(errno));
  if (setns(home, CLONE_NEWNET) != 0)
    rc = fail(err, err_len, "cannot return to the first network namespace: %s", strerror(errno));
  close(home);
  return rc;
}

int netns_ipv6_on(const struct netns *ns, const char *ifname, char *err, size_t err_len) {
  char path[128];
  snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/disable_ipv6", ifname);
  const char *const paths[] = {path};
  return write_inside(ns, paths, 1, "0", err, err_len);
}

int netns_forward(const struct netns *ns, char *err, size_t err_len) {
  static const char *const paths[] = {"/proc/sys/net/ipv4/ip_forward",
                                      "/proc/sys/net/ipv6/conf/all/forwarding"};
  return write_inside(ns, paths, sizeof paths / sizeof *paths, "1", err, err_len);
}
