-- Takes away what an import remembers, on both databases: a later import would bring everything again.
DROP TABLE identity_lookups;
DROP TABLE import_carried;
