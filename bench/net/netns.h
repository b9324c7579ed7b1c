/* One network namespace: what a host of a plan lives in.
 *
 * It is kept alive by a file descriptor only. Nothing is mounted, so it ends
 * with the last process that holds it. The netlink and ioctl sockets inside
 * were opened within the namespace and act there from anywhere.
 *
 * Ownership: netns_make() fills *ns, netns_close() gives everything back. A
 * struct of zeroes with fd -1 (NETNS_NONE) may be closed as well.
 * Errors: 0 or -1 with a sentence in err. Single-threaded callers only:
 * netns_make() changes the caller's namespace for a moment. */
#ifndef FANBENCH_NET_NETNS_H
#define FANBENCH_NET_NETNS_H

#include <stddef.h>
#include <stdint.h>

struct nl_sock;

/* Which namespace it is. The kernel gives the inode of a namespace that is gone to the next
 * one at once; the cookie (SO_NETNS_COOKIE) is given once between two starts of the machine. */
struct netns_name {
  uint64_t inode; /* as in /proc/PID/ns/net */
  uint64_t cookie;
};

struct netns {
  int fd;             /* of /proc/self/ns/net, close-on-exec */
  int ioctl_fd;       /* an AF_INET socket inside, for ethtool */
  struct nl_sock *nl; /* NETLINK_ROUTE inside */
  struct netns_name name;
};

#define NETNS_NONE ((struct netns){.fd = -1, .ioctl_fd = -1})

/* Makes a namespace, sets its defaults (no duplicate address detection, no
 * link-local addresses, no router advertisements, IPv6 off on new interfaces
 * until netns_ipv6_on(), no forwarding until netns_forward(), packets may come back
 * another way than they went) and brings lo up. The caller is back in its own
 * namespace afterwards. */
int netns_make(struct netns *ns, char *err, size_t err_len);
void netns_close(struct netns *ns);

/* The name of the namespace behind a file: /proc/PID/ns/net, or a mount of it. 0; or -1 with
 * errno, and what of *name is not known is 0. As netns_make(): the caller visits it. */
int netns_name_of(const char *path, struct netns_name *name);

/* Puts the calling thread into the namespace. Returns 0 or -1 with errno. */
int netns_enter(const struct netns *ns);

/* Turns IPv6 on for one interface, without any traffic of its own. */
int netns_ipv6_on(const struct netns *ns, const char *ifname, char *err, size_t err_len);

/* Makes a router of it: packets for others go on, IPv4 and IPv6. */
int netns_forward(const struct netns *ns, char *err, size_t err_len);

#endif
