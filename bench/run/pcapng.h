/* Writes a pcapng file: one section, one interface, nanosecond stamps, TLS
 * secrets in front of all packets (draft-ietf-opsawg-pcapng; DSB: type 0x0A).
 * libpcap 1.10 writes classic pcap only.
 *
 * Order: pcapng_begin(), pcapng_secrets() at most once, pcapng_packet()...,
 * pcapng_end(). All return 0, or -1 with errno set by the write. The stream
 * stays the caller's. */
#ifndef FANBENCH_RUN_PCAPNG_H
#define FANBENCH_RUN_PCAPNG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* linktype: 1 = Ethernet. ifname: if_name of the interface. application: who writes. */
int pcapng_begin(FILE *to, uint16_t linktype, const char *ifname, const char *application);

/* text: lines of an NSS key log (RFC 9850). Nothing is written if len is 0. */
int pcapng_secrets(FILE *to, const char *text, size_t len);

/* time_ns: since 1970. wire_len: length on the wire, >= len. */
int pcapng_packet(FILE *to, uint64_t time_ns, const uint8_t *data, uint32_t len, uint32_t wire_len);

/* Interface statistics: packets seen and packets lost by the capture. */
int pcapng_end(FILE *to, uint64_t time_ns, uint64_t received, uint64_t dropped);

#endif
