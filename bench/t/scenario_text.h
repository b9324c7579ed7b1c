/* Loading scenarios out of strings, for tests. */
#ifndef FANBENCH_T_SCENARIO_TEXT_H
#define FANBENCH_T_SCENARIO_TEXT_H

#include "bench/scenario/plan.h"

/* A small good scenario in parts: put yours in place of one. */
#define TOP "scenario: small\nduration: 1s\n"
#define NODES                                                                                      \
  "nodes:\n  pub: { role: publisher }\n  relay: { role: relay }\n"                                 \
  "  sub: { role: subscriber, count: 3 }\n"
/* Packets that can be read without keys. */
#define NODES_CLEAR                                                                                \
  "nodes:\n  pub: { role: publisher }\n  relay: { role: relay, protection: none }\n"               \
  "  sub: { role: subscriber, count: 3 }\n"
#define LINKS         "links:\n  - { between: [pub, relay] }\n  - { between: [relay, sub] }\n"
#define TRACKS        "tracks:\n  chat: { from: pub, as: datagrams, every: 20ms, size: 200 }\n"
#define SUBSCRIPTIONS "subscriptions:\n  - { who: sub, tracks: [chat] }\n"
#define SMALL         TOP NODES LINKS TRACKS SUBSCRIPTIONS

/* cmocka group fixtures: a folder for the files, removed with them. */
int text_setup(void **state);
int text_teardown(void **state);
/* The folder. */
const char *text_dir(void);

/* Puts a file into the folder; returns its path, until the next call. */
const char *text_file(const char *name, const char *bytes, size_t len);

/* plan_load() of bytes, as scenario.yaml in the folder. sets is a list of
 * "PATH=VALUE" that ends with NULL, or NULL. */
struct plan *text_load(const char *bytes, size_t len, const char *const *sets,
                       struct plan_error *err);

/* The same for text that must load; fails the test with the error otherwise. */
struct plan *text_plan(const char *text);
struct plan *text_plan_set(const char *text, const char *const *sets);

/* Fails the test unless the text is refused exactly so: "LINE:COL: TEXT", or
 * TEXT alone for an error without a place. */
void text_refused(const char *text, const char *expected);
void text_refused_set(const char *text, const char *set, const char *expected);

/* A file of the source tree. Until the next call. */
const char *text_source(const char *path);

#endif
