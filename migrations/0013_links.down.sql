-- Takes away that a member has one account at a time, on both databases. The program before makes no second one either.
DROP INDEX links_member_open;
