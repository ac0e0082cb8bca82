-- Takes away who is disabled, on both databases: all of them can sign in again.
DROP TABLE disabled_accounts;
