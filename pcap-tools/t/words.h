/* Packets in words, for tests: frames, MoQT messages and objects as values that
 * are put together, e.g. FRAMES(w_stream(3, 0, "abc"), w_ping()). */
#ifndef FANBENCH_PCAP_T_WORDS_H
#define FANBENCH_PCAP_T_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORD_MAX 1400

struct word {
  uint8_t b[WORD_MAX];
  size_t len;
};

/* Building blocks. */
struct word w_bytes(const void *data, size_t len);
struct word w_hex(const char *hex); /* blanks are skipped */
struct word w_varint(uint64_t value);
struct word w_vi64(uint64_t value);
struct word w_join(const struct word *parts, size_t n);
#define JOIN(...)                                                                                  \
  w_join((const struct word[]){__VA_ARGS__},                                                       \
         sizeof((const struct word[]){__VA_ARGS__}) / sizeof(struct word))
#define FRAMES(...) JOIN(__VA_ARGS__)

/* QUIC frames. */
struct word w_padding(size_t len);
struct word w_ping(void);
struct word w_ack(uint64_t lo, uint64_t hi); /* one range */
struct word w_crypto(uint64_t off, struct word data);
struct word w_stream(uint64_t id, uint64_t off, const char *text);
struct word w_stream_fin(uint64_t id, uint64_t off, const char *text);
struct word w_stream_of(uint64_t id, uint64_t off, struct word data, bool fin);
struct word w_datagram(struct word data);
struct word w_reset(uint64_t id, uint64_t code, uint64_t final_size);
struct word w_stop(uint64_t id, uint64_t code);
struct word w_close(uint64_t code);     /* transport */
struct word w_close_app(uint64_t code); /* application */
struct word w_new_cid(uint64_t sequence, uint64_t prior_to, const void *cid, size_t len);
struct word w_retire(uint64_t sequence);
struct word w_challenge(uint64_t data); /* PATH_CHALLENGE */
struct word w_response(uint64_t data);  /* PATH_RESPONSE */
struct word w_frame1(uint64_t type, uint64_t value);
struct word w_frame2(uint64_t type, uint64_t a, uint64_t b);

/* MoQT. */
struct word m_subscribe(uint64_t request_id, const char *track, struct word params);
struct word m_update(uint64_t request_id, struct word params);
struct word m_subscribe_ok(uint64_t alias, struct word params);
struct word m_request_ok(void);
struct word m_done(uint64_t status, uint64_t streams);
struct word m_setup(void);
/* Parameter lists for the above. */
struct word p_none(void);
struct word p_next_group(void);                         /* LOCATION_FILTER {0} */
struct word p_next_group_limit(unsigned limit);         /* and PRIORITY_FILTER 0..limit */
struct word p_limit(unsigned limit);                    /* PRIORITY_FILTER 0..limit */
struct word p_largest(uint64_t group, uint64_t object); /* LARGEST_OBJECT */
struct word p_timeout(uint64_t ms); /* OBJECT_DELIVERY_TIMEOUT, LOCATION_FILTER {0} */
/* Data. */
struct word o_header(uint64_t alias, uint64_t group, uint64_t subgroup, uint8_t priority);
struct word o_object(uint64_t delta, const char *text);
struct word o_datagram(uint64_t alias, uint64_t group, uint64_t object, uint8_t priority,
                       const char *text);

#endif
