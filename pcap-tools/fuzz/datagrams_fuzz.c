/* Any datagrams between a client and a server, after a handshake or not, without packet
 * protection so that every byte is read: through dissector, tracker and all checks.
 *
 * Input: for each datagram a byte of flags (1: from the server, 2: another port, 4: a
 * short header with a known ID is put in front), two of length, big-endian, then its
 * bytes. The checksum of the capture's frames is left out. */
#include <string.h>

#include "pcap-tools/dissect/packet.h"
#include "pcap-tools/fuzz/memory_file.h"
#include "pcap-tools/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1 << 18, FRAME_MAX = 2048 };

static uint8_t file[ROOM];
static size_t len;

static void put(const void *p, size_t n) {
  if (n)
    memcpy(file + len, p, n);
  len += n;
}

static void put16(uint8_t *p, size_t v) {
  p[0] = (uint8_t)(v >> 8);
  p[1] = (uint8_t)v;
}

/* One record with IPv4 and UDP in front of the payload. */
static void record(uint8_t flags, const uint8_t *front, size_t front_len, const uint8_t *p,
                   size_t n) {
  static uint32_t number;
  uint8_t ip[28] = {0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1};
  size_t total = sizeof ip + front_len + n;
  uint32_t head[4] = {1, ++number, (uint32_t)total, (uint32_t)total};
  bool server = flags & 1;
  if (server) {
    ip[15] = 1;
    ip[19] = 2;
  }
  put16(ip + 2, total);
  put16(ip + 20, server ? 4433 : flags & 2 ? 20001 : 20000);
  put16(ip + 22, !server ? 4433 : flags & 2 ? 20001 : 20000);
  put16(ip + 24, total - 20);
  uint32_t sum = 0;
  for (int i = 0; i < 20; i += 2)
    sum += (uint32_t)ip[i] << 8 | ip[i + 1];
  put16(ip + 10, 0xffff ^ ((sum & 0xffff) + (sum >> 16)));
  put(head, sizeof head);
  put(ip, sizeof ip);
  put(front, front_len);
  put(p, n);
}

/* An Initial that nobody can open makes the connection known; so are its IDs. */
static void begin(void) {
  static const uint32_t pcap[6] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 101};
  static const uint8_t client[64] = {0xc3, 0, 0, 0, 1, 8, 1, 1, 1, 1, 1,
                                     1,    1, 1, 4, 2, 2, 2, 2, 0, 40};
  static const uint8_t server[64] = {0xc3, 0, 0, 0, 1, 4, 2, 2, 2, 2, 6, 3, 3, 3, 3, 3, 3, 0, 42};
  len = 0;
  put(pcap, sizeof pcap);
  record(0, NULL, 0, client, 21 + 40);
  record(1, NULL, 0, server, 19 + 42);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const uint8_t to_client[5] = {0x43, 2, 2, 2, 2}, to_server[7] = {0x43, 3, 3, 3, 3, 3, 3};
  static const uint8_t zeros[QP_TAG_LEN];
  struct judge_report *report = NULL;
  char err[512];
  begin();
  while (size >= 3) {
    uint8_t flags = data[0];
    size_t n = (size_t)data[1] << 8 | data[2];
    data += 3;
    size -= 3;
    n = n < size ? n : size;
    n = n < FRAME_MAX ? n : FRAME_MAX;
    if (len + n + 128 > ROOM)
      break;
    uint8_t packet[FRAME_MAX + QP_TAG_LEN];
    memcpy(packet, data, n);
    size_t tag = flags & 4 ? sizeof zeros : 0; /* of zeros: no protection */
    memcpy(packet + n, zeros, tag);
    if (flags & 4)
      record(flags, flags & 1 ? to_client : to_server, flags & 1 ? 5 : 7, packet, n + tag);
    else
      record(flags, NULL, 0, packet, n);
    data += n;
    size -= n;
  }
  const char *path = memory_file(file, len);
  if (!judge_captures(&path, 1, NULL, &report, err, sizeof err))
    judge_report_free(report);
  return 0;
}
