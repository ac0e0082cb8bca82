-- Takes away who holds what, on both databases. Sessions with Discord are begun anew, or are the older program's own.
DROP TABLE leases;
