// One function per subcommand of `fathom`. Each adds its options to the program and, when chosen, runs in a callback.
// Arguments and the environment are read in this room and nowhere below it.
#pragma once

namespace CLI {
class App;
}

namespace fathom {

void add_inspect_command(CLI::App& program);
void add_random_command(CLI::App& program);
void add_tokenize_command(CLI::App& program);
void add_prompt_command(CLI::App& program);
void add_parse_command(CLI::App& program);
void add_check_command(CLI::App& program);
void add_logits_command(CLI::App& program);
void add_generate_command(CLI::App& program);
void add_chat_command(CLI::App& program);
void add_serve_command(CLI::App& program);
void add_keys_command(CLI::App& program);
void add_accounts_command(CLI::App& program);
void add_usage_command(CLI::App& program);
void add_corpus_command(CLI::App& program);
void add_train_command(CLI::App& program);
void add_eval_command(CLI::App& program);
void add_bench_command(CLI::App& program);

}  // namespace fathom
