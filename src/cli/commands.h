// The commands by file; each adds its own (commands.cpp lists them).
#pragma once

#include <vector>

#include "cli/command.h"

namespace guildhall::cli {

void add_run_commands(std::vector<Command>& commands);
void add_demo_command(std::vector<Command>& commands);
void add_sim_command(std::vector<Command>& commands);
void add_sim_load_command(std::vector<Command>& commands);
void add_sim_check_command(std::vector<Command>& commands);
void add_server_commands(std::vector<Command>& commands);
void add_settings_commands(std::vector<Command>& commands);
void add_member_commands(std::vector<Command>& commands);
void add_account_commands(std::vector<Command>& commands);
void add_setup_commands(std::vector<Command>& commands);
void add_doctor_commands(std::vector<Command>& commands);
void add_move_command(std::vector<Command>& commands);
void add_migrate_commands(std::vector<Command>& commands);
void add_migrate_backup_commands(std::vector<Command>& commands);
void add_convert_commands(std::vector<Command>& commands);
void add_import_commands(std::vector<Command>& commands);
void add_keys_commands(std::vector<Command>& commands);
void add_config_commands(std::vector<Command>& commands);

}  // namespace guildhall::cli
