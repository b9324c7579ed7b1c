#include "pcap-tools/cli/completion.h"

#include <string.h>

#include "pcap-tools/cli/options.h"

/* "--conn|--from" of all options, or of one command's; sorted as in the table. */
static void names(FILE *to, unsigned bits, bool (*wanted)(const struct qp_option *),
                  const char *between) {
  size_t n, told = 0;
  const struct qp_option *table = qp_option_table(&n);
  for (size_t i = 0; i < n; i++)
    if ((table[i].bit & bits) && (!wanted || wanted(&table[i])))
      fprintf(to, "%s%s", told++ ? between : "", table[i].name);
}

static bool takes_file(const struct qp_option *o) {
  return o->file;
}

static bool takes_other(const struct qp_option *o) {
  return o->value && !o->file && !o->words;
}

/* ---- bash ------------------------------------------------------------------ */

static void bash_values(FILE *to) {
  size_t n;
  const struct qp_option *table = qp_option_table(&n);
  fputs("  case $before in\n", to);
  for (size_t i = 0; i < n; i++)
    if (table[i].words)
      fprintf(to,
              "  %s)\n    mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$current\")\n    return\n"
              "    ;;\n",
              table[i].name, table[i].words);
  fputs("  ", to);
  names(to, ~0u, takes_file, " | ");
  fputs(")\n    mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n    return\n    ;;\n  ", to);
  names(to, ~0u, takes_other, " | ");
  fputs(") return ;;\n  esac\n", to);
}

static void bash(FILE *to) {
  size_t n;
  const struct qp_command *commands = qp_command_table(&n);
  fputs(
      "# bash completion of quicpcap: commands, options, their values, capture files.\n"
      "# Made by `quicpcap completion bash`.\n\n"
      "_quicpcap() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
      "  local options path\n"
      "  COMPREPLY=()\n"
      "  if ((COMP_CWORD == 1)); then\n"
      "    mapfile -t COMPREPLY < <(compgen -W '",
      to);
  for (size_t i = 0; i < n; i++)
    fprintf(to, "%s ", commands[i].name);
  fputs(
      "completion --help' -- \"$current\")\n    return\n  fi\n"
      "  # bash breaks --qlog=draft into three words\n"
      "  if [[ $current == = ]]; then current=; fi\n"
      "  if [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi\n",
      to);
  bash_values(to);
  fputs(
      "  case ${COMP_WORDS[1]} in\n"
      "  completion)\n    mapfile -t COMPREPLY < <(compgen -W 'bash zsh' -- \"$current\")\n"
      "    return\n    ;;\n",
      to);
  for (size_t i = 0; i < n; i++) {
    fprintf(to, "  %s) options='", commands[i].name);
    names(to, commands[i].options, NULL, " ");
    fputs(" --help' ;;\n", to);
  }
  fputs(
      "  *) options=--help ;;\n  esac\n"
      "  if [[ $current == -* ]]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\")\n"
      "    return\n  fi\n"
      "  compopt -o filenames 2>/dev/null\n"
      "  while IFS= read -r path; do\n"
      "    case $path in\n"
      "    *.pcap | *.pcapng | *.pcap.gz | *.pcapng.gz | *.cap) COMPREPLY+=(\"$path\") ;;\n"
      "    *) [[ -d $path ]] && COMPREPLY+=(\"$path\") ;;\n"
      "    esac\n"
      "  done < <(compgen -f -- \"$current\")\n"
      "}\n\n"
      "complete -F _quicpcap quicpcap\n",
      to);
}

/* ---- zsh ------------------------------------------------------------------- */

/* Text inside '...[here]...': quotes, brackets and colons mean something there. */
static void zsh_text(FILE *to, const char *text) {
  for (; *text; text++) {
    if (*text == '\'')
      fputs("'\\''", to);
    else if (strchr("[]:\\", *text))
      fprintf(to, "\\%c", *text);
    else
      fputc(*text, to);
  }
}

static void zsh_option(FILE *to, const struct qp_option *o) {
  fprintf(to, "      '%s%s[", o->name, o->value ? "=" : "");
  zsh_text(to, o->help);
  fputc(']', to);
  if (o->words)
    fprintf(to, ":%s:(%s)", o->value, o->words);
  else if (o->file)
    fprintf(to, ":%s:_files", o->value);
  else if (o->value)
    fprintf(to, ":%s:", o->value);
  fputs("' \\\n", to);
}

static void zsh(FILE *to) {
  size_t n, n_options;
  const struct qp_command *commands = qp_command_table(&n);
  const struct qp_option *options = qp_option_table(&n_options);
  fputs(
      "#compdef quicpcap\n"
      "# zsh completion of quicpcap: commands, options, their values, capture files.\n"
      "# Made by `quicpcap completion zsh`.\n\n"
      "_quicpcap() {\n"
      "  local -a commands\n"
      "  commands=(\n",
      to);
  for (size_t i = 0; i < n; i++) {
    fprintf(to, "    '%s:", commands[i].name);
    zsh_text(to, commands[i].about);
    fputs("'\n", to);
  }
  fputs(
      "    'completion:prints what completes words in a shell'\n"
      "  )\n"
      "  if ((CURRENT == 2)); then\n"
      "    _describe command commands\n"
      "    return\n"
      "  fi\n"
      "  shift words\n"
      "  ((CURRENT--))\n"
      "  case $words[1] in\n"
      "  completion) _values shell bash zsh ;;\n",
      to);
  for (size_t i = 0; i < n; i++) {
    fprintf(to, "  %s)\n    _arguments \\\n", commands[i].name);
    for (size_t k = 0; k < n_options; k++)
      if (commands[i].options & options[k].bit)
        zsh_option(to, &options[k]);
    fputs(
        "      '--help[what the command does]' \\\n"
        "      '*:capture:_files -g \"*(/) *.(pcap|pcapng|cap)(|.gz)\"'\n"
        "    ;;\n",
        to);
  }
  fputs("  esac\n}\n\n_quicpcap \"$@\"\n", to);
}

int qp_completion(const char *shell, FILE *out, FILE *talk) {
  if (!strcmp(shell, "bash")) {
    bash(out);
  } else if (!strcmp(shell, "zsh")) {
    zsh(out);
  } else {
    fprintf(talk, "quicpcap completion: expected bash or zsh, found \"%s\"\n", shell);
    return 2;
  }
  return 0;
}
