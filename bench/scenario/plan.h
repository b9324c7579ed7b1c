/* The checked plan of one run: what a scenario file means once every name is
 * resolved, every unit converted and every default filled in.
 *
 * Ownership: a plan owns everything it points to; plan_free() gives all back.
 * A plan never changes after plan_load(). Times are nanoseconds, rates bits per
 * second, sizes bytes, shares parts per million (1% = 10,000 ppm).
 *
 * Instances: a scenario node with count 3 becomes three plan nodes "sub[0]"
 * "sub[1]" "sub[2]"; a node with count 1 keeps its bare name. plan.nodes is
 * ordered as in the file, instances in order of their index. All indexes below
 * refer to these arrays.
 *
 * Schema and defaults: README "Scenario files". */
#ifndef FANBENCH_SCENARIO_PLAN_H
#define FANBENCH_SCENARIO_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum plan_role {
  PLAN_PUBLISHER,
  PLAN_SUBSCRIBER,
  PLAN_RELAY,
  PLAN_ROUTER,
  PLAN_ROGUE,
};
enum plan_datapath { PLAN_DP_KERNEL, PLAN_DP_USER, PLAN_DP_STOCK };
enum plan_protection { PLAN_PROT_NONE, PLAN_PROT_TLS };
enum plan_cipher { PLAN_CHACHA20, PLAN_AES128GCM };
enum plan_congestion { PLAN_NEWRENO, PLAN_CUBIC };

/* What a rogue does wrong; plan_node.does is a set of 1 << these. The first ones are of its
 * transport, the last ones of MoQT. */
enum plan_deed {
  PLAN_DEED_OPTIMISTIC_ACK,
  PLAN_DEED_ACK_UNSENT,
  PLAN_DEED_ACK_FLOOD,
  PLAN_DEED_NEVER_ACK,
  PLAN_DEED_NO_STREAMS,
  PLAN_DEED_TINY_WINDOW,
  PLAN_DEED_SLOW_READER,
  PLAN_DEED_RETIRE_PRIOR_TO,
  PLAN_DEED_BAD_FRAME,
  PLAN_DEED_STREAM_LIMIT,
  PLAN_DEED_FLOW_LIMIT,
  PLAN_DEED_DOUBLE_FIN,
  PLAN_DEED_OTHER_SIZE,
  PLAN_DEED_CUT_MOQT,
  PLAN_DEED_BAD_LENGTH,
};

struct plan_node {
  char *name;      /* "sub[1]" */
  char *file_name; /* "sub.1": used in run-directory file names */
  char *group;     /* "sub": the key in the file */
  uint32_t index;  /* 1 */
  enum plan_role role;
  uint32_t host; /* hosts are numbered from 0; nodes with one number share a
                    network namespace and address (per_host) */
  int relay;     /* node index of the relay a peer dials, or of a relay's
                    upstream; -1 if none */
  /* relay only */
  enum plan_datapath datapath;
  enum plan_protection protection; /* endpoints inherit their relay's */
  enum plan_cipher cipher;
  enum plan_congestion congestion;
  char *policy;
  uint64_t cache_bytes;
  /* endpoint only */
  uint64_t window_bytes;
  uint64_t max_streams;
  uint32_t cid_len;
  uint64_t ack_delay_ns;
  uint32_t does; /* rogue: set of enum plan_deed; 0 otherwise */
};

/* What a link does in one direction. All zero = a plain wire. */
struct plan_impair {
  uint64_t delay_ns, jitter_ns;
  uint32_t loss_ppm, duplicate_ppm, corrupt_ppm;
  uint32_t reorder_ppm;
  uint64_t reorder_by_ns;
  uint64_t rate_bps;    /* 0 = unlimited */
  uint64_t queue_bytes; /* 0 = unlimited */
  bool burst;
  uint32_t burst_enter_ppm, burst_leave_ppm, burst_loss_ppm;
};

enum plan_fault_do { PLAN_FAULT_DROP, PLAN_FAULT_DUPLICATE, PLAN_FAULT_CORRUPT, PLAN_FAULT_DELAY };
struct plan_fault {
  enum plan_fault_do what;
  char *frame;                 /* NULL, or a frame name as in RFC 9000 ("ACK") */
  uint64_t nth;                /* 1-based; 0 = every */
  uint64_t index_lo, index_hi; /* inclusive; lo > hi = not selected by index */
  uint64_t by_ns;              /* delay */
};

