#include "relay/fanout/defects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char *name;
  size_t at;
  uint64_t on;
} switches[] = {
#define SWITCH(field, name, on) {name, offsetof(struct fb_defects, field), on},
    FB_DEFECTS(SWITCH)
#undef SWITCH
};

static bool set(struct fb_defects *defects, const char *name, size_t len, uint64_t value) {
  for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
    if (strlen(switches[i].name) != len || memcmp(switches[i].name, name, len) != 0)
      continue;
    uint64_t number = value ? value : switches[i].on;
    memcpy((char *)defects + switches[i].at, &number, sizeof number);
    return true;
  }
  return false;
}

bool defects_set(struct fb_defects *defects, const char *name, uint64_t value) {
  return set(defects, name, strlen(name), value);
}

bool defects_set_text(struct fb_defects *defects, const char *text) {
  const char *equals = strchr(text, '=');
  if (!equals)
    return set(defects, text, strlen(text), 0);
  char *end;
  errno = 0;
  uint64_t value = strtoull(equals + 1, &end, 10);
  if (errno || *end || value == 0 || equals[1] < '0' || equals[1] > '9')
    return false;
  return set(defects, text, (size_t)(equals - text), value);
}
