/* Which of the two objects is loaded: with a switch on the one that has switches, else the plain
 * one. Both are made of bpf/relay.bpf.c and have the same maps, constants and programs, so one
 * skeleton type serves both.
 *
 *   struct relay *skel = program_open(&defects);     then as after relay__open()
 */
#ifndef FANBENCH_BPF_PROGRAM_H
#define FANBENCH_BPF_PROGRAM_H

#include "bpf/abi/constants.h"

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "plain.skel.h"
#include "relay.skel.h"

_Static_assert(sizeof(struct plain) == sizeof(struct relay), "the objects differ in maps");
_Static_assert(offsetof(struct plain__rodata, fb_constants) ==
                   offsetof(struct relay__rodata, fb_constants),
               "the objects differ in where their constants are");
_Static_assert(offsetof(struct plain__bss, fb_copy_index) ==
                       offsetof(struct relay__bss, fb_copy_index) &&
                   offsetof(struct plain__bss, fb_emitted_count) ==
                       offsetof(struct relay__bss, fb_emitted_count) &&
                   offsetof(struct plain__bss, fb_clock_ns) ==
                       offsetof(struct relay__bss, fb_clock_ns),
               "the objects differ in where their words are");

/* Its constants are those given. NULL: it cannot be opened, see errno. */
static inline struct relay *program_open(const struct fb_defects *defects) {
  static const struct fb_defects none;
  const bool with = memcmp(defects, &none, sizeof none) != 0;
  struct relay *skel = calloc(1, sizeof *skel);
  if (!skel)
    return NULL;
  int err = relay__create_skeleton(skel);
  if (!err && !with)
    skel->skeleton->data = plain__elf_bytes(&skel->skeleton->data_sz);
  if (!err)
    err = bpf_object__open_skeleton(skel->skeleton, NULL);
  if (err) {
    relay__destroy(skel);
    return NULL;
  }
  memcpy((void *)&skel->rodata->fb_constants.defects, defects, sizeof *defects);
  return skel;
}

#endif