struct plan_link {
  int a, b; /* node indexes; one plan link per pair of hosts */
  int ip;   /* 4 or 6 */
  uint32_t mtu;
  struct plan_impair forward, backward; /* a>b, b>a */
  struct plan_fault *forward_faults, *backward_faults;
  size_t n_forward_faults, n_backward_faults;
  bool plain; /* nothing of it is ever impaired, the timeline included */
};

enum plan_track_as { PLAN_DATAGRAMS, PLAN_SUBGROUPS };
enum plan_subgroup { PLAN_SUBGROUP_GROUP, PLAN_SUBGROUP_OBJECT, PLAN_SUBGROUP_LAYER };

/* One frame of a trace file (columns time_us,size,type,group,priority). */
struct plan_trace_row {
  uint64_t time_ns;
  uint64_t size;
  char type; /* 'I' 'P' 'B' or '-' */
  uint64_t group;
  uint8_t priority;
};

struct plan_track {
  char *name;
  int from; /* node index of the publisher */
  enum plan_track_as as;
  enum plan_subgroup subgroup;
  uint64_t every_ns;            /* synthetic source: one object each */
  uint64_t size_min, size_max;  /* equal when fixed */
  uint32_t group_objects;       /* objects in one group */
  uint8_t priority;             /* 0 most important */
  uint32_t layers;              /* >= 1 */
  uint64_t objects;             /* at most this many; 0 = no limit */
  struct plan_trace_row *trace; /* frame trace, or NULL */
  size_t n_trace;
  char *trace_path; /* absolute path the trace came from, or NULL */
  char *file;       /* absolute path of a real file to publish, or NULL; it is cut
                 into objects of `size`, each group has group_objects */
};

enum plan_start { PLAN_START_NEXT_GROUP };

struct plan_subscription {
  int who; /* node index */
  int *tracks;
  size_t n_tracks;
  uint64_t at_ns;
  enum plan_start start;
  int priority_limit; /* 0..255, or -1: none */
  uint64_t delivery_timeout_ns;
};

enum plan_event_kind {
  PLAN_EV_LINK_SET,
  PLAN_EV_LINK_DOWN,
  PLAN_EV_LINK_UP,
  PLAN_EV_PRIORITY_LIMIT,
  PLAN_EV_RECONNECT,
  PLAN_EV_DIE,
  PLAN_EV_VANISH,
  PLAN_EV_KILL,
  PLAN_EV_RESTART,
  PLAN_EV_STALL,
  PLAN_EV_ROTATE_CID,
  PLAN_EV_UPDATE_KEY,
  PLAN_EV_REBIND,
  PLAN_EV_MIGRATE,
  PLAN_EV_SUBSCRIBE,
  PLAN_EV_UNSUBSCRIBE,
};

/* One occurrence: `every` and `times` are already multiplied out, and "all of
 * NAME" too. Sorted by at_ns, then by place in the file. */
struct plan_event {
  uint64_t at_ns;
  enum plan_event_kind kind;
  int node;                        /* or -1 */
  int link;                        /* or -1 */
  bool reverse;                    /* link named as [b, a] */
  struct plan_impair set;          /* LINK_SET: the whole impairment after it, a>b */
  struct plan_impair set_backward; /* and b>a, whichever way it was named */
  int priority_limit;              /* PRIORITY_LIMIT: -1 = none */
  bool same_port;                  /* RECONNECT */
  uint64_t for_ns;                 /* STALL */
  int *tracks;                     /* SUBSCRIBE, UNSUBSCRIBE */
  size_t n_tracks;
  uint32_t line;
};

struct plan_defect {
  char *name;
  char *value; /* NULL = none given */
};

/* Its VALUE: ns if it is a time, else the count; 0 = none given. */
uint64_t plan_defect_number(const struct plan_defect *defect);

/* One entry of `expect`. */
struct plan_expect {
  char *check; /* name of a check */
  bool skip;   /* do not judge it */
  char *skip_reason;
  uint64_t p50_ns, p99_ns, max_ns; /* latency budgets; 0 = none */
};
struct plan_closes {
  int node;
  char *error; /* name or number of a QUIC or MoQT error */
};
struct plan_examined {
  char *check;
  uint64_t at_least;
};

