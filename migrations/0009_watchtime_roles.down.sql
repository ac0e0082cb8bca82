-- Takes away the roles of members, on both databases. What the bot gave in Discord stays there.
DROP TABLE role_checks;
DROP TABLE watchtime_roles;
DROP TABLE role_grants;
DROP TABLE role_changes;
