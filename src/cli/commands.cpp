#include "cli/commands.h"

namespace guildhall::cli {

const std::vector<Command>& commands() {
  static const std::vector<Command> all = [] {
    std::vector<Command> made;
    add_run_commands(made);
    add_demo_command(made);
    add_sim_command(made);
    add_sim_load_command(made);
    add_sim_check_command(made);
    add_server_commands(made);
    add_settings_commands(made);
    add_member_commands(made);
    add_account_commands(made);
    add_setup_commands(made);
    add_doctor_commands(made);
    add_migrate_commands(made);
    add_migrate_backup_commands(made);
    add_convert_commands(made);
    add_import_commands(made);
    add_move_command(made);
    add_keys_commands(made);
    add_config_commands(made);
    return made;
  }();
  return all;
}

}  // namespace guildhall::cli
