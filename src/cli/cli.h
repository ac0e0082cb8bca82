// cli: the commands of the binary, one file each; main.cpp only dispatches.
//
//   command.h     what a command declares: path, options, example, what it does
//   parse.h       argv -> the command and its arguments, with suggestions for typing errors
//   workspace.h   configuration, folders, schema and tenancy opened for a command
//
// Called by main only. Every command: --help with an example, --config FILE, --json (exactly one
// object on stdout, everything else on stderr), documented exit codes. Bad input is refused before
// anything is changed.
#pragma once
