/* A veth pair whose ends live in two network namespaces: offloads off, addresses
 * without duplicate detection, permanent neighbours on both ends (no ARP, no
 * neighbour discovery).
 *
 * Order: veth_make(); until veth_can_send() both ends; veth_configure(); until
 * veth_can_receive() both ends. The waits matter, since the kernel leaves work to
 * others: the link watch turns a new end's queue on a moment after both ends are
 * up, and until then drops what is sent; an IPv6 address gets its local route from a
 * work queue, and until then what comes in for it is dropped.
 *
 * A pair needs no giving back: it ends with either namespace. */
#ifndef FANBENCH_NET_VETH_H
#define FANBENCH_NET_VETH_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>

#include "bench/net/netns.h"

struct veth_end {
  const struct netns *ns;
  char ifname[IFNAMSIZ];
  int ifindex; /* > 1, unique within the namespace */
  uint8_t mac[6];
  char address[INET6_ADDRSTRLEN]; /* text, without prefix length; "": it has none */
};

struct veth_pair {
  struct veth_end a, b;
  int family;     /* AF_INET or AF_INET6 */
  int prefix_len; /* of both addresses, which lie in one subnet */
  uint32_t mtu;
};

/* Both ends, up, without addresses. 0, or -1 with a sentence in err. */
int veth_make(const struct veth_pair *pair, char *err, size_t err_len);

/* 1 or 0, -1 with a sentence in err. */
int veth_can_send(const struct veth_end *end, char *err, size_t err_len);

/* Addresses and neighbours. 0, or -1 with a sentence in err. */
int veth_configure(const struct veth_pair *pair, char *err, size_t err_len);

/* 1 or 0, -1 with a sentence in err. */
int veth_can_receive(const struct veth_end *end, char *err, size_t err_len);

/* Takes away every pair that has an end in the namespace, all at once: one by one
 * the kernel waits some 50 ms for each. None there is fine. */
int veth_delete_all(const struct netns *ns, char *err, size_t err_len);

#endif
