/* Bytes as a file that has a path and is never on disk. One at a time: the next call
 * replaces it. */
#ifndef FANBENCH_PCAP_FUZZ_MEMORY_FILE_H
#define FANBENCH_PCAP_FUZZ_MEMORY_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static inline const char *memory_file(const uint8_t *data, size_t size) {
  static char path[64];
  static int fd = -1;
  if (fd < 0)
    fd = memfd_create("fuzz", 0);
  if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
    abort();
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return path;
}

#endif
