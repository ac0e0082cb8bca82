-- Takes away who holds what, on both databases: sessions with Discord are begun anew.
DROP TABLE leases;
