/* YAML events -> tree. The document form of libyaml would resolve aliases and
 * allocate before anybody could look; events let each bound act at once. */
#include "bench/scenario/limits.h"
#include "bench/scenario/refuse.h"
#include "bench/scenario/tree.h"

#include <string.h>
#include <yaml.h>

struct parse {
  yaml_parser_t yaml;
  const char *bytes;
  size_t len;
  struct plan_error *err;
  size_t n_nodes;
  struct plan_tree *root;
  /* Open containers, innermost last, and the key that waits for its value. */
  struct plan_tree *open[PLAN_MAX_DEPTH];
  struct plan_tree *key[PLAN_MAX_DEPTH];
  size_t depth;
};

static uint32_t from_one(size_t zero_based) {
  return zero_based < UINT32_MAX ? (uint32_t)zero_based + 1 : UINT32_MAX;
}

/* The reader knows only the offset of a bad byte. Columns count characters, as
 * libyaml's marks do. */
static void place_of_offset(const struct parse *p, size_t offset, uint32_t *line,
                            uint32_t *column) {
  *line = 1;
  *column = 1;
  if (offset > p->len)
    offset = p->len;
  for (size_t i = 0; i < offset; i++) {
    unsigned char c = (unsigned char)p->bytes[i];
    bool crlf = c == '\r' && i + 1 < p->len && p->bytes[i + 1] == '\n';
    if (c == '\n' || (c == '\r' && !crlf)) {
      ++*line;
      *column = 1;
    } else if ((c & 0xc0) != 0x80 && !crlf) {
      ++*column;
    }
  }
}

static bool refuse_reader(struct parse *p) {
  uint32_t line, column;
  size_t offset = p->yaml.problem_offset;
  /* Of a broken sequence libyaml names the byte that does not belong to it; a
   * person looks for the one that begins it. */
  if (strstr(p->yaml.problem, "trailing")) {
    while (offset > 0 && (offset >= p->len || (unsigned char)p->bytes[offset] < 0xc0))
      offset--;
  }
  place_of_offset(p, offset, &line, &column);
  if (offset < p->len)
    return plan_refuse_at(p->err, line, column, "expected UTF-8 text, found byte 0x%02x (%s)",
                          (unsigned char)p->bytes[offset], p->yaml.problem);
  return plan_refuse_at(p->err, line, column, "expected UTF-8 text, found its end (%s)",
                        p->yaml.problem);
}

static bool refuse_yaml(struct parse *p) {
  const yaml_parser_t *y = &p->yaml;
  uint32_t line = from_one(y->problem_mark.line), column = from_one(y->problem_mark.column);
  if (y->error == YAML_READER_ERROR)
    return refuse_reader(p);
  if (y->error == YAML_MEMORY_ERROR)
    return plan_refuse_at(p->err, 0, 0, "out of memory while reading YAML");
  if (y->problem_mark.index < p->len && p->bytes[y->problem_mark.index] == '\t')
    return plan_refuse_at(p->err, line, column, "expected spaces as indentation, found a tab");
  if (y->context && y->context_mark.line != y->problem_mark.line)
    return plan_refuse_at(p->err, line, column, "not YAML: %s (%s that begins at %u:%u)",
                          y->problem, y->context, from_one(y->context_mark.line),
                          from_one(y->context_mark.column));
  if (y->context)
    return plan_refuse_at(p->err, line, column, "not YAML: %s (%s)", y->problem, y->context);
  return plan_refuse_at(p->err, line, column, "not YAML: %s", y->problem);
}

static bool refuse_extras(struct parse *p, const yaml_event_t *ev, const yaml_char_t *anchor,
                          const yaml_char_t *tag) {
  uint32_t line = from_one(ev->start_mark.line), column = from_one(ev->start_mark.column);
  if (anchor)
    return plan_refuse_at(p->err, line, column,
                          "expected a value, found the anchor '&%.40s'; scenarios have no anchors "
                          "and aliases, write the value out",
                          (const char *)anchor);
  if (tag)
    return plan_refuse_at(
        p->err, line, column,
        "expected a value, found the tag '%.40s'; only the text of a value counts",
        (const char *)tag);
  return true;
}

/* Puts a new node where it belongs and, on success, takes it over. */
static bool place(struct parse *p, struct plan_tree *node) {
  if (++p->n_nodes > PLAN_MAX_TREE_NODES)
    return plan_refuse(p->err, node, "expected at most %u values in a file", PLAN_MAX_TREE_NODES);
  if (p->depth == 0) {
    p->root = node;
    return true;
  }
  struct plan_tree *in = p->open[p->depth - 1];
  struct plan_tree **key = &p->key[p->depth - 1];
  if (in->kind == PLAN_TREE_MAP && !*key) {
    if (node->kind != PLAN_TREE_SCALAR)
      return plan_refuse(p->err, node, "expected a key, found %s", plan_tree_kind_name(node->kind));
    const struct plan_tree *first = plan_tree_key(in, node->text);
    if (first)
      return plan_refuse(p->err, node, "expected each key once, found %s again (first at %u:%u)",
                         plan_quote(node->text).text, first->line, first->column);
    if (in->n >= PLAN_MAX_KEYS)
      return plan_refuse(p->err, node, "expected at most %d keys in one mapping", PLAN_MAX_KEYS);
    *key = node;
    return true;
  }
  plan_tree_add(in, *key, node);
  *key = NULL;
  return true;
}

