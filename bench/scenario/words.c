#include "bench/scenario/words.h"

#include <string.h>

const char *const plan_words_role[] = {"publisher", "subscriber", "relay", "router", "rogue", NULL};
const char *const plan_words_datapath[] = {"kernel", "user", "stock", NULL};
const char *const plan_words_protection[] = {"none", "tls", NULL};
const char *const plan_words_cipher[] = {"chacha20", "aes128gcm", NULL};
const char *const plan_words_congestion[] = {"newreno", "cubic", NULL};
const char *const plan_words_policy[] = {"none", "priority-limit", "deadline", "skip-to-group",
                                         NULL};
const char *const plan_words_policy_does[] = {
    "drops nothing: what cannot go now goes later",
    "drops by priority: each eighth of the timeout that a subscriber lags behind halves the "
    "largest number let through",
    "drops objects as old as the timeout",
    "drops what is left of older groups once a subscriber lags behind by half the timeout", NULL};
const char *const plan_words_deed[] = {
    "optimistic-ack", "ack-unsent",   "ack-flood",   "never-ack",
    "no-streams",     "tiny-window",  "slow-reader", "retire-prior-to",
    "bad-frame",      "stream-limit", "flow-limit",  "double-fin",
    "other-size",     "cut-moqt",     "bad-length",  NULL};
const char *const plan_words_deed_does[] = {
    "acknowledges all below the largest number it got, lost or not",
    "acknowledges numbers that were never sent",
    "sends four ACK frames of a hundred ranges each, every millisecond",
    "acknowledges nothing",
    "allows its peer no unidirectional stream",
    "opens its window by one byte at a time",
    "reads 1 kbit/s, and opens its window no faster",
    "retires each connection ID it gave out as soon as there is another",
    "sends a frame of an unknown type",
    "opens a stream beyond the limit it was given",
    "sends data beyond the limit it was given",
    "ends a stream that it has ended, again",
    "ends a stream with another size than it told before",
    "cuts a MoQT message off, at another byte on each connection",
    "gives lengths in MoQT messages and objects that cannot be",
    NULL};
const char *const plan_words_as[] = {"datagrams", "subgroups", NULL};
const char *const plan_words_subgroup[] = {"group", "object", "layer", NULL};
const char *const plan_words_start[] = {"next-group", NULL};
const char *const plan_words_fault[] = {"drop", "duplicate", "corrupt", "delay", NULL};
const char *const plan_words_flag[] = {"false", "true", NULL};
const char *const plan_words_mode[] = {"live", "sim", NULL};

const char *const plan_words_check[] = {
    /* transport */
    "pn-unique", "pn-decodable", "ack-only-sent", "ack-split", "cid-active", "cid-supply",
    "path-valid", "frames-legal", "stream-bytes", "stream-complete", "flow-limits",
    "congestion-bounded", "close-clean", "checksum-valid", "connect-any-time", "fresh-start",
    "nonce-unique",
    /* fan-out */
    "copy-explained", "copy-count", "copy-exact", "payload-identical", "isolated",
    "no-needless-retransmit", "no-orphan-forward", "trace-agrees",
    /* media */
    "priority-drop", "join-point", "subscribe-answered", "delivery-order",
    /* run */
    "load-honest", "latency", "no-residue", NULL};

const char *const plan_words_frame[] = {"PADDING",
                                        "PING",
                                        "ACK",
                                        "RESET_STREAM",
                                        "STOP_SENDING",
                                        "CRYPTO",
                                        "NEW_TOKEN",
                                        "STREAM",
                                        "MAX_DATA",
                                        "MAX_STREAM_DATA",
                                        "MAX_STREAMS",
                                        "DATA_BLOCKED",
                                        "STREAM_DATA_BLOCKED",
                                        "STREAMS_BLOCKED",
                                        "NEW_CONNECTION_ID",
                                        "RETIRE_CONNECTION_ID",
                                        "PATH_CHALLENGE",
                                        "PATH_RESPONSE",
                                        "CONNECTION_CLOSE",
                                        "HANDSHAKE_DONE",
                                        "DATAGRAM",
                                        NULL};

