/* Offloads of one interface, through ethtool's ioctl.
 *
 * fanbench turns off on its own interfaces:
 *   segmentation and GRO   one skb = one packet, for the datapath and the captures;
 *                          generic segmentation off alone leaves UDP_SEGMENT
 *                          super-packets, so tx-udp-segmentation goes too
 *   transmit checksums     every packet on a wire carries its real checksum, so that
 *                          the receiving kernel and the judge can verify it
 * A feature that the driver lacks or that is fixed to off is fine. */
#ifndef FANBENCH_NET_OFFLOAD_H
#define FANBENCH_NET_OFFLOAD_H

#include <stdbool.h>
#include <stddef.h>

/* ioctl_fd: a socket in the interface's namespace. 0, or -1 with a sentence in err. */
int offload_all_off(int ioctl_fd, const char *ifname, char *err, size_t err_len);

/* Whether a feature is on, by ethtool's name ("rx-gro"). 0 or 1; -1: not known. */
int offload_is_on(int ioctl_fd, const char *ifname, const char *feature);

#endif
