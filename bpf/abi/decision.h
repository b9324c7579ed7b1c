/* What the datapath did with a packet, and with one (packet, frame, subscriber).
 * Every refusal has a name and a counter; the names appear in counters, copy
 * records, traces and reports. */
#ifndef FANBENCH_BPF_ABI_DECISION_H
#define FANBENCH_BPF_ABI_DECISION_H

/* A whole packet: why it only went up, or that it was fanned out. X(enum, "name", "says") */
#define FB_PACKET_REASONS(X)                                                                       \
  X(FANNED, "fanned", "it held fan-out frames, and at least one copy record was written")          \
  X(OFF, "off", "the datapath is switched off")                                                    \
  X(NOT_IP, "not-ip", "neither IPv4 nor IPv6")                                                     \
  X(NOT_UDP, "not-udp", "another protocol, or IP options, or IPv6 extension headers")              \
  X(FRAGMENT, "fragment", "a fragment of an IP packet")                                            \
  X(OTHER_PORT, "other-port", "not for the port that the relay listens on")                        \
  X(GSO, "gso", "a super-packet that segmentation offload cuts later")                             \
  X(LENGTH, "length", "too long, too short, or its lengths disagree")                              \
  X(CHECKSUM, "checksum", "the checksum of UDP or IPv4 is wrong, or UDP has none")                 \
  X(LONG_HEADER, "long-header", "a long header: the handshake is user space's")                    \
  X(UNKNOWN_CID, "unknown-cid", "its connection ID is no upstream's")                              \
  X(WRONG_PATH, "wrong-path", "without packet protection: not from the upstream's 4-tuple")        \
  X(BAD_TAG, "bad-tag", "it is not authentic, or there is no way to tell")                         \
  X(KEY_PHASE, "key-phase", "the phase bit is not that of the key at hand")                        \
  X(RESERVED_BITS, "reserved-bits", "reserved bits of the short header are set")                   \
  X(DUPLICATE, "duplicate", "its number was seen before, or there is no way to tell")              \
  X(BAD_FRAME, "bad-frame", "a frame is malformed, unknown, or not this peer's to send")           \
  X(NO_FANOUT, "no-fanout", "there is nothing to copy in it, or nobody to copy it to")             \
  X(TOO_MANY_FRAMES, "too-many-frames", "more frames than the walker looks at, see limits.h")      \
  X(RING_FULL, "ring-full", "no room for the copy record: nothing was taken, user space sends")    \
  X(LOAD_FAILED, "load-failed", "its bytes could not be read")                                     \
  X(RESTORE_FAILED, "restore-failed",                                                              \
    "dropped: it could not be made whole again after the last copy")

/* One (packet, frame, subscriber). X(enum, "name", "says") */
#define FB_DECISIONS(X)                                                                            \
  X(SEND, "send", "the datapath sends the copy")                                                   \
  X(INACTIVE, "inactive", "there is no subscriber in the slot; never recorded")                    \
  X(NOT_SUBSCRIBED, "not-subscribed", "the track is not wanted")                                   \
  X(BEFORE_START, "before-start", "its group lies below the subscription's first")                 \
  X(FILTERED, "filtered", "the subscriber's PRIORITY_FILTER excludes it")                          \
  X(POLICY, "policy", "the relay's drop strategy let it go: the subscriber lags behind")           \
  X(NOT_FORWARDED, "not-forwarded", "the subscription has FORWARD = 0")                            \
  X(SKIPPED, "skipped",                                                                            \
    "its subgroup was never opened for this subscriber, or its tail was dropped")                  \
  /* below: user space sends it */                                                                 \
  X(JOINING, "joining", "the subscriber is joining: what comes meanwhile is recorded")             \
  X(HELD, "held", "user space still has data queued, which this must not overtake")                \
  X(FLOW_CONTROL, "flow-control", "MAX_DATA or MAX_STREAM_DATA does not allow it yet")             \
  X(STREAM_LIMIT, "stream-limit", "MAX_STREAMS does not allow the new stream yet")                 \
  X(CREDIT, "credit", "congestion control leaves no room in flight")                               \
  X(PN_LIMIT, "pn-limit", "too many packet numbers are unacknowledged")                            \
  X(ID_WIDTH, "id-width", "the stream ID here does not fit the width of the publisher's")          \
  X(TOO_BIG, "too-big", "the copy does not fit the path, the peer's limits or the header")         \
  X(OTHER_FAMILY, "other-family", "the subscriber has the other IP version")                       \
  X(NO_HEADER, "no-header", "the stream is not followed: its header was not seen whole")           \
  X(UNKNOWN_ALIAS, "unknown-alias", "its track alias is not installed")                            \
  X(ALIAS_WIDTH, "alias-width", "the alias here does not fit the width of the publisher's")        \
  X(BELOW_FRONTIER, "below-frontier",                                                              \
    "a resend of what came before; what lacks is known from the records")                          \
  X(PARTIAL, "partial", "part of it came before, part is new: it straddles the frontier")          \
  X(NO_KEY, "no-key", "there is no key for this subscriber")                                       \
  X(CONTENDED, "contended", "another CPU won the compare-and-exchange too often")

enum fb_packet_reason {
#define FB_X(e, n, says) FB_PKT_##e,
  FB_PACKET_REASONS(FB_X)
#undef FB_X
      FB_PACKET_REASON_COUNT
};

enum fb_decision {
#define FB_X(e, n, says) FB_DEC_##e,
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
#define FB_X(e, n, says) n,
      FB_PACKET_REASONS(FB_X)
#undef FB_X
  };
  return reason < FB_PACKET_REASON_COUNT ? names[reason] : "?";
}
static inline const char *fb_decision_name(unsigned decision) {
  static const char *const names[] = {
#define FB_X(e, n, says) n,
      FB_DECISIONS(FB_X)
#undef FB_X
  };
  return decision < FB_DECISION_COUNT ? names[decision] : "?";
}
#endif

#endif
