/* What the datapath did with a packet, and with one (packet, frame, subscriber).
 * Every refusal has a name and a counter; the names appear in counters, copy
 * records, traces and reports. */
#ifndef FANBENCH_BPF_ABI_DECISION_H
#define FANBENCH_BPF_ABI_DECISION_H

/* A whole packet: why it only went up, or that it was fanned out. X(enum, "name") */
#define FB_PACKET_REASONS(X)                                                                       \
  X(FANNED, "fanned")   /* at least one record was written */                                      \
  X(OFF, "off")         /* the datapath is switched off */                                         \
  X(NOT_IP, "not-ip")   /* neither IPv4 nor IPv6 */                                                \
  X(NOT_UDP, "not-udp") /* or IP options, extension headers */                                     \
  X(FRAGMENT, "fragment")                                                                          \
  X(OTHER_PORT, "other-port")                                                                      \
  X(GSO, "gso")           /* super-packet */                                                       \
  X(LENGTH, "length")     /* too long, too short, or lengths disagree */                           \
  X(CHECKSUM, "checksum") /* of UDP or of IPv4 wrong, or none there */                             \
  X(LONG_HEADER, "long-header")                                                                    \
  X(UNKNOWN_CID, "unknown-cid")                                                                    \
  X(WRONG_PATH, "wrong-path") /* protection none: not the upstream's 4-tuple */                    \
  X(BAD_TAG, "bad-tag")       /* not authentic, or no way to tell */                               \
  X(KEY_PHASE, "key-phase")                                                                        \
  X(RESERVED_BITS, "reserved-bits")                                                                \
  X(DUPLICATE, "duplicate") /* number seen before, or no way to tell */                            \
  X(BAD_FRAME, "bad-frame") /* malformed, unknown, or not this peer's to send */                   \
  X(NO_FANOUT, "no-fanout") /* nothing to copy in it, or nobody there */                           \
  X(TOO_MANY_FRAMES, "too-many-frames")                                                            \
  X(RING_FULL, "ring-full")                                                                        \
  X(LOAD_FAILED, "load-failed")                                                                    \
  X(RESTORE_FAILED, "restore-failed") /* dropped: could not be made whole again */

/* One (packet, frame, subscriber). */
#define FB_DECISIONS(X)                                                                            \
  X(SEND, "send")                                                                                  \
  X(INACTIVE, "inactive")             /* no subscriber in the slot; never recorded */              \
  X(NOT_SUBSCRIBED, "not-subscribed") /* the track is not wanted */                                \
  X(BEFORE_START, "before-start")     /* group below the subscription's first */                   \
  X(FILTERED, "filtered")             /* PRIORITY_FILTER excludes it */                            \
  X(POLICY, "policy")                 /* the drop strategy let it go */                            \
  X(NOT_FORWARDED, "not-forwarded")   /* FORWARD = 0 */                                            \
  X(SKIPPED, "skipped")               /* its subgroup was never opened for this subscriber */      \
  /* below: user space sends it */                                                                 \
  X(JOINING, "joining")                                                                            \
  X(HELD, "held")                 /* user space still has data queued */                           \
  X(FLOW_CONTROL, "flow-control") /* MAX_DATA or MAX_STREAM_DATA */                                \
  X(STREAM_LIMIT, "stream-limit") /* MAX_STREAMS */                                                \
  X(CREDIT, "credit")             /* congestion control */                                         \
  X(PN_LIMIT, "pn-limit")         /* too many unacknowledged numbers */                            \
  X(ID_WIDTH, "id-width")         /* the stream ID does not fit the old one's width */             \
  X(TOO_BIG, "too-big")           /* for the path, the peer or the header */                       \
  X(OTHER_FAMILY, "other-family")                                                                  \
  X(NO_HEADER, "no-header") /* stream not followed: its header was not seen whole */               \
  X(UNKNOWN_ALIAS, "unknown-alias")                                                                \
  X(ALIAS_WIDTH, "alias-width")                                                                    \
  X(BELOW_FRONTIER, "below-frontier") /* a resend; what lacks is known from the records */         \
  X(PARTIAL, "partial")               /* straddles the frontier */                                 \
  X(NO_KEY, "no-key")                                                                              \
  X(CONTENDED, "contended") /* a compare-and-exchange lost too often */

enum fb_packet_reason {
#define FB_X(e, n) FB_PKT_##e,
  FB_PACKET_REASONS(FB_X)
#undef FB_X
      FB_PACKET_REASON_COUNT
};

enum fb_decision {
#define FB_X(e, n) FB_DEC_##e,
  FB_DECISIONS(FB_X)
#undef FB_X
      FB_DECISION_COUNT
};

/* Decisions up to this one are final: nobody sends the frame to this subscriber. */
#define FB_DEC_LAST_FINAL FB_DEC_SKIPPED

#ifndef __bpf__
/* Names, for user space. "?" if out of range. */
static inline const char *fb_packet_reason_name(unsigned reason) {
  static const char *const names[] = {
#define FB_X(e, n) n,
      FB_PACKET_REASONS(FB_X)
#undef FB_X
  };
  return reason < FB_PACKET_REASON_COUNT ? names[reason] : "?";
}
static inline const char *fb_decision_name(unsigned decision) {
  static const char *const names[] = {
#define FB_X(e, n) n,
      FB_DECISIONS(FB_X)
#undef FB_X
  };
  return decision < FB_DECISION_COUNT ? names[decision] : "?";
}
#endif

#endif