const char *const plan_words_error[] = {
    /* both */
    "NO_ERROR", "INTERNAL_ERROR", "PROTOCOL_VIOLATION",
    /* QUIC */
    "CONNECTION_REFUSED", "FLOW_CONTROL_ERROR", "STREAM_LIMIT_ERROR", "STREAM_STATE_ERROR",
    "FINAL_SIZE_ERROR", "FRAME_ENCODING_ERROR", "TRANSPORT_PARAMETER_ERROR",
    "CONNECTION_ID_LIMIT_ERROR", "INVALID_TOKEN", "APPLICATION_ERROR", "CRYPTO_BUFFER_EXCEEDED",
    "KEY_UPDATE_ERROR", "AEAD_LIMIT_REACHED", "NO_VIABLE_PATH",
    /* MoQT sessions */
    "UNAUTHORIZED", "INVALID_REQUEST_ID", "DUPLICATE_TRACK_ALIAS", "KEY_VALUE_FORMATTING_ERROR",
    "INVALID_PATH", "MALFORMED_PATH", "GOAWAY_TIMEOUT", "CONTROL_MESSAGE_TIMEOUT",
    "DATA_STREAM_TIMEOUT", "AUTH_TOKEN_CACHE_OVERFLOW", "DUPLICATE_AUTH_TOKEN_ALIAS",
    "MALFORMED_AUTH_TOKEN", "UNKNOWN_AUTH_TOKEN_ALIAS", "EXPIRED_AUTH_TOKEN", "INVALID_AUTHORITY",
    "MALFORMED_AUTHORITY", "TOO_MANY_REQUEST_UPDATES", NULL};

const struct plan_defect_word plan_words_defect[] = {
    {"slow-agent", true},
    {"stale-dcid", false},
    {"pn-guess", false},
    {"closed-gate", false},
    {"one-address", false},
    {"two-counters", false},
    {"retire-first", false},
    {"orphan", false},
    {"shared-cid", false},
    {"racy-pn", false},
    {"index-in-priority", false},
    {"drop-by-index", false},
    {"global-counter", false},
    {"empty-cid", false},
    {"short-pn", false},
    {"torn-entry", false},
    {"first-frame-only", false},
    {"no-offset-fix", false},
    {"copy-all-frames", false},
    {"header-per-packet", false},
    {"ignore-limits", false},
    {"zero-number", false},
    {"raw-acks", false},
    {"stale-client", false},
    {"late-handler", false},
    {"join-mid-group", false},
    {"pn-shrunk", false},
    {"one-stream-a-packet", false},
    {"mixed-widths", false},
    {"any-address", false},
    {NULL, false},
};

int plan_word_find(const char *const *words, const char *word) {
  for (int i = 0; words[i]; i++) {
    if (strcmp(words[i], word) == 0)
      return i;
  }
  return -1;
}

const char *plan_role_name(enum plan_role role) {
  return plan_words_role[role];
}

const char *plan_datapath_name(enum plan_datapath dp) {
  return plan_words_datapath[dp];
}

const char *plan_protection_name(enum plan_protection prot) {
  return plan_words_protection[prot];
}

const char *plan_congestion_name(enum plan_congestion congestion) {
  return plan_words_congestion[congestion];
}

const char *plan_cipher_name(enum plan_cipher cipher) {
  return plan_words_cipher[cipher];
}

const char *plan_event_name(enum plan_event_kind kind) {
  /* The two without `do:` are told by the key they set. */
  static const char *const names[] = {
      [PLAN_EV_LINK_SET] = "set",
      [PLAN_EV_LINK_DOWN] = "down",
      [PLAN_EV_LINK_UP] = "up",
      [PLAN_EV_PRIORITY_LIMIT] = "priority_limit",
      [PLAN_EV_RECONNECT] = "reconnect",
      [PLAN_EV_DIE] = "die",
      [PLAN_EV_VANISH] = "vanish",
      [PLAN_EV_KILL] = "kill",
      [PLAN_EV_RESTART] = "restart",
      [PLAN_EV_STALL] = "stall",
      [PLAN_EV_ROTATE_CID] = "rotate-cid",
      [PLAN_EV_UPDATE_KEY] = "update-key",
      [PLAN_EV_REBIND] = "rebind",
      [PLAN_EV_MIGRATE] = "migrate",
      [PLAN_EV_SUBSCRIBE] = "subscribe",
      [PLAN_EV_UNSUBSCRIBE] = "unsubscribe",
  };
  return names[kind];
}
