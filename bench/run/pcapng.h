/* Writes a pcapng file: one section, one interface, nanosecond stamps, TLS
 * secrets in front of all packets (draft-ietf-opsawg-pcapng; DSB: type 0x0A).
 * libpcap 1.10 writes classic pcap only.
 *
 * Order: pcapng_begin(), pcapng_secrets() at most once, pcapng_packet()...,
 * pcapng_end(). All return 0, or what the sink returned; pcapng_secrets() also -1 with
 * errno EFBIG. */
#ifndef FANBENCH_RUN_PCAPNG_H
#define FANBENCH_RUN_PCAPNG_H

#include <stddef.h>
#include <stdint.h>

/* Takes the bytes in order; 0, or another value: no more is wanted. len > 0. */
struct pcapng_sink {
  int (*put)(void *arg, const void *data, size_t len);
  void *arg;
};

/* linktype: 1 = Ethernet. ifname: if_name of the interface. application: who writes. */
int pcapng_begin(const struct pcapng_sink *to, uint16_t linktype, const char *ifname,
                 const char *application);

/* text: lines of an NSS key log (RFC 9850). Nothing is written if len is 0. */
int pcapng_secrets(const struct pcapng_sink *to, const char *text, size_t len);

/* time_ns: since 1970. wire_len: length on the wire, >= len. */
int pcapng_packet(const struct pcapng_sink *to, uint64_t time_ns, const uint8_t *data, uint32_t len,
                  uint32_t wire_len);

/* Interface statistics: packets seen and packets lost by the capture. */
int pcapng_end(const struct pcapng_sink *to, uint64_t time_ns, uint64_t received, uint64_t dropped);

#endif
