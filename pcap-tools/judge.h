/* The judge's one public header: what anybody outside pcap-tools/ may use.
 *
 * The judge reads a run directory (or bare captures) and proves or refutes
 * properties from the packets. It shares no code with the relay.
 *
 * Ownership: a report owns all strings and arrays in it; judge_report_free()
 * gives them back. Times are nanoseconds. */
#ifndef FANBENCH_JUDGE_H
#define FANBENCH_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum judge_result { JUDGE_PASS, JUDGE_FAIL, JUDGE_SKIP };

/* One refutation: where, which field, what it had to be and what it was. */
struct judge_finding {
  char *file;       /* capture or artefact, relative to the run directory */
  uint64_t frame;   /* packet number in the file, from 1; line in a .jsonl; 0 = none */
  uint64_t time_ns; /* capture time; 0 = none */
  char *layer;      /* "udp" "quic" "moqt" "run" */
  char *field;
  char *expected;
  char *actual;
  char *explain; /* one sentence for a person */
};

struct judge_check {
  const char *name; /* static */
  enum judge_result result;
  char *reason;      /* why skipped; NULL otherwise. "nothing examined", "not built", ... */
  uint64_t examined; /* items looked at */
  struct judge_finding *findings; /* the first JUDGE_MAX_FINDINGS */
  size_t n_findings;
  uint64_t findings_total;
};
#define JUDGE_MAX_FINDINGS 20

struct judge_drop {
  char *reason;
  uint64_t count;
};

struct judge_subscriber {
  char *node;              /* "sub[0]" */
  uint64_t objects, bytes; /* delivered to the application */
  uint64_t copies;         /* packets sent to it by the datapath */
  uint64_t resent;         /* bytes sent to it more than once */
  uint32_t sendings;       /* most times that one byte of a subgroup was sent to it; 0: none was */
  uint32_t fast_path_ppm;  /* share of bytes first sent by the datapath, 0..1,000,000 */
  uint64_t first_bytes_fast, first_bytes_all;
  struct judge_drop *drops;
  size_t n_drops;
  bool has_latency;
  uint64_t latency_p50_ns, latency_p99_ns, latency_max_ns; /* published to delivered */
};

struct judge_report {
  char *scenario, *mode, *commit;
  uint64_t seed;
  struct judge_check *checks; /* all names of the catalogue, in its order */
  size_t n_checks;
  uint64_t first_bytes_fast, first_bytes_all;
  struct judge_subscriber *subscribers;
  size_t n_subscribers;
  uint64_t packets;        /* QUIC packets read */
  uint64_t packets_opened; /* of these, decrypted (or null-protected and read) */
  /* what was wrong with the input: the first capture that breaks off, with the offset, or
   * keys that do not fit; NULL: nothing */
  char *damage;
};

struct judge_info {
  const char *name;
  const char *group;  /* "transport" "fan-out" "media" "run" */
  const char *proves; /* one sentence */
  bool built;         /* false: always skipped with "not built" */
};

/* Every check of the catalogue in its order; *n gets their number. */
const struct judge_info *judge_catalogue(size_t *n);

/* Judges a run directory. Returns 0 with *out set, or -1 with a message that
 * names file, place and expectation in err. */
int judge_run_dir(const char *dir, struct judge_report **out, char *err, size_t err_len);

/* Judges bare captures (as `quicpcap verify FILE...`): only what packets alone
 * can show; the rest is skipped. keylog may be NULL. */
int judge_captures(const char *const *files, size_t n_files, const char *keylog,
                   struct judge_report **out, char *err, size_t err_len);

void judge_report_free(struct judge_report *report);

/* A way to hurt a passing run in one place, of `quicpcap mutate`. */
struct judge_mutation {
  const char *name;
  const char *does;  /* one sentence: what is changed */
  const char *check; /* must tell */
};

/* All of them; *n gets their number. */
const struct judge_mutation *judge_mutations(size_t *n);

/* quicpcap's command line: argv[0] is "quicpcap", then a command and its arguments. Returns
 * its exit code. Results go to out, talk to talk. */
int judge_command(int argc, char **argv, FILE *out, FILE *talk);

#endif