static bool on_scalar(struct parse *p, const yaml_event_t *ev) {
  const char *text = (const char *)ev->data.scalar.value;
  size_t len = ev->data.scalar.length;
  uint32_t line = from_one(ev->start_mark.line), column = from_one(ev->start_mark.column);
  if (!refuse_extras(p, ev, ev->data.scalar.anchor, ev->data.scalar.tag))
    return false;
  if (len > PLAN_MAX_SCALAR_BYTES)
    return plan_refuse_at(p->err, line, column, "expected at most %d bytes in one value, found %zu",
                          PLAN_MAX_SCALAR_BYTES, len);
  if (memchr(text, 0, len))
    return plan_refuse_at(p->err, line, column, "expected text, found a NUL character in it");
  struct plan_tree *node = plan_tree_new_text(text, len, line, column);
  if (place(p, node))
    return true;
  plan_tree_free(node);
  return false;
}

static bool on_open(struct parse *p, const yaml_event_t *ev, enum plan_tree_kind kind) {
  bool list = kind == PLAN_TREE_LIST;
  uint32_t line = from_one(ev->start_mark.line), column = from_one(ev->start_mark.column);
  if (!refuse_extras(p, ev, list ? ev->data.sequence_start.anchor : ev->data.mapping_start.anchor,
                     list ? ev->data.sequence_start.tag : ev->data.mapping_start.tag))
    return false;
  if (p->depth == PLAN_MAX_DEPTH)
    return plan_refuse_at(p->err, line, column, "expected at most %d levels, found one more",
                          PLAN_MAX_DEPTH);
  struct plan_tree *node = plan_tree_new(kind, line, column);
  if (!place(p, node)) {
    plan_tree_free(node);
    return false;
  }
  p->open[p->depth] = node;
  p->key[p->depth] = NULL;
  p->depth++;
  return true;
}

static bool on_event(struct parse *p, const yaml_event_t *ev) {
  switch (ev->type) {
  case YAML_SCALAR_EVENT:
    return on_scalar(p, ev);
  case YAML_SEQUENCE_START_EVENT:
    return on_open(p, ev, PLAN_TREE_LIST);
  case YAML_MAPPING_START_EVENT:
    return on_open(p, ev, PLAN_TREE_MAP);
  case YAML_SEQUENCE_END_EVENT:
  case YAML_MAPPING_END_EVENT:
    p->depth--;
    return true;
  case YAML_ALIAS_EVENT:
    return plan_refuse_at(p->err, from_one(ev->start_mark.line), from_one(ev->start_mark.column),
                          "expected a value, found the alias '*%.40s'; scenarios have no anchors "
                          "and aliases, write the value out",
                          (const char *)ev->data.alias.anchor);
  case YAML_DOCUMENT_START_EVENT:
    if (p->root)
      return plan_refuse_at(p->err, from_one(ev->start_mark.line), from_one(ev->start_mark.column),
                            "expected the end of the file, found a second document");
    return true;
  case YAML_NO_EVENT:
  case YAML_STREAM_START_EVENT:
  case YAML_STREAM_END_EVENT:
  case YAML_DOCUMENT_END_EVENT:
    break;
  }
  return true;
}

static bool run(struct parse *p) {
  for (;;) {
    yaml_event_t ev;
    if (!yaml_parser_parse(&p->yaml, &ev))
      return refuse_yaml(p);
    bool end = ev.type == YAML_STREAM_END_EVENT;
    bool ok = on_event(p, &ev);
    yaml_event_delete(&ev);
    if (!ok)
      return false;
    if (end)
      break;
  }
  if (!p->root)
    return plan_refuse_at(p->err, 1, 1,
                          "expected a mapping that begins with the key 'scenario', found an empty "
                          "file");
  return true;
}

struct plan_tree *plan_tree_parse(const char *bytes, size_t len, struct plan_error *err) {
  static const char mark[] = "\xef\xbb\xbf"; /* UTF-8's byte order mark takes no column */
  if (len >= 3 && memcmp(bytes, mark, 3) == 0) {
    bytes += 3;
    len -= 3;
  }
  struct parse p = {.bytes = bytes, .len = len, .err = err};
  if (!yaml_parser_initialize(&p.yaml)) {
    plan_refuse_at(err, 0, 0, "out of memory while reading YAML");
    return NULL;
  }
  yaml_parser_set_encoding(&p.yaml, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&p.yaml, (const unsigned char *)bytes, len);
  bool ok = run(&p);
  if (!ok) {
    for (size_t i = 0; i < p.depth; i++)
      plan_tree_free(p.key[i]);
    plan_tree_free(p.root);
    p.root = NULL;
  }
  yaml_parser_delete(&p.yaml);
  return p.root;
}
