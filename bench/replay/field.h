/* Where two executors differ, in the words of the layouts. */
#ifndef FANBENCH_REPLAY_FIELD_H
#define FANBENCH_REPLAY_FIELD_H

#include <stddef.h>
#include <stdint.h>

#define FIELD_ROOM 96

/* The place `offset` of an array of the journal: "counters[3].next_pn". `each`: of an element. */
const char *field_of_array(uint32_t array, const char *name, size_t each, size_t offset,
                           char out[FIELD_ROOM]);
/* Of a copy, as an Ethernet frame: "UDP checksum", "payload byte 17". */
const char *field_of_frame(const uint8_t *frame, size_t len, size_t offset, char out[FIELD_ROOM]);
/* Of a record in a ring: "subs[2].decision[0]". */
const char *field_of_record(const uint8_t *record, size_t len, size_t offset, char out[FIELD_ROOM]);

#endif
