/* Which of the objects is loaded: for a journal the one that keeps it, to replay runs that were stopped
 * the one that steps, with a switch on the one that has switches, else the plain one. All are made of bpf/relay.bpf.c and have the same maps,
 * constants and programs, so one skeleton type serves them.
 *
 *   struct relay *skel = program_open(&defects);     then as after relay__open()
 *
 * The map `journal` is made for program_open_journal() alone, `steps` for program_open_stepped(). */
#ifndef FANBENCH_BPF_PROGRAM_H
#define FANBENCH_BPF_PROGRAM_H

#include "bpf/abi/constants.h"
#include "bpf/abi/words.h"

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "journal.skel.h"
#include "plain.skel.h"
#include "relay.skel.h"
#include "stepped.skel.h"

#define PROGRAM_ALIKE(object)                                                                      \
  _Static_assert(sizeof(struct object) == sizeof(struct relay), "the objects differ in maps");     \
  _Static_assert(offsetof(struct object##__rodata, fb_constants) ==                                \
                     offsetof(struct relay__rodata, fb_constants),                                 \
                 "the objects differ in where their constants are");                               \
  _Static_assert(offsetof(struct object##__bss, fb_words) ==                                       \
                     offsetof(struct relay__bss, fb_words),                                        \
                 "the objects differ in where their words are")
PROGRAM_ALIKE(plain);
PROGRAM_ALIKE(journal);
PROGRAM_ALIKE(stepped);
#undef PROGRAM_ALIKE

/* The object in [elf, elf + len). */
static inline struct relay *program_open_object(const void *elf, size_t len,
                                                const struct fb_defects *defects) {
  struct relay *skel = calloc(1, sizeof *skel);
  if (!skel)
    return NULL;
  int err = relay__create_skeleton(skel);
  if (!err) {
    skel->skeleton->data = elf;
    skel->skeleton->data_sz = len;
    err = bpf_object__open_skeleton(skel->skeleton, NULL);
  }
  if (err) {
    relay__destroy(skel);
    return NULL;
  }
  memcpy((void *)&skel->rodata->fb_constants.defects, defects, sizeof *defects);
  bpf_map__set_autocreate(skel->maps.journal, false);
  bpf_map__set_autocreate(skel->maps.steps, false);
  return skel;
}

/* Its constants are those given. NULL: it cannot be opened, see errno. */
static inline struct relay *program_open(const struct fb_defects *defects) {
  static const struct fb_defects none;
  const bool with = memcmp(defects, &none, sizeof none) != 0;
  size_t len;
  const void *elf = with ? relay__elf_bytes(&len) : plain__elf_bytes(&len);
  return program_open_object(elf, len, defects);
}

/* The same, and its runs say what they do (bpf/abi/journal.h). */
static inline struct relay *program_open_journal(const struct fb_defects *defects) {
  size_t len;
  const void *elf = journal__elf_bytes(&len);
  struct relay *skel = program_open_object(elf, len, defects);
  if (skel)
    bpf_map__set_autocreate(skel->maps.journal, true);
  return skel;
}

/* The same, and others can change something in the middle of its runs (bpf/abi/steps.h). */
static inline struct relay *program_open_stepped(const struct fb_defects *defects) {
  size_t len;
  const void *elf = stepped__elf_bytes(&len);
  struct relay *skel = program_open_object(elf, len, defects);
  if (skel)
    bpf_map__set_autocreate(skel->maps.steps, true);
  return skel;
}

#endif