/* What the figures of a subscriber must be. */
struct plan_figures {
  int node;
  uint32_t fast_path_lo_ppm, fast_path_hi_ppm; /* both included; 0 and 1,000,000: no demand */
  uint64_t sendings; /* some byte of a stream left for it at least so many times; 0: no demand */
};

struct plan {
  char *path;  /* absolute path of the file it came from */
  char *name;  /* scenario */
  char *about; /* may be "" */
  uint64_t seed;
  uint64_t duration_ns, drain_ns;
  bool mode_live, mode_sim;
  uint32_t interleave; /* sim: one access to shared state in so many is interrupted; 0 = none */
  struct plan_node *nodes;
  size_t n_nodes;
  uint32_t n_hosts;
  struct plan_link *links;
  size_t n_links;
  struct plan_track *tracks;
  size_t n_tracks;
  struct plan_subscription *subscriptions;
  size_t n_subscriptions;
  struct plan_event *events;
  size_t n_events;
  struct plan_defect *defects;
  size_t n_defects;
  struct plan_expect *expects;
  size_t n_expects;
  char **convict;
  size_t n_convict;
  char **also;
  size_t n_also;
  struct plan_closes *closes;
  size_t n_closes;
  struct plan_examined *examined;
  size_t n_examined;
  struct plan_figures *figures;
  size_t n_figures;
};

/* Where and why a file was refused. text is one line without the place. */
struct plan_error {
  char *file;
  uint32_t line, column; /* from 1; 0 = no place (file not readable) */
  char text[512];
};

/* Overrides of the command line: "nodes.relay.datapath=user". */
struct plan_override {
  const char *path, *value;
};

/* Reads and checks one file. Returns a plan, or NULL with *err filled in. */
struct plan *plan_load(const char *path, const struct plan_override *sets, size_t n_sets,
                       struct plan_error *err);
/* The same for bytes at hand. path is where they would lie: it names them in
 * errors, the scenario is called as it, and relative paths start there. */
struct plan *plan_parse(const char *bytes, size_t len, const char *path,
                        const struct plan_override *sets, size_t n_sets, struct plan_error *err);
void plan_free(struct plan *plan);
void plan_error_free(struct plan_error *err);

/* "FILE:LINE:COL: error: TEXT" */
void plan_error_print(FILE *to, const struct plan_error *err);

/* Node index by instance name ("sub[1]", or "sub" if its count is 1), or -1. */
int plan_node_find(const struct plan *plan, const char *name);
/* The role that a node plays: its own, a rogue that of a publisher if a track is from it, else
 * that of a subscriber. */
enum plan_role plan_part(const struct plan *plan, int node);
int plan_track_find(const struct plan *plan, const char *name);

/* How many relays stand above a relay: 0 = it has no upstream. And the most there are of
 * any. A relay is started after those above it, and stopped before them. */
unsigned plan_relay_level(const struct plan *plan, int node);
unsigned plan_relay_levels(const struct plan *plan);

/* Writes the plan as a scenario file that plan_load() accepts and that means
 * the same (defaults spelled out, trace and file paths as the plan has them). Returns 0,
 * or -1 with errno set: EFBIG if the file would be longer than plan_load()
 * reads (bench/scenario/limits.h). Nodes of one entry stay one entry. */
int plan_write(const struct plan *plan, FILE *to);

/* Names for the enums, as the scenario file spells them. */
const char *plan_role_name(enum plan_role role);
const char *plan_datapath_name(enum plan_datapath dp);
const char *plan_protection_name(enum plan_protection prot);
const char *plan_cipher_name(enum plan_cipher cipher);
const char *plan_congestion_name(enum plan_congestion congestion);
const char *plan_event_name(enum plan_event_kind kind);

/* Content of synthetic object `object` of `group`: byte j for j in [0, len),
 * from the plan's seed and the track's name. The publisher fills with it. */
void plan_object_fill(const struct plan *plan, const struct plan_track *track, uint64_t group,
                      uint64_t object, uint8_t *buf, size_t len);

#endif
